package io.tmac4j.kernels;

import static io.tmac4j.kernels.Species.LANES;

/** mpGEMM with weights packed for lookups: vector tables, an index a nibble. */
final class LookupGemm {

    private LookupGemm() {
    }

    /**
     * All steps along k for consecutive tiles and a group of column tiles; see {@link Gemm} for the scratch memory.
     *
     * @param tileBytes bytes from a column tile to the next
     */
    static void lookUp(LookupMatrix matrix, long weights, int tiles, long activations, long tileBytes, int columnTiles,
            long scratch) {
        LookupLayout layout = matrix.layout();
        GemmShape shape = matrix.gemmShape();
        if (shape.sumLimit() > 0) {
            lookUpNibbles(layout, shape, weights, tiles, activations, tileBytes, columnTiles, scratch);
            return;
        }
        for (int step = 0; step < shape.steps(layout.k()); step++) {
            long first = weights + (long) (step / shape.stepsPerBlock()) * layout.blockBytes();
            int inBlock = step % shape.stepsPerBlock();
            if (layout.form().ternary()) {
                fillOffsets(layout, first, tiles, inBlock, scratch);
            }
            for (int tile = 0; tile < columnTiles; tile++) {
                long column = activations + tile * tileBytes + step * ColumnBlocks.stepBytes(shape);
                lookUp(layout, shape, first, tiles, inBlock, column, tile, scratch);
            }
        }
    }

    /** A step of one column tile. */
    private static void lookUp(LookupLayout layout, GemmShape shape, long weights, int tiles, int inBlock, long column,
            int columnTile, long scratch) {
        LookupForm form = layout.form();
        if (form.ternary()) {
            VectorTables.trits(column, TritOffsets.third(form), scratch);
        } else if (form.groupWeights() == 4) {
            VectorTables.bits(column, GemmShape.STEP_TABLES, -1, 2, scratch);
        } else if (form.highBits()) {
            threeBits(column, scratch);
        } else {
            VectorTables.pairs(column, GemmShape.STEP_TABLES, form.weightOffset(), form.weightScale(), scratch);
        }
        int rows = layout.tileRows();
        for (int tile = 0; tile < tiles; tile++) {
            long block = weights + tile * layout.tileBytes();
            long row = ((long) columnTile * tiles + tile) * rows;
            if (form.nested()) {
                long scales = 4L * tile * GemmShape.PARTS * rows;
                if (columnTile == 0) {
                    RowScales.nested(layout, block, inBlock * GemmShape.PARTS, scratch + Gemm.SCALES + scales);
                }
                lookUpNested(layout, shape, block, inBlock, column, scratch, scales,
                        scratch + Gemm.FLOATS + 2 * row * WideSpecies.BYTES);
                continue;
            }
            long sums = scratch + Gemm.SUMS + (form.ternary() ? row * WideSpecies.BYTES : 0);
            if (form.ternary()) {
                if (inBlock == 0) {
                    Memory.clear(sums, (long) rows * WideSpecies.BYTES);
                }
                lookUpTrits(scratch + Gemm.OFFSETS + tile * TritOffsets.bytes(rows), rows, sums, scratch);
            } else {
                // a step is a block
                GemmKernels.tableSums(scratch, 0, block, GemmShape.STEP_TABLES / 2, 1, rows, layout.lanes() / 4, sums);
            }
            if (inBlock == shape.stepsPerBlock() - 1) {
                long scales = scratch + Gemm.SCALES + 4L * tile * rows;
                if (columnTile == 0) {
                    RowScales.lookup(layout, block, scales);
                }
                GemmKernels.scale(sums, scales, column + ColumnBlocks.columnScales(shape), rows,
                        scratch + Gemm.FLOATS + 2 * row * WideSpecies.BYTES);
            }
        }
    }

    /** Tables of four sub-blocks of weights of -4 to 3: of their third bits, -4 or 0, then of the other two, 0 to 3. */
    private static void threeBits(long column, long tables) {
        for (int part = 0; part < GemmShape.PARTS; part++) {
            long from = column + (long) part * NestedSums.SUB_WEIGHTS * WideSpecies.BYTES;
            long to = tables + (long) part * NestedSums.THREE_BIT_TABLES * GemmKernels.TABLE;
            VectorTables.bits(from, NestedSums.HIGH_TABLES, -4, 4, to);
            VectorTables.pairs(from, NestedSums.PAIR_TABLES, 0, 1, to + NestedSums.HIGH_TABLES * GemmKernels.TABLE);
        }
    }

    /** A step of four sub-blocks of a tile. */
    private static void lookUpNested(LookupLayout layout, GemmShape shape, long block, int inBlock, long column, long scratch,
            long scales, long floats) {
        subBlockSums(layout, block, inBlock, scratch);
        GemmKernels.scaleFour(scratch + Gemm.SUMS, scratch + Gemm.SCALES + scales, column + ColumnBlocks.columnScales(shape),
                layout.tileRows(), floats);
    }

