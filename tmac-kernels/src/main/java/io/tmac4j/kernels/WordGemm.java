package io.tmac4j.kernels;

import static io.tmac4j.kernels.WideSpecies.BYTES;

/**
 * mpGEMM with weights in words. Words of two bits are indices of vector tables, four bits for two weights; words of three and
 * four bits are unpacked once for a group of column tiles and multiplied. Where multiplication is slow, four bits are an index,
 * too. See {@link Gemm} for the scratch memory.
 */
final class WordGemm {

    /** Rows whose sub-block sums become floats together: sums and tables then fit the first-level cache. */
    private static final int NESTED_ROWS = 64;

    private static final int TILE_ROWS = WordLayout.TILE_ROWS;
    private static final int WORD = WordLayout.WORD;

    /** Words of a step that is looked up: eight tables each. */
    private static final int STEP_WORDS = GemmShape.STEP_TABLES / 8;

    private WordGemm() {
    }

    /**
     * All steps along k for consecutive tiles of two or four bits and a group of column tiles, of two bits only one.
     *
     * @param tileBytes bytes from a column tile to the next
     */
    static void lookUp(WordMatrix matrix, long weights, int tiles, long activations, long tileBytes, int columnTiles,
            long scratch) {
        WordLayout layout = matrix.layout();
        GemmShape shape = matrix.gemmShape();
        for (int step = 0; step < shape.steps(layout.k()); step++) {
            long column = activations + step * ColumnBlocks.stepBytes(shape);
            int block = step / shape.stepsPerBlock();
            int inBlock = step % shape.stepsPerBlock();
            if (layout.form().bits() == 4) {
                lookUpFourBits(layout, shape, weights, tiles, block, inBlock, column, tileBytes, columnTiles, scratch);
            } else if (shape.blocksPerStep() > 1) {
                lookUpBlocks(layout, shape, weights, tiles, step, column, scratch);
            } else {
                lookUpTwoBits(layout, shape, weights, tiles, block, inBlock, column, scratch);
            }
        }
    }

    /** A step of a block of two bits. */
    private static void lookUpTwoBits(WordLayout layout, GemmShape shape, long weights, int tiles, int block, int inBlock,
            long column, long scratch) {
        VectorTables.pairs(column, GemmShape.STEP_TABLES, -layout.form().centre(), layout.form().step(), scratch);
        long codes = weights + layout.codes(block) + (long) inBlock * STEP_WORDS * WORD;
        if (shape.nested()) {
            int together = NESTED_ROWS / TILE_ROWS;
            for (int tile = 0; tile < tiles; tile += together) {
                lookUpNested(layout, shape, weights, codes, tile, Math.min(together, tiles - tile), block, inBlock,
                        column, scratch);
            }
        } else {
            lookUpFlat(layout, shape, weights, codes, tiles, block, inBlock, column, scratch);
        }
    }

    /** A step of a block with one scale: sums stay integers until the last step of the block. */
    private static void lookUpFlat(WordLayout layout, GemmShape shape, long weights, long codes, int tiles, int block,
            int inBlock,
            long column, long scratch) {
        int rows = tiles * TILE_ROWS;
        GemmKernels.wordSums(scratch, codes, layout.tileBytes(), rows, STEP_WORDS, inBlock == 0, scratch + Gemm.SUMS);
        if (inBlock == shape.stepsPerBlock() - 1) {
            fillScales(layout, shape, weights, tiles, block, scratch);
            scaleBlock(shape, tiles * TILE_ROWS, 0, column, scratch, scratch + Gemm.FLOATS);
        }
    }

    /** A step of four bits in tiles of eight rows: a block, or four sub-blocks, of 32 weights, a table each. */
    private static void lookUpFourBits(WordLayout layout, GemmShape shape, long weights, int tiles, int block, int inBlock,
            long activations, long tileBytes, int columnTiles, long scratch) {
        int rows = tiles * TILE_ROWS;
        if (shape.nested()) {
            unpackScales(layout, weights, tiles, block, inBlock, scratch);
        } else {
            fillScales(layout, shape, weights, tiles, block, scratch);
        }
        for (int part = 0; part < shape.parts(); part++) {
            long codes = weights + layout.codes(block) + (long) (inBlock * shape.parts() + part) * STEP_WORDS * WORD;
            for (int tile = 0; tile < tiles; tile++) {
                WordWeights.indices(codes + tile * layout.tileBytes(), STEP_WORDS,
                        scratch + Gemm.OFFSETS + (long) tile * STEP_WORDS * WORD);
            }
            for (int columnTile = 0; columnTile < columnTiles; columnTile++) {
                long column = activations + columnTile * tileBytes;
                long floats = scratch + Gemm.FLOATS + 2L * columnTile * rows * BYTES;
                lookUpSingles(layout, tiles, column + (long) part * GemmShape.STEP_TABLES * BYTES, scratch);
                if (shape.nested()) {
                    long row = 4L * part * rows;
                    GemmKernels.scaleWithMin(scratch + Gemm.SUMS, scratch + Gemm.SCALES + row, scratch + Gemm.MINS + row,
                            column + ColumnBlocks.columnScales(shape),
                            column + ColumnBlocks.columnSums(shape) + 2L * part * BYTES, rows, floats);
                } else {
                    scaleBlock(shape, rows, part, column, scratch, floats);
                }
            }
        }
    }

