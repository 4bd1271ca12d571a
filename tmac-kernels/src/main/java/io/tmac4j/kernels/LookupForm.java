package io.tmac4j.kernels;

/**
 * How the codes of one scale block are cut into lookup groups: what a 4-bit table index holds, and in which order the tables of a
 * block come.
 *
 * <p>A code byte holds two table indices: its low nibble belongs to table {@code 2 * i}, its high nibble to the table after
 * that, where
 * {@code i} is its place in the block. Tables are thus numbered in the order in which a kernel consumes them.
 *
 * <ul>
 * <li>{@code groupWeights == 4}, one bit a weight: bit {@code j} of an index is the code of the group's weight {@code j};
 * <li>{@code groupWeights == 2}, two bits a weight: the two low bits are the code of weight 0, the two high bits that of
 * weight 1;
 * <li>{@code groupWeights == 3}: see {@link Triples}.
 * </ul>
 *
 * @param name         for people
 * @param blockWeights weights a block
 * @param groupWeights weights a table: 4, 2 or 3
 * @param ternary      whether codes are 0 to 2 only
 * @param weightScale  the integer weight of code {@code c} is {@code weightScale * c + weightOffset}
 * @param weightOffset see {@code weightScale}
 * @param scales       what the sums of a block are multiplied with
 * @param highBits     whether codes have a third bit, which is looked up by itself
 * @param order        {@code order[table * groupWeights + j]} is the place in the block of weight {@code j} of a table
 */
