package io.tmac4j.kernels;

import static io.tmac4j.kernels.Species.LANES;

import java.util.Arrays;

/**
 * Weights of one or two bits as table indices, with one scale a block or with sub-blocks ({@link NestedSums}). An mpGEMV
 * alternates between two stages, lookups and scales, over as many blocks as their scratch memory holds; each stage is a method
 * that is compiled by itself, and no vector passes from one to the other.
 */
final class LookupMatrix extends PackedMatrix {

    /** Vectors a tile: half a cache line of rows, and a vector of the second stage, at least. */
    static final int VECTORS = Math.max(1, Math.max(32, WideSpecies.BYTES) / LANES);

    /** Blocks that the two stages hand over at a time: 4 KB of sums. */
    private static final int BLOCKS = 256 / LANES;

    static final int TILE_ROWS = VECTORS * LANES;

    /** Bytes of the sums of a block. */
    static final long BLOCK_SUMS = (long) VECTORS * LookupKernels.SUMS;

    /** From sums of low bytes to sums of high ones. */
    private static final long HIGH_SUMS = BLOCKS * BLOCK_SUMS;

    /** Rows that are transposed together when packing: the bytes of a word. */
    private static final int PACK_ROWS = 8;

    private final LookupLayout layout;
    private final TableLayout tables;
    private final GemmShape gemmShape;

    LookupMatrix(BlockFormat format, LookupForm form, TableMode mode, int k, int rows, int experts) {
        this(format, layout(packed(form, mode), k, rows, experts), new TableLayout(packed(form, mode), mode, k));
    }

    private static LookupLayout layout(LookupForm form, int k, int rows, int experts) {
        int lanes = form.nested() ? WideSpecies.BYTES : LANES;
        return new LookupLayout(form, k, rows, experts, lanes, TILE_ROWS / lanes);
    }

    /** Shuffles of 32 bytes and more have room for three ternary weights an index. */
    private static LookupForm packed(LookupForm form, TableMode mode) {
        return form.hasTriples() && mode == TableMode.DEFAULT && LANES >= Triples.TABLE_BYTES ? form.triples() : form;
    }

    private LookupMatrix(BlockFormat format, LookupLayout layout, TableLayout tables) {
        super(format, layout.k(), layout.rows(), layout.experts(), tables, LookupTables.RESULT_FACTOR, layout.byteSize());
        this.layout = layout;
        this.tables = tables;
        this.gemmShape = GemmShape.of(layout.form(), tables.mode());
    }

    /** Where everything stands. */
    LookupLayout layout() {
        return layout;
    }

