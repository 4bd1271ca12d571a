package io.tmac4j.bindings.ggml;

import io.tmac4j.bindings.Engine;
import io.tmac4j.bindings.EngineReport;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Connects one model with the engine that multiplies its weights: says which tensors go to the engine's buffers, and
 * passes on what the upcalls could not throw.
 */
public interface EngineBridge extends AutoCloseable {

    /**
     * The bridge of a model about to be loaded.
     *
     * @throws IllegalStateException if the engine cannot run here or is not there; the message says why
     */
    static EngineBridge open(Engine engine, Path file) {
        throw new IllegalStateException("there is no engine \"" + engine + "\" for " + file);
    }

    /** The array for {@code llama_model_params.tensor_buft_overrides}, ended by a null entry. */
    MemorySegment overrides(Arena arena);

    /** What went wrong in an upcall while the model was loaded; checked before the model is used. */
    Optional<Throwable> loadFailure();

    EngineReport report();

    /**
     * Runs {@code create}, which calls {@code llama_init_from_model} on this thread, so that backends initialised meanwhile
     * are those of the new context. Contexts created outside of such a call are llama.cpp's alone.
     *
     * @param threads      threads of the engine for single tokens
     * @param batchThreads threads of the engine for batches
     */
    ContextLink createContext(int threads, int batchThreads, Supplier<MemorySegment> create);

    /** Called once, after the model is freed. */
    @Override
    void close();

    /** The part of the bridge that belongs to one context. */
    interface ContextLink {

        /** The {@code llama_context}, or null if llama.cpp could not create it. */
        MemorySegment context();

        void threads(int decode, int batch);

        /** What the last failing upcall caught since the last call, to be thrown by decode. */
        Optional<Throwable> takeFailure();
    }
}
