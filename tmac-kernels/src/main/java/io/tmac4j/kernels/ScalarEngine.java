package io.tmac4j.kernels;

import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.spi.MatMul;
import io.tmac4j.bindings.spi.MatMulBatch;
import io.tmac4j.bindings.spi.MatMulEngine;
import io.tmac4j.bindings.spi.PackedWeights;
import io.tmac4j.bindings.spi.ParallelTask;
import io.tmac4j.bindings.spi.WeightTensor;
import io.tmac4j.bindings.spi.WorkerPool;
import java.util.Optional;

/** The same products in plain Java, for VMs without vectors: right, and slow. */
final class ScalarEngine implements MatMulEngine {

    private static final int LANES = 16;

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
        BlockFormat format = BlockFormat.of(source.type()).orElseThrow();
        return Packer.pack(format, source, LANES, 1, pool, Runtime.getRuntime().availableProcessors());
    }

    @Override
    public void multiply(MatMulBatch batch) {
        for (int p = 0; p < batch.size(); p++) {
            MatMul product = batch.product(p);
            PackedLayout layout = ((PackedMatrix) product.weights()).layout();
            batch.pool().run(batch.threads(), new Rows(product, batch, layout));
        }
    }

    /** One product; a chunk is a tile of rows. */
    private record Rows(MatMul product, MatMulBatch batch, PackedLayout layout) implements ParallelTask {

        @Override
        public int phases() {
            return 1;
        }

        @Override
        public int chunks(int phase) {
            return layout.tiles();
        }

        @Override
        public void run(int phase, int chunk, int worker) {
            if (batch.isCancelled()) {
                return;
            }
            int last = Math.min(layout.rows(), (chunk + 1) * layout.tileRows());
            for (int row = chunk * layout.tileRows(); row < last; row++) {
                multiplyRow(row);
            }
        }

        private void multiplyRow(int row) {
            float[] weights = new float[layout.k()];
            int unpacked = -1;
            for (int c = 0; c < product.columns(); c++) {
                int expert = product.expert(c);
                if (expert != unpacked) {
                    ScalarReference.unpackRow((PackedMatrix) product.weights(), expert, row, weights);
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