    @Override
    public String description() {
        String mode = switch (tables.mode()) {
            case EXACT -> ", 16-bit entries";
            case DEFAULT -> "";
            case FAST -> ", 7-bit entries";
        };
        return layout.form().name() + mode + ", tiles of " + TILE_ROWS + " rows";
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

    /**
     * Measured from memory on a Zen 1, a lead of one tile brought ternary weights 10 to 20 %; one bit lost 5 %, others were
     * within noise of what they were.
     */
    @Override
    int lead() {
        return layout.form().ternary() ? 1 : 0;
    }

    @Override
    long tileScratchBytes() {
        return layout.form().nested() ? TILES * (NestedSums.TILE_SUMS + (long) Long.BYTES) + NestedScales.BLOCK_SUMS
                : BLOCKS * BLOCK_SUMS * tables.mode().tablesPerGroup();
    }

    /**
     * Eight rows at a time are encoded block by block into words of code bytes, and each 8 x 8 bytes of them are transposed on
     * their way out, so that packing moves words only.
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
                for (int h = 0; h < layout.form().halves(); h++) {
                    Memory.i16(half + 2L * h * TILE_ROWS, (short) 0);
                }
            } else {
                long from = sourceRow(source, expert, row) + (long) block * format().type().blockBytes();
                format().encodeIndices(from, words, i * perRow);
                if (layout.form().isTriples()) {
                    Triples.encode(words, i * perRow);
                }
                for (int h = 0; h < layout.form().halves(); h++) {
                    Memory.i16(half + 2L * h * TILE_ROWS, format().half(from, h));
                }
                packScales(from, rowInTile, target + layout.scalesOffset());
            }
        }
        for (int w = 0; w < perRow; w++) {
            Bits.transposeBytes(words, w, perRow, target + 8L * w * TILE_ROWS + lane, TILE_ROWS);
        }
    }

    /** Scales and mins of sub-blocks, if there are any; those of lacking rows may be anything, for their f16 numbers are 0. */
    private void packScales(long source, int rowInTile, long scales) {
        for (int sub = 0; sub < layout.form().scaleBytes(); sub++) {
            Memory.i8(scales + layout.scaleOffsetOf(rowInTile, sub / 2) + sub % 2, format().scaleByte(source, sub));
        }
    }

    @Override
    void fourTiles(long tile, long next1, long next2, long next3, long input, long results, long scratch) {
        int blockBytes = layout.blockBytes();
        if (layout.form().nested()) {
            long offsets = scratch + TILES * NestedSums.TILE_SUMS;
            Memory.i64(offsets, 0);
            Memory.i64(offsets + 8, next1);
            Memory.i64(offsets + 16, next2);
            Memory.i64(offsets + 24, next3);
            for (int block = 0; block < layout.blocks(); block++) {
                nestedBlock(tile + (long) block * blockBytes, offsets, block, input, scratch, results);
            }
            return;
        }
        for (int block = 0; block < layout.blocks(); block += BLOCKS) {
            int blocks = Math.min(BLOCKS, layout.blocks() - block);
            long at = tile + (long) block * blockBytes;
            sums(at, next1, next2, next3, blocks, input + (long) block * tables.blockBytes(), scratch);
            long numbers = input + tables.numbers(block);
            long halves = at + layout.halvesOffset();
            scale(scratch, blocks, numbers, halves, results);
            scale(scratch + 2L * LANES, blocks, numbers, halves + next1, results + 4L * TILE_ROWS);
            scale(scratch + 4L * LANES, blocks, numbers, halves + next2, results + 8L * TILE_ROWS);
            scale(scratch + 6L * LANES, blocks, numbers, halves + next3, results + 12L * TILE_ROWS);
        }
    }

    private void nestedBlock(long first, long offsets, int block, long input, long scratch, long results) {
        long numbers = input + tables.numbers(block);
        long table = input + (long) block * tables.blockBytes();
        if (layout.form().highBits()) {
            NestedSums.threeBits(first, offsets, table, numbers + TableLayout.STARTS, scratch);
        } else {
            NestedSums.twoBits(first, offsets, table, numbers + TableLayout.STARTS, scratch);
        }
        float step = Memory.f32(numbers + TableLayout.STEP);
        float minStep = Memory.f32(numbers + TableLayout.MIN_STEP);
        long blockSums = offsets + TILES * (long) Long.BYTES;
        for (int tile = 0; tile < TILES; tile++) {
            long at = first + Memory.i64(offsets + 8L * tile);
            long sums = scratch + (long) tile * NestedSums.TILE_SUMS;
            for (int row = 0; row < TILE_ROWS; row += WideSpecies.BYTES) {
                long scales = at + layout.scalesOffset() + 2L * row;
                long halves = at + layout.halvesOffset() + 2L * row;
                long to = results + 4L * (tile * TILE_ROWS + row);
                if (layout.form().scales() == LookupForm.Scales.SIX_BITS) {
                    NestedScales.scaleSixBits(sums + row, scales, blockSums);
                    NestedScales.finishSixBits(blockSums, step, halves, to);
                } else {
                    NestedScales.scaleNibbles(sums + row, scales, blockSums);
                    NestedScales.finishNibbles(blockSums, NestedScales.DROP, step, halves, to);
                    NestedScales.scaleMins(numbers + TableLayout.SUMS, scales, blockSums);
                    NestedScales.finishNibbles(blockSums, NestedScales.MIN_DROP, minStep, halves + 2L * TILE_ROWS, to);
                }
            }
        }
    }

    private void sums(long codes, long next1, long next2, long next3, int blocks, long table, long scratch) {
        int codeBytes = layout.form().codeBytes();
        int blockBytes = layout.blockBytes();
        int tableBytes = tables.blockBytes();
        if (layout.form().isTriples()) {
            LookupKernels.tripleSums(codes, next1, next2, next3, blocks, blockBytes, table, scratch);
            LookupKernels.lastTriples(codes, next1, next2, next3, blocks, blockBytes, table, scratch);
            return;
        }
        if (tables.mode() == TableMode.FAST) {
            LookupKernels.pairSums(codes, next1, next2, next3, blocks, codeBytes, blockBytes, table, scratch);
            return;
        }
        LookupKernels.sums(codes, next1, next2, next3, blocks, codeBytes, blockBytes, table, tableBytes, scratch);
        if (tables.mode() == TableMode.EXACT) {
            LookupKernels.sums(codes, next1, next2, next3, blocks, codeBytes, blockBytes, table + tables.tableBytes(), tableBytes,
                    scratch + HIGH_SUMS);
        }
    }

    private void scale(long sums, int blocks, long numbers, long halves, long result) {
        for (int v = 0; v < VECTORS; v++) {
            long from = sums + (long) v * LookupKernels.SUMS;
            long half = halves + 2L * v * LANES;
            long to = result + 4L * v * LANES;
            if (tables.mode() == TableMode.EXACT) {
                ScaleKernels.wide(from, HIGH_SUMS, blocks, layout.form().tables() * LookupTables.WIDE_BIAS, numbers, half,
                        layout.blockBytes(), to);
            } else {
                ScaleKernels.flat(from, blocks, numbers, half, layout.blockBytes(), to);
            }
        }
    }
}
