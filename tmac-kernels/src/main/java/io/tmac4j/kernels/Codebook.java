package io.tmac4j.kernels;

/** What the codes of a {@link WordForm} stand for. */
enum Codebook {

    /** Themselves. */
    NONE(false),

    /** llama.cpp's {@code kvalues_iq4nl}. */
    IQ4_NL(true, -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113),

    /** Floats of four bits, doubled: llama.cpp's {@code kvalues_mxfp4}. */
    E2M1(false, 0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);

    private final boolean wide;
    /** As long as the widest vector, so that this class needs none: plain Java reads codes too. */
    private final byte[] table = new byte[64];

    Codebook(boolean wide, int... values) {
        this.wide = wide;
        for (int i = 0; values.length > 0 && i < table.length; i++) {
            table[i] = (byte) values[i % values.length];
        }
    }

    /** Whether the sum of 16 weights times 8-bit activations does not fit 16 bits. */
    boolean wide() {
        return wide;
    }

    /** The value of a code of four bits. */
    int value(int code) {
        return table[code];
    }

    /** The sixteen values as a vector of bytes, again and again. */
    byte[] table() {
        return table;
    }
}
