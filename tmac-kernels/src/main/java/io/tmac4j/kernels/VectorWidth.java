package io.tmac4j.kernels;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.VectorSpecies;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The width of the vectors that the kernels work with, decided once. A table lookup is one byte shuffle of 16 entries: every
 * machine has it at 128 bits ({@code tbl}, {@code pshufb}), and with AVX-512 VBMI it is one permute at 512 bits. At 256 bits AVX2
 * shuffles within halves only, and C2 makes five instructions of a shuffle; but the additions that follow then serve 32 rows,
 * which is the greater part: from memory a Zen 3 core looked up 72 x 10^9 one-bit weights/s at 256 bits and 65 at 128. Not so on
 * processors that compute 256 bits in two halves: there a permute of both halves takes eight operations, and a Zen 1 core looked
 * up 31 at 256 bits and 48 at 128.
 *
 * @param bits       128, 256 or 512
 * @param lookupBits the width of lookups, no more than {@code bits}
 * @param reason     why, for people
 */
record VectorWidth(int bits, int lookupBits, String reason) {

    /** Forces a width: 128, 256 or 512. */
    static final String PROPERTY = "tmac.vector.bits";

    /** Forces the width of lookups, to 128 or the width of all else; with it all else that {@link #multipliesSlowly} decides. */
    static final String LOOKUP_PROPERTY = "tmac.lookup.bits";

    private static final Logger LOG = LoggerFactory.getLogger(VectorWidth.class);

    private static final List<Integer> WIDTHS = List.of(128, 256, 512);

    /** AMD's family 21 (Excavator) and the first models of family 23 (Zen, Zen+), and Hygon's family 24. */
    private static final int EXCAVATOR = 21;
    private static final int ZEN = 23;
    private static final int ZEN_2 = 0x30;
    private static final int HYGON = 24;

    private static final Pattern FAMILY = Pattern.compile("(?:cpu family\\s*:|Family) *(\\d+)");
    private static final Pattern MODEL = Pattern.compile("(?:model\\s*:|Model) *(\\d+)");

    /** Apart, since a VM without the vector module asks other things of this class. */
    private static final class Chosen {

        private static final int PREFERRED = ByteVector.SPECIES_PREFERRED.vectorBitSize();

        // the processor is asked for only where it matters
        private static final VectorWidth WIDTH = chooseOrIgnore(System.getProperty(PROPERTY),
                System.getProperty(LOOKUP_PROPERTY), PREFERRED, PREFERRED < 256 ? "" : processor());
    }

    /** The width of this JVM. */
    static VectorWidth chosen() {
        return Chosen.WIDTH;
    }

    /**
     * Whether products of 16 bits cost more than lookups, as on processors that compute 256 bits in halves: a Zen 1 core does
     * half a multiplication of 256 bits a cycle, but one and a half additions. Weights of three bits are looked up there, and
     * scales of Q4_K rounded.
     */
    boolean multipliesSlowly() {
        return bits == 256 && lookupBits == 128;
    }

    /** The widest vectors of floats that the VM uses. */
    static int floatBits() {
        return VectorSpecies.ofLargestShape(float.class).vectorBitSize();
    }

    /** What the system says of the first processor: Linux in a file, Windows in a variable. */
    private static String processor() {
        try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
            return lines.takeWhile(line -> !line.isBlank()).collect(Collectors.joining("\n"));
        } catch (IOException | UncheckedIOException e) {
            return Objects.requireNonNullElse(System.getenv("PROCESSOR_IDENTIFIER"), "");
        }
    }

    /** As {@link #choose}, but ignores properties with other values, which the log then says. */
    static VectorWidth chooseOrIgnore(String property, String lookupProperty, int preferredBits, String processor) {
        try {
            return choose(property, lookupProperty, preferredBits, processor);
        } catch (IllegalStateException e) {
            VectorWidth usual = choose(preferredBits, processor);
            LOG.warn("Vectors of {} bits are used and lookups of {}, as is usual here, since {}", usual.bits, usual.lookupBits,
                    e.getMessage());
            return usual;
        }
    }

    /**
     * Chooses from the values of {@link #PROPERTY} and {@link #LOOKUP_PROPERTY}, null if unset, and the widest vectors that the
     * VM uses.
     *
     * @param processor what the system says of the processor, see {@link #processor}; perhaps nothing, and then a processor with
     *                  512 bits counts as one with VBMI
     * @throws IllegalStateException if a property has another value than it may have
     */
    static VectorWidth choose(String property, String lookupProperty, int preferredBits, String processor) {
        VectorWidth width = property == null ? choose(preferredBits, processor)
                : all(width(PROPERTY, property, WIDTHS, "128, 256 or 512"), "forced by " + PROPERTY);
        if (lookupProperty == null) {
            return width;
        }
        int lookupBits = width(LOOKUP_PROPERTY, lookupProperty, List.of(128, width.bits), "128 or " + width.bits);
        return new VectorWidth(width.bits, lookupBits, "forced by " + LOOKUP_PROPERTY);
    }

    private static VectorWidth choose(int preferredBits, String processor) {
        if (preferredBits >= 512 && processor.contains(" avx512f") && !processor.contains(" avx512_vbmi")) {
            return all(256, "this processor has no permute of 64 bytes (AVX-512 VBMI)");
        }
        if (preferredBits >= 512) {
            return all(512, "one permute looks up 64 bytes");
        }
        if (preferredBits >= 256 && computesInHalves(processor)) {
            return new VectorWidth(256, 128, "one shuffle looks up 16 bytes, this processor computes 256 bits in halves");
        }
        if (preferredBits >= 256) {
            return all(256, "five instructions look up 32 bytes");
        }
        return all(128, "one shuffle looks up 16 bytes");
    }

    private static VectorWidth all(int bits, String reason) {
        return new VectorWidth(bits, bits, reason);
    }

    private static int width(String property, String value, List<Integer> widths, String choices) {
        return widths.stream().filter(bits -> value.equals(Integer.toString(bits))).findFirst().orElseThrow(
                () -> new IllegalStateException("the property " + property + " is " + value + "; give " + choices));
    }

    /** Whether a processor with AVX2 has units of 128 bits only. */
    static boolean computesInHalves(String processor) {
        int family = number(FAMILY, processor);
        return processor.contains("AuthenticAMD")
                && (family == EXCAVATOR || family == ZEN && number(MODEL, processor) < ZEN_2)
                || processor.contains("HygonGenuine") && family == HYGON;
    }

    private static int number(Pattern pattern, String processor) {
        Matcher matcher = pattern.matcher(processor);
        return matcher.find() ? Integer.parseInt(matcher.group(1)) : -1;
    }
}
