package io.tmac4j.kernels;

/**
 * How the mpGEMM kernels walk along k: in steps, each of one or more parts; a part gives one 16-bit sum a row and column.
 * Where a scale
 * block is longer than a step, its sum goes on from step to step.
 *
 * @param blockWeights    weights that share a scale of activations
 * @param stepWeights     weights of a step
 * @param partWeights     weights of a part
 * @param order           {@code order[i]} is the place in the block of its {@code i}-th weight, as activations are stored
 * @param activationLimit the largest absolute value of a quantised activation: sums fit 16 bits, see
 *                        {@link WordForm#activationLimit}
 * @param halfScales      whether the scales of activations are f16 numbers, as in llama.cpp's Q8_0
 * @param lack            what codes counted from their centre lack, times the scale
 * @param withMins        whether rows have a term in the sums of activations: mins, or codes that were centred
 * @param nested          whether parts are sub-blocks with scales of their own
 * @param sumLimit        twice the largest sum that codes can make of a part's activations, in steps, before they are rounded, so
 *                        that it fits 16 bits when it is multiplied by a scale; 0 if such products are floats
 */
record GemmShape(int blockWeights, int stepWeights, int partWeights, int[] order, int activationLimit, boolean halfScales,
        int lack,
        boolean withMins, boolean nested, int sumLimit) {

    /** Groups of weights of a step, each with a table: 16 KB at 256 bits, 32 KB at 512, which a first-level cache holds. */
    static final int STEP_TABLES = 32;

    /** Tables of a step of ternary weights: 64 of them, three a table. */
    static final int STEP_TRITS = 22;

    /** Parts of a step of sub-blocks, or of blocks shorter than a step: their sums become floats together. */
    static final int PARTS = 4;

    private static final int EIGHT_BITS = 127;

    /** Codes of two bits are counted from here: -1 to 2. */
    private static final int TWO_BITS_CENTRE = 1;

    /**
     * Codes of -1 to 2 make at most 2 p + n of activations whose positive ones add up to p and whose negative ones to -n, and at
     * least -(p + 2 n): half of 3 (p + n) + |p - n| in size. With scales of at most 15, and 2 * 16 more by rounding, products are
     * at most 15 * (64 * 67 + 32) / 2 = 32400. So that activations of one size and sign stay of one size, it is a multiple of 64.
     */
    private static final int NIBBLE_SUM_LIMIT = 67 * 4 * NestedSums.SUB_WEIGHTS;

    /**
     * One more bit of an activation than in llama.cpp's integer arithmetic: sums of Q1_0 are at most 128 * 255 = 32640, those of
     * Q2_0 64 * 2 * 255, but those of 256 ternary weights would not fit.
     */
    private static final int NINE_BITS = 255;

    /** For weights that are looked up: where results shall be those of 8-bit activations there is no bit more. */
    static GemmShape of(LookupForm form, TableMode mode) {
        if (form.nested()) {
            boolean nibbles = form.scales() == LookupForm.Scales.NIBBLES;
            return new GemmShape(form.blockWeights(), PARTS * NestedSums.SUB_WEIGHTS, NestedSums.SUB_WEIGHTS, form.order(),
                    EIGHT_BITS, false, nibbles ? TWO_BITS_CENTRE : 0, form.halves() == 2, true, nibbles ? NIBBLE_SUM_LIMIT : 0);
        }
        int step = form.ternary() ? Triples.STEP_WEIGHTS : STEP_TABLES * form.groupWeights();
        return new GemmShape(form.blockWeights(), step, step, form.order(),
                form.blockWeights() > 128 || mode == TableMode.EXACT ? EIGHT_BITS : NINE_BITS, false, 0,
                false, false, 0);
    }

    /**
     * For weights in words: those of two bits are looked up in tables of pairs, those of four bits in tables of single weights or
     * multiplied, those of three bits multiplied.
     */
    static GemmShape of(WordForm form) {
        boolean nested = form.subBlocks() > 1;
        boolean pairs = form.bits() == 2;
        int part = pairs ? Math.min(STEP_TABLES * 2, form.sumWeights()) : form.sumWeights();
        int flatStep = pairs ? STEP_TABLES * 2 : form.byTables() ? part : PARTS * part;
        return new GemmShape(form.blockWeights(), nested ? PARTS * part : flatStep, part, form.order(), form.activationLimit(),
                form.halfSteps(), form.lack(), form.withMins(), nested, 0);
    }

    /** Parts of a step; of the last step along k perhaps fewer. */
    int parts() {
        return stepWeights / partWeights;
    }

    /** Steps that share a scale block; 1 if a step covers one block or several. */
    int stepsPerBlock() {
        return Math.max(1, blockWeights / stepWeights);
    }

    /** Scale blocks of a step, each then one part; 1 if a block covers several steps. */
    int blocksPerStep() {
        return Math.max(1, stepWeights / blockWeights);
    }

    /** Steps along k. */
    int steps(int k) {
        return (k + stepWeights - 1) / stepWeights;
    }

    /** Parts of one step. */
    int parts(int k, int step) {
        return Math.min(parts(), (k - step * stepWeights) / partWeights);
    }
}
