package io.tmac4j.kernels;

import java.util.List;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;

/**
 * The width of the vectors that the kernels work with, decided once. A table lookup is one byte shuffle of 16 entries: every
 * machine has it at 128 bits ({@code tbl}, {@code pshufb}); at 256 bits AVX2 shuffles within halves only, so that one lookup
 * costs
 * five instructions; with AVX-512 VBMI it is one permute at 512 bits.
 *
 * @param bits   128, 256 or 512
 * @param reason why, for people
 */
record VectorWidth(int bits, String reason) {

    /** Forces a width: 128, 256 or 512. */
    static final String PROPERTY = "tmac.vector.bits";

    private static final List<Integer> WIDTHS = List.of(128, 256, 512);

    private static final VectorWidth CHOSEN = choose(System.getProperty(PROPERTY), preferredBits());

    /** The width of this JVM. */
    static VectorWidth chosen() {
        return CHOSEN;
    }

    /** The widest vectors of floats that the VM uses. */
    static int floatBits() {
        return FloatVector.SPECIES_PREFERRED.vectorBitSize();
    }

    private static int preferredBits() {
        return ByteVector.SPECIES_PREFERRED.vectorBitSize();
    }

    /** Chooses from the value of {@link #PROPERTY}, null if unset, and the widest vectors that the VM uses. */
    static VectorWidth choose(String property, int preferredBits) {
        if (property != null) {
            for (int bits : WIDTHS) {
                if (property.equals(Integer.toString(bits))) {
                    return new VectorWidth(bits, "forced by " + PROPERTY);
                }
            }
            throw new IllegalStateException("the property " + PROPERTY + " is " + property + "; give 128, 256 or 512");
        }
        if (preferredBits >= 512) {
            return new VectorWidth(512, "one permute looks up 64 bytes");
        }
        return new VectorWidth(128, "one shuffle looks up 16 bytes");
    }

    /**
     * Whether weights of a format are looked up, rather than multiplied as words: one bit always; two bits where a vector that
     * can shuffle
     * is as wide as the widest. On AVX2 one shuffle serves 16 rows and 2 weights, one multiplication 16 weights, and its
     * result is exact.
     */
    boolean looksUp(BlockFormat format) {
        return format.wordForm().isEmpty() || format.lookupForm().isPresent() && bits / 8 == WideSpecies.BYTES;
    }
}
