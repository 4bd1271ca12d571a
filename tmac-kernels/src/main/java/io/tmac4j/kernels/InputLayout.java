package io.tmac4j.kernels;

/**
 * What the activations of one column are turned into before a decode kernel reads them, and where it stands. Products whose
 * layouts are equal and that read the same activations share one prepared input.
 */
sealed interface InputLayout permits TableLayout, WordColumns {

    /** Activations of a column. */
    int k();

    /** Activations of a block; {@link #fill} works on whole blocks. */
    int blockWeights();

    /** Blocks of a column. */
    int blocks();

    /** Bytes of a prepared column, whole cache lines. */
    long byteSize();

    /**
     * Prepares blocks {@code from} to {@code to} of a column.
     *
     * @param activations f32 numbers of the whole column
     * @param target      where the prepared column begins
     * @param scratch     {@link #SCRATCH_BYTES} bytes
     */
    void fill(long activations, int from, int to, long target, long scratch);

    /** Scratch memory of {@link #fill}: the activations of a block as ints or floats, and what a vector reads behind them. */
    int SCRATCH_BYTES = 4 * 256 + 64;
}
