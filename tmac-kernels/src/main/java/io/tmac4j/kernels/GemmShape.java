package io.tmac4j.kernels;

/**
 * How the mpGEMM kernels walk along k in weights of a form: in steps of {@link #STEP_BYTES} code bytes a plane. A step consists
 * of parts, a part of {@code planes} runs of {@code partBytes} code bytes. A part gives one 16-bit sum a row and column or, where
 * the two nibbles of a code byte belong to two sub-blocks, two.
 *
 * @param form          the form of the weights
 * @param partBytes     code bytes of a plane and part
 * @param parts         parts of a step; of the last step along k perhaps fewer
 * @param stepsPerBlock steps that share a scale block; 1 if a step covers one block or several
 * @param blocksPerStep scale blocks of a step, each then one part
 * @param order         {@code order[i]} is the place in the block of its {@code i}-th weight, as activations are stored
 */
record GemmShape(TileForm form, int partBytes, int parts, int stepsPerBlock, int blocksPerStep, int[] order) {

    /**
     * Code bytes of a step: the vector tables of its 32 groups are 32 KB at 512 bits, with which tables in the first-level cache
     * were fastest (16, 24, 40 and 64 groups: up to 16 % slower).
     */
    static final int STEP_BYTES = 16;

    /** The largest quantised activation where products match llama.cpp's integer arithmetic. */
    private static final int EIGHT_BITS = 127;

    /** Q1_0 and Q2_0 have blocks unlike those of llama.cpp's Q8_0 activations: one more bit instead of more blocks. */
    private static final int NINE_BITS = 255;

    /** The shape for a form. */
    static GemmShape of(TileForm form) {
        if (form.subBlocks() == 1) {
            int partBytes = Math.min(form.planeBytes(), STEP_BYTES);
            int parts = STEP_BYTES / partBytes;
            return new GemmShape(form, partBytes, parts, form.planeBytes() / partBytes, parts, form.weightOrder());
        }
        int parts = STEP_BYTES / form.planeBytes();
        int[] order = form.planes() == 1 ? form.weightOrder() : nibblesApart(form);
        return new GemmShape(form, form.planeBytes(), parts, form.sections() / parts, 1, order);
    }

    /** All weights of a section's low nibbles, then those of its high nibbles. */
    private static int[] nibblesApart(TileForm form) {
        int group = form.groupWeights();
        int half = form.planeBytes() * group;
        int[] order = new int[form.blockWeights()];
        for (int i = 0; i < order.length; i++) {
            int inHalf = i % half;
            int table = 2 * (i / (2 * half) * form.planeBytes() + inHalf / group) + i / half % 2;
            order[i] = form.weightOrder()[table * group + inHalf % group];
        }
        return order;
    }

    /** Whether weights are looked up in vector tables; else they are multiplied. */
    boolean byTables() {
        return form.planes() == 1;
    }

    /** Whether the nibbles of a code byte belong to two sub-blocks. */
    boolean nested() {
        return form.subBlocks() > 1;
    }

    /** Sums of a part. */
    int sumsPerPart() {
        return nested() ? 2 : 1;
    }

    /** Sums of a step, a row and a column. */
    int sums() {
        return parts * sumsPerPart();
    }

    /** Weights of a part. */
    int partWeights() {
        return 2 * partBytes * form.groupWeights();
    }

    /** Weights of a whole step. */
    int stepWeights() {
        return parts * partWeights();
    }

    /** Steps along k. */
    int steps(int k) {
        return (k + stepWeights() - 1) / stepWeights();
    }

    /** Parts of one step. */
    int parts(int k, int step) {
        return Math.min(parts, (k - step * stepWeights()) / partWeights());
    }

    /**
     * The largest absolute value of a quantised activation. The sums of a part fit 16 bits:
     * Q1_0 128 * 255 = 32640; Q2_0 64 * 2 * 255 = 32640; TQ1_0, TQ2_0 256 * 127 = 32512; Q2_K 16 * 3 * 127 = 6096;
     * Q3_K 16 * 4 * 127 = 8128; Q4_0, Q4_1, Q4_K 32 * 8 * 127 = 32512, with codes counted from their centre.
     */
    int activationLimit() {
        return form == TileForm.Q1_0 || form == TileForm.Q2_0 ? NINE_BITS : EIGHT_BITS;
    }

    /** Whether the scales of activations are f16 numbers, as in llama.cpp's Q8_0. */
    boolean halfScales() {
        return form.blockWeights() == 32;
    }

    /** The weight that a code counted from its centre lacks, times the scale: 8 for Q4_1 and Q4_K, else 0. */
    int lack() {
        return byTables() ? 0 : form.weightOffset() + (1 << form.planes() - 1);
    }

    /** Whether rows have a term in the sums of activations: mins, or codes that were centred. */
    boolean withMins() {
        return form.mins() != TileForm.Mins.NONE || form.halves() == 2;
    }
}