record LookupForm(String name, int blockWeights, int groupWeights, boolean ternary, int weightScale, int weightOffset,
        Scales scales, boolean highBits, int[] order) {

    /** What the sums of a block are multiplied with. */
    enum Scales {
        /** One sum, times the f16 scale. */
        FLAT,
        /** Sub-blocks of 16 weights with scales and mins of four bits. */
        NIBBLES,
        /** Sub-blocks of 16 weights with scales of six bits, -32 to 31, no mins. */
        SIX_BITS
    }

    /** Q1_0: code 1 is +1, code 0 is -1; eight consecutive weights a byte, as in the file. */
    static final LookupForm Q1_0 = of("1 bit plane, scale per 128", 128, 4, false, 2, -1,
            (byteIndex, nibble, j) -> 8 * byteIndex + 4 * nibble + j);

    /** Q2_0: weight = code - 1; four consecutive weights a byte, as in the file. */
    static final LookupForm Q2_0 = of("pairs of 2 bits, scale per 64", 64, 2, false, 1, -1,
            (byteIndex, nibble, j) -> 4 * byteIndex + 2 * nibble + j);

    /** Q2_0 without a weight of 2, as llama.cpp's quantiser writes it. */
    static final LookupForm Q2_0_TERNARY = new LookupForm("ternary pairs, scale per 64", 64, 2, true, 1, -1, Scales.FLAT, false,
            Q2_0.order);

    /** TQ2_0: weight = code - 1, codes 0 to 2; bytes as in the file. */
    static final LookupForm TQ2_0 = of("ternary pairs, scale per 256", 256, 2, true, 1, -1,
            (byteIndex, nibble, j) -> byteIndex / 32 * 128 + 64 * nibble + 32 * j + byteIndex % 32);

    /** TQ1_0, unpacked to two bits: weight = code - 1, codes 0 to 2. */
    static final LookupForm TQ1_0 = of("ternary pairs, scale per 256", 256, 2, true, 1, -1, LookupForm::tq1Weight);

    /** Q2_K: weight = d * scale * code - dmin * min, sub-blocks of 16; four code bytes each, as {@link WordForm#Q2_K}'s words. */
    static final LookupForm Q2_K = of("pairs of 2 bits, scale and min per 16", 256, 2, false, 1, 0, Scales.NIBBLES,
            false, LookupForm::subBlockWeight);

    /**
     * Q3_K: weight = d * scale * (code - 4), sub-blocks of 16: two code bytes with the third bits of four weights a nibble, then
     * four as those of Q2_K.
     */
    static final LookupForm Q3_K = of("pairs of 2 bits and 1 bit plane, scale per 16", 256, 2, false, 1, -4, Scales.SIX_BITS,
            true, LookupForm::subBlockWeight);

    private static final LookupForm TQ1_0_TRIPLES = triples(TQ1_0);
    private static final LookupForm TQ2_0_TRIPLES = triples(TQ2_0);

    /** Where weight {@code j} of the table of one nibble of one code byte stands in its block. */
    @FunctionalInterface
    private interface WeightPlace {

        int of(int byteIndex, int nibble, int j);
    }

    private static LookupForm of(String name, int blockWeights, int groupWeights, boolean ternary, int weightScale,
            int weightOffset, WeightPlace place) {
        return of(name, blockWeights, groupWeights, ternary, weightScale, weightOffset, Scales.FLAT, false, place);
    }

    private static LookupForm of(String name, int blockWeights, int groupWeights, boolean ternary, int weightScale,
            int weightOffset, Scales scales, boolean highBits, WeightPlace place) {
        int[] order = new int[blockWeights];
        for (int i = 0; i < blockWeights; i++) {
            int table = i / groupWeights;
            order[i] = place.of(table / 2, table % 2, i % groupWeights);
        }
        return new LookupForm(name, blockWeights, groupWeights, ternary, weightScale, weightOffset, scales, highBits, order);
    }

    /**
     * Bytes 0-31: four trits of {@code qs[0..31]}; 32-39: their fifth; 40-59: the same of {@code qs[32..47]}; 60-63: {@code
     * qh}.
     */
    static int tq1Weight(int byteIndex, int nibble, int j) {
        int trit = 2 * nibble + j;
        if (byteIndex < 32) {
            return 32 * trit + byteIndex;
        }
        if (byteIndex < 40) {
            return 128 + 8 * trit + byteIndex - 32;
        }
        if (byteIndex < 56) {
            return 160 + 16 * trit + byteIndex - 40;
        }
        if (byteIndex < 60) {
            return 224 + 4 * trit + byteIndex - 56;
        }
        return 240 + 4 * trit + byteIndex - 60;
    }

    /** A code byte has weights i, i + 4, i + 8 and i + 12 of a sub-block. */
    private static int subBlockWeight(int byteIndex, int nibble, int j) {
        return byteIndex / 4 * 16 + byteIndex % 4 + 4 * (2 * nibble + j);
    }

    /** Whether there are {@link #triples}. */
    boolean hasTriples() {
        return ternary && blockWeights == Triples.STEPS * Triples.STEP_WEIGHTS;
    }

    /** This form of ternary pairs as triples: always the same one, for products of equal forms share their inputs. */
    LookupForm triples() {
        return this == TQ1_0 ? TQ1_0_TRIPLES : TQ2_0_TRIPLES;
    }

    private static LookupForm triples(LookupForm pairs) {
        return new LookupForm(pairs.name.replace("pairs", "triples"), pairs.blockWeights, 3, true, pairs.weightScale,
                pairs.weightOffset, Scales.FLAT, false, Triples.order(pairs.order));
    }

    /** Whether indices are those of {@link Triples}. */
    boolean isTriples() {
        return groupWeights == 3;
    }

    /** Tables a block. */
    int tables() {
        return isTriples() ? Triples.TABLES : blockWeights / groupWeights + (highBits ? blockWeights / 4 : 0);
    }

    /** Code bytes a row and block. */
    int codeBytes() {
        return isTriples() ? Triples.CODE_BYTES : tables() / 2;
    }

    /** Bytes of a table. */
    int tableBytes() {
        return isTriples() ? Triples.TABLE_BYTES : LookupTables.TABLE_BYTES;
    }

    /** Whether sub-blocks have scales of their own. */
    boolean nested() {
        return scales != Scales.FLAT;
    }

    /** Bytes of scales and mins of sub-blocks a row and block: a byte each, the scale in its low bits. */
    int scaleBytes() {
        return nested() ? NestedSums.SUB_BLOCKS : 0;
    }

    /** f16 numbers a row and block: the scale, and the scale of the mins if there are any. */
    int halves() {
        return scales == Scales.NIBBLES ? 2 : 1;
    }

    /** Bytes a row and block: codes, scales and mins of sub-blocks, f16 numbers. */
    int rowBlockBytes() {
        return codeBytes() + scaleBytes() + 2 * halves();
    }
}
