package io.tmac4j.bindings.ggml;

import io.tmac4j.bindings.Engine;
import io.tmac4j.bindings.EngineReport;
import io.tmac4j.bindings.GraphPiece;
import io.tmac4j.bindings.generated.llama_model_tensor_buft_override;
import io.tmac4j.bindings.spi.EngineVariant;
import io.tmac4j.bindings.spi.MatMulEngine;
import io.tmac4j.bindings.spi.MatMulEngineProvider;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.function.Supplier;

/**
 * Connects one model with the engine that multiplies its weights: says which tensors go to the engine's buffers, and passes
 * on what the upcalls could not throw. The memory of the weights belongs to llama.cpp's buffers and goes with the model.
 */
public final class EngineBridge {

    private static final Map<String, MatMulEngine> ENGINES = new HashMap<>();

    private final Engine engine;
    private final ModelLoad load;

    /** The part of the bridge that belongs to one context. */
    public interface ContextLink {

        /** The {@code llama_context}, or null if llama.cpp could not create it. */
        MemorySegment context();

        /** Threads of the engine for single tokens and for batches, the caller's thread included. */
        void threads(int decode, int batch);

        /** Adds what is computed from now on to a list; null ends that. */
        void watch(List<GraphPiece> pieces);

        /** What an upcall caught first since the last call, to be thrown by decode. */
        Optional<Throwable> takeFailure();
    }

    private EngineBridge(Engine engine, ModelLoad load) {
        this.engine = engine;
        this.load = load;
    }

    /**
     * The bridge of a model about to be loaded. The first one of a JVM opens the engine and registers the Java device.
     *
     * @throws IllegalStateException if the engine cannot run here or is not there; the message says why
     */
    public static EngineBridge open(Engine engine, Path file) {
        MatMulEngine multiplier = multiplier(engine);
        WeightPlan plan = WeightPlan.of(ModelTensor.read(file), multiplier);
        JavaDevice.get();
        return new EngineBridge(engine, new ModelLoad(multiplier, plan));
    }

    /**
     * The engine behind a name other than llama.cpp's, opened by the first call of a JVM.
     *
     * @throws IllegalStateException if it cannot run here or is not there; the message says why
     */
    public static MatMulEngine multiplier(Engine engine) {
        synchronized (ENGINES) {
            return ENGINES.computeIfAbsent(engine.name(), name -> provider(name).open());
        }
    }

    /**
     * Kernels that show what each of an engine's optimisations brings, see {@link MatMulEngineProvider#variants()}.
     *
     * @throws IllegalStateException if the engine is not there
     */
    public static List<EngineVariant> variants(Engine engine) {
        return provider(engine.name()).variants();
    }

    private static MatMulEngineProvider provider(String name) {
        return ServiceLoader.load(MatMulEngineProvider.class, EngineBridge.class.getClassLoader()).stream()
                .map(ServiceLoader.Provider::get)
                .filter(provider -> provider.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("there is no engine \"" + name + "\""));
    }

    /** The array for {@code llama_model_params.tensor_buft_overrides}, ended by a null entry. */
    public MemorySegment overrides(Arena arena) {
        JavaDevice device = JavaDevice.get();
        List<WeightPlan.Override> overrides = load.plan().overrides();
        MemorySegment array = llama_model_tensor_buft_override.allocateArray(overrides.size() + 1L, arena);
        array.fill((byte) 0);
        for (int i = 0; i < overrides.size(); i++) {
            WeightPlan.Override override = overrides.get(i);
            MemorySegment entry = llama_model_tensor_buft_override.asSlice(array, i);
            llama_model_tensor_buft_override.pattern(entry, arena.allocateFrom(override.pattern()));
            llama_model_tensor_buft_override.buft(entry,
                    override.place() == WeightPlan.Place.PACKED ? device.packedType() : device.hostType());
        }
        return array;
    }

    /**
     * Runs {@code call}, which calls {@code llama_model_load_from_file} on this thread, and completes the load.
     *
     * @return the {@code llama_model} or null, as llama.cpp gave it; {@link #loadFailure()} must be asked before it is used
     */
    public MemorySegment load(Supplier<MemorySegment> call) {
        JavaDevice device = JavaDevice.get();
        device.loading(load);
        try {
            MemorySegment model = call.get();
            if (model.address() != 0 && !load.hasFailed()) {
                load.finish();
            }
            return model;
        } finally {
            device.loading(null);
        }
    }

    /**
     * Runs {@code call}, which calls {@code llama_adapter_lora_init} on this thread. llama.cpp asks for memory of the kind that
     * the changed weights lie in; while this runs it gets the CPU's, so that ggml computes the products with the adapter.
     *
     * @return the {@code llama_adapter_lora} or null, as llama.cpp gave it
     */
    public MemorySegment adapt(Supplier<MemorySegment> call) {
        JavaDevice device = JavaDevice.get();
        device.adapting(true);
        try {
            return call.get();
        } finally {
            device.adapting(false);
        }
    }

    /** Whether an upcall has failed, so that it is no use to go on loading. */
    public boolean hasFailed() {
        return load.hasFailed();
    }

    /** What went wrong in an upcall while the model was loaded; the model must then be freed. */
    public Optional<Throwable> loadFailure() {
        return Optional.ofNullable(load.takeFailure());
    }

    /** Who multiplies with which weights. */
    public EngineReport report() {
        return new EngineReport(engine, load.engine().description(),
                load.plan().matrices().stream().map(WeightPlan.Item::placement).toList(), load.packedBytes());
    }

    /**
     * Runs {@code create}, which calls {@code llama_init_from_model} on this thread, so that the backend initialised
     * meanwhile is that of the new context. Contexts created outside of such a call are llama.cpp's alone.
     *
     * @param threads      threads of the engine for single tokens
     * @param batchThreads threads of the engine for batches
     */
    public ContextLink createContext(int threads, int batchThreads, Supplier<MemorySegment> create) {
        JavaDevice device = JavaDevice.get();
        EngineContext context = new EngineContext(load, threads, batchThreads);
        device.creating(context);
        MemorySegment created = MemorySegment.NULL;
        try {
            created = create.get();
            context.context(created);
            return context;
        } finally {
            device.creating(null);
            if (created.address() == 0) {
                context.close();
            }
        }
    }
}
