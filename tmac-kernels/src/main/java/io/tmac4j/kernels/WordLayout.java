package io.tmac4j.kernels;

/**
 * Where everything stands in weights packed as words. Rows are cut into tiles of {@link #rows} rows, one for each 32-bit lane
 * of a
 * vector; rows that the last tile lacks are zero bytes. A tile has, each for all of its blocks along k: the words of codes,
 * those of
 * sub-block scales, those of sub-block mins, the f16 numbers. A word of all rows of a tile is one vector, the row its lane; an
 * f16
 * number of all rows is half a vector. Experts follow each other, each with its own tiles.
 *
 * @param form    how a block is put into words
 * @param k       weights a row
 * @param rows    rows of one matrix
 * @param experts matrices
 */
record WordLayout(WordForm form, int k, int rows, int experts) {

    /** Rows of a tile. */
    static final int TILE_ROWS = WideSpecies.ROWS;

    /** Bytes of one word of all rows of a tile. */
    static final int WORD = WideSpecies.BYTES;

    /** Bytes of one f16 number of all rows of a tile. */
    static final int HALF = WORD / 2;

    /** Blocks along k. */
    int blocks() {
        return k / form.blockWeights();
    }

    /** Tiles of one matrix. */
    int tiles() {
        return (rows + TILE_ROWS - 1) / TILE_ROWS;
    }

    /** Offset of the scales of a block from the start of a tile. */
    long scales(int block) {
        return ((long) blocks() * form.codeWords() + (long) block * form.scaleWords()) * WORD;
    }

    /** Offset of the mins of a block from the start of a tile. */
    long mins(int block) {
        return ((long) blocks() * (form.codeWords() + form.scaleWords()) + (long) block * form.minWords()) * WORD;
    }

    /** Offset of the f16 numbers of a block from the start of a tile. */
    long halves(int block) {
        return (long) blocks() * (form.codeWords() + form.scaleWords() + form.minWords()) * WORD
                + (long) block * form.halves() * HALF;
    }

    /** Bytes of one tile, whole cache lines. */
    long tileBytes() {
        return halves(blocks()) + 63 & ~63L;
    }

    /** Bytes of all matrices. */
    long byteSize() {
        return experts * tiles() * tileBytes();
    }

    /** Offset of a tile from the start of the packed weights. */
    long tileOffset(int expert, int tile) {
        return ((long) expert * tiles() + tile) * tileBytes();
    }
}
