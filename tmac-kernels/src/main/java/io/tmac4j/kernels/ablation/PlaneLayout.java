package io.tmac4j.kernels.ablation;

import java.util.Set;

/**
 * Where indices and scales stand.
 *
 * <p>Without {@link Optimisation#AXIS_ORDER}: row by row, block by block, 16 bytes of indices, two a byte along k, and the f16
 * scale.
 *
 * <p>With it rows are padded to whole tiles of 32. An index of all rows together is a run, and a byte holds the indices of two
 * rows. Runs of a block follow each other, then come its scales. Without {@link Optimisation#LAYOUT} a run goes through all rows
 * of the matrix, with it through the 32 rows of a tile, and tiles follow each other.
 *
 * <p>Lanes of a tile are its rows in order, but for byte shuffles lane {@code 4 i + j} of 16 holds row {@code 4 j + i}: 16-bit
 * sums of bytes fall apart into one vector for each {@code j}. Scales are then paired as {@link PlaneKernels#fold} reads them.
 *
 * @param on     what is on
 * @param rows   rows
 * @param blocks blocks a row
 */
record PlaneLayout(Set<Optimisation> on, int rows, int blocks) {

    /** Rows a tile. */
    static final int TILE = 32;

    /** Bytes of an index of a tile. */
    static final int RUN = TILE / 2;

    /** Bytes of a block of a row, where rows lie one after the other. */
    static final int ROW_BLOCK_BYTES = PlaneForm.CODE_BYTES + Short.BYTES;

    boolean byRow() {
        return !on.contains(Optimisation.AXIS_ORDER);
    }

    private boolean permuted() {
        return on.contains(Optimisation.LAYOUT);
    }

    /** Tiles, the last perhaps partly filled. */
    int tiles() {
        return Math.ceilDiv(rows, TILE);
    }

    /** From an index of a tile to its next. */
    long runBytes() {
        return permuted() ? RUN : (long) RUN * tiles();
    }

    /** From a block to the next of the same row or tile. */
    long blockBytes() {
        return byRow() ? ROW_BLOCK_BYTES : scaleOffset() + (long) Short.BYTES * TILE * (permuted() ? 1 : tiles());
    }

    /** From a row to the next. */
    long rowBytes() {
        return (long) ROW_BLOCK_BYTES * blocks;
    }

    /** First index of a tile. */
    long codes(int tile) {
        return tile * (permuted() ? blocks * blockBytes() : RUN);
    }

    /** First scale of a tile. */
    long scales(int tile) {
        return scaleOffset() + (permuted() ? codes(tile) : (long) Short.BYTES * TILE * tile);
    }

    private long scaleOffset() {
        return PlaneForm.LOOKUPS * runBytes();
    }

    long byteSize() {
        return byRow() ? rows * rowBytes() : permuted() ? codes(tiles()) : blocks * blockBytes();
    }

    /** Row of a tile that a lane holds. */
    int rowOf(int lane) {
        return on.contains(Optimisation.REGISTERS) ? lane / 16 * 16 + lane % 4 * 4 + lane % 16 / 4 : lane;
    }

    /** The lane whose index is in the low bits of byte {@code i} of a run. */
    int lowLane(int i) {
        return on.contains(Optimisation.NIBBLES) ? i : 2 * i;
    }

    /** The lane whose index is in the high bits of byte {@code i} of a run. */
    int highLane(int i) {
        return on.contains(Optimisation.NIBBLES) ? i + 16 : 2 * i + 1;
    }

    /** Offset of the scale of a row of a tile from the tile's first. */
    int scaleOffset(int row) {
        int j = row % 16 / 4;
        return Short.BYTES * (on.contains(Optimisation.REGISTERS) ? row / 16 * 16 + j / 2 * 8 + 2 * (row % 4) + j % 2 : row);
    }
}
