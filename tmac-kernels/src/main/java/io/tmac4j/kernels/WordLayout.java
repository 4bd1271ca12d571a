package io.tmac4j.kernels;

/**
 * Where everything stands in weights packed as words. Rows are cut into tiles of {@link #rows} rows, one for each 32-bit lane
 * of a
 * vector; rows that the last tile lacks are zero bytes. Blocks along k are taken in groups of {@link #groupBlocks}, the last
 * perhaps smaller. A group has, each for all of its blocks: the words of codes, those of sub-block scales, those of sub-block
 * mins, the f16 numbers; so a product reads a tile from its first byte to its last. A word of all rows of a tile is one vector,
 * the row its lane; an f16 number of all rows is half a vector. Experts follow each other, each with its own tiles.
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

    /** Blocks of a full group: their sums are what the two stages of a product hand over at a time. */
    int groupBlocks() {
        return WordMatrix.SUMS / form.subBlocks();
    }

    /** Offset of the words of codes of a block from the start of a tile. */
    long codes(int block) {
        return group(block) + (long) block % groupBlocks() * form.codeWords() * WORD;
    }

    /** Offset of the scales of a block from the start of a tile. */
    long scales(int block) {
        return group(block) + ((long) inGroup(block) * form.codeWords()
                + (long) block % groupBlocks() * form.scaleWords()) * WORD;
    }

    /** Offset of the mins of a block from the start of a tile. */
    long mins(int block) {
        return group(block) + ((long) inGroup(block) * (form.codeWords() + form.scaleWords())
                + (long) block % groupBlocks() * form.minWords()) * WORD;
    }

    /** Offset of the f16 numbers of a block from the start of a tile. */
    long halves(int block) {
        return group(block) + (long) inGroup(block) * (form.codeWords() + form.scaleWords() + form.minWords()) * WORD
                + (long) block % groupBlocks() * form.halves() * HALF;
    }

    long groupBytes(int block) {
        return inGroup(block) * blockBytes();
    }

    private long group(int block) {
        return (long) (block / groupBlocks()) * groupBlocks() * blockBytes();
    }

    /** Blocks of the group of a block. */
    private int inGroup(int block) {
        int first = block / groupBlocks() * groupBlocks();
        return Math.min(groupBlocks(), blocks() - first);
    }

    private long blockBytes() {
        return (long) (form.codeWords() + form.scaleWords() + form.minWords()) * WORD + (long) form.halves() * HALF;
    }

    /** Bytes of one tile, whole cache lines. */
    long tileBytes() {
        return blocks() * blockBytes() + 63 & ~63L;
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
