package io.tmac4j.kernels;

import java.util.Objects;

/**
 * Where the lookup tables of one column of activations stand, {@link LookupForm#tableBytes} each: repeated to wider vectors
 * than need be, the tables of a long row would not fit the first-level cache, and reading them would keep the weights from being
 * fetched ahead. After the tables of all blocks come the numbers that belong to each block.
 *
 * <p>A class with fields, not a record, for the reason given at {@link WordLayout}.
 */
final class TableLayout implements InputLayout {

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

    private final LookupForm form;
    private final TableMode mode;
    private final int k;
    private final int blocks;
    private final int tableBytes;
    private final int blockBytes;
    private final int numberBytes;

    /**
     * Lays out tables.
     *
     * @param form the form of the weights
     * @param mode how exact entries are; if two tables serve a group, those of the low bytes of a block come before those of the
     *             high ones
     * @param k    activations
     */
    TableLayout(LookupForm form, TableMode mode, int k) {
        this.form = form;
        this.mode = mode;
        this.k = k;
        blocks = k / form.blockWeights();
        tableBytes = form.tables() * form.tableBytes();
        blockBytes = tableBytes * mode.tablesPerGroup();
        numberBytes = form.nested() ? NESTED_NUMBER_BYTES : NUMBER_BYTES;
    }

    /** How exact entries are. */
    TableMode mode() {
        return mode;
    }

    /** Offset of the numbers of a block. */
    long numbers(int block) {
        return (long) blocks * blockBytes + (long) block * numberBytes;
    }

    @Override
    public int k() {
        return k;
    }

    @Override
    public int blocks() {
        return blocks;
    }

    @Override
    public int blockWeights() {
        return form.blockWeights();
    }

    /** Bytes of the tables of a block. */
    int blockBytes() {
        return blockBytes;
    }

    /** Bytes of the tables of a block that hold low bytes, or all there is. */
    int tableBytes() {
        return tableBytes;
    }

    @Override
    public long byteSize() {
        return numbers(blocks) + 63 & ~63L;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof TableLayout tables && form.equals(tables.form) && mode == tables.mode && k == tables.k;
    }

    @Override
    public int hashCode() {
        return Objects.hash(form, mode, k);
    }

    @Override
    public void fill(long activations, int from, int to, long target, long scratch) {
        for (int block = from; block < to; block++) {
            LookupTables.build(form, mode, activations + 4L * block * form.blockWeights(), target + (long) block * blockBytes,
                    target + numbers(block), scratch);
        }
    }
}
