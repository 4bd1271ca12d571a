package io.tmac4j.kernels;

import static io.tmac4j.kernels.Species.LANES;

import java.util.Arrays;

/**
 * Weights of one or two bits as table indices. An mpGEMV alternates between two stages, lookups and scales, over as many
 * blocks as
 * their scratch memory holds; each stage is a method that is compiled by itself, and no vector passes from one to the other.
 */
final class LookupMatrix extends PackedMatrix {

    /** Vectors a tile. */
    static final int VECTORS = 2;

    /** Blocks that the two stages hand over at a time. */
    private static final int BLOCKS = 16;

    private static final int TILE_ROWS = VECTORS * LANES;

    private static final long SUMS_BYTES = (long) BLOCKS * LookupKernels.SUMS;

    /** Rows that are transposed together when packing: the bytes of a word. */
    private static final int PACK_ROWS = 8;

    private final LookupLayout layout;
    private final TableLayout tables;
    private final GemmShape gemmShape;

    LookupMatrix(BlockFormat format, LookupForm form, int k, int rows, int experts) {
        this(format, new LookupLayout(form, k, rows, experts, LANES, VECTORS), new TableLayout(form, k));
    }

    private LookupMatrix(BlockFormat format, LookupLayout layout, TableLayout tables) {
        super(format, layout.k(), layout.rows(), layout.experts(), tables, layout.byteSize());
        this.layout = layout;
        this.tables = tables;
        this.gemmShape = GemmShape.of(layout.form());
    }

    /** Where everything stands. */
    LookupLayout layout() {
        return layout;
    }

    @Override
    public String description() {
        return layout.form().name() + ", tiles of " + TILE_ROWS + " rows";
    }

    @Override
    int tileRows() {
        return TILE_ROWS;
    }

    @Override
    long tileBytes() {
        return layout.tileBytes();
    }

    @Override
    GemmShape gemmShape() {
        return gemmShape;
    }

    @Override
    boolean byTables() {
        return true;
    }

    @Override
    int tilesTogether() {
        return 1;
    }

    @Override
    long scratchBytes() {
        return SUMS_BYTES + 4L * TILE_ROWS;
    }

    /**
     * Eight rows at a time are encoded block by block into words of code bytes, and each 8 x 8 bytes of them are transposed on
     * their
     * way out, so that packing moves words only.
     */
    @Override
    void pack(long source, int expert, int tile) {
        int perRow = layout.form().codeBytes() / Long.BYTES;
        long[] words = new long[PACK_ROWS * perRow];
        for (int lane = 0; lane < TILE_ROWS; lane += PACK_ROWS) {
            for (int block = 0; block < layout.blocks(); block++) {
                packBlock(source, expert, tile, lane, block, words, perRow);
            }
        }
    }

    private void packBlock(long source, int expert, int tile, int lane, int block, long[] words, int perRow) {
        long target = tile(expert, tile) + (long) block * layout.blockBytes();
        for (int i = 0; i < PACK_ROWS; i++) {
            int rowInTile = layout.rowOf(lane + i);
            int row = tile * TILE_ROWS + rowInTile;
            long half = target + layout.halvesOffset() + layout.halfOffsetOf(rowInTile);
            if (row >= rows()) {
                Arrays.fill(words, i * perRow, (i + 1) * perRow, 0);
                Memory.i16(half, (short) 0);
            } else {
                long from = sourceRow(source, expert, row) + (long) block * format().type().blockBytes();
                format().encodeIndices(from, words, i * perRow);
                Memory.i16(half, Memory.i16(from + format().halfOffset(0)));
            }
        }
        for (int w = 0; w < perRow; w++) {
            Bits.transposeBytes(words, w, perRow, target + 8L * w * TILE_ROWS + lane, TILE_ROWS);
        }
    }

    @Override
    void multiply(int expert, int from, int to, long input, long scratch, long destination) {
        for (int tile = from; tile < to; tile++) {
            int row = tile * TILE_ROWS;
            int count = Math.min(TILE_ROWS, rows() - row);
            long out = count == TILE_ROWS ? destination + 4L * row : scratch + SUMS_BYTES;
            multiplyTile(tile(expert, tile), input, scratch, out);
            if (count < TILE_ROWS) {
                Memory.copy(out, destination + 4L * row, 4L * count);
            }
        }
    }

    private void multiplyTile(long tile, long input, long sums, long out) {
        long numbers = input + tables.numbersOffset();
        // plain loops: they run once a tile and are fast enough before C2 has seen them
        for (int row = 0; row < TILE_ROWS; row++) {
            Memory.f32(out + 4L * row, 0);
        }
        int blockBytes = layout.blockBytes();
        for (int block = 0; block < layout.blocks(); block += BLOCKS) {
            int blocks = Math.min(BLOCKS, layout.blocks() - block);
            long at = tile + (long) block * blockBytes;
            LookupKernels.sums(at, blocks, layout.form().codeBytes(), blockBytes - layout.halvesOffset(),
                    input + (long) block * tables.blockBytes(), sums);
            for (int v = 0; v < VECTORS; v++) {
                ScaleKernels.flat(sums + 2L * v * LANES, blocks, numbers + (long) block * TableLayout.NUMBER_BYTES,
                        at + layout.halvesOffset() + 2L * v * LANES, blockBytes, out + 4L * v * LANES);
            }
        }
        for (int row = 0; row < TILE_ROWS; row++) {
            Memory.f32(out + 4L * row, Memory.f32(out + 4L * row) * LookupTables.RESULT_FACTOR);
        }
    }
}
