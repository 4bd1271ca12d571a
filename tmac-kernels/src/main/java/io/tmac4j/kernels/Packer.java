package io.tmac4j.kernels;

import io.tmac4j.bindings.spi.ParallelTask;
import io.tmac4j.bindings.spi.WeightTensor;
import io.tmac4j.bindings.spi.WorkerPool;

/** Brings a tensor from ggml's rows of blocks into tiles, a tile a chunk. */
record Packer(PackedMatrix matrix, WeightTensor source) implements ParallelTask {

    /**
     * Packs a tensor on {@code threads} threads, with fewer bits than its type has if it uses few codes.
     *
     * @param width which kernels the VM has
     */
    static PackedMatrix pack(BlockFormat type, WeightTensor source, VectorWidth width, WorkerPool pool, int threads) {
        int k = Math.toIntExact(source.k());
        int rows = Math.toIntExact(source.rows());
        BlockFormat format = NarrowedFormat.of(type, source, pool, threads);
        PackedMatrix matrix = width.looksUp(format)
                ? new LookupMatrix(format, format.lookupForm().orElseThrow(), k, rows, source.experts())
                : new WordMatrix(format, format.wordForm().orElseThrow(), k, rows, source.experts());
        try {
            pool.run(threads, new Packer(matrix, source));
        } catch (Throwable t) {
            matrix.close();
            throw t;
        }
        return matrix;
    }

    @Override
    public int phases() {
        return 1;
    }

    @Override
    public int chunks(int phase) {
        return matrix.tiles() * matrix.experts();
    }

    @Override
    public void run(int phase, int chunk, int worker) {
        matrix.pack(source.address(), chunk / matrix.tiles(), chunk % matrix.tiles());
    }
}
