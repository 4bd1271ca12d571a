package io.tmac4j.kernels;

/**
 * How the codes of one scale block are put into 32-bit words, a row's words being its own: what {@link WordSums} multiplies.
 *
 * <p>A word holds fields of {@link #bits} bits, the first in the lowest ones; {@code order[f]} is the place in the block of the
 * weight of field {@code f}, counted through all words of the block. Fields of three bits do not fill words; see
 * {@link #threeBitWords}.
 *
 * @param name         for people
 * @param bits         bits of a code: 2, 3 or 4
 * @param blockWeights weights a block
 * @param subBlocks    sub-blocks a block, each with a sum of its own; 1 if the block has one scale only
 * @param scales       what the sums are multiplied with
 * @param scaleWords   words of sub-block scales a row and block; of {@link Scales#ROUNDED} they are all there is
 * @param minWords     words of sub-block mins a row and block, 0 if there are none
 * @param halves       f16 numbers a row and block: the scale, and for some the scale of the mins or the min
 * @param centre       sums count codes from here, so that they fit 16 bits
 * @param offset       the integer weight of code {@code c} is {@code step * c + offset}
 * @param step         see above; 1 except for narrowed codes
 * @param codebook     what codes stand for
 * @param order        see above
 */
record WordForm(String name, int bits, int blockWeights, int subBlocks, Scales scales, int scaleWords, int minWords, int halves,
        int centre, int offset, int step, Codebook codebook, int[] order) {

    /** What becomes of the integer sums of a block. */
    enum Scales {
        /** One sum, times the f16 scale. */
        FLAT,
        /** One sum, times the f16 scale, plus the f16 min times the sum of the activations. */
        FLAT_MIN,
        /** One sum, times a scale whose 16 bits are the upper ones of an f32 number: a power of two. */
        POWERS,
        /** Sub-blocks with scales and mins of four bits. */
        NIBBLES,
        /** Sub-blocks with scales that are signed bytes, no mins. */
        SIGNED_BYTES,
        /** Sub-blocks with scales and mins of six bits, in bytes. */
        BYTES,
        /** Sub-blocks with a word of two rounded numbers, see {@link RoundedScales}. */
        ROUNDED
    }

    /** Q2_0: weight = code - 1. */
    static final WordForm Q2_0 = flat("words of 2 bits, scale per 64", 2, 64, Scales.FLAT, -1, f -> f);

    /** TQ2_0: weight = code - 1; words as in the file. */
    static final WordForm TQ2_0 = flat("words of 2 bits, scale per 256", 2, 256, Scales.FLAT, -1,
            f -> f / 128 * 128 + 32 * (f % 4) + f % 128 / 4);

    /** TQ1_0, unpacked to two bits: weight = code - 1. */
    static final WordForm TQ1_0 = flat("words of 2 bits, scale per 256", 2, 256, Scales.FLAT, -1,
            f -> LookupForm.tq1Weight(f / 4, f % 4 / 2, f % 2));

    /** Q4_0: weight = code - 8. */
    static final WordForm Q4_0 = flat("words of 4 bits, scale per 32", 4, 32, Scales.FLAT, -8, WordForm::fourBitsPlace);

    /** Q4_1: weight = scale * code + min. */
    static final WordForm Q4_1 = flat("words of 4 bits, scale and min per 32", 4, 32, Scales.FLAT_MIN, 0,
            WordForm::fourBitsPlace);

    /** Of two bytes of four bits the first weights, then the second ones, as {@link NarrowedFormat} writes them. */
    private static final int[] NARROWED_ORDER = order(32, f -> f / 4 * 2 + f % 4 / 2 + 16 * (f % 2));

    /** Q2_K: weight = d * scale * code - dmin * min, sub-blocks of 16. */
    static final WordForm Q2_K = new WordForm("words of 2 bits, scale and min per 16", 2, 256, 16, Scales.NIBBLES, 2, 2, 2, 0, 0,
            1, Codebook.NONE, order(256, f -> f / 16 * 16 + 4 * (f % 4) + f % 16 / 4));

    /** Q3_K: weight = d * scale * (code - 4), sub-blocks of 16. */
    static final WordForm Q3_K = new WordForm("words of 3 bits, scale per 16", 3, 256, 16, Scales.SIGNED_BYTES, 4, 0, 1, 4, -4, 1,
            Codebook.NONE, order(256, f -> f));

    /** Q4_K: weight = d * scale * code - dmin * min, sub-blocks of 32. */
    static final WordForm Q4_K = new WordForm("words of 4 bits, scale and min per 32", 4, 256, 8, Scales.BYTES, 2, 2, 2, 8, 0, 1,
            Codebook.NONE, order(256, WordForm::fourBitsPlace));

    /**
     * The same with {@code d * scale}, and {@code 8 * d * scale - dmin * min}, as numbers of 8 significant bits: what makes
     * floats of the sums is then faster, which counts where multiplication is slow.
     */
    static final WordForm Q4_K_ROUNDED = new WordForm("words of 4 bits, rounded scales per 32", 4, 256, 8, Scales.ROUNDED,
            8, 0, 0, 8, 0, 1, Codebook.NONE, Q4_K.order);

    /** IQ4_NL: weight = scale * value of the code. */
    static final WordForm IQ4_NL = codebook("signed bytes of 4 bits, scale per 32", 32, Scales.FLAT, Codebook.IQ4_NL);

    /** IQ4_XS: weight = d * scale * value of the code, sub-blocks of 32. */
    static final WordForm IQ4_XS = codebook("signed bytes of 4 bits, scale per 32 in 256", 256, Scales.SIGNED_BYTES,
            Codebook.IQ4_NL);

    /** MXFP4: weight = 2^exponent * value of the code. */
    static final WordForm MXFP4 = codebook("signed bytes of 4 bits, power of two per 32", 32, Scales.POWERS, Codebook.E2M1);

    /** Where the weight of a field stands in its block. */
    @FunctionalInterface
    private interface WeightPlace {

        int of(int field);
    }

    /** Of 32 weights of four bits the first 16 stand in the low halves of words, the others in the high ones. */
    private static int fourBitsPlace(int field) {
        return field / 32 * 32 + field % 32 / 8 * 4 + field % 4 + field % 8 / 4 * 16;
    }

    private static int[] order(int weights, WeightPlace place) {
        int[] order = new int[weights];
        for (int f = 0; f < weights; f++) {
            order[f] = place.of(f);
        }
        return order;
    }

    private static WordForm flat(String name, int bits, int weights, Scales scales, int offset, WeightPlace place) {
        boolean min = scales == Scales.FLAT_MIN;
        return new WordForm(name, bits, weights, 1, scales, 0, 0, min ? 2 : 1, min ? 8 : -offset, offset, 1,
                Codebook.NONE, order(weights, place));
    }

    /**
     * This form of 32 weights of four bits a block for a tensor that uses the codes {@code base}, {@code base + stride}, up to
     * {@code base + 3 * stride} only: two bits. The sums are the same integers.
     */
    WordForm narrowed(int base, int stride) {
        return new WordForm(name.replace("4 bits", "2 bits"), 2, blockWeights, 1, scales, 0, 0, halves, centre - base,
                offset + base, stride, Codebook.NONE, NARROWED_ORDER);
    }

    private static WordForm codebook(String name, int weights, Scales scales, Codebook codebook) {
        int subBlocks = weights / 32;
        return new WordForm(name, 4, weights, subBlocks, scales, subBlocks / 4, 0, 1, 0, 0, 1, codebook, order(weights, f -> f));
    }

    /** Whether codes stand for numbers that they are not. */
    boolean hasCodebook() {
        return codebook != Codebook.NONE;
    }

    /** Whether scales are parts of f32 numbers rather than f16 ones. */
    private boolean scalesAreFloats() {
        return scales == Scales.POWERS || scales == Scales.ROUNDED;
    }

    /** Whether the sums of activations have a part in products, as they have by mins. */
    boolean withMins() {
        return halves == 2 || scales == Scales.ROUNDED;
    }

    /** What the steps of activations are multiplied with, so that neither they nor scales leave the range of a float. */
    float stepFactor() {
        return scalesAreFloats() ? 1 : LookupTables.STEP_FACTOR / (1 << upperSums() / 2);
    }

    /** What results are multiplied with in the end. */
    float resultFactor() {
        return scalesAreFloats() ? 1f / (1 << upperSums()) : LookupTables.RESULT_FACTOR / (1 << upperSums() / 2);
    }

    /** Bits that sums stand above their place when they become floats: where no others wait for being added as integers. */
    int upperSums() {
        return !hasCodebook() && (subBlocks == 1 || scales == Scales.ROUNDED) ? WordScales.UPPER_SUMS : 0;
    }

    /** Weights of a sum. */
    int sumWeights() {
        return blockWeights / subBlocks;
    }

    /** Whether mpGEMM looks up these words in vector tables; else it multiplies them. */
    boolean byTables() {
        return bits == 2 || bits == 4 && !hasCodebook() && VectorWidth.chosen().multipliesSlowly();
    }

    /** Words of codes a row and block. */
    int codeWords() {
        return blockWeights * bits / Integer.SIZE;
    }

    /** Words of codes of a sum; of three bits a sum has one and a half. */
    int sumWords() {
        return sumWeights() * bits / Integer.SIZE;
    }

    /** Bits of a sub-block's min. */
    int minBits() {
        return scales == Scales.NIBBLES ? 4 : 8;
    }

    /** What sums lack: they are {@code lack} times the sum of the activations too small. */
    int lack() {
        return centre + offset;
    }

    /**
     * The largest absolute value of a quantised activation: that of llama.cpp's integer arithmetic; Q2_0 has blocks unlike those
     * of llama.cpp's Q8_0 activations, and one more bit instead of more blocks. Sums fit 16 bits: Q2_0 64 * 2 * 255 = 32640;
     * TQ1_0, TQ2_0 256 * 127 = 32512; Q2_K 16 * 3 * 127 = 6096; Q3_K 16 * 4 * 127 = 8128; Q4_0, Q4_1, Q4_K 32 * 8 * 127 = 32512.
     */
    int activationLimit() {
        return this == Q2_0 ? 255 : 127;
    }

    /** Whether the steps of activations are f16 numbers, as in llama.cpp's Q8_0. */
    boolean halfSteps() {
        return blockWeights == 32;
    }

    /**
     * Puts the codes of two sums of 16 weights, three bits each in the low 48 bits, into three words of a block: its word
     * {@code pair}, and words 8 + 2 * pair and 9 + 2 * pair. A half of a word has five fields and, at bit 15, one bit of the
     * sum's last code. The first sum has the low half of the first of these words and both halves of the second one, the second
     * sum has the others.
     */
    static void threeBitWords(long first, long second, int pair, int[] words) {
        words[pair] = half(first, 2) | half(second, 2) << 16;
        words[8 + 2 * pair] = half(first, 0) | half(first, 1) << 16;
        words[9 + 2 * pair] = half(second, 0) | half(second, 1) << 16;
    }

    private static int half(long codes, int half) {
        return (int) (codes >>> 15 * half & 0x7fff | (codes >>> 45 + half & 1) << 15);
    }
}
