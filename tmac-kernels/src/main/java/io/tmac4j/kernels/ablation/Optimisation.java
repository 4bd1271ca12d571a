package io.tmac4j.kernels.ablation;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The switches of the ablation. Without any, each row looks up one group after the other in tables of floats, in plain Java:
 * weights lie row by row as in a file, tables of all groups are built first and stay in memory.
 *
 * <p>The order is one in which each makes the next possible: a byte shuffle needs entries of a byte (so quantisation comes first)
 * and 16 rows with the same table (so the order of the axes comes before registers), and only tiles can be laid out
 * contiguously.
 */
public enum Optimisation {

    /** Entries of a byte, with one step for the tables of a block: a quarter of the memory, sums of ints. */
    QUANTISED_TABLES("quantised tables", "table entries are bytes with one step a block instead of floats"),

    /** The weights' axis is outermost: the tables of a block are built, used for all rows and forgotten. */
    AXIS_ORDER("axis order", "k is the outer loop: a table is built, used for all rows and forgotten", QUANTISED_TABLES),

    /** A table is a vector register, and a byte shuffle looks up 16 rows. Sums are 16 bits wide, in memory. */
    REGISTERS("tables in registers", "a table is a register, a byte shuffle looks up 16 rows at once", AXIS_ORDER),

    /** 32 rows at a time go through a whole block, so that their sums stay in registers; tables are built once for all tiles. */
    TILES("tiling", "32 rows at a time, so that sums stay in registers too", REGISTERS),

    /** A tile's weights and scales lie in memory in the order in which they are used. */
    LAYOUT("permuted layout", "a tile's weights are contiguous, in the order of use", TILES),

    /** A byte holds the indices of rows i and i + 16, not of neighbours: unpacking needs no interleaving. */
    NIBBLES("interleaved nibbles", "a byte holds rows 16 apart, so that unpacking is a shift and a mask", TILES),

    /** Half of a table is computed, the other half is its mirror image with the sign changed. */
    MIRROR("mirrored tables", "half of a table is computed, the rest by changing signs", QUANTISED_TABLES),

    /** Entries of seven bits; two lookups are added as bytes before they are widened to 16 bits. */
    BYTE_SUMS("byte aggregation", "two lookups of seven bits are added in bytes before they are widened", NIBBLES),

    /** Entries of six bits; four lookups are added as bytes. */
    BYTE_SUMS_OF_FOUR("byte aggregation of four", "four lookups of six bits are added in bytes", BYTE_SUMS),

    /**
     * The paper's fast aggregation, in place of sums of bytes: four entries of eight bits become their rounded average, and what
     * rounding up adds in the mean is taken off again. The Vector API has no average of bytes: it takes five operations.
     */
    AVERAGING("averages of four", "the paper's fast aggregation: averages of four lookups instead of sums", BYTE_SUMS);

    private final String title;
    private final String sentence;
    private final List<Optimisation> needed;

    Optimisation(String title, String sentence, Optimisation... needed) {
        this.title = title;
        this.sentence = sentence;
        this.needed = List.of(needed);
    }

    /** A few words. */
    String title() {
        return title;
    }

    /** What it is, for people. */
    String sentence() {
        return sentence;
    }

    /** What must be on for it. */
    public List<Optimisation> needed() {
        return needed;
    }

    /** All up to this one, in their order. */
    EnumSet<Optimisation> upToHere() {
        return EnumSet.range(QUANTISED_TABLES, this);
    }

    /**
     * Checks that all that is on has what it needs.
     *
     * @throws IllegalArgumentException if something is missing; the message names it
     */
    static void check(Set<Optimisation> on) {
        for (Optimisation one : on) {
            if (!on.containsAll(one.needed)) {
                throw new IllegalArgumentException("\"" + one.title + "\" needs " + one.needed.stream()
                        .map(Optimisation::title).collect(Collectors.joining(", ", "\"", "\"")));
            }
        }
    }

    /** Greatest size of a table entry, in steps. */
    static int greatestEntry(Set<Optimisation> on) {
        if (on.contains(AVERAGING)) {
            return 127;
        }
        // two entries of 64 + 63 or four of 32 + 31 are less than 256
        return on.contains(BYTE_SUMS_OF_FOUR) ? 31 : on.contains(BYTE_SUMS) ? 63 : 127;
    }
}
