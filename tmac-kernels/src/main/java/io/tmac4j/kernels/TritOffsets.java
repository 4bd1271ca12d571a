package io.tmac4j.kernels;

import static io.tmac4j.kernels.GemmKernels.ADDRESS;
import static io.tmac4j.kernels.GemmKernels.OFFSET;
import static io.tmac4j.kernels.Species.LANES;
import static io.tmac4j.kernels.Species.SHORTS;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.OR;

import io.tmac4j.bindings.spi.OffHeap;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.ShortVector;

/**
 * Offsets into the vector tables of a step of ternary weights, for {@link GemmKernels#tritSums}: for one table the unsigned
 * 16-bit offsets of a vector of rows, then those of the next table.
 */
final class TritOffsets {

    /** Bytes of the offsets of half a vector of rows: a set for its even byte lanes, another for the odd ones. */
    static final long SET_BYTES = (long) GemmShape.STEP_TRITS * LANES;

    private static final MemorySegment ALL = OffHeap.ALL;
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;

    /** log2 of the bytes of a table entry. */
    private static final int SHIFT = Integer.numberOfTrailingZeros(WideSpecies.BYTES);

    /** Codes of three weights. */
    private static final short TRIPLE = 63;
    /** The bits of an index of a triple. */
    private static final short INDEX = 31;
    private static final short LOW = 0xff;
    private static final short HIGH = (short) 0xff00;

    /** Groups of three code bytes, four tables each; one byte remains. */
    private static final int GROUPS = 5;

    private TritOffsets() {
    }

    /** Entries from one value of a table's third weight to the next: of triples none is left out. */
    static int third(LookupForm form) {
        return form.isTriples() ? 9 : 12;
    }

    /** Bytes of the offsets of {@code rows} rows, whole vectors. */
    static long bytes(int rows) {
        return 2L * GemmShape.STEP_TRITS * rows;
    }

    /**
     * Offsets of the {@code 3 * GROUPS + 1} code bytes of a step of pairs, for one vector of rows. Code bytes hold four weights
     * and a table three, so vectors of code bytes are brought together, and a triple of two-bit codes, v = a + 4 b + 16 c,
     * becomes v - (v >> 2) = a + 3 b + 12 c, for tables with a gap of three entries from one c to the next.
     *
     * @param codes  first code byte
     * @param stride bytes from one code byte of a row to the next
     * @param target where the offsets go: those of the even byte lanes, {@link #SET_BYTES}, then those of the odd ones
     */
    static void ofPairs(long codes, int stride, long target) {
        ShortVector table = ShortVector.zero(SHORTS);
        ShortVector next = ShortVector.broadcast(SHORTS, (short) GemmKernels.TRIT_TABLE);
        for (int i = 0; i < GROUPS; i++) {
            long from = (codes & ADDRESS) + (3L * i * stride & OFFSET);
            long to = (target & ADDRESS) + (4L * i * LANES & OFFSET);
            ShortVector x = ShortVector.fromMemorySegment(SHORTS, ALL, from, LITTLE);
            ShortVector y = ShortVector.fromMemorySegment(SHORTS, ALL, from + (stride & OFFSET), LITTLE);
            ShortVector z = ShortVector.fromMemorySegment(SHORTS, ALL, from + (2L * stride & OFFSET), LITTLE);
            ShortVector evenLow = x.and(LOW).lanewise(OR, y.lanewise(LSHL, 8));
            ShortVector evenHigh = y.and(LOW).lanewise(OR, z.lanewise(LSHL, 8));
            ShortVector oddLow = x.lanewise(LSHR, 8).lanewise(OR, y.and(HIGH));
            ShortVector oddHigh = y.lanewise(LSHR, 8).lanewise(OR, z.and(HIGH));
            ShortVector v = evenLow.and(TRIPLE);
            v.sub(v.lanewise(LSHR, 2)).lanewise(LSHL, SHIFT).add(table)
                    .intoMemorySegment(ALL, to, LITTLE);
            v = oddLow.and(TRIPLE);
            v.sub(v.lanewise(LSHR, 2)).lanewise(LSHL, SHIFT).add(table)
                    .intoMemorySegment(ALL, to + SET_BYTES, LITTLE);
            table = next.add(table);
            v = evenLow.lanewise(LSHR, 6).and(TRIPLE);
            v.sub(v.lanewise(LSHR, 2)).lanewise(LSHL, SHIFT).add(table)
                    .intoMemorySegment(ALL, to + LANES, LITTLE);
            v = oddLow.lanewise(LSHR, 6).and(TRIPLE);
            v.sub(v.lanewise(LSHR, 2)).lanewise(LSHL, SHIFT).add(table)
                    .intoMemorySegment(ALL, to + SET_BYTES + LANES, LITTLE);
            table = next.add(table);
            v = evenHigh.lanewise(LSHR, 4).and(TRIPLE);
            v.sub(v.lanewise(LSHR, 2)).lanewise(LSHL, SHIFT).add(table)
                    .intoMemorySegment(ALL, to + 2 * LANES, LITTLE);
            v = oddHigh.lanewise(LSHR, 4).and(TRIPLE);
            v.sub(v.lanewise(LSHR, 2)).lanewise(LSHL, SHIFT).add(table)
                    .intoMemorySegment(ALL, to + SET_BYTES + 2 * LANES, LITTLE);
            table = next.add(table);
            v = evenHigh.lanewise(LSHR, 10);
            v.sub(v.lanewise(LSHR, 2)).lanewise(LSHL, SHIFT).add(table)
                    .intoMemorySegment(ALL, to + 3 * LANES, LITTLE);
            v = oddHigh.lanewise(LSHR, 10);
            v.sub(v.lanewise(LSHR, 2)).lanewise(LSHL, SHIFT).add(table)
                    .intoMemorySegment(ALL, to + SET_BYTES + 3 * LANES, LITTLE);
            table = next.add(table);
        }
        long to = (target & ADDRESS) + 4 * GROUPS * LANES;
        ShortVector x = ShortVector.fromMemorySegment(SHORTS, ALL, (codes & ADDRESS) + (3L * GROUPS * stride & OFFSET), LITTLE);
        ShortVector v = x.and(LOW).and(TRIPLE);
        v.sub(v.lanewise(LSHR, 2)).lanewise(LSHL, SHIFT).add(table)
                .intoMemorySegment(ALL, to, LITTLE);
        v = x.lanewise(LSHR, 8).and(TRIPLE);
        v.sub(v.lanewise(LSHR, 2)).lanewise(LSHL, SHIFT).add(table)
                .intoMemorySegment(ALL, to + SET_BYTES, LITTLE);
        table = next.add(table);
        x.and(LOW).lanewise(LSHR, 6).lanewise(LSHL, SHIFT).add(table).intoMemorySegment(ALL, to + LANES, LITTLE);
        x.lanewise(LSHR, 14).lanewise(LSHL, SHIFT).add(table).intoMemorySegment(ALL, to + SET_BYTES + LANES, LITTLE);
    }

