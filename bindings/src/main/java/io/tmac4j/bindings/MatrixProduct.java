package io.tmac4j.bindings;

import io.tmac4j.bindings.ggml.EngineBridge;
import io.tmac4j.bindings.spi.EngineVariant;
import java.util.List;
import java.util.Optional;

/**
 * Products of one matrix of weights with columns of activations on one engine, outside of any model: what kernels are measured
 * and checked with. Not for use by several threads at once.
 */
public sealed interface MatrixProduct extends AutoCloseable permits LlamaProduct, EngineProduct {

    /**
     * Why the engine does not multiply with weights of this type and shape, or empty if it does.
     *
     * @throws IllegalStateException if the engine cannot run here
     */
    static Optional<String> refusal(Engine engine, GgmlType type, int rows, int k) {
        return engine.isLlamaCpp() ? Optional.empty() : EngineBridge.multiplier(engine).refusal(type, k, rows);
    }

    /**
     * One line on what the engine chose on this machine.
     *
     * @throws IllegalStateException if the engine cannot run here
     */
    static String description(Engine engine) {
        return engine.isLlamaCpp() ? LlamaCppLibrary.load().toString() : EngineBridge.multiplier(engine).description();
    }

    /**
     * Gives the weights to an engine, which packs them in its own form.
     *
     * @param copies how often the weights are held: products take turns among the copies, so that with enough of them no cache
     *               still holds what is read next
     * @throws IllegalArgumentException if the engine refuses these weights
     * @throws LlamaException           if llama.cpp cannot allocate them
     * @throws OutOfMemoryError         if the engine cannot allocate them
     */
    static MatrixProduct open(Engine engine, WeightMatrix weights, int copies) {
        requireCopies(copies);
        LlamaCppLibrary.load();
        refusal(engine, weights.type(), weights.rows(), weights.k()).ifPresent(reason -> {
            throw refused(engine.name(), weights, reason);
        });
        return engine.isLlamaCpp() ? new LlamaProduct(weights, copies)
                : new EngineProduct(EngineBridge.multiplier(engine), weights, copies);
    }

    /**
     * Gives the weights to one of an engine's variants, which packs them in its own form.
     *
     * @param copies see {@link #open(Engine, WeightMatrix, int)}
     * @throws IllegalArgumentException if the variant refuses these weights
     * @throws OutOfMemoryError         if it cannot allocate them
     */
    static MatrixProduct open(EngineVariant variant, WeightMatrix weights, int copies) {
        requireCopies(copies);
        variant.engine().refusal(weights.type(), weights.k(), weights.rows()).ifPresent(reason -> {
            throw refused(variant.name(), weights, reason);
        });
        return new EngineProduct(variant.engine(), weights, copies);
    }

    /**
     * Kernels that show what each of an engine's optimisations brings, the plainest first; empty if it has none here.
     *
     * @throws IllegalStateException if there is no such engine
     */
    static List<EngineVariant> variants(Engine engine) {
        return engine.isLlamaCpp() ? List.of() : EngineBridge.variants(engine);
    }

    private static void requireCopies(int copies) {
        if (copies < 1) {
            throw new IllegalArgumentException("there must be at least one copy of the weights, not " + copies);
        }
    }

    private static IllegalArgumentException refused(String name, WeightMatrix weights, String reason) {
        return new IllegalArgumentException(name + " does not take " + weights.rows() + " x " + weights.k() + " weights of "
                + weights.type().ggmlName() + ": " + reason);
    }

    /**
     * Sets what the following runs multiply with.
     *
     * @param activations columns of {@code k} floats, one after the other
     * @param repeats     products that each run computes with each copy of the weights
     * @param threads     threads to compute on
     * @throws IllegalArgumentException if there is no whole number of columns, or another number is below 1
     */
    void prepare(float[] activations, int repeats, int threads);

    /** Computes copies times repeats products, one after the other. {@link #prepare} must come first. */
    void run();

    /** Results of the last product of the last run: columns of {@code rows} floats, one after the other. */
    float[] results();

    /** Bytes of one copy of the weights in this engine's form. */
    long weightBytes();

    /** What the weights were packed as, for people: a buffer type of llama.cpp, a layout of the engine. */
    String form();

    /** Frees the weights; closing twice does nothing. */
    @Override
    void close();
}
