package io.tmac4j.kernels;

/**
 * Where everything stands in weights packed as words. Rows are cut into tiles of {@link #TILE_ROWS} rows, one for each 32-bit
 * lane of a vector; rows that the last tile lacks are zero bytes. Blocks along k are taken in groups of {@link #groupBlocks}, the
 * last perhaps smaller. A group has, each for all of its blocks: the words of codes, those of sub-block scales, those of
 * sub-block mins, the f16 numbers; so a product reads a tile from its first byte to its last. A word of all rows of a tile is one
 * vector, the row its lane; an f16 number of all rows is half a vector, two are a vector of ints with the first one in their low
 * halves. Experts follow each other, each with its own tiles.
 *
 * <p>A class with fields, not a record: decode asks for these numbers for each few thousand weights, and a division that finds
 * them costs as much as many products on processors that divide slowly.
 */
final class WordLayout {

    /** Rows of a tile. */
    static final int TILE_ROWS = WideSpecies.ROWS;

    /** Bytes of one word of all rows of a tile. */
    static final int WORD = WideSpecies.BYTES;

    /** Bytes of one f16 number of all rows of a tile. */
    static final int HALF = WORD / 2;

    private final WordForm form;
    private final int k;
    private final int experts;
    private final int blocks;
    private final int groupBlocks;
    private final int tiles;
    private final long codeBytes;
    private final long scaleBytes;
    private final long minBytes;
    private final long halfBytes;
    private final long tileBytes;

    /**
     * Lays out matrices.
     *
     * @param form    how a block is put into words
     * @param k       weights a row
     * @param rows    rows of one matrix
     * @param experts matrices
     */
    WordLayout(WordForm form, int k, int rows, int experts) {
        this.form = form;
        this.k = k;
        this.experts = experts;
        blocks = k / form.blockWeights();
        groupBlocks = WordMatrix.SUMS / form.subBlocks();
        tiles = Math.ceilDiv(rows, TILE_ROWS);
        codeBytes = (long) form.codeWords() * WORD;
        scaleBytes = (long) form.scaleWords() * WORD;
        minBytes = (long) form.minWords() * WORD;
        halfBytes = (long) form.halves() * HALF;
        tileBytes = blocks * blockBytes() + 63 & ~63L;
    }

    /** How a block is put into words. */
    WordForm form() {
        return form;
    }

    /** Weights a row. */
    int k() {
        return k;
    }

    /** Blocks along k. */
    int blocks() {
        return blocks;
    }

    /** Blocks of a full group: their sums are what the two stages of a product hand over at a time. */
    int groupBlocks() {
        return groupBlocks;
    }

    /** Bytes of a block of all rows of a tile; groups have nothing in between. */
    long blockBytes() {
        return codeBytes + scaleBytes + minBytes + halfBytes;
    }

    /** Offset of the scales from the start of a group of {@code blocks} blocks. */
    long scalesInGroup(int blocks) {
        return blocks * codeBytes;
    }

    /** Offset of the mins from the start of a group of {@code blocks} blocks. */
    long minsInGroup(int blocks) {
        return blocks * (codeBytes + scaleBytes);
    }

    /** Offset of the f16 numbers from the start of a group of {@code blocks} blocks. */
    long halvesInGroup(int blocks) {
        return blocks * (codeBytes + scaleBytes + minBytes);
    }

    /** Offset of the words of codes of a block from the start of a tile. */
    long codes(int block) {
        return place(block, 0, codeBytes);
    }

    /** Offset of the scales of a block from the start of a tile. */
    long scales(int block) {
        return place(block, codeBytes, scaleBytes);
    }

    /** Offset of the mins of a block from the start of a tile. */
    long mins(int block) {
        return place(block, codeBytes + scaleBytes, minBytes);
    }

    /** Offset of the f16 numbers of a block from the start of a tile. */
    long halves(int block) {
        return place(block, codeBytes + scaleBytes + minBytes, halfBytes);
    }

    /** Offset of what has {@code bytes} a block and stands in its group behind what has {@code before}. */
    private long place(int block, long before, long bytes) {
        int in = block % groupBlocks;
        int first = block - in;
        return first * blockBytes() + inGroup(first) * before + in * bytes;
    }

    /** Blocks of the group that begins with a block. */
    int inGroup(int first) {
        return Math.min(groupBlocks, blocks - first);
    }

    /** Bytes of one tile, whole cache lines. */
    long tileBytes() {
        return tileBytes;
    }

    /** Bytes of all matrices. */
    long byteSize() {
        return (long) experts * tiles * tileBytes;
    }
}