    /**
     * The same for triples, whose indices are packed as {@link Triples} has them.
     *
     * @param codes first code byte of the block
     * @param step  which step of the block
     */
    static void ofTriples(long codes, int step, int stride, long target) {
        ShortVector table = ShortVector.zero(SHORTS);
        ShortVector next = ShortVector.broadcast(SHORTS, (short) GemmKernels.TRIT_TABLE);
        long first = codes + (long) step * Triples.STEP_UNITS * Triples.UNIT_BYTES * stride;
        for (int i = 0; i < Triples.STEP_UNITS; i++) {
            long from = (first & ADDRESS) + ((long) i * Triples.UNIT_BYTES * stride & OFFSET);
            long to = (target & ADDRESS) + (4L * i * LANES & OFFSET);
            ShortVector x = ShortVector.fromMemorySegment(SHORTS, ALL, from, LITTLE);
            ShortVector y = ShortVector.fromMemorySegment(SHORTS, ALL, from + (stride & OFFSET), LITTLE);
            ShortVector z = ShortVector.fromMemorySegment(SHORTS, ALL, from + (2L * stride & OFFSET), LITTLE);
            x.and(INDEX).lanewise(LSHL, SHIFT).add(table).intoMemorySegment(ALL, to, LITTLE);
            x.lanewise(LSHR, 8).and(INDEX).lanewise(LSHL, SHIFT).add(table).intoMemorySegment(ALL, to + SET_BYTES, LITTLE);
            table = next.add(table);
            y.and(INDEX).lanewise(LSHL, SHIFT).add(table).intoMemorySegment(ALL, to + LANES, LITTLE);
            y.lanewise(LSHR, 8).and(INDEX).lanewise(LSHL, SHIFT).add(table)
                    .intoMemorySegment(ALL, to + SET_BYTES + LANES, LITTLE);
            table = next.add(table);
            z.and(INDEX).lanewise(LSHL, SHIFT).add(table).intoMemorySegment(ALL, to + 2 * LANES, LITTLE);
            z.lanewise(LSHR, 8).and(INDEX).lanewise(LSHL, SHIFT).add(table)
                    .intoMemorySegment(ALL, to + SET_BYTES + 2 * LANES, LITTLE);
            table = next.add(table);
            x.lanewise(LSHR, 5).and((short) 7).lanewise(OR, y.lanewise(LSHR, 2).and((short) 24)).lanewise(LSHL, SHIFT).add(table)
                    .intoMemorySegment(ALL, to + 3 * LANES, LITTLE);
            x.lanewise(LSHR, 13).lanewise(OR, y.lanewise(LSHR, 10).and((short) 24)).lanewise(LSHL, SHIFT).add(table)
                    .intoMemorySegment(ALL, to + SET_BYTES + 3 * LANES, LITTLE);
            table = next.add(table);
        }
        long to = (target & ADDRESS) + 4 * Triples.STEP_UNITS * LANES;
        long last = codes + (long) (Triples.UNITS * Triples.UNIT_BYTES + step) * stride;
        ShortVector x = ShortVector.fromMemorySegment(SHORTS, ALL, last & ADDRESS, LITTLE);
        x.and(INDEX).lanewise(LSHL, SHIFT).add(table).intoMemorySegment(ALL, to, LITTLE);
        x.lanewise(LSHR, 8).and(INDEX).lanewise(LSHL, SHIFT).add(table).intoMemorySegment(ALL, to + SET_BYTES, LITTLE);
        table = next.add(table);
        x.lanewise(LSHR, 5).and((short) 7).lanewise(LSHL, SHIFT).add(table).intoMemorySegment(ALL, to + LANES, LITTLE);
        x.lanewise(LSHR, 13).lanewise(LSHL, SHIFT).add(table).intoMemorySegment(ALL, to + SET_BYTES + LANES, LITTLE);
    }
}
