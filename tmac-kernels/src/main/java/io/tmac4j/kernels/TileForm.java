package io.tmac4j.kernels;

import io.tmac4j.bindings.GgmlType;

/**
 * How the codes of one scale block are cut into lookup groups: what a 4-bit table index holds, in which order the tables of a
 * block come, and what stands behind the codes.
 *
 * <p>A block consists of {@link #sections}; a section of {@link #planes} bit planes, the most significant first; a plane of
 * {@link #planeBytes} code bytes for each row. A code byte holds two table indices. Its low nibble belongs to table
 * {@code 2 * (section * planeBytes + i)}, its high nibble to the table after that, where {@code i} is its place in the plane:
 * all planes of a section use the same tables. Tables are thus numbered in the order in which a kernel consumes them.
 *
 * <ul>
 * <li>bit planes, {@code groupWeights == 4}: bit {@code j} of an index is one bit of the code of the group's weight {@code j};
 * <li>pairs, {@code groupWeights == 2}: the two low bits are the code of weight 0, the two high bits that of weight 1;
 * <li>single, {@code groupWeights == 1}: the index is the code of one weight.
 * </ul>
 *
 * <p>In a form with sub-blocks the low nibbles of section {@code s} belong to sub-block {@code subBlock(s, 0)}, the high nibbles
 * to {@code subBlock(s, 1)}; the sub-block bytes (scales, then mins) are stored in this same order {@code 2 * s + nibble}.
 *
 * @param name         for people
 * @param kernel       which decode kernel multiplies it
 * @param blockWeights weights a block
 * @param groupWeights weights a table: 4, 2 or 1
 * @param planes       bit planes; 1 for pairs and singles
 * @param sections     pairs of sub-blocks, or 1
 * @param subBlocks    sub-blocks a block, 1 if the block has one scale only
 * @param subBytes     bytes of sub-block scales and mins a row and block
 * @param mins         where the integer mins of sub-blocks stand
 * @param halves       f16 numbers a row and block: the scale, and for some the scale of the mins or the min
 * @param weightScale  the integer weight of code {@code c} is {@code weightScale * c + weightOffset}
 * @param weightOffset see {@code weightScale}
 * @param weightOrder  {@code weightOrder[table * groupWeights + j]} is the place in the block of weight {@code j} of a table
 */
