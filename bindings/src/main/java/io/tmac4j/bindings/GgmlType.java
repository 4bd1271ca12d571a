package io.tmac4j.bindings;

import java.util.Locale;
import java.util.Optional;

/**
 * The tensor types of ggml that a GGUF file may hold: number, name, weights a block and bytes a block, as in the
 * {@code type_traits} table of llama.cpp's {@code ggml.c}.
 */
public enum GgmlType {
    F32(0, "f32", 1, 4),
    F16(1, "f16", 1, 2),
    Q4_0(2, "q4_0", 32, 18),
    Q4_1(3, "q4_1", 32, 20),
    Q5_0(6, "q5_0", 32, 22),
    Q5_1(7, "q5_1", 32, 24),
    Q8_0(8, "q8_0", 32, 34),
    Q8_1(9, "q8_1", 32, 36),
    Q2_K(10, "q2_K", 256, 84),
    Q3_K(11, "q3_K", 256, 110),
    Q4_K(12, "q4_K", 256, 144),
    Q5_K(13, "q5_K", 256, 176),
    Q6_K(14, "q6_K", 256, 210),
    Q8_K(15, "q8_K", 256, 292),
    IQ2_XXS(16, "iq2_xxs", 256, 66),
    IQ2_XS(17, "iq2_xs", 256, 74),
    IQ3_XXS(18, "iq3_xxs", 256, 98),
    IQ1_S(19, "iq1_s", 256, 50),
    IQ4_NL(20, "iq4_nl", 32, 18),
    IQ3_S(21, "iq3_s", 256, 110),
    IQ2_S(22, "iq2_s", 256, 82),
    IQ4_XS(23, "iq4_xs", 256, 136),
    I8(24, "i8", 1, 1),
    I16(25, "i16", 1, 2),
    I32(26, "i32", 1, 4),
    I64(27, "i64", 1, 8),
    F64(28, "f64", 1, 8),
    IQ1_M(29, "iq1_m", 256, 56),
    BF16(30, "bf16", 1, 2),
    TQ1_0(34, "tq1_0", 256, 54),
    TQ2_0(35, "tq2_0", 256, 66),
    MXFP4(39, "mxfp4", 32, 17),
    NVFP4(40, "nvfp4", 64, 36),
    Q1_0(41, "q1_0", 128, 18),
    Q2_0(42, "q2_0", 64, 18);

    private static final GgmlType[] BY_ID = new GgmlType[64];

    static {
        for (GgmlType type : values()) {
            BY_ID[type.id] = type;
        }
    }

    private final int id;
    private final String ggmlName;
    private final int blockSize;
    private final int blockBytes;

    GgmlType(int id, String ggmlName, int blockSize, int blockBytes) {
        this.id = id;
        this.ggmlName = ggmlName;
        this.blockSize = blockSize;
        this.blockBytes = blockBytes;
    }

    /** The value of ggml's {@code enum ggml_type}. */
    public int id() {
        return id;
    }

    /** The name as {@code ggml_type_name} gives it, e.g. {@code q2_K}. */
    public String ggmlName() {
        return ggmlName;
    }

    /** Weights in one block; a row holds a whole number of blocks. */
    public int blockSize() {
        return blockSize;
    }

    /** Bytes of one block, scales included. */
    public int blockBytes() {
        return blockBytes;
    }

    /** Storage bits a weight, scales included, e.g. 4.5 for {@link #Q4_0}. */
    public double bitsPerWeight() {
        return 8.0 * blockBytes / blockSize;
    }

    /**
     * Bytes of a row of {@code k} weights.
     *
     * @throws IllegalArgumentException if {@code k} is no multiple of {@link #blockSize()}
     * @throws ArithmeticException      if the result does not fit a {@code long}
     */
    public long rowBytes(long k) {
        if (k < 0 || k % blockSize != 0) {
            throw new IllegalArgumentException(
                    "a row of " + k + " weights cannot be stored as " + ggmlName + ": its blocks hold " + blockSize);
        }
        return Math.multiplyExact(k / blockSize, (long) blockBytes);
    }

    /** The type of a ggml type number, or empty if this llama.cpp release knows none. */
    public static Optional<GgmlType> ofId(int id) {
        return id < 0 || id >= BY_ID.length ? Optional.empty() : Optional.ofNullable(BY_ID[id]);
    }

    /** The type of a name in any case, e.g. {@code TQ2_0} or {@code q4_k}; empty if there is none. */
    public static Optional<GgmlType> ofName(String name) {
        String wanted = name.toUpperCase(Locale.ROOT);
        for (GgmlType type : values()) {
            if (type.name().equals(wanted)) {
                return Optional.of(type);
            }
        }
        return Optional.empty();
    }
}
