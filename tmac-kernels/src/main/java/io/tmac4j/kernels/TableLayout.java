package io.tmac4j.kernels;

/**
 * Where the lookup tables of one column of activations stand. A table has 16 unsigned bytes at every vector width: repeated
 * to a wide vector, the tables of a long row would not fit the first-level cache, and reading them would keep the weights from
 * being fetched ahead. After the tables of all blocks come the numbers that belong to each block.
 *
 * @param form the form of the weights
 * @param k    activations
 */
record TableLayout(TileForm form, int k) {

    /** Place of the step of a block's table entries, times {@link LookupTables#STEP_FACTOR}. */
    static final int STEP = 0;
    /** Place of the row-independent part of a block's sum, in the same unit. */
    static final int OFFSET = 4;
    /** Place of the sum of a block's activations, or the step of what a K-quant's mins are multiplied with. */
    static final int SUM = 8;
    /** Place of the offset of the tables of mins. */
    static final int MIN_OFFSET = 12;
    /** Place of the integer sums of activations of the sub-blocks. */
    static final int SUB_SUMS = 16;

    /** Whether tables of this layout serve products of the other. */
    boolean sameTables(TableLayout other) {
        return form == other.form && k == other.k;
    }

    /** Tables a block, those of mins included. */
    int tablesPerBlock() {
        return form.tables() + (form.mins() == TileForm.Mins.NIBBLE ? form.subBlocks() : 0);
    }

    /** Bytes of the tables of a block. */
    int blockBytes() {
        return tablesPerBlock() * LookupTables.TABLE_BYTES;
    }

    /** Bytes of the numbers of a block. */
    int numberBytes() {
        return form.mins() == TileForm.Mins.OWN ? 64 : 16;
    }

    /** Blocks along k. */
    int blocks() {
        return k / form.blockWeights();
    }

    /** Offset of the numbers of block 0. */
    long numbersOffset() {
        return (long) blocks() * blockBytes();
    }

    /** Bytes of all, rounded up to whole cache lines. */
    long byteSize() {
        return numbersOffset() + (long) blocks() * numberBytes() + 63 & ~63L;
    }
}
