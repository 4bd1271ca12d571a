package io.tmac4j.bindings.ggml;

import io.tmac4j.bindings.spi.MatMulEngine;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;

/** What the buffers of one model share: its engine, the plan for its tensors, and the first thing that went wrong. */
final class ModelLoad {

    private final MatMulEngine engine;
    private final WeightPlan plan;
    private final Set<WeightBuffer> buffers = ConcurrentHashMap.newKeySet();
    private final AtomicReference<Throwable> failure = new AtomicReference<>();

    ModelLoad(MatMulEngine engine, WeightPlan plan) {
        this.engine = engine;
        this.plan = plan;
    }

    MatMulEngine engine() {
        return engine;
    }

    WeightPlan plan() {
        return plan;
    }

    void add(WeightBuffer buffer) {
        buffers.add(buffer);
    }

    void remove(WeightBuffer buffer) {
        buffers.remove(buffer);
    }

    void fail(Throwable cause) {
        failure.compareAndSet(null, cause);
    }

    boolean hasFailed() {
        return failure.get() != null;
    }

    Throwable takeFailure() {
        return failure.getAndSet(null);
    }

    /** The last step of loading: what lies in host memory and is the engine's besides is packed. */
    void finish() {
        try {
            buffers.forEach(WeightBuffer::packHostTensors);
        } catch (Throwable t) {
            fail(t);
        }
    }

    long packedBytes() {
        return buffers.stream().mapToLong(WeightBuffer::packedBytes).sum();
    }
}