    /** Sums of the four sub-blocks of a step of a tile. */
    private static void subBlockSums(LookupLayout layout, long block, int inBlock, long scratch) {
        int rows = layout.tileRows();
        int subBytes = layout.form().codeBytes() / NestedSums.SUB_BLOCKS;
        long codes = block + (long) inBlock * GemmShape.PARTS * subBytes * rows;
        GemmKernels.tableSums(scratch, 2 * subBytes * GemmKernels.TABLE, codes, subBytes, GemmShape.PARTS, rows,
                layout.lanes() / 4, scratch + Gemm.SUMS);
    }

    /** All blocks of weights whose sums and scales are multiplied as integers, and only a block's sum becomes floats. */
    private static void lookUpNibbles(LookupLayout layout, GemmShape shape, long weights, int tiles, long activations,
            long tileBytes, int columnTiles, long scratch) {
        int rows = layout.tileRows();
        Memory.clear(scratch + Gemm.PRODUCTS, 2L * tiles * rows * WideSpecies.BYTES);
        for (int block = 0; block < layout.blocks(); block++) {
            long first = weights + (long) block * layout.blockBytes();
            for (int tile = 0; tile < tiles; tile++) {
                long scales = numbers(tile, rows);
                RowScales.nibbles(layout, first + tile * layout.tileBytes(), shape.lack(), scratch + Gemm.SCALES + scales,
                        scratch + Gemm.MINS + scales, scratch + Gemm.ROW_SCALES + 4L * tile * rows);
            }
            for (int columnTile = 0; columnTile < columnTiles; columnTile++) {
                long column = activations + columnTile * tileBytes
                        + (long) block * shape.stepsPerBlock() * ColumnBlocks.stepBytes(shape);
                lookUpNibbles(layout, shape, first, tiles, column, scratch,
                        scratch + Gemm.FLOATS + 2L * columnTile * tiles * rows * WideSpecies.BYTES);
            }
        }
    }

    /** A block of one column tile. */
    private static void lookUpNibbles(LookupLayout layout, GemmShape shape, long weights, int tiles, long column, long scratch,
            long floats) {
        int rows = layout.tileRows();
        for (int step = 0; step < shape.stepsPerBlock(); step++) {
            long at = column + step * ColumnBlocks.stepBytes(shape);
            VectorTables.pairs(at, GemmShape.STEP_TABLES, -shape.lack(), 1, scratch);
            for (int tile = 0; tile < tiles; tile++) {
                long scales = numbers(tile, rows) + 4L * step * GemmShape.PARTS * rows;
                long row = 2L * tile * rows * WideSpecies.BYTES;
                subBlockSums(layout, weights + tile * layout.tileBytes(), step, scratch);
                GemmKernels.multiplyFour(scratch + Gemm.SUMS, scratch + Gemm.SCALES + scales, rows,
                        scratch + Gemm.PRODUCTS + row);
            }
        }
        for (int tile = 0; tile < tiles; tile++) {
            long row = 2L * tile * rows * WideSpecies.BYTES;
            for (int step = 0; step < shape.stepsPerBlock(); step++) {
                GemmKernels.addFourMins(scratch + Gemm.MINS + numbers(tile, rows) + 4L * step * GemmShape.PARTS * rows,
                        column + step * ColumnBlocks.stepBytes(shape) + ColumnBlocks.columnSums(shape), rows, floats + row);
            }
            GemmKernels.scaleProducts(scratch + Gemm.PRODUCTS + row, scratch + Gemm.ROW_SCALES + 4L * tile * rows,
                    column + ColumnBlocks.columnScales(shape), rows, floats + row);
        }
    }

    /** Offset of the scales of a tile, and of its mins: those of all sub-blocks of a block. */
    private static long numbers(int tile, int rows) {
        return 4L * tile * NestedSums.SUB_BLOCKS * rows;
    }

    /** Offset in a block of the code bytes of a step, two tables each. */
    private static long codes(int inBlock, int tileRows) {
        return (long) inBlock * GemmShape.STEP_TABLES / 2 * tileRows;
    }

    private static void fillOffsets(LookupLayout layout, long weights, int tiles, int inBlock, long scratch) {
        int rows = layout.tileRows();
        for (int tile = 0; tile < tiles; tile++) {
            for (int row = 0; row < rows; row += LANES) {
                long block = weights + tile * layout.tileBytes() + row;
                long to = scratch + Gemm.OFFSETS + TritOffsets.bytes(tile * rows + row);
                if (layout.form().isTriples()) {
                    TritOffsets.ofTriples(block, inBlock, rows, to);
                } else {
                    TritOffsets.ofPairs(block + codes(inBlock, rows), rows, to);
                }
            }
        }
    }

    /**
     * Even byte lanes of a vector hold the first and third quarter of its rows, odd ones the others: see {@link LookupLayout}.
     */
    private static void lookUpTrits(long offsets, int tileRows, long sums, long tables) {
        long quarter = LANES / 4L * WideSpecies.BYTES;
        for (int row = 0; row < tileRows; row += LANES) {
            long from = offsets + TritOffsets.bytes(row);
            long to = sums + (long) row * WideSpecies.BYTES;
            GemmKernels.tritSums(tables, from, to, 2 * quarter);
            GemmKernels.tritSums(tables, from + TritOffsets.SET_BYTES, to + quarter, 2 * quarter);
        }
    }
}
