package io.tmac4j.kernels;

import static io.tmac4j.kernels.Species.LANES;

/**
 * An mpGEMV: one tile of rows times one column. The two stages, lookups and scales, alternate over as many blocks as their
 * scratch memory holds; each stage is a method that is compiled by itself, and no vector passes from one to the other.
 */
final class DecodeKernels {

    /** Vectors a tile. */
    static final int VECTORS = 2;

    /** Bytes of scratch memory: the sums of the sections of a block, or of as many flat blocks as have room, and products. */
    static final int SCRATCH_BYTES = 8 * LookupKernels.SECTION_SUMS + 4 * LANES;

    private static final int FLAT_BLOCKS = 8 * LookupKernels.SECTION_SUMS / LookupKernels.FLAT_SUMS;

    private static final int TILE = VECTORS * LANES;

    private static final int PAIRS_BIAS = 8 * LookupTables.BIAS;

    private DecodeKernels() {
    }

    /**
     * Multiplies a tile of rows with a column; {@code out} receives {@link PackedLayout#tileRows} floats, {@code sums} is
     * {@link #SCRATCH_BYTES} of scratch memory.
     */
    static void tile(PackedLayout layout, long tile, TableLayout tableLayout, long tables, long sums, long out) {
        long numbers = tables + tableLayout.numbersOffset();
        // plain loops: they run once a tile and are fast enough before C2 has seen them
        for (int row = 0; row < TILE; row++) {
            Memory.f32(out + 4L * row, 0);
        }
        if (layout.form().subBlocks() == 1) {
            flat(layout, tile, tables, numbers, sums, out);
        } else {
            nested(layout, tile, tableLayout, tables, numbers, sums, out);
        }
        for (int row = 0; row < TILE; row++) {
            Memory.f32(out + 4L * row, Memory.f32(out + 4L * row) * LookupTables.RESULT_FACTOR);
        }
    }

    private static void flat(PackedLayout layout, long tile, long tables, long numbers, long sums, long out) {
        TileForm form = layout.form();
        int blockBytes = layout.blockBytes();
        int skip = layout.blockBytes() - layout.subBytesOffset();
        for (int block = 0; block < layout.blocks(); block += FLAT_BLOCKS) {
            int blocks = Math.min(FLAT_BLOCKS, layout.blocks() - block);
            long at = tile + (long) block * blockBytes;
            long t = tables + (long) block * form.tables() * LookupTables.TABLE_BYTES;
            long number = numbers + 16L * block;
            if (form.planes() == 1) {
                LookupKernels.onePlane(at, blocks, form.planeBytes(), skip, t, sums);
            } else {
                LookupKernels.fourPlanes(at, blocks, skip, t, sums);
            }
            long half = at + layout.halvesOffset();
            for (int v = 0; v < VECTORS; v++) {
                long to = out + 4L * v * LANES;
                long scales = half + 2L * v * LANES;
                ScaleKernels.flat(sums + 2L * v * LANES, blocks, number + TableLayout.STEP, scales, blockBytes, to);
                if (form.halves() == 2) {
                    ScaleKernels.flatMins(blocks, number + TableLayout.SUM, scales + 2 * TILE, blockBytes, to);
                }
            }
        }
    }

    private static void nested(PackedLayout layout, long tile, TableLayout tableLayout, long tables, long numbers, long sums,
            long out) {
        TileForm form = layout.form();
        long products = sums + 8 * LookupKernels.SECTION_SUMS;
        int bias = form.kernel() == TileForm.Kernel.NESTED_PAIRS ? PAIRS_BIAS : 0;
        for (int block = 0; block < layout.blocks(); block++) {
            long at = tile + (long) block * layout.blockBytes();
            long t = tables + (long) block * tableLayout.blockBytes();
            long number = numbers + (long) block * tableLayout.numberBytes();
            LookupKernels.sections(at, form.sections(), form.planes(), form.planeBytes(), bias, t, sums);
            long sub = at + layout.subBytesOffset();
            long half = at + layout.halvesOffset();
            for (int v = 0; v < VECTORS; v++) {
                long vectorSums = sums + 2L * v * LANES;
                long vectorSub = sub + (long) v * LANES;
                long vectorHalf = half + 2L * v * LANES;
                long to = out + 4L * v * LANES;
                switch (form.kernel()) {
                    case NESTED_PAIRS -> ScaleKernels.pairs(vectorSums, vectorSub, products);
                    case NESTED_THREE_PLANES -> ScaleKernels.threePlanes(vectorSums, vectorSub, products);
                    default -> ScaleKernels.fourPlanes(vectorSums, vectorSub, products);
                }
                ScaleKernels.nested(products, number + TableLayout.STEP, vectorHalf, to);
                if (form.mins() == TileForm.Mins.OWN) {
                    ScaleKernels.byteMins(vectorSub + 8 * TILE, number + TableLayout.SUB_SUMS, products);
                    ScaleKernels.nested(products, number + TableLayout.SUM, vectorHalf + 2 * TILE, to);
                }
            }
            if (form.mins() == TileForm.Mins.NIBBLE) {
                LookupKernels.nibbleMins(sub, t + (long) form.tables() * LookupTables.TABLE_BYTES, sums);
                for (int v = 0; v < VECTORS; v++) {
                    ScaleKernels.flat(sums + 2L * v * LANES, 1, number + TableLayout.SUM, half + 2L * (TILE + v * LANES), 0,
                            out + 4L * v * LANES);
                }
            }
        }
    }
}
