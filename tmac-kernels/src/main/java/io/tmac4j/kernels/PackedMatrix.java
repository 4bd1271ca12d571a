package io.tmac4j.kernels;

import io.tmac4j.bindings.spi.HugePages;
import io.tmac4j.bindings.spi.PackedWeights;
import java.lang.foreign.Arena;
import java.util.stream.IntStream;

/** The packed weights of one tensor: tiles of rows, and the decode kernel that multiplies them with a prepared column. */
abstract sealed class PackedMatrix implements PackedWeights permits LookupMatrix, WordMatrix {

    /** Tiles that the decode kernels work on together. */
    static final int TILES = 4;

    /** Alignment of the memory: a page, so that no vector crosses a cache line. */
    private static final long ALIGNMENT = 4096;

    private final BlockFormat format;
    private final int[] halfOffsets;
    private final int k;
    private final int rows;
    private final int experts;
    private final InputLayout inputLayout;
    private final float resultFactor;
    private final long byteSize;
    private final Arena arena = Arena.ofShared();
    private final long address;
    private TypeTuning tuning;
    private RowsApart rowsApart;
    private boolean closed;

    /**
     * Allocates memory.
     *
     * @param resultFactor what the results of {@link #fourTiles} are to be multiplied with
     * @throws OutOfMemoryError if there is not enough
     */
    PackedMatrix(BlockFormat format, int k, int rows, int experts, InputLayout inputLayout, float resultFactor, long byteSize) {
        this.format = format;
        this.halfOffsets = IntStream.range(0, format.f16Numbers()).map(format::halfOffset).toArray();
        this.k = k;
        this.rows = rows;
        this.experts = experts;
        this.inputLayout = inputLayout;
        this.resultFactor = resultFactor;
        this.byteSize = byteSize;
        this.address = HugePages.allocate(arena, byteSize, ALIGNMENT).address();
        this.tuning = TypeTuning.standard(format, this instanceof LookupMatrix);
    }

    /** Has products cut otherwise than is the standard; to be called before the first of them. */
    final void tuning(TypeTuning value) {
        tuning = value;
    }

    /** How products on that many threads are cut. */
    final TypeTuning.Work work(int threads) {
        return tuning.work(threads);
    }

    /** The format of the weights before packing. */
    final BlockFormat format() {
        return format;
    }

    /** Weights a row. */
    final int k() {
        return k;
    }

    /** Rows of one matrix. */
    final int rows() {
        return rows;
    }

    /** Number of matrices. */
    final int experts() {
        return experts;
    }

    /** How columns are prepared for {@link #multiply}. */
    final InputLayout inputLayout() {
        return inputLayout;
    }

    /** Rows whose results the kernels get wrong, or null, as nearly always. */
    final RowsApart rowsApart() {
        return rowsApart;
    }

    /** Sets {@link #rowsApart}; they are closed with this. */
    final void rowsApart(RowsApart rows) {
        rowsApart = rows;
    }

    /** Whether the kernels multiply with the block at {@code address}, in ggml's layout, as ggml does. */
    boolean takes(long address) {
        for (int offset : halfOffsets) {
            if (RowsApart.isNoNumber(Memory.i16(address + offset))) {
                return false;
            }
        }
        return !format.hasCodeThree(address);
    }

    /** Address of the first tile of expert 0. */
    final long address() {
        return address;
    }

    /** Rows of a tile. */
    abstract int tileRows();

    /** Bytes of a tile. */
    abstract long tileBytes();

    /** Tiles of one matrix, the last perhaps partly filled. */
    final int tiles() {
        return (rows + tileRows() - 1) / tileRows();
    }

    /** Address of a tile. */
    final long tile(int expert, int tile) {
        return address + ((long) expert * tiles() + tile) * tileBytes();
    }

    /** Bytes of one matrix. */
    final long matrixBytes() {
        return tiles() * tileBytes();
    }

    /** How mpGEMM walks along k. */
    abstract GemmShape gemmShape();

