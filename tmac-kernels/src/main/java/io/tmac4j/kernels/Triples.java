package io.tmac4j.kernels;

/**
 * Ternary weights as indices of five bits, three weights each, for shuffles of 32 bytes or more: 22 lookups for 64 weights where
 * pairs need 32, and still two bits a weight.
 *
 * <p>A block of 256 weights has four steps of 64, each of 21 triples and a single weight. Three code bytes, a unit, hold four
 * triples: three in their low five bits, the fourth in the high bits that are left, three of byte 0 and two of byte 1. A step has
 * five units; its last triple and, above it, the code of the single weight are a byte of their own. A block has the units of all
 * steps first, then the four last bytes. Tables come in the order of a decode kernel: four for each unit, two for each last byte.
 *
 * <p>The index of a triple is c0 + 3 c1 + 9 c2, with codes of 0 to 2.
 */
final class Triples {

    /** Weights of a step. */
    static final int STEP_WEIGHTS = 64;

    /** Bytes of a unit, which has four triples. */
    static final int UNIT_BYTES = 3;

    static final int STEP_UNITS = 5;
    static final int STEPS = 4;
    static final int UNITS = STEPS * STEP_UNITS;

    /** Code bytes of a block. */
    static final int CODE_BYTES = UNITS * UNIT_BYTES + STEPS;

    /** Tables of a block, and those of the units among them, which come first. */
    static final int TABLES = STEPS * GemmShape.STEP_TRITS;
    static final int UNIT_TABLES = 4 * UNITS;

    /** Bytes of a table: entries for the 27 indices that occur, and for five more. */
    static final int TABLE_BYTES = 32;

    /** Indices of three codes of two bits. */
    private static final byte[] INDEX = new byte[64];

    static {
        for (int codes = 0; codes < INDEX.length; codes++) {
            INDEX[codes] = (byte) ((codes & 3) + 3 * (codes >> 2 & 3) + 9 * (codes >> 4) & 31);
        }
    }

    private Triples() {
    }

    /**
     * The order of the weights of a block, for the code bytes of pairs: a triple is three weights of a byte, or the fourth ones
     * of three bytes.
     *
     * @param pairs the order of the weights of pairs, four to a byte
     */
    static int[] order(int[] pairs) {
        int[] order = new int[pairs.length];
        for (int i = 0; i < order.length; i++) {
            int step = i / STEP_WEIGHTS;
            int inStep = i % STEP_WEIGHTS;
            boolean fourth = inStep >= 48;
            int inByte = fourth ? 3 : inStep % 3;
            int codeByte = fourth ? inStep - 48 : inStep / 3;
            order[i] = pairs[4 * (16 * step + codeByte) + inByte];
        }
        return order;
    }

    /** Place in {@link #order} of the first weight of a table. */
    static int firstWeight(int table) {
        if (table < UNIT_TABLES) {
            int perStep = 4 * STEP_UNITS;
            return table / perStep * STEP_WEIGHTS + 3 * (table % perStep);
        }
        int last = table - UNIT_TABLES;
        return last / 2 * STEP_WEIGHTS + 60 + 3 * (last % 2);
    }

    /** Weights of a table: 3, or 1. */
    static int weights(int table) {
        return table >= UNIT_TABLES && table % 2 == 1 ? 1 : 3;
    }

    /** Turns the code bytes of the pairs of a block, in eight words from {@code at} on, into those of triples. */
    static void encode(long[] words, int at) {
        long tail = 0;
        long word = 0;
        int filled = 0;
        int to = at;
        for (int step = 0; step < STEPS; step++) {
            // read before they are written over: a step writes 15 bytes for 16
            long low = words[at + 2 * step];
            long high = words[at + 2 * step + 1];
            for (int unit = 0; unit < STEP_UNITS; unit++) {
                int fourth = triple(low, high, 4 * unit + 3);
                int bytes = triple(low, high, 4 * unit) | (fourth & 7) << 5
                        | (triple(low, high, 4 * unit + 1) | fourth >> 3 << 5) << 8
                        | triple(low, high, 4 * unit + 2) << 16;
                word |= (long) bytes << filled;
                filled += 8 * UNIT_BYTES;
                if (filled >= Long.SIZE) {
                    words[to++] = word;
                    filled -= Long.SIZE;
                    word = (long) bytes >>> 8 * UNIT_BYTES - filled;
                }
            }
            tail |= (triple(low, high, 20) | high >>> 62 << 5) << 8 * step;
        }
        words[to] = word | tail << filled;
    }

    /** A triple of a step with 16 code bytes of pairs. */
    private static int triple(long low, long high, int triple) {
        if (triple < 8) {
            return INDEX[(int) (low >>> 8 * triple) & 63];
        }
        if (triple < 16) {
            return INDEX[(int) (high >>> 8 * (triple - 8)) & 63];
        }
        int first = 3 * (triple - 16);
        return INDEX[fourth(low, high, first) | fourth(low, high, first + 1) << 2 | fourth(low, high, first + 2) << 4];
    }

    private static int fourth(long low, long high, int codeByte) {
        return (int) ((codeByte < 8 ? low : high) >>> 8 * (codeByte % 8) + 6) & 3;
    }
}
