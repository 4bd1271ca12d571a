package io.tmac4j.kernels;

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
            if (form.groupWeights() == 4) {
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
                GemmKernels.tableSums(scratch, block + (long) inBlock * GemmShape.STEP_TABLES / 2 * rows, rows,
                        layout.lanes() / 4,
                        sums);
                if (inBlock == shape.stepsPerBlock() - 1) {
                    RowScales.lookup(layout, block, scales);
                    GemmKernels.scale(sums, scales, column + ColumnBlocks.columnScales(shape), rows,
                            scratch + Gemm.FLOATS + 2L * tile * rows * WideSpecies.BYTES);
                }
            }
        }
    }
}
