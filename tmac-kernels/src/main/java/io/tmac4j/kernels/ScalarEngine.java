package io.tmac4j.kernels;

import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.spi.MatMul;
import io.tmac4j.bindings.spi.MatMulBatch;
import io.tmac4j.bindings.spi.MatMulEngine;
import io.tmac4j.bindings.spi.PackedWeights;
import io.tmac4j.bindings.spi.ParallelTask;
import io.tmac4j.bindings.spi.WeightTensor;
import io.tmac4j.bindings.spi.WorkerPool;
import java.lang.foreign.Arena;
import java.util.Optional;

/** The same products in plain Java, for VMs without vectors: right, and slow. */
final class ScalarEngine implements MatMulEngine {

    private final String reason;

    ScalarEngine(String reason) {
        this.reason = reason;
    }

    @Override
    public String description() {
        return "plain Java without vectors: " + reason;
    }

    @Override
    public Optional<String> refusal(GgmlType type, long k, long rows) {
        return TmacEngine.refusalOf(type, k, rows);
    }

    @Override
    public PackedWeights pack(WeightTensor source, WorkerPool pool) {
        return new RawMatrix(source);
    }

    @Override
    public void multiply(MatMulBatch batch) {
        for (int p = 0; p < batch.size(); p++) {
            MatMul product = batch.product(p);
            batch.pool().run(batch.threads(), new Rows(product, batch, (RawMatrix) product.weights()));
        }
    }

    /** A copy of the weights in ggml's own layout. */
    private static final class RawMatrix implements PackedWeights {

        private final Arena arena = Arena.ofShared();
        private final WeightTensor tensor;
        private final BlockFormat format;
        private boolean closed;

        RawMatrix(WeightTensor source) {
            long address = arena.allocate(source.byteSize(), Long.BYTES).address();
            Memory.copy(source.address(), address, source.byteSize());
            tensor = new WeightTensor(source.name(), source.type(), source.k(), source.rows(), source.experts(), address);
            format = BlockFormat.of(source.type()).orElseThrow();
        }

        /** Address of a row. */
        long row(int expert, int row) {
            return tensor.address() + (expert * tensor.rows() + row) * tensor.rowBytes();
        }

        @Override
        public long byteSize() {
            return tensor.byteSize();
        }

        @Override
        public String description() {
            return "as in the file";
        }

        @Override
        public synchronized void close() {
            if (!closed) {
                closed = true;
                arena.close();
            }
        }
    }

    /** One product; a chunk is a few rows. */
    private record Rows(MatMul product, MatMulBatch batch, RawMatrix matrix) implements ParallelTask {

        private static final int CHUNK = 16;

        private int rows() {
            return (int) matrix.tensor.rows();
        }

        @Override
        public int phases() {
            return 1;
        }

        @Override
        public int chunks(int phase) {
            return (rows() + CHUNK - 1) / CHUNK;
        }

        @Override
        public void run(int phase, int chunk, int worker) {
            int last = Math.min(rows(), (chunk + 1) * CHUNK);
            for (int row = chunk * CHUNK; row < last && !batch.isCancelled(); row++) {
                multiplyRow(row);
            }
        }

        private void multiplyRow(int row) {
            float[] weights = new float[(int) matrix.tensor.k()];
            int unpacked = -1;
            for (int c = 0; c < product.columns(); c++) {
                int expert = product.expert(c);
                if (expert != unpacked) {
                    ScalarReference.unpackRow(matrix.format, matrix.row(expert, row), weights, weights.length);
                    unpacked = expert;
                }
                float sum = 0;
                long activations = product.activation(c);
                for (int i = 0; i < weights.length; i++) {
                    sum += weights[i] * Memory.f32(activations + 4L * i);
                }
                Memory.f32(product.destination(c) + 4L * row, sum);
            }
        }
    }
}