    /** Whether mpGEMM looks weights up in vector tables; else it multiplies them. */
    abstract boolean byTables();

    /** Sets of {@link #TILES} tiles that cover the tiles of one matrix. */
    final int sets() {
        return (tiles() + TILES - 1) / TILES;
    }

    /** Sets of a chunk of work of about {@code bytes}, at least one. */
    final int chunkSets(long bytes) {
        return Math.clamp(bytes / (TILES * tileBytes()), 1, sets());
    }

    /**
     * Tiles that each stream of a set is ahead of the one before it, in its own quarter, which it then ends with those that it
     * left out at first. A quarter is often a whole number of pages: without a lead all four streams have the same place in a
     * page, and so in the first-level cache, which costs some kernels up to a fifth.
     */
    int lead() {
        return 0;
    }

    /** Packs the rows of one tile from a tensor of this shape at {@code source}. */
    abstract void pack(long source, int expert, int tile);

    /**
     * Multiplies sets of tiles with a column. The tiles of a set stand about a quarter of the matrix apart, see {@link #lead}:
     * four long streams of memory. Tiles that the last quarter lacks are done twice.
     *
     * @param expert      which matrix
     * @param from        first set
     * @param to          end of the sets
     * @param input       column prepared as {@link #inputLayout} says
     * @param scratch     {@link #scratchBytes} bytes
     * @param destination where the result of row 0 of the matrix goes
     */
    final void multiply(int expert, int from, int to, long input, long scratch, long destination) {
        int last = tiles() - 1;
        int run = sets();
        int lead = lead();
        long tileBytes = tileBytes();
        long resultBytes = 4L * tileRows();
        for (int i = from; i < to; i++) {
            int tile1 = Math.min(run + (i + lead) % run, last);
            int tile2 = Math.min(2 * run + (i + 2 * lead) % run, last);
            int tile3 = Math.min(3 * run + (i + 3 * lead) % run, last);
            Memory.clear(scratch, TILES * resultBytes);
            fourTiles(tile(expert, i), (tile1 - i) * tileBytes, (tile2 - i) * tileBytes, (tile3 - i) * tileBytes, input,
                    scratch, scratch + TILES * resultBytes);
            store(i, scratch, destination);
            store(tile1, scratch + resultBytes, destination);
            store(tile2, scratch + 2 * resultBytes, destination);
            store(tile3, scratch + 3 * resultBytes, destination);
        }
    }

    private void store(int tile, long result, long destination) {
        int row = tile * tileRows();
        if (row + tileRows() <= rows) {
            WordScales.multiply(result, tileRows(), resultFactor, destination + 4L * row);
        } else {
            WordScales.multiply(result, tileRows(), resultFactor, result);
            Memory.copy(result, destination + 4L * row, 4L * (rows - row));
        }
    }

    /**
     * Multiplies four tiles with a column.
     *
     * @param tile    first of them
     * @param next1   bytes from it to the second, which is the same tile or stands behind
     * @param next2   the same for the third
     * @param next3   the same for the fourth
     * @param results where the results are added, {@link #tileRows} floats a tile, still to be multiplied by what scales and
     *                steps are off, the result factor
     * @param scratch {@link #tileScratchBytes} bytes
     */
    abstract void fourTiles(long tile, long next1, long next2, long next3, long input, long results, long scratch);

    /** Scratch memory of {@link #fourTiles}. */
    abstract long tileScratchBytes();

    /** Scratch memory of {@link #multiply}. */
    final long scratchBytes() {
        return TILES * 4L * tileRows() + tileScratchBytes();
    }

    /** Address of a row of the tensor that is packed. */
    final long sourceRow(long source, int expert, int row) {
        return source + ((long) expert * rows + row) * format.type().rowBytes(k);
    }

    @Override
    public final long byteSize() {
        return byteSize + (rowsApart == null ? 0 : rowsApart.byteSize());
    }

    @Override
    public final synchronized void close() {
        if (!closed) {
            closed = true;
            if (rowsApart != null) {
                rowsApart.close();
            }
            arena.close();
        }
    }
}
