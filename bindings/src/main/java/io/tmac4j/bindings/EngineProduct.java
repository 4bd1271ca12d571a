package io.tmac4j.bindings;

import io.tmac4j.bindings.spi.MatMulBatch;
import io.tmac4j.bindings.spi.MatMulEngine;
import io.tmac4j.bindings.spi.PackedWeights;
import io.tmac4j.bindings.spi.WeightTensor;
import io.tmac4j.bindings.spi.WorkerPool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/** Products by an engine of the SPI, each a batch of its own, as the bridge gives a matrix that shares its input with none. */
final class EngineProduct implements MatrixProduct {

    private static final int ALIGNMENT = 64;

    private final MatMulEngine engine;
    private final WeightMatrix weights;
    private final List<PackedWeights> packed = new ArrayList<>();
    private final MatMulBatch batch = new MatMulBatch(WorkerPool.shared(), () -> false);
    private Arena arena = Arena.ofShared();
    private MemorySegment input = MemorySegment.NULL;
    private MemorySegment output = MemorySegment.NULL;
    private int columns;
    private int repeats;
    private int threads;

    EngineProduct(MatMulEngine engine, WeightMatrix weights, int copies) {
        this.engine = engine;
        this.weights = weights;
        boolean done = false;
        try (Arena source = Arena.ofShared()) {
            MemorySegment blocks = source.allocate(weights.blocks().length, ALIGNMENT);
            MemorySegment.copy(weights.blocks(), 0, blocks, ValueLayout.JAVA_BYTE, 0, weights.blocks().length);
            WeightTensor tensor = new WeightTensor("weights", weights.type(), weights.k(), weights.rows(), 1, blocks.address());
            for (int i = 0; i < copies; i++) {
                packed.add(engine.pack(tensor, WorkerPool.shared()));
            }
            done = true;
        } finally {
            if (!done) {
                close();
            }
        }
    }

    @Override
    public void prepare(float[] activations, int newRepeats, int newThreads) {
        columns = LlamaProduct.columns(weights, activations, newRepeats, newThreads);
        repeats = newRepeats;
        threads = newThreads;
        arena.close();
        arena = Arena.ofShared();
        input = arena.allocate(ValueLayout.JAVA_FLOAT.byteSize() * activations.length, ALIGNMENT);
        MemorySegment.copy(activations, 0, input, ValueLayout.JAVA_FLOAT, 0, activations.length);
        output = arena.allocate(ValueLayout.JAVA_FLOAT.byteSize() * weights.rows() * columns, ALIGNMENT);
    }

    @Override
    public void run() {
        if (columns == 0) {
            throw new IllegalStateException("there is nothing to multiply with yet");
        }
        for (int repeat = 0; repeat < repeats; repeat++) {
            for (int copy = 0; copy < packed.size(); copy++) {
                batch.clear(threads);
                batch.add().dense(packed.get(copy), columns, input.address(), (long) Float.BYTES * weights.k(),
                        output.address(), (long) Float.BYTES * weights.rows());
                engine.multiply(batch);
            }
        }
    }

    @Override
    public float[] results() {
        return output.toArray(ValueLayout.JAVA_FLOAT);
    }

    @Override
    public long weightBytes() {
        return packed.getFirst().byteSize();
    }

    @Override
    public String form() {
        return packed.getFirst().description();
    }

    @Override
    public void close() {
        columns = 0;
        batch.closeEngineState();
        packed.forEach(PackedWeights::close);
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