record TileForm(String name, Kernel kernel, int blockWeights, int groupWeights, int planes, int sections, int subBlocks,
        int subBytes, Mins mins, int halves, int weightScale, int weightOffset, int[] weightOrder) {

    /** The decode kernels, by what they have in common: how many planes, and whether sub-blocks have scales. */
    enum Kernel {
        FLAT_ONE_PLANE, FLAT_FOUR_PLANES, NESTED_PAIRS, NESTED_THREE_PLANES, NESTED_FOUR_PLANES
    }

    /** Where the integer mins of the sub-blocks stand. */
    enum Mins {
        /** There are none: a sub-block's byte is its signed scale. */
        NONE,
        /** In the high nibble of the sub-block's byte, the scale in the low one. */
        NIBBLE,
        /** In bytes of their own after the scale bytes of all sub-blocks. */
        OWN
    }

    /** Q1_0: code 1 is +1, code 0 is -1; eight consecutive weights a byte, as in the file. */
    static final TileForm Q1_0 = flat("1 bit plane, scale per 128", 128, 4, 1, 1, 2, -1,
            (byteIndex, nibble, j) -> 8 * byteIndex + 4 * nibble + j);

    /** Q2_0: weight = code - 1; four consecutive weights a byte, as in the file. */
    static final TileForm Q2_0 = flat("pairs of 2 bits, scale per 64", 64, 2, 1, 1, 1, -1,
            (byteIndex, nibble, j) -> 4 * byteIndex + 2 * nibble + j);

    /** TQ2_0: weight = code - 1, codes 0 to 2; bytes as in the file. */
    static final TileForm TQ2_0 = flat("ternary pairs, scale per 256", 256, 2, 1, 1, 1, -1,
            (byteIndex, nibble, j) -> byteIndex / 32 * 128 + 64 * nibble + 32 * j + byteIndex % 32);

    /** TQ1_0, unpacked to two bits: weight = code - 1, codes 0 to 2. */
    static final TileForm TQ1_0 = flat("ternary pairs, scale per 256", 256, 2, 1, 1, 1, -1, TileForm::tq1Weight);

    /** Q4_0: weight = code - 8. */
    static final TileForm Q4_0 = flat("4 bit planes, scale per 32", 32, 4, 4, 1, 1, -8,
            (byteIndex, nibble, j) -> 16 * nibble + 4 * j + byteIndex);

    /** Q4_1: weight = scale * code + min. */
    static final TileForm Q4_1 = flat("4 bit planes, scale and min per 32", 32, 4, 4, 2, 1, 0,
            (byteIndex, nibble, j) -> 16 * nibble + 4 * j + byteIndex);

    /** Q2_K: weight = d * (byte & 15) * code - dmin * (byte >> 4), one byte a sub-block of 16. */
    static final TileForm Q2_K = nested("pairs of 2 bits, scale and min per 16", Kernel.NESTED_PAIRS, 2, 1, 16, Mins.NIBBLE, 2,
            0, false);

    /** Q3_K: weight = d * (signed byte) * (code - 4), one byte a sub-block of 16. */
    static final TileForm Q3_K = nested("3 bit planes, scale per 16", Kernel.NESTED_THREE_PLANES, 4, 3, 16, Mins.NONE, 1, -4,
            false);

    /** Q4_K: weight = d * scale * code - dmin * min; eight scale bytes, then eight min bytes, sub-blocks of 32. */
    static final TileForm Q4_K = nested("4 bit planes, scale and min per 32", Kernel.NESTED_FOUR_PLANES, 4, 4, 8, Mins.OWN, 2,
            0, true);

    /** Where weight {@code j} of the table of one nibble of one code byte stands in its block. */
    @FunctionalInterface
    private interface WeightPlace {

        int of(int byteIndex, int nibble, int j);
    }

    private static TileForm flat(String name, int blockWeights, int groupWeights, int planes, int halves, int weightScale,
            int weightOffset, WeightPlace place) {
        int[] order = new int[blockWeights];
        for (int i = 0; i < blockWeights; i++) {
            int table = i / groupWeights;
            order[i] = place.of(table / 2, table % 2, i % groupWeights);
        }
        Kernel kernel = planes == 1 ? Kernel.FLAT_ONE_PLANE : Kernel.FLAT_FOUR_PLANES;
        return new TileForm(name, kernel, blockWeights, groupWeights, planes, 1, 1, 0, Mins.NONE, halves, weightScale,
                weightOffset,
                order);
    }

    private static TileForm nested(String name, Kernel kernel, int groupWeights, int planes, int subBlocks, Mins mins, int halves,
            int weightOffset, boolean neighbours) {
        int subWeights = 256 / subBlocks;
        int stride = subWeights / groupWeights;
        int[] order = new int[256];
        for (int i = 0; i < 256; i++) {
            int table = i / groupWeights;
            int section = table / 2 / stride;
            int inPlane = table / 2 % stride;
            int sub = subBlock(section, table % 2, subBlocks, neighbours);
            order[i] = sub * subWeights + i % groupWeights * stride + inPlane;
        }
        return new TileForm(name, kernel, 256, groupWeights, planes, subBlocks / 2, subBlocks,
                subBlocks * (mins == Mins.OWN ? 2 : 1), mins, halves, 1, weightOffset, order);
    }

    private static int subBlock(int section, int nibble, int subBlocks, boolean neighbours) {
        return neighbours ? 2 * section + nibble : section + nibble * (subBlocks / 2);
    }

    /**
     * Bytes 0-31: four trits of {@code qs[0..31]}; 32-39: their fifth; 40-59: the same of {@code qs[32..47]}; 60-63: {@code
     * qh}.
     */
    private static int tq1Weight(int byteIndex, int nibble, int j) {
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

    /** The form in which weights of {@code type} are packed; null for types that the engine does not take. */
    static TileForm of(GgmlType type) {
        return switch (type) {
            case Q1_0 -> Q1_0;
            case Q2_0 -> Q2_0;
            case TQ1_0 -> TQ1_0;
            case TQ2_0 -> TQ2_0;
            case Q2_K -> Q2_K;
            case Q3_K -> Q3_K;
            case Q4_0 -> Q4_0;
            case Q4_1 -> Q4_1;
            case Q4_K -> Q4_K;
            default -> null;
        };
    }

    /** The signed integer weight of a code. */
    int weightOf(int code) {
        return weightScale * code + weightOffset;
    }

    /** Whether pairs hold codes 0 to 2 only. */
    boolean ternary() {
        return this == TQ1_0 || this == TQ2_0;
    }

    /** Tables a block. */
    int tables() {
        return blockWeights / groupWeights;
    }

    /** Code bytes a row, plane and section. */
    int planeBytes() {
        return tables() / sections / 2;
    }

    /** Code bytes a row and block, all planes of all sections. */
    int codeBytes() {
        return sections * planes * planeBytes();
    }

    /** Bytes a row and block: codes, sub-block bytes, f16 numbers. */
    int rowBlockBytes() {
        return codeBytes() + subBytes + 2 * halves;
    }

    /** The sub-block of the low (0) or high (1) nibbles of a section; 0 in a form without sub-blocks. */
    int subBlock(int section, int nibble) {
        return subBlocks == 1 ? 0 : subBlock(section, nibble, subBlocks, blockWeights / subBlocks == 32);
    }

    /** Number of the code byte within the codes of a row and block; plane 0 is the least significant. */
    int codeByte(int section, int plane, int i) {
        return (section * planes + planes - 1 - plane) * planeBytes() + i;
    }
}
