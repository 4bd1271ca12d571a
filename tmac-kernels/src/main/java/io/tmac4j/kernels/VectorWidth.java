package io.tmac4j.kernels;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The width of the vectors that the kernels work with, decided once. A table lookup is one byte shuffle of 16 entries: every
 * machine has it at 128 bits ({@code tbl}, {@code pshufb}), and with AVX-512 VBMI it is one permute at 512 bits. At 256 bits AVX2
 * shuffles within halves only, and C2 makes five instructions of a shuffle; but the additions that follow then serve 32 rows,
 * which is the greater part: from memory a Zen 3 core looked up 72 x 10^9 one-bit weights/s at 256 bits and 65 at 128.
 *
 * @param bits   128, 256 or 512
 * @param reason why, for people
 */
record VectorWidth(int bits, String reason) {

    /** Forces a width: 128, 256 or 512. */
    static final String PROPERTY = "tmac.vector.bits";

    private static final List<Integer> WIDTHS = List.of(128, 256, 512);

    /** Apart, since a VM without the vector module asks other things of this class. */
    private static final class Chosen {

        // flags are asked for only where they matter
        private static final VectorWidth WIDTH = choose(System.getProperty(PROPERTY), preferredBits(),
                preferredBits() < 512 ? "" : flags());
    }

    /** The width of this JVM. */
    static VectorWidth chosen() {
        return Chosen.WIDTH;
    }

    /** The widest vectors of floats that the VM uses. */
    static int floatBits() {
        return VectorSpecies.ofLargestShape(float.class).vectorBitSize();
    }

    private static String flags() {
        try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
            return lines.filter(line -> line.startsWith("flags")).findFirst().orElse("");
        } catch (IOException | UncheckedIOException e) {
            return "";
        }
    }

    private static int preferredBits() {
        return ByteVector.SPECIES_PREFERRED.vectorBitSize();
    }

    /**
     * Chooses from the value of {@link #PROPERTY}, null if unset, and the widest vectors that the VM uses.
     *
     * @param flags what Linux says of the processor; elsewhere empty, and a processor with 512 bits counts as one with VBMI
     */
    static VectorWidth choose(String property, int preferredBits, String flags) {
        if (property != null) {
            for (int bits : WIDTHS) {
                if (property.equals(Integer.toString(bits))) {
                    return new VectorWidth(bits, "forced by " + PROPERTY);
                }
            }
            throw new IllegalStateException("the property " + PROPERTY + " is " + property + "; give 128, 256 or 512");
        }
        if (preferredBits >= 512 && flags.contains(" avx512f") && !flags.contains(" avx512_vbmi")) {
            return new VectorWidth(256, "this processor has no permute of 64 bytes (AVX-512 VBMI)");
        }
        if (preferredBits >= 512) {
            return new VectorWidth(512, "one permute looks up 64 bytes");
        }
        if (preferredBits >= 256) {
            return new VectorWidth(256, "five instructions look up 32 bytes");
        }
        return new VectorWidth(128, "one shuffle looks up 16 bytes");
    }
}
