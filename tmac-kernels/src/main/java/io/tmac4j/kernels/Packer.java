package io.tmac4j.kernels;

import io.tmac4j.bindings.spi.ParallelTask;
import io.tmac4j.bindings.spi.WeightTensor;
import io.tmac4j.bindings.spi.WorkerPool;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Brings a tensor from ggml's rows of blocks into tiles, a tile a chunk. */
record Packer(PackedMatrix matrix, WeightTensor source, Queue<Long> apart) implements ParallelTask {

    private static final Logger LOG = LoggerFactory.getLogger(Packer.class);

    /**
     * Packs a tensor on {@code threads} threads, with fewer bits than its type has if it uses few codes.
     *
     * @param tuning which form it takes, and how its products are cut, unless it takes fewer bits
     */
    static PackedMatrix pack(BlockFormat type, WeightTensor source, TypeTuning tuning, WorkerPool pool, int threads) {
        BlockFormat format = NarrowedFormat.of(type, source, tuning.lookups(), pool, threads);
        PackedMatrix matrix = unpacked(format, format instanceof NarrowedFormat ? TypeTuning.standard(format) : tuning,
                Math.toIntExact(source.rows()), Math.toIntExact(source.k()), source.experts());
        try {
            fill(matrix, source, pool, threads);
        } catch (Throwable t) {
            matrix.close();
            throw t;
        }
        return matrix;
    }

    /** Fills matrices that hold nothing yet. */
    static void fill(PackedMatrix matrix, WeightTensor source, WorkerPool pool, int threads) {
        Packer packer = new Packer(matrix, source, new ConcurrentLinkedQueue<>());
        pool.run(threads, packer);
        packer.setApart();
    }

    /** Matrices that hold nothing yet. */
    static PackedMatrix unpacked(BlockFormat format, TypeTuning tuning, int rows, int k, int experts) {
        PackedMatrix matrix = tuning.lookups()
                ? new LookupMatrix(format, format.lookupForm().orElseThrow(), tuning.mode(), k, rows, experts)
                : new WordMatrix(format, format.packedWords(tuning.mode()).orElseThrow(), k, rows, experts);
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
        int expert = chunk / matrix.tiles();
        int tile = chunk % matrix.tiles();
        matrix.pack(source.address(), expert, tile);
        // the rows are in the cache now
        int last = Math.min(matrix.rows(), (tile + 1) * matrix.tileRows());
        for (int row = tile * matrix.tileRows(); row < last; row++) {
            if (!takes(matrix.sourceRow(source.address(), expert, row))) {
                apart.add((long) expert * matrix.rows() + row);
            }
        }
    }

    private boolean takes(long row) {
        int size = source.type().blockBytes();
        for (long block = row; block < row + source.rowBytes(); block += size) {
            if (!matrix.takes(block)) {
                return false;
            }
        }
        return true;
    }

    private void setApart() {
        if (!apart.isEmpty()) {
            long[] places = apart.stream().mapToLong(Long::longValue).toArray();
            matrix.rowsApart(RowsApart.copy(matrix.format(), source, places));
            LOG.warn("{}: {} of {} rows have scales that are infinite or no numbers, or codes that {} does not have;"
                    + " they are multiplied in plain Java", source.name(), places.length, source.rows() * source.experts(),
                    source.type().ggmlName());
        }
    }
}
