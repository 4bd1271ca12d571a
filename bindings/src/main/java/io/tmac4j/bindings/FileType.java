package io.tmac4j.bindings;

import java.util.Locale;
import java.util.Optional;

/**
 * What a whole model is quantised to: llama.cpp's {@code enum llama_ftype}, under the names of its quantising tool. Most are
 * mixes: a few tensors that matter more get more bits.
 */
public enum FileType {
    Q1_0(40, 1.125, false),
    IQ1_S(24, 1.5625, true),
    TQ1_0(36, 1.6875, false),
    IQ1_M(31, 1.75, true),
    TQ2_0(37, 2.0625, false),
    IQ2_XXS(19, 2.0625, true),
    Q2_0(41, 2.25, false),
    IQ2_XS(20, 2.3125, true),
    IQ2_S(28, 2.5, true),
    Q2_K(10, 2.625, false),
    Q2_K_S(21, 2.625, true),
    IQ2_M(29, 2.7, true),
    IQ3_XXS(23, 3.0625, true),
    IQ3_XS(22, 3.3, true),
    IQ3_S(26, 3.4375, false),
    Q3_K_S(11, 3.4375, false),
    IQ3_M(27, 3.66, false),
    Q3_K_M(12, 3.9, false),
    Q3_K_L(13, 4.2, false),
    IQ4_XS(30, 4.25, false),
    MXFP4_MOE(38, 4.25, false),
    IQ4_NL(25, 4.5, false),
    Q4_0(2, 4.5, false),
    Q4_K_S(14, 4.5, false),
    Q4_K_M(15, 4.85, false),
    Q4_1(3, 5, false),
    Q5_0(8, 5.5, false),
    Q5_K_S(16, 5.5, false),
    Q5_K_M(17, 5.7, false),
    Q5_1(9, 6, false),
    Q6_K(18, 6.5625, false),
    Q8_0(7, 8.5, false),
    F16(1, 16, false),
    BF16(32, 16, false),
    F32(0, 32, false);

    private final int id;
    private final double bitsPerWeight;
    private final boolean needsImportance;

    FileType(int id, double bitsPerWeight, boolean needsImportance) {
        this.id = id;
        this.bitsPerWeight = bitsPerWeight;
        this.needsImportance = needsImportance;
    }

    int id() {
        return id;
    }

    /** About how many bits a weight takes, scales included. */
    public double bitsPerWeight() {
        return bitsPerWeight;
    }

    /** Whether llama.cpp refuses to quantise to it without an importance matrix. */
    public boolean needsImportance() {
        return needsImportance;
    }

    /** The type of a name in any case; {@code Q3_K}, {@code Q4_K} and {@code Q5_K} mean their medium mixes. */
    public static Optional<FileType> ofName(String name) {
        String wanted = switch (name.toUpperCase(Locale.ROOT)) {
            case "Q3_K" -> "Q3_K_M";
            case "Q4_K" -> "Q4_K_M";
            case "Q5_K" -> "Q5_K_M";
            case String other -> other;
        };
        for (FileType type : values()) {
            if (type.name().equals(wanted)) {
                return Optional.of(type);
            }
        }
        return Optional.empty();
    }
}
