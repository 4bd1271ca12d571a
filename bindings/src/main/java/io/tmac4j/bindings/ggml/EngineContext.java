package io.tmac4j.bindings.ggml;

import io.tmac4j.bindings.GraphPiece;
import io.tmac4j.bindings.generated.LlamaCpp;
import io.tmac4j.bindings.generated.ggml_abort_callback;
import io.tmac4j.bindings.generated.ggml_backend;
import io.tmac4j.bindings.generated.ggml_backend_device;
import io.tmac4j.bindings.spi.MatMulBatch;
import io.tmac4j.bindings.spi.WorkerPool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;

/**
 * The backend of one llama.cpp context. It has a {@code ggml_backend_device} of its own, a copy of the registered one: ggml
 * passes only the device when it asks whether an operation is taken, and the answer differs from context to context.
 */
final class EngineContext implements EngineBridge.ContextLink, MatMulBatch.Cancellation, AutoCloseable {

    private static final MethodHandle ABORT_CALLBACK = Ggml.function(ggml_abort_callback.descriptor());

    private final Arena arena = Arena.ofShared();
    private final MemorySegment backend = ggml_backend.allocate(arena);
    private final MemorySegment device = ggml_backend_device.allocate(arena);
    private final ModelLoad model;
    private final GraphRunner runner;
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private volatile MemorySegment abortCallback = MemorySegment.NULL;
    private volatile long abortData;
    private volatile MemorySegment context = MemorySegment.NULL;
    private volatile Throwable gaveUp;
    private int doubts;
    private boolean closed;

    EngineContext(ModelLoad model, int threads, int batchThreads) {
        this.model = model;
        this.runner = new GraphRunner(WorkerPool.shared(), model.engine().attention(), this, threads, batchThreads);
    }

    MemorySegment backend() {
        return backend;
    }

    MemorySegment device() {
        return device;
    }

    void context(MemorySegment created) {
        context = created;
    }

    @Override
    public MemorySegment context() {
        return context;
    }

    /**
     * Whether attention is this backend's. Not before llama.cpp has made the context: while making it, llama.cpp turns
     * flash attention off if it finds it on another device than the layer's.
     */
    boolean takesAttention(long node) {
        return context.address() != 0 && runner.takesAttention(node);
    }

    @Override
    public void threads(int decode, int batch) {
        runner.threads(decode, batch);
    }

    @Override
    public void watch(List<GraphPiece> pieces) {
        runner.watch(pieces);
    }

    @Override
    public Optional<Throwable> takeFailure() {
        Throwable own = failure.getAndSet(null);
        return Optional.ofNullable(own != null ? own : model.takeFailure());
    }

    void fail(Throwable cause) {
        failure.compareAndSet(null, cause);
    }

    /** From now on it computes nothing: its graphs may hold operations that the engine does not offer. */
    void giveUp(Throwable cause) {
        gaveUp = cause;
    }

    /** The device's count of doubts when this was made. */
    int doubts() {
        return doubts;
    }

    void doubts(int count) {
        doubts = count;
    }

    /** Fails if something went wrong before, of which nobody has been told. */
    int compute(long graph) {
        if (gaveUp != null) {
            throw new IllegalStateException("the context cannot go on after a failure, close it: " + gaveUp.getMessage(), gaveUp);
        }
        if (model.hasFailed() || failure.get() != null) {
            return LlamaCpp.GGML_STATUS_FAILED();
        }
        return runner.compute(graph);
    }

    void abortCallback(MemorySegment callback, MemorySegment data) {
        abortData = data.address();
        abortCallback = callback;
    }

    @Override
    public boolean isCancelled() {
        MemorySegment callback = abortCallback;
        if (callback.address() == 0) {
            return false;
        }
        try {
            return (boolean) ABORT_CALLBACK.invokeExact(callback, abortData);
        } catch (Throwable t) {
            throw Ggml.unexpected(t);
        }
    }

    /** Called when llama.cpp frees the backend with its context, or when the context could not be made. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        try {
            runner.close();
        } finally {
            arena.close();
        }
    }
}
