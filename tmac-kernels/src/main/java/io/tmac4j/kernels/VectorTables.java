package io.tmac4j.kernels;

import static io.tmac4j.kernels.WideSpecies.BYTES;
import static io.tmac4j.kernels.WideSpecies.SHORTS;
import static io.tmac4j.kernels.GemmKernels.ADDRESS;
import static io.tmac4j.kernels.GemmKernels.OFFSET;

import io.tmac4j.bindings.spi.OffHeap;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.ShortVector;

/**
 * Builds vector lookup tables: for each group of weights 16 entries, an entry being the group's exact sum for one index, in 16
 * bits for each column. About one addition and one store an entry, without helper methods for the reason given in
 * {@link GemmKernels}.
 */
final class VectorTables {

    private static final MemorySegment ALL = OffHeap.ALL;
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;

    private VectorTables() {
    }

    /**
     * Tables of bits of four weights that count {@code first} or, if set, {@code step} more.
     *
     * @param activations quantised activations in table order, a vector each
     */
    static void bits(long activations, int count, int first, int step, long tables) {
        for (int table = 0; table < count; table++) {
            long from = (activations & ADDRESS) + (4L * table * BYTES & OFFSET);
            long to = (tables & ADDRESS) + (table * GemmKernels.TABLE & OFFSET);
            ShortVector a = ShortVector.fromMemorySegment(SHORTS, ALL, from, LITTLE);
            ShortVector b = ShortVector.fromMemorySegment(SHORTS, ALL, from + BYTES, LITTLE);
            ShortVector c = ShortVector.fromMemorySegment(SHORTS, ALL, from + 2 * BYTES, LITTLE);
            ShortVector d = ShortVector.fromMemorySegment(SHORTS, ALL, from + 3 * BYTES, LITTLE);
            ShortVector e = a.add(b).add(c.add(d)).mul((short) first);
            a = a.mul((short) step);
            b = b.mul((short) step);
            c = c.mul((short) step);
            d = d.mul((short) step);
            ShortVector both = c.add(d);
            e.intoMemorySegment(ALL, to, LITTLE);
            e.add(c).intoMemorySegment(ALL, to + 4 * BYTES, LITTLE);
            e.add(d).intoMemorySegment(ALL, to + 8 * BYTES, LITTLE);
            e.add(both).intoMemorySegment(ALL, to + 12 * BYTES, LITTLE);
            ShortVector f = e.add(a);
            f.intoMemorySegment(ALL, to + BYTES, LITTLE);
            f.add(c).intoMemorySegment(ALL, to + 5 * BYTES, LITTLE);
            f.add(d).intoMemorySegment(ALL, to + 9 * BYTES, LITTLE);
            f.add(both).intoMemorySegment(ALL, to + 13 * BYTES, LITTLE);
            f = e.add(b);
            f.intoMemorySegment(ALL, to + 2 * BYTES, LITTLE);
            f.add(c).intoMemorySegment(ALL, to + 6 * BYTES, LITTLE);
            f.add(d).intoMemorySegment(ALL, to + 10 * BYTES, LITTLE);
            f.add(both).intoMemorySegment(ALL, to + 14 * BYTES, LITTLE);
            f = e.add(a).add(b);
            f.intoMemorySegment(ALL, to + 3 * BYTES, LITTLE);
            f.add(c).intoMemorySegment(ALL, to + 7 * BYTES, LITTLE);
            f.add(d).intoMemorySegment(ALL, to + 11 * BYTES, LITTLE);
            f.add(both).intoMemorySegment(ALL, to + 15 * BYTES, LITTLE);
        }
    }

    /** Tables of codes 0 to 3 of two weights that count {@code first}, {@code first + step} and so on. */
    static void pairs(long activations, int count, int first, int step, long tables) {
        for (int table = 0; table < count; table++) {
            long from = (activations & ADDRESS) + (2L * table * BYTES & OFFSET);
            long to = (tables & ADDRESS) + (table * GemmKernels.TABLE & OFFSET);
            ShortVector a = ShortVector.fromMemorySegment(SHORTS, ALL, from, LITTLE);
            ShortVector b = ShortVector.fromMemorySegment(SHORTS, ALL, from + BYTES, LITTLE);
            ShortVector e = a.add(b).mul((short) first);
            ShortVector more = a.mul((short) step);
            ShortVector one = b.mul((short) step);
            ShortVector two = one.add(one);
            ShortVector three = two.add(one);
            for (int code = 0; code < 4; code++) {
                long at = to + ((long) code * BYTES & OFFSET);
                e.intoMemorySegment(ALL, at, LITTLE);
                one.add(e).intoMemorySegment(ALL, at + 4 * BYTES, LITTLE);
                two.add(e).intoMemorySegment(ALL, at + 8 * BYTES, LITTLE);
                three.add(e).intoMemorySegment(ALL, at + 12 * BYTES, LITTLE);
                e = more.add(e);
            }
        }
    }

