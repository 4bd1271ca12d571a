package io.tmac4j.kernels;

import io.tmac4j.bindings.spi.ParallelTask;
import io.tmac4j.bindings.spi.WeightTensor;
import io.tmac4j.bindings.spi.WorkerPool;
import java.util.Arrays;

/**
 * Brings a tensor from ggml's rows of blocks into tiles. Eight rows at a time are encoded block by block into words of code
 * bytes,
 * and each 8 x 8 bytes of them are transposed on their way out, so that packing moves words only.
 */
final class Packer implements ParallelTask {

    /** Rows that are transposed together: the bytes of a word. */
    private static final int ROWS = 8;

    private final BlockFormat format;
    private final PackedLayout layout;
    private final WeightTensor source;
    private final long target;
    private final long[][] scratch;

    private Packer(BlockFormat format, WeightTensor source, PackedMatrix matrix, int threads) {
        this.format = format;
        this.source = source;
        this.layout = matrix.layout();
        this.target = matrix.address();
        this.scratch = new long[threads][ROWS * format.words()];
    }

    /** Packs a tensor on {@code threads} threads. */
    static PackedMatrix pack(BlockFormat format, WeightTensor source, int lanes, int vectors, WorkerPool pool, int threads) {
        PackedLayout layout = new PackedLayout(format.form(), Math.toIntExact(source.k()), Math.toIntExact(source.rows()),
                source.experts(), lanes, vectors);
        PackedMatrix matrix = new PackedMatrix(format, layout);
        try {
            pool.run(threads, new Packer(format, source, matrix, threads));
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
        return layout.tiles() * layout.experts();
    }

    @Override
    public void run(int phase, int chunk, int worker) {
        int expert = chunk / layout.tiles();
        int tile = chunk % layout.tiles();
        long tileAddress = target + layout.tileOffset(expert, tile);
        for (int lane = 0; lane < layout.tileRows(); lane += ROWS) {
            packLanes(expert, tile * layout.tileRows(), lane, tileAddress, scratch[worker]);
        }
    }

    private void packLanes(int expert, int firstRow, int lane, long tileAddress, long[] words) {
        int perRow = format.words();
        int tileRows = layout.tileRows();
        int halvesOffset = layout.halvesOffset();
        int sourceBlock = source.type().blockBytes();
        long expertSource = source.address() + expert * source.rows() * source.rowBytes();
        for (int block = 0; block < layout.blocks(); block++) {
            long blockAddress = tileAddress + (long) block * layout.blockBytes();
            for (int i = 0; i < ROWS; i++) {
                int rowInTile = layout.rowOf(lane + i);
                int row = firstRow + rowInTile;
                if (row >= layout.rows()) {
                    Arrays.fill(words, i * perRow, (i + 1) * perRow, 0);
                    continue;
                }
                long from = expertSource + row * source.rowBytes() + (long) block * sourceBlock;
                format.encode(from, words, i * perRow);
                long half = blockAddress + halvesOffset + layout.halfOffsetOf(rowInTile);
                for (int h = 0; h < layout.form().halves(); h++) {
                    Memory.i16(half + 2L * h * tileRows, Memory.i16(from + format.halfOffset(h)));
                }
            }
            for (int w = 0; w < perRow; w++) {
                Bits.transposeBytes(words, w, perRow, blockAddress + 8L * w * tileRows + lane, tileRows);
            }
        }
    }
}