    /** Sums of 32 weights of a column tile, by the indices at {@link Gemm#OFFSETS}. */
    private static void lookUpSingles(WordLayout layout, int tiles, long column, long scratch) {
        VectorTables.singles(column, GemmShape.STEP_TABLES, -layout.form().centre(), scratch);
        GemmKernels.tableSums(scratch, 0, scratch + Gemm.OFFSETS, 4 * STEP_WORDS, tiles, TILE_ROWS, TILE_ROWS / 4,
                scratch + Gemm.SUMS);
    }

    /** A step of several narrowed blocks. */
    private static void lookUpBlocks(WordLayout layout, GemmShape shape, long weights, int tiles, int step, long column,
            long scratch) {
        WordForm form = layout.form();
        int rows = tiles * TILE_ROWS;
        int tables = form.blockWeights() / 2;
        VectorTables.pairs(column, shape.parts(layout.k(), step) * tables, -form.centre(), form.step(), scratch);
        for (int part = 0; part < shape.parts(layout.k(), step); part++) {
            int block = step * shape.parts() + part;
            GemmKernels.wordSums(scratch + part * tables * GemmKernels.TABLE, weights + layout.codes(block), layout.tileBytes(),
                    rows, form.codeWords(), true, scratch + Gemm.SUMS);
            fillScales(layout, shape, weights, tiles, block, scratch);
            scaleBlock(shape, rows, part, column, scratch, scratch + Gemm.FLOATS);
        }
    }

    /** The scales of a block of all rows, and its mins if there are any. */
    private static void fillScales(WordLayout layout, GemmShape shape, long weights, int tiles, int block, long scratch) {
        long scales = scratch + Gemm.SCALES;
        if (shape.withMins()) {
            RowScales.halvesMins(weights + layout.halves(block), layout.tileBytes(), tiles, shape.lack(), scales,
                    scratch + Gemm.MINS);
        } else {
            RowScales.halves(weights + layout.halves(block), layout.tileBytes(), tiles, scales);
        }
    }

    /** Adds the sums of a block, part {@code part} of its step, to the floats of all rows. */
    private static void scaleBlock(GemmShape shape, int rows, int part, long column, long scratch, long floats) {
        long scales = scratch + Gemm.SCALES;
        long columnScales = column + ColumnBlocks.columnScales(shape) + 2L * part * BYTES;
        if (shape.withMins()) {
            long columnSums = column + ColumnBlocks.columnSums(shape) + 2L * part * BYTES;
            GemmKernels.scaleWithMin(scratch + Gemm.SUMS, scales, scratch + Gemm.MINS, columnScales, columnSums, rows, floats);
        } else {
            GemmKernels.scale(scratch + Gemm.SUMS, scales, columnScales, rows, floats);
        }
    }

    /** A step of four sub-blocks, a word each. */
    private static void lookUpNested(WordLayout layout, GemmShape shape, long weights, long codes, int tile, int tiles, int block,
            int inBlock, long column, long scratch) {
        int rows = tiles * TILE_ROWS;
        long first = tile * layout.tileBytes();
        for (int part = 0; part < GemmShape.PARTS; part++) {
            GemmKernels.wordSums(scratch + 8L * part * GemmKernels.TABLE, codes + first + (long) part * WORD,
                    layout.tileBytes(), rows,
                    1, true, scratch + Gemm.SUMS + (long) part * rows * BYTES);
        }
        unpackScales(layout, weights + first, tiles, block, inBlock, scratch);
        addNested(shape, tiles, column, scratch + Gemm.SUMS, scratch, scratch + Gemm.FLOATS + 2L * tile * TILE_ROWS * BYTES);
    }

    private static void unpackScales(WordLayout layout, long weights, int tiles, int block, int inBlock, long scratch) {
        int rows = tiles * TILE_ROWS;
        for (int i = 0; i < tiles; i++) {
            long at = 4L * i * TILE_ROWS;
            RowScales.nested(layout, weights + i * layout.tileBytes(), block, inBlock * GemmShape.PARTS, 4L * rows,
                    scratch + Gemm.SCALES + at, scratch + Gemm.MINS + at);
        }
    }

    private static void addNested(GemmShape shape, int tiles, long column, long sums, long scratch, long floats) {
        int rows = tiles * TILE_ROWS;
        if (shape.withMins()) {
            GemmKernels.addFourMins(scratch + Gemm.MINS, column + ColumnBlocks.columnSums(shape), rows, floats);
        }
        GemmKernels.scaleFour(sums, scratch + Gemm.SCALES, column + ColumnBlocks.columnScales(shape), rows,
                floats);
    }

