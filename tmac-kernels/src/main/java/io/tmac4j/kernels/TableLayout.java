package io.tmac4j.kernels;

/**
 * Where the lookup tables of one column of activations stand, {@link LookupForm#tableBytes} each: repeated to wider vectors
 * than need be, the tables of a long row would not fit the first-level cache, and reading them would keep the weights from being
 * fetched ahead. After the tables of all blocks come the numbers that belong to each block.
 *
 * @param form the form of the weights
 * @param mode how exact entries are; if two tables serve a group, those of the low bytes of a block come before those of the high
 *             ones
 * @param k    activations
 */
record TableLayout(LookupForm form, TableMode mode, int k) implements InputLayout {

    /** Place of the step of a block's table entries, times {@link LookupTables#STEP_FACTOR}. */
    static final int STEP = 0;
    /** Place of the row-independent part of a block's sum, in the same unit. */
    static final int OFFSET = 4;
    /** Bytes of the numbers of a block. */
    static final int NUMBER_BYTES = 8;

    @Override
    public int blockWeights() {
        return form.blockWeights();
    }

    /** Bytes of the tables of a block. */
    int blockBytes() {
        return tableBytes() * mode.tablesPerGroup();
    }

    /** Bytes of the tables of a block that hold low bytes, or all there is. */
    int tableBytes() {
        return form.tables() * form.tableBytes();
    }

    /** Offset of the numbers of block 0. */
    long numbersOffset() {
        return (long) blocks() * blockBytes();
    }

    @Override
    public long byteSize() {
        return numbersOffset() + (long) blocks() * NUMBER_BYTES + 63 & ~63L;
    }

    @Override
    public void fill(long activations, int from, int to, long target, long scratch) {
        for (int block = from; block < to; block++) {
            LookupTables.build(form, mode, activations + 4L * block * form.blockWeights(), target + (long) block * blockBytes(),
                    target + numbersOffset() + (long) block * NUMBER_BYTES, scratch);
        }
    }
}
