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
    /** Bytes of the numbers of a block with one scale. */
    static final int NUMBER_BYTES = 8;

    /** Place of the step of the sums of activations that mins are multiplied with, negative, of blocks with sub-blocks. */
    static final int MIN_STEP = 4;
    /** Place of what the sums of sub-blocks begin with, see {@link NestedSums#starts}. */
    static final int STARTS = 8;
    /** Place of the sums of activations of sub-blocks, each twice in an int. */
    static final int SUMS = STARTS + 8 * NestedSums.SUB_BLOCKS;
    private static final int NESTED_NUMBER_BYTES = SUMS + 4 * NestedSums.SUB_BLOCKS;

    /** Bytes of the numbers of a block. */
    int numberBytes() {
        return form.nested() ? NESTED_NUMBER_BYTES : NUMBER_BYTES;
    }

    /** Offset of the numbers of a block. */
    long numbers(int block) {
        return (long) blocks() * blockBytes() + (long) block * numberBytes();
    }

    @Override
    public int blocks() {
        return k / form.blockWeights();
    }

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

    @Override
    public long byteSize() {
        return numbers(blocks()) + 63 & ~63L;
    }

    @Override
    public void fill(long activations, int from, int to, long target, long scratch) {
        for (int block = from; block < to; block++) {
            LookupTables.build(form, mode, activations + 4L * block * form.blockWeights(), target + (long) block * blockBytes(),
                    target + numbers(block), scratch);
        }
    }
}
