package io.tmac4j.kernels;

import static io.tmac4j.kernels.Species.LANES;

/** mpGEMM with weights packed for lookups: vector tables, an index a nibble. */
final class LookupGemm {

    private LookupGemm() {
    }

    /** All steps along k for consecutive tiles and one column tile; see {@link Gemm} for the scratch memory. */
    static void lookUp(LookupMatrix matrix, long weights, int tiles, long activations, long scratch) {
        LookupLayout layout = matrix.layout();
        LookupForm form = layout.form();
        GemmShape shape = matrix.gemmShape();
        int rows = layout.tileRows();
        long scales = scratch + Gemm.SCALES;
        for (int step = 0; step < shape.steps(layout.k()); step++) {
            long column = activations + step * ColumnBlocks.stepBytes(shape);
            if (form.ternary()) {
                VectorTables.trits(column, scratch);
            } else if (form.groupWeights() == 4) {
                VectorTables.signs(column, GemmShape.STEP_TABLES, scratch);
            } else {
                VectorTables.pairs(column, GemmShape.STEP_TABLES, true, scratch);
            }
            int inBlock = step % shape.stepsPerBlock();
            for (int tile = 0; tile < tiles; tile++) {
                long block = weights + tile * layout.tileBytes() + (long) (step / shape.stepsPerBlock()) * layout.blockBytes();
                long sums = scratch + Gemm.SUMS + (long) tile * rows * WideSpecies.BYTES;
                if (inBlock == 0) {
                    Memory.clear(sums, (long) rows * WideSpecies.BYTES);
                }
                long codes = block + (long) inBlock * GemmShape.STEP_TABLES / 2 * rows;
                if (form.ternary()) {
                    lookUpTrits(codes, rows, sums, scratch);
                } else {
                    GemmKernels.tableSums(scratch, codes, rows, layout.lanes() / 4, sums);
                }
                if (inBlock == shape.stepsPerBlock() - 1) {
                    RowScales.lookup(layout, block, scales);
                    GemmKernels.scale(sums, scales, column + ColumnBlocks.columnScales(shape), rows,
                            scratch + Gemm.FLOATS + 2L * tile * rows * WideSpecies.BYTES);
                }
            }
        }
    }

    /** Even byte lanes of a vector hold the first and third quarter of its rows, odd ones the others: see {@link LookupLayout}. */
    private static void lookUpTrits(long codes, int tileRows, long sums, long scratch) {
        long offsets = scratch + Gemm.OFFSETS;
        long quarter = LANES / 4L * WideSpecies.BYTES;
        for (int row = 0; row < tileRows; row += LANES) {
            long to = sums + (long) row * WideSpecies.BYTES;
            TritOffsets.fill(codes + row, tileRows, offsets);
            GemmKernels.tritSums(scratch, offsets, to, 2 * quarter);
            GemmKernels.tritSums(scratch, offsets + TritOffsets.SET_BYTES, to + quarter, 2 * quarter);
        }
    }
}