    /** Tables of codes 0 to 15 of one weight that count {@code first} and so on. */
    static void singles(long activations, int count, int first, long tables) {
        for (int table = 0; table < count; table++) {
            long to = (tables & ADDRESS) + (table * GemmKernels.TABLE & OFFSET);
            ShortVector a = ShortVector.fromMemorySegment(SHORTS, ALL, (activations & ADDRESS) + ((long) table * BYTES & OFFSET),
                    LITTLE);
            ShortVector e = a.mul((short) first);
            ShortVector f = a.mul((short) (first + 8));
            for (int code = 0; code < 8; code++) {
                long at = to + ((long) code * BYTES & OFFSET);
                ShortVector.zero(SHORTS).add(e).intoMemorySegment(ALL, at, LITTLE);
                ShortVector.zero(SHORTS).add(f).intoMemorySegment(ALL, at + 8 * BYTES, LITTLE);
                e = a.add(e);
                f = a.add(f);
            }
        }
    }

    /**
     * Tables of the trits of a step, three weights of -1, 0 and 1 each, the first counting least; of {@link GemmShape#STEP_TRITS}
     * tables the last has one weight.
     *
     * @param third entries from one value of the third weight to the next, 9 at least
     */
    static void trits(long activations, int third, long tables) {
        int last = GemmShape.STEP_TRITS - 1;
        for (int table = 0; table < last; table++) {
            long from = (activations & ADDRESS) + (3L * table * BYTES & OFFSET);
            long to = (tables & ADDRESS) + (table * GemmKernels.TRIT_TABLE & OFFSET);
            long zero = to + ((long) third * BYTES & OFFSET);
            long one = zero + ((long) third * BYTES & OFFSET);
            ShortVector a = ShortVector.fromMemorySegment(SHORTS, ALL, from, LITTLE);
            ShortVector b = ShortVector.fromMemorySegment(SHORTS, ALL, from + BYTES, LITTLE);
            ShortVector c = ShortVector.fromMemorySegment(SHORTS, ALL, from + 2 * BYTES, LITTLE);
            ShortVector twice = a.add(a);
            ShortVector e = ShortVector.zero(SHORTS).sub(a.add(b).add(c));
            e.intoMemorySegment(ALL, to, LITTLE);
            e.add(a).intoMemorySegment(ALL, to + BYTES, LITTLE);
            e.add(twice).intoMemorySegment(ALL, to + 2 * BYTES, LITTLE);
            e = e.add(b);
            e.intoMemorySegment(ALL, to + 3 * BYTES, LITTLE);
            e.add(a).intoMemorySegment(ALL, to + 4 * BYTES, LITTLE);
            e.add(twice).intoMemorySegment(ALL, to + 5 * BYTES, LITTLE);
            e = e.add(b);
            e.intoMemorySegment(ALL, to + 6 * BYTES, LITTLE);
            e.add(a).intoMemorySegment(ALL, to + 7 * BYTES, LITTLE);
            e.add(twice).intoMemorySegment(ALL, to + 8 * BYTES, LITTLE);
            e = e.add(c).sub(b.add(b));
            e.intoMemorySegment(ALL, zero, LITTLE);
            e.add(a).intoMemorySegment(ALL, zero + BYTES, LITTLE);
            e.add(twice).intoMemorySegment(ALL, zero + 2 * BYTES, LITTLE);
            e = e.add(b);
            e.intoMemorySegment(ALL, zero + 3 * BYTES, LITTLE);
            e.add(a).intoMemorySegment(ALL, zero + 4 * BYTES, LITTLE);
            e.add(twice).intoMemorySegment(ALL, zero + 5 * BYTES, LITTLE);
            e = e.add(b);
            e.intoMemorySegment(ALL, zero + 6 * BYTES, LITTLE);
            e.add(a).intoMemorySegment(ALL, zero + 7 * BYTES, LITTLE);
            e.add(twice).intoMemorySegment(ALL, zero + 8 * BYTES, LITTLE);
            e = e.add(c).sub(b.add(b));
            e.intoMemorySegment(ALL, one, LITTLE);
            e.add(a).intoMemorySegment(ALL, one + BYTES, LITTLE);
            e.add(twice).intoMemorySegment(ALL, one + 2 * BYTES, LITTLE);
            e = e.add(b);
            e.intoMemorySegment(ALL, one + 3 * BYTES, LITTLE);
            e.add(a).intoMemorySegment(ALL, one + 4 * BYTES, LITTLE);
            e.add(twice).intoMemorySegment(ALL, one + 5 * BYTES, LITTLE);
            e = e.add(b);
            e.intoMemorySegment(ALL, one + 6 * BYTES, LITTLE);
            e.add(a).intoMemorySegment(ALL, one + 7 * BYTES, LITTLE);
            e.add(twice).intoMemorySegment(ALL, one + 8 * BYTES, LITTLE);
        }
        long to = (tables & ADDRESS) + (last * GemmKernels.TRIT_TABLE & OFFSET);
        ShortVector a = ShortVector.fromMemorySegment(SHORTS, ALL, (activations & ADDRESS) + 3 * last * BYTES, LITTLE);
        ShortVector.zero(SHORTS).sub(a).intoMemorySegment(ALL, to, LITTLE);
        ShortVector.zero(SHORTS).intoMemorySegment(ALL, to + BYTES, LITTLE);
        a.intoMemorySegment(ALL, to + 2 * BYTES, LITTLE);
    }
}
