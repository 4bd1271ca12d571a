package io.tmac4j.comparison.naive;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.spi.MatMul;
import io.tmac4j.bindings.spi.MatMulBatch;
import io.tmac4j.bindings.spi.MatMulEngine;
import io.tmac4j.bindings.spi.OffHeap;
import io.tmac4j.bindings.spi.PackedWeights;
import io.tmac4j.bindings.spi.WeightTensor;
import io.tmac4j.bindings.spi.WorkerPool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** The smallest engine: unpacks TQ2_0 to floats when a model is loaded, and multiplies them one by one on the calling thread. */
final class NaiveEngine implements MatMulEngine {

    /** A TQ2_0 block: 256 weights of two bits, then their scale as a half float. */
    private static final int BLOCK_WEIGHTS = 256;
    private static final int BLOCK_BYTES = 66;

    @Override
    public String description() {
        return "naive, one product at a time";
    }

    @Override
    public Optional<String> refusal(GgmlType type, long k, long rows) {
        return type == GgmlType.TQ2_0 ? Optional.empty() : Optional.of("only TQ2_0 is taken, not " + type);
    }

    @Override
    public PackedWeights pack(WeightTensor source, WorkerPool pool) {
        Floats floats = new Floats(source.k(), source.rows(), source.experts());
        long blocks = source.byteSize() / BLOCK_BYTES;
        for (long block = 0; block < blocks; block++) {
            long from = source.address() + block * BLOCK_BYTES;
            float scale = Float.float16ToFloat(OffHeap.ALL.get(JAVA_SHORT_UNALIGNED, from + 64));
            for (int i = 0; i < BLOCK_WEIGHTS; i++) {
                // byte 32 * (i / 128) + i % 32 holds the weights i, i + 32, i + 64 and i + 96 in its bits from the lowest on
                int bits = OffHeap.ALL.get(JAVA_BYTE, from + 32 * (i / 128) + i % 32) >> 2 * (i % 128 / 32) & 3;
                floats.memory.setAtIndex(JAVA_FLOAT, block * BLOCK_WEIGHTS + i, (bits - 1) * scale);
            }
        }
        return floats;
    }

    @Override
    public void multiply(MatMulBatch batch) {
        for (int i = 0; i < batch.size() && !batch.isCancelled(); i++) {
            multiply(batch.product(i));
        }
    }

    private static void multiply(MatMul product) {
        Floats weights = (Floats) product.weights();
        for (int column = 0; column < product.columns(); column++) {
            long activation = product.activation(column);
            for (long row = 0; row < weights.rows; row++) {
                long first = (product.expert(column) * weights.rows + row) * weights.k;
                float sum = 0;
                for (long i = 0; i < weights.k; i++) {
                    sum += weights.memory.getAtIndex(JAVA_FLOAT, first + i)
                            * OffHeap.ALL.get(JAVA_FLOAT, activation + i * Float.BYTES);
                }
                OffHeap.ALL.set(JAVA_FLOAT, product.destination(column) + row * Float.BYTES, sum);
            }
        }
    }

    /** One tensor's weights; llama.cpp closes them with the model. */
    private static final class Floats implements PackedWeights {

        private final Arena arena = Arena.ofShared();
        private final MemorySegment memory;
        private final long k;
        private final long rows;

        Floats(long k, long rows, long experts) {
            this.k = k;
            this.rows = rows;
            memory = arena.allocate(JAVA_FLOAT, k * rows * experts);
        }

        @Override
        public long byteSize() {
            return memory.byteSize();
        }

        @Override
        public String description() {
            return "f32";
        }

        @Override
        public void close() {
            if (arena.scope().isAlive()) {
                arena.close();
            }
        }
    }
}
