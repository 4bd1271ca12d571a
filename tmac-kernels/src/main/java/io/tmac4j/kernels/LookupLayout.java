package io.tmac4j.kernels;

/**
 * Where everything stands in weights packed for lookups.
 *
 * <p>Rows are cut into tiles of {@link #tileRows} rows; the last tile of a matrix is filled up with zero bytes. A tile holds its
 * blocks one after another along k. A block holds, each for all rows of the tile: the code bytes, then the f16 scale. Experts
 * follow
 * each other, each with its own tiles. Between the codes and the f16 scale of weights with sub-blocks stand the bytes of
 * their scales and mins, two sub-blocks at a time: the even byte lanes of each vector, 16 bits a row, then the odd ones. Behind
 * the scale stands the scale of the mins, laid out alike.
 *
 * <p>A code byte of all rows of a tile is one run of {@code tileRows} bytes, cut into vectors of {@link #lanes}. Within a
 * vector byte
 * lane {@code 4i + j} holds row {@code j * lanes / 4 + i}, since 16-bit accumulation of bytes leaves four int vectors, the
 * j-th with
 * the sums of byte {@code j} of each int lane: each then holds consecutive rows. f16 numbers of a vector are {@code 2 * lanes}
 * bytes:
 * as ints, lane {@code i} of the first half holds row {@code i} in its low and row {@code lanes / 4 + i} in its high 16 bits; the
 * second half alike with rows {@code lanes / 2 + i} and {@code 3 * lanes / 4 + i}.
 *
 * <p>A class with fields, not a record, for the reason given at {@link WordLayout}.
 */
final class LookupLayout {

    private final LookupForm form;
    private final int k;
    private final int rows;
    private final int experts;
    private final int lanes;
    private final int tileRows;
    private final int blocks;
    private final int blockBytes;
    private final int scalesOffset;
    private final int halvesOffset;
    private final long byteSize;

    /**
     * Lays out matrices.
     *
     * @param form    how a block is cut into tables
     * @param k       weights a row
     * @param rows    rows of one matrix
     * @param experts matrices
     * @param lanes   byte lanes of the vectors that the second stage of the decode kernel works with
     * @param vectors vectors a tile
     */
    LookupLayout(LookupForm form, int k, int rows, int experts, int lanes, int vectors) {
        this.form = form;
        this.k = k;
        this.rows = rows;
        this.experts = experts;
        this.lanes = lanes;
        tileRows = lanes * vectors;
        blocks = k / form.blockWeights();
        blockBytes = form.rowBlockBytes() * tileRows;
        scalesOffset = form.codeBytes() * tileRows;
        halvesOffset = scalesOffset + form.scaleBytes() * tileRows;
        byteSize = (long) experts * Math.ceilDiv(rows, tileRows) * tileBytes();
    }

    /** How a block is cut into tables. */
    LookupForm form() {
        return form;
    }

    /** Weights a row. */
    int k() {
        return k;
    }

    /** Rows of one matrix. */
    int rows() {
        return rows;
    }

    /** Matrices. */
    int experts() {
        return experts;
    }

    /** Byte lanes of a vector of the second stage. */
    int lanes() {
        return lanes;
    }

    /** Rows a tile. */
    int tileRows() {
        return tileRows;
    }

    /** Blocks along k. */
    int blocks() {
        return blocks;
    }

    /** Bytes of one block of a tile. */
    int blockBytes() {
        return blockBytes;
    }

    /** Bytes of one tile. */
    long tileBytes() {
        return (long) blocks * blockBytes;
    }

    /** Bytes of all matrices. */
    long byteSize() {
        return byteSize;
    }

    /** Offset of the scales and mins of sub-blocks from the start of a block of a tile. */
    int scalesOffset() {
        return scalesOffset;
    }

    /** Offset of the f16 numbers from the start of a block of a tile. */
    int halvesOffset() {
        return halvesOffset;
    }

    /** Offset of the bytes of sub-blocks {@code 2 * pair} and the next of a row, from {@link #scalesOffset}. */
    int scaleOffsetOf(int rowInTile, int pair) {
        int lane = laneOf(rowInTile);
        int inVector = lane % lanes;
        return 2 * (pair * tileRows + lane - inVector) + inVector % 2 * lanes + inVector / 2 * 2;
    }

    /** Row of the tile that a byte lane, within the {@link #tileRows} bytes of a run, holds. */
    int rowOf(int lane) {
        int inVector = lane % lanes;
        return lane - inVector + inVector % 4 * (lanes / 4) + inVector / 4;
    }

    /** Byte lane of a row of the tile: {@link #rowOf} backwards. */
    private int laneOf(int rowInTile) {
        int row = rowInTile % lanes;
        return rowInTile - row + row % (lanes / 4) * 4 + row / (lanes / 4);
    }

    /** Offset in bytes of the f16 number of a row, within one set of {@code 2 * tileRows} bytes. */
    int halfOffsetOf(int rowInTile) {
        int row = rowInTile % lanes;
        int quarter = lanes / 4;
        int j = row / quarter;
        return 2 * (rowInTile - row) + j / 2 * lanes + 4 * (row % quarter) + 2 * (j % 2);
    }
}