    /**
     * All steps along k for consecutive tiles of three or four bits and a group of column tiles.
     *
     * @param tileBytes bytes from a column tile to the next
     */
    static void multiply(WordMatrix matrix, long weights, int tiles, long activations, long tileBytes, int columnTiles,
            long scratch) {
        WordLayout layout = matrix.layout();
        GemmShape shape = matrix.gemmShape();
        for (int step = 0; step < shape.steps(layout.k()); step++) {
            long column = activations + step * ColumnBlocks.stepBytes(shape);
            if (shape.nested()) {
                multiplyNested(layout, shape, weights, tiles, step, column, tileBytes, columnTiles, scratch);
            } else {
                for (int part = 0; part < shape.parts(layout.k(), step); part++) {
                    multiplyFlat(layout, shape, weights, tiles, step * GemmShape.PARTS + part, part, column, tileBytes,
                            columnTiles,
                            scratch);
                }
            }
        }
    }

    /** A block with one scale. */
    private static void multiplyFlat(WordLayout layout, GemmShape shape, long weights, int tiles, int block, int part,
            long column,
            long tileBytes, int columnTiles, long scratch) {
        int rows = tiles * TILE_ROWS;
        long scales = scratch + Gemm.SCALES;
        long mins = scratch + Gemm.MINS;
        int words = layout.form().codeWords();
        for (int tile = 0; tile < tiles; tile++) {
            WordWeights.fourBits(weights + tile * layout.tileBytes() + layout.codes(block), words,
                    scratch + 4L * tile * TILE_ROWS, 4L * rows);
        }
        fillScales(layout, shape, weights, tiles, block, scratch);
        long columnSums = ColumnBlocks.columnSums(shape) + 2L * part * BYTES;
        long columnScales = ColumnBlocks.columnScales(shape) + 2L * part * BYTES;
        for (int tile = 0; tile < columnTiles; tile += 2) {
            long first = column + tile * tileBytes;
            int together = Math.min(2, columnTiles - tile);
            productSums(scratch, first + (long) part * shape.partWeights() * BYTES, tileBytes, together, shape.partWeights(),
                    rows,
                    scratch + Gemm.SUMS, (long) rows * BYTES);
            for (int i = 0; i < together; i++) {
                long sums = scratch + Gemm.SUMS + (long) i * rows * BYTES;
                long to = scratch + Gemm.FLOATS + 2L * (tile + i) * rows * BYTES;
                long numbers = first + i * tileBytes;
                if (shape.withMins()) {
                    GemmKernels.scaleWithMin(sums, scales, mins, numbers + columnScales, numbers + columnSums, rows, to);
                } else {
                    GemmKernels.scale(sums, scales, numbers + columnScales, rows, to);
                }
            }
        }
    }

    /** Sums of one column tile, or of two. */
    private static void productSums(long weights, long activations, long tileBytes, int columnTiles, int count, int rows,
            long sums, long tileSums) {
        if (columnTiles == 1) {
            GemmKernels.productSums(weights, activations, count, rows, sums);
        } else {
            GemmKernels.productSumsOfTwo(weights, activations, tileBytes, count, rows, sums, tileSums);
        }
    }

    /** A step of four sub-blocks. */
    private static void multiplyNested(WordLayout layout, GemmShape shape, long weights, int tiles, int step, long column,
            long tileBytes, int columnTiles, long scratch) {
        int rows = tiles * TILE_ROWS;
        int block = step / shape.stepsPerBlock();
        int inBlock = step % shape.stepsPerBlock();
        int count = shape.partWeights();
        for (int tile = 0; tile < tiles; tile++) {
            long codes = weights + tile * layout.tileBytes() + layout.codes(block);
            for (int part = 0; part < GemmShape.PARTS; part++) {
                int sum = inBlock * GemmShape.PARTS + part;
                long to = scratch + 4L * part * count * rows + 4L * tile * TILE_ROWS;
                if (layout.form().bits() == 3) {
                    WordWeights.threeBits(codes, sum, to, 4L * rows);
                } else {
                    int words = layout.form().sumWords();
                    WordWeights.fourBits(codes + (long) sum * words * WORD, words, to, 4L * rows);
                }
            }
        }
        unpackScales(layout, weights, tiles, block, inBlock, scratch);
        long tileSums = (long) GemmShape.PARTS * rows * BYTES;
        for (int tile = 0; tile < columnTiles; tile += 2) {
            long first = column + tile * tileBytes;
            int together = Math.min(2, columnTiles - tile);
            for (int part = 0; part < GemmShape.PARTS; part++) {
                productSums(scratch + 4L * part * count * rows, first + (long) part * count * BYTES, tileBytes, together, count,
                        rows,
                        scratch + Gemm.SUMS + (long) part * rows * BYTES, tileSums);
            }
            for (int i = 0; i < together; i++) {
                addNested(shape, tiles, first + i * tileBytes, scratch + Gemm.SUMS + i * tileSums, scratch,
                        scratch + Gemm.FLOATS + 2L * (tile + i) * rows * BYTES);
            }
        }
    }
}
