package io.tmac4j.kernels;

import io.tmac4j.bindings.spi.ParallelTask;
import io.tmac4j.bindings.spi.WeightTensor;
import io.tmac4j.bindings.spi.WorkerPool;

/** Brings a tensor from ggml's rows of blocks into tiles, a tile a chunk. */
record Packer(PackedMatrix matrix, WeightTensor source) implements ParallelTask {

    /**
     * Packs a tensor on {@code threads} threads, with fewer bits than its type has if it uses few codes.
     *
     * @param tuning which form it takes, and how its products are cut, unless it takes fewer bits
     */
    static PackedMatrix pack(BlockFormat type, WeightTensor source, TypeTuning tuning, WorkerPool pool, int threads) {
        BlockFormat format = NarrowedFormat.of(type, source, pool, threads);
        PackedMatrix matrix = unpacked(format, format == type ? tuning : TypeTuning.standard(format),
                Math.toIntExact(source.rows()), Math.toIntExact(source.k()), source.experts());
        try {
            pool.run(threads, new Packer(matrix, source));
        } catch (Throwable t) {
            matrix.close();
            throw t;
        }
        return matrix;
    }

    /** Matrices that hold nothing yet. */
    static PackedMatrix unpacked(BlockFormat format, TypeTuning tuning, int rows, int k, int experts) {
        PackedMatrix matrix = tuning.lookups()
                ? new LookupMatrix(format, format.lookupForm().orElseThrow(), tuning.mode(), k, rows, experts)
                : new WordMatrix(format, format.wordForm().orElseThrow(), k, rows, experts);
        matrix.tuning(tuning);
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
