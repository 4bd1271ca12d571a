package io.tmac4j.kernels;

import static io.tmac4j.kernels.GemmKernels.ADDRESS;
import static io.tmac4j.kernels.GemmKernels.OFFSET;
import static io.tmac4j.kernels.WideSpecies.BYTES;
import static io.tmac4j.kernels.WideSpecies.INTS;
import static io.tmac4j.kernels.WideSpecies.SHORTS;
import static jdk.incubator.vector.VectorOperators.LSHR;

import io.tmac4j.bindings.spi.OffHeap;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * First stage of an mpGEMV with weights in words: the integer sums of the fields times the activations, without masks; see
 * {@link WordColumns} for why that is exact. A field costs a shift, a multiplication and an addition for all rows of a tile, and
 * the broadcast of a coefficient serves four tiles.
 *
 * <p>A tile costs a core a stream of memory, and the four stand far apart. Reading alone, one stream reached 11.6 GB/s on a core
 * of an AMD Zen 3 and four reached 15.1; with the products of this class one reached 5.5, two at a time 8, four at a time 11.
 * So each loop reads four words, and has no more fields than registers allow: about sixteen products; more, and C2 spills.
 *
 * <p>The shape of these methods is C2's wish. Vector operations are written out, not put into helper methods: past a number of
 * nodes C2 inlines no helper any more, and then every vector is an object. A vector that a loop carries on is an argument, never
 * the receiver: C2 does not know its class, asks the profile, and gives up once other shapes of vectors have been seen there;
 * hence the additions to zero. Addresses are masked as in {@link GemmKernels}: a bounds check left in a loop keeps vectors alive
 * as objects.
 */
final class WordSums {

    /** Bytes of a sum: a vector for each tile. The two halves of a lane, added modulo 2^16, are the sum of the row. */
    static final int SUM = PackedMatrix.TILES * BYTES;

    /** Coefficients of a block of 256 weights of three bits: eight words of two sums have seven, sixteen of one sum six. */
    static final int THREE_BITS_COEFFICIENTS = 8 * 7 + 16 * 6;

    private static final MemorySegment ALL = OffHeap.ALL;
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;

    private WordSums() {
    }

    /**
     * Sums of fields of two bits: {@code sums} sums of {@code words} words each, of four tiles.
     *
     * @param codes        first word of the first tile
     * @param next1        bytes from it to the first word of the second tile, which stands behind
     * @param next2        the same for the third
     * @param next3        the same for the fourth
     * @param coefficients see {@link WordColumns}
     * @param starts       what the sums begin with
     * @param target       where the vectors of the four tiles go, {@link #SUM} bytes a sum
     */
    static void twoBits(long codes, long next1, long next2, long next3, int sums, int words, long coefficients, long starts,
            long target) {
        ShortVector zero = ShortVector.zero(SHORTS);
        long d1 = next1 & OFFSET;
        long d2 = next2 & OFFSET;
        long d3 = next3 & OFFSET;
        for (int sum = 0; sum < sums; sum++) {
            long start = (starts & ADDRESS) + (4L * sum & OFFSET);
            ShortVector a0 = IntVector.broadcast(INTS, ALL.get(Memory.INT, start)).reinterpretAsShorts();
            ShortVector a1 = a0;
            ShortVector a2 = a0;
            ShortVector a3 = a0;
            for (int word = sum * words; word < (sum + 1) * words; word++) {
                long p = (codes & ADDRESS) + ((long) word * BYTES & OFFSET);
                long c = (coefficients & ADDRESS) + (32L * word & OFFSET);
                IntVector x0 = IntVector.fromMemorySegment(INTS, ALL, p, LITTLE);
                IntVector x1 = IntVector.fromMemorySegment(INTS, ALL, p + d1, LITTLE);
                IntVector x2 = IntVector.fromMemorySegment(INTS, ALL, p + d2, LITTLE);
                IntVector x3 = IntVector.fromMemorySegment(INTS, ALL, p + d3, LITTLE);
                ShortVector f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c)).reinterpretAsShorts();
                a0 = x0.reinterpretAsShorts().mul(f).add(a0);
                a1 = x1.reinterpretAsShorts().mul(f).add(a1);
                a2 = x2.reinterpretAsShorts().mul(f).add(a2);
                a3 = x3.reinterpretAsShorts().mul(f).add(a3);
                f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 4)).reinterpretAsShorts();
                a0 = x0.lanewise(LSHR, 2).reinterpretAsShorts().mul(f).add(a0);
                a1 = x1.lanewise(LSHR, 2).reinterpretAsShorts().mul(f).add(a1);
                a2 = x2.lanewise(LSHR, 2).reinterpretAsShorts().mul(f).add(a2);
                a3 = x3.lanewise(LSHR, 2).reinterpretAsShorts().mul(f).add(a3);
                f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 8)).reinterpretAsShorts();
                a0 = x0.lanewise(LSHR, 4).reinterpretAsShorts().mul(f).add(a0);
                a1 = x1.lanewise(LSHR, 4).reinterpretAsShorts().mul(f).add(a1);
                a2 = x2.lanewise(LSHR, 4).reinterpretAsShorts().mul(f).add(a2);
                a3 = x3.lanewise(LSHR, 4).reinterpretAsShorts().mul(f).add(a3);
                f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 12)).reinterpretAsShorts();
                a0 = x0.lanewise(LSHR, 6).reinterpretAsShorts().mul(f).add(a0);
                a1 = x1.lanewise(LSHR, 6).reinterpretAsShorts().mul(f).add(a1);
                a2 = x2.lanewise(LSHR, 6).reinterpretAsShorts().mul(f).add(a2);
                a3 = x3.lanewise(LSHR, 6).reinterpretAsShorts().mul(f).add(a3);
            }
            for (int word = sum * words; word < (sum + 1) * words; word++) {
                long p = (codes & ADDRESS) + ((long) word * BYTES & OFFSET);
                long c = (coefficients & ADDRESS) + (32L * word & OFFSET);
                IntVector x0 = IntVector.fromMemorySegment(INTS, ALL, p, LITTLE);
                IntVector x1 = IntVector.fromMemorySegment(INTS, ALL, p + d1, LITTLE);
                IntVector x2 = IntVector.fromMemorySegment(INTS, ALL, p + d2, LITTLE);
                IntVector x3 = IntVector.fromMemorySegment(INTS, ALL, p + d3, LITTLE);
                ShortVector f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 16)).reinterpretAsShorts();
                a0 = x0.lanewise(LSHR, 8).reinterpretAsShorts().mul(f).add(a0);
                a1 = x1.lanewise(LSHR, 8).reinterpretAsShorts().mul(f).add(a1);
                a2 = x2.lanewise(LSHR, 8).reinterpretAsShorts().mul(f).add(a2);
                a3 = x3.lanewise(LSHR, 8).reinterpretAsShorts().mul(f).add(a3);
                f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 20)).reinterpretAsShorts();
                a0 = x0.lanewise(LSHR, 10).reinterpretAsShorts().mul(f).add(a0);
                a1 = x1.lanewise(LSHR, 10).reinterpretAsShorts().mul(f).add(a1);
                a2 = x2.lanewise(LSHR, 10).reinterpretAsShorts().mul(f).add(a2);
                a3 = x3.lanewise(LSHR, 10).reinterpretAsShorts().mul(f).add(a3);
                f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 24)).reinterpretAsShorts();
                a0 = x0.lanewise(LSHR, 12).reinterpretAsShorts().mul(f).add(a0);
                a1 = x1.lanewise(LSHR, 12).reinterpretAsShorts().mul(f).add(a1);
                a2 = x2.lanewise(LSHR, 12).reinterpretAsShorts().mul(f).add(a2);
                a3 = x3.lanewise(LSHR, 12).reinterpretAsShorts().mul(f).add(a3);
                f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 28)).reinterpretAsShorts();
                a0 = x0.lanewise(LSHR, 14).reinterpretAsShorts().mul(f).add(a0);
                a1 = x1.lanewise(LSHR, 14).reinterpretAsShorts().mul(f).add(a1);
                a2 = x2.lanewise(LSHR, 14).reinterpretAsShorts().mul(f).add(a2);
                a3 = x3.lanewise(LSHR, 14).reinterpretAsShorts().mul(f).add(a3);
            }
            long to = (target & ADDRESS) + ((long) sum * SUM & OFFSET);
            zero.add(a0).intoMemorySegment(ALL, to, LITTLE);
            zero.add(a1).intoMemorySegment(ALL, to + BYTES, LITTLE);
            zero.add(a2).intoMemorySegment(ALL, to + 2 * BYTES, LITTLE);
            zero.add(a3).intoMemorySegment(ALL, to + 3 * BYTES, LITTLE);
        }
    }

    /** The same for sums of one word each. */
    static void twoBitWords(long codes, long next1, long next2, long next3, int words, long coefficients, long starts,
            long target) {
        long d1 = next1 & OFFSET;
        long d2 = next2 & OFFSET;
        long d3 = next3 & OFFSET;
        for (int word = 0; word < words; word++) {
            long p = (codes & ADDRESS) + ((long) word * BYTES & OFFSET);
            long c = (coefficients & ADDRESS) + (32L * word & OFFSET);
            long start = (starts & ADDRESS) + (4L * word & OFFSET);
            long to = (target & ADDRESS) + ((long) word * SUM & OFFSET);
            ShortVector a0 = IntVector.broadcast(INTS, ALL.get(Memory.INT, start)).reinterpretAsShorts();
            ShortVector a1 = a0;
            ShortVector a2 = a0;
            ShortVector a3 = a0;
            IntVector x0 = IntVector.fromMemorySegment(INTS, ALL, p, LITTLE);
            IntVector x1 = IntVector.fromMemorySegment(INTS, ALL, p + d1, LITTLE);
            IntVector x2 = IntVector.fromMemorySegment(INTS, ALL, p + d2, LITTLE);
            IntVector x3 = IntVector.fromMemorySegment(INTS, ALL, p + d3, LITTLE);
            ShortVector f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c)).reinterpretAsShorts();
            a0 = x0.reinterpretAsShorts().mul(f).add(a0);
            a1 = x1.reinterpretAsShorts().mul(f).add(a1);
            a2 = x2.reinterpretAsShorts().mul(f).add(a2);
            a3 = x3.reinterpretAsShorts().mul(f).add(a3);
            f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 4)).reinterpretAsShorts();
            a0 = x0.lanewise(LSHR, 2).reinterpretAsShorts().mul(f).add(a0);
            a1 = x1.lanewise(LSHR, 2).reinterpretAsShorts().mul(f).add(a1);
            a2 = x2.lanewise(LSHR, 2).reinterpretAsShorts().mul(f).add(a2);
            a3 = x3.lanewise(LSHR, 2).reinterpretAsShorts().mul(f).add(a3);
            f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 8)).reinterpretAsShorts();
            a0 = x0.lanewise(LSHR, 4).reinterpretAsShorts().mul(f).add(a0);
            a1 = x1.lanewise(LSHR, 4).reinterpretAsShorts().mul(f).add(a1);
            a2 = x2.lanewise(LSHR, 4).reinterpretAsShorts().mul(f).add(a2);
            a3 = x3.lanewise(LSHR, 4).reinterpretAsShorts().mul(f).add(a3);
            f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 12)).reinterpretAsShorts();
            a0 = x0.lanewise(LSHR, 6).reinterpretAsShorts().mul(f).add(a0);
            a1 = x1.lanewise(LSHR, 6).reinterpretAsShorts().mul(f).add(a1);
            a2 = x2.lanewise(LSHR, 6).reinterpretAsShorts().mul(f).add(a2);
            a3 = x3.lanewise(LSHR, 6).reinterpretAsShorts().mul(f).add(a3);
            a0.intoMemorySegment(ALL, to, LITTLE);
            a1.intoMemorySegment(ALL, to + BYTES, LITTLE);
            a2.intoMemorySegment(ALL, to + 2 * BYTES, LITTLE);
            a3.intoMemorySegment(ALL, to + 3 * BYTES, LITTLE);
        }
        for (int word = 0; word < words; word++) {
            long p = (codes & ADDRESS) + ((long) word * BYTES & OFFSET);
            long c = (coefficients & ADDRESS) + (32L * word & OFFSET);
            long to = (target & ADDRESS) + ((long) word * SUM & OFFSET);
            ShortVector a0 = ShortVector.fromMemorySegment(SHORTS, ALL, to, LITTLE);
            ShortVector a1 = ShortVector.fromMemorySegment(SHORTS, ALL, to + BYTES, LITTLE);
            ShortVector a2 = ShortVector.fromMemorySegment(SHORTS, ALL, to + 2 * BYTES, LITTLE);
            ShortVector a3 = ShortVector.fromMemorySegment(SHORTS, ALL, to + 3 * BYTES, LITTLE);
            IntVector x0 = IntVector.fromMemorySegment(INTS, ALL, p, LITTLE);
            IntVector x1 = IntVector.fromMemorySegment(INTS, ALL, p + d1, LITTLE);
            IntVector x2 = IntVector.fromMemorySegment(INTS, ALL, p + d2, LITTLE);
            IntVector x3 = IntVector.fromMemorySegment(INTS, ALL, p + d3, LITTLE);
            ShortVector f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 16)).reinterpretAsShorts();
            a0 = x0.lanewise(LSHR, 8).reinterpretAsShorts().mul(f).add(a0);
            a1 = x1.lanewise(LSHR, 8).reinterpretAsShorts().mul(f).add(a1);
            a2 = x2.lanewise(LSHR, 8).reinterpretAsShorts().mul(f).add(a2);
            a3 = x3.lanewise(LSHR, 8).reinterpretAsShorts().mul(f).add(a3);
            f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 20)).reinterpretAsShorts();
            a0 = x0.lanewise(LSHR, 10).reinterpretAsShorts().mul(f).add(a0);
            a1 = x1.lanewise(LSHR, 10).reinterpretAsShorts().mul(f).add(a1);
            a2 = x2.lanewise(LSHR, 10).reinterpretAsShorts().mul(f).add(a2);
            a3 = x3.lanewise(LSHR, 10).reinterpretAsShorts().mul(f).add(a3);
            f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 24)).reinterpretAsShorts();
            a0 = x0.lanewise(LSHR, 12).reinterpretAsShorts().mul(f).add(a0);
            a1 = x1.lanewise(LSHR, 12).reinterpretAsShorts().mul(f).add(a1);
            a2 = x2.lanewise(LSHR, 12).reinterpretAsShorts().mul(f).add(a2);
            a3 = x3.lanewise(LSHR, 12).reinterpretAsShorts().mul(f).add(a3);
            f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 28)).reinterpretAsShorts();
            a0 = x0.lanewise(LSHR, 14).reinterpretAsShorts().mul(f).add(a0);
            a1 = x1.lanewise(LSHR, 14).reinterpretAsShorts().mul(f).add(a1);
            a2 = x2.lanewise(LSHR, 14).reinterpretAsShorts().mul(f).add(a2);
            a3 = x3.lanewise(LSHR, 14).reinterpretAsShorts().mul(f).add(a3);
            a0.intoMemorySegment(ALL, to, LITTLE);
            a1.intoMemorySegment(ALL, to + BYTES, LITTLE);
            a2.intoMemorySegment(ALL, to + 2 * BYTES, LITTLE);
            a3.intoMemorySegment(ALL, to + 3 * BYTES, LITTLE);
        }
    }

    /**
     * The same for fields of four bits; sums begin with ints {@code startStride} bytes apart. The products of fields 1 to 3 of a
     * word are added up by themselves: where one instruction multiplies and adds, on Arm, four in a row would be what an
     * iteration waits for. Field 0's takes the word from memory again: a vector both shifted and multiplied C2 copies.
     */
    static void fourBits(long codes, long next1, long next2, long next3, int sums, int words, long coefficients, long starts,
            int startStride, long target) {
        ShortVector zero = ShortVector.zero(SHORTS);
        long d1 = next1 & OFFSET;
        long d2 = next2 & OFFSET;
        long d3 = next3 & OFFSET;
        for (int sum = 0; sum < sums; sum++) {
            long start = (starts & ADDRESS) + ((long) sum * startStride & OFFSET);
            ShortVector a0 = IntVector.broadcast(INTS, ALL.get(Memory.INT, start)).reinterpretAsShorts();
            ShortVector a1 = a0;
            ShortVector a2 = a0;
            ShortVector a3 = a0;
            for (int word = sum * words; word < (sum + 1) * words; word++) {
                long p = (codes & ADDRESS) + ((long) word * BYTES & OFFSET);
                long c = (coefficients & ADDRESS) + (16L * word & OFFSET);
                ShortVector f0 = IntVector.broadcast(INTS, ALL.get(Memory.INT, c)).reinterpretAsShorts();
                ShortVector f1 = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 4)).reinterpretAsShorts();
                ShortVector f2 = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 8)).reinterpretAsShorts();
                ShortVector f3 = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 12)).reinterpretAsShorts();
                IntVector x0 = IntVector.fromMemorySegment(INTS, ALL, p, LITTLE);
                ShortVector b0 = x0.lanewise(LSHR, 4).reinterpretAsShorts().mul(f1);
                b0 = x0.lanewise(LSHR, 8).reinterpretAsShorts().mul(f2).add(b0);
                a0 = ShortVector.fromMemorySegment(SHORTS, ALL, p, LITTLE).mul(f0).add(a0);
                a0 = x0.lanewise(LSHR, 12).reinterpretAsShorts().mul(f3).add(b0).add(a0);
                IntVector x1 = IntVector.fromMemorySegment(INTS, ALL, p + d1, LITTLE);
                ShortVector b1 = x1.lanewise(LSHR, 4).reinterpretAsShorts().mul(f1);
                b1 = x1.lanewise(LSHR, 8).reinterpretAsShorts().mul(f2).add(b1);
                a1 = ShortVector.fromMemorySegment(SHORTS, ALL, p + d1, LITTLE).mul(f0).add(a1);
                a1 = x1.lanewise(LSHR, 12).reinterpretAsShorts().mul(f3).add(b1).add(a1);
                IntVector x2 = IntVector.fromMemorySegment(INTS, ALL, p + d2, LITTLE);
                ShortVector b2 = x2.lanewise(LSHR, 4).reinterpretAsShorts().mul(f1);
                b2 = x2.lanewise(LSHR, 8).reinterpretAsShorts().mul(f2).add(b2);
                a2 = ShortVector.fromMemorySegment(SHORTS, ALL, p + d2, LITTLE).mul(f0).add(a2);
                a2 = x2.lanewise(LSHR, 12).reinterpretAsShorts().mul(f3).add(b2).add(a2);
                IntVector x3 = IntVector.fromMemorySegment(INTS, ALL, p + d3, LITTLE);
                ShortVector b3 = x3.lanewise(LSHR, 4).reinterpretAsShorts().mul(f1);
                b3 = x3.lanewise(LSHR, 8).reinterpretAsShorts().mul(f2).add(b3);
                a3 = ShortVector.fromMemorySegment(SHORTS, ALL, p + d3, LITTLE).mul(f0).add(a3);
                a3 = x3.lanewise(LSHR, 12).reinterpretAsShorts().mul(f3).add(b3).add(a3);
            }
            long to = (target & ADDRESS) + ((long) sum * SUM & OFFSET);
            zero.add(a0).intoMemorySegment(ALL, to, LITTLE);
            zero.add(a1).intoMemorySegment(ALL, to + BYTES, LITTLE);
            zero.add(a2).intoMemorySegment(ALL, to + 2 * BYTES, LITTLE);
            zero.add(a3).intoMemorySegment(ALL, to + 3 * BYTES, LITTLE);
        }
    }

    /** The same for fields of eight bits. */
    static void eightBits(long codes, long next1, long next2, long next3, int sums, int words, long coefficients, long starts,
            int startStride, long target) {
        ShortVector zero = ShortVector.zero(SHORTS);
        long d1 = next1 & OFFSET;
        long d2 = next2 & OFFSET;
        long d3 = next3 & OFFSET;
        for (int sum = 0; sum < sums; sum++) {
            long start = (starts & ADDRESS) + ((long) sum * startStride & OFFSET);
            ShortVector a0 = IntVector.broadcast(INTS, ALL.get(Memory.INT, start)).reinterpretAsShorts();
            ShortVector a1 = a0;
            ShortVector a2 = a0;
            ShortVector a3 = a0;
            for (int word = sum * words; word < (sum + 1) * words; word++) {
                long p = (codes & ADDRESS) + ((long) word * BYTES & OFFSET);
                long c = (coefficients & ADDRESS) + (8L * word & OFFSET);
                IntVector x0 = IntVector.fromMemorySegment(INTS, ALL, p, LITTLE);
                IntVector x1 = IntVector.fromMemorySegment(INTS, ALL, p + d1, LITTLE);
                IntVector x2 = IntVector.fromMemorySegment(INTS, ALL, p + d2, LITTLE);
                IntVector x3 = IntVector.fromMemorySegment(INTS, ALL, p + d3, LITTLE);
                ShortVector f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c)).reinterpretAsShorts();
                a0 = x0.reinterpretAsShorts().mul(f).add(a0);
                a1 = x1.reinterpretAsShorts().mul(f).add(a1);
                a2 = x2.reinterpretAsShorts().mul(f).add(a2);
                a3 = x3.reinterpretAsShorts().mul(f).add(a3);
                f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 4)).reinterpretAsShorts();
                a0 = x0.lanewise(LSHR, 8).reinterpretAsShorts().mul(f).add(a0);
                a1 = x1.lanewise(LSHR, 8).reinterpretAsShorts().mul(f).add(a1);
                a2 = x2.lanewise(LSHR, 8).reinterpretAsShorts().mul(f).add(a2);
                a3 = x3.lanewise(LSHR, 8).reinterpretAsShorts().mul(f).add(a3);
            }
            long to = (target & ADDRESS) + ((long) sum * SUM & OFFSET);
            zero.add(a0).intoMemorySegment(ALL, to, LITTLE);
            zero.add(a1).intoMemorySegment(ALL, to + BYTES, LITTLE);
            zero.add(a2).intoMemorySegment(ALL, to + 2 * BYTES, LITTLE);
            zero.add(a3).intoMemorySegment(ALL, to + 3 * BYTES, LITTLE);
        }
    }

    /**
     * Begins sums of fields of three bits, of one block, see {@link WordForm#threeBitWords}: the low fields of the words that two
     * sums share.
     */
    static void threeBitStarts(long codes, long next1, long next2, long next3, long coefficients, long target) {
        long d1 = next1 & OFFSET;
        long d2 = next2 & OFFSET;
        long d3 = next3 & OFFSET;
        for (int word = 0; word < 8; word++) {
            long p = (codes & ADDRESS) + ((long) word * BYTES & OFFSET);
            long c = (coefficients & ADDRESS) + (28L * word & OFFSET);
            long to = (target & ADDRESS) + (2L * word * SUM & OFFSET);
            IntVector x0 = IntVector.fromMemorySegment(INTS, ALL, p, LITTLE);
            IntVector x1 = IntVector.fromMemorySegment(INTS, ALL, p + d1, LITTLE);
            IntVector x2 = IntVector.fromMemorySegment(INTS, ALL, p + d2, LITTLE);
            IntVector x3 = IntVector.fromMemorySegment(INTS, ALL, p + d3, LITTLE);
            ShortVector f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c)).reinterpretAsShorts();
            ShortVector b0 = x0.reinterpretAsShorts().mul(f);
            ShortVector b1 = x1.reinterpretAsShorts().mul(f);
            ShortVector b2 = x2.reinterpretAsShorts().mul(f);
            ShortVector b3 = x3.reinterpretAsShorts().mul(f);
            f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 4)).reinterpretAsShorts();
            b0 = x0.lanewise(LSHR, 3).reinterpretAsShorts().mul(f).add(b0);
            b1 = x1.lanewise(LSHR, 3).reinterpretAsShorts().mul(f).add(b1);
            b2 = x2.lanewise(LSHR, 3).reinterpretAsShorts().mul(f).add(b2);
            b3 = x3.lanewise(LSHR, 3).reinterpretAsShorts().mul(f).add(b3);
            f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 8)).reinterpretAsShorts();
            b0 = x0.lanewise(LSHR, 6).reinterpretAsShorts().mul(f).add(b0);
            b1 = x1.lanewise(LSHR, 6).reinterpretAsShorts().mul(f).add(b1);
            b2 = x2.lanewise(LSHR, 6).reinterpretAsShorts().mul(f).add(b2);
            b3 = x3.lanewise(LSHR, 6).reinterpretAsShorts().mul(f).add(b3);
            f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 12)).reinterpretAsShorts();
            b0 = x0.lanewise(LSHR, 9).reinterpretAsShorts().mul(f).add(b0);
            b1 = x1.lanewise(LSHR, 9).reinterpretAsShorts().mul(f).add(b1);
            b2 = x2.lanewise(LSHR, 9).reinterpretAsShorts().mul(f).add(b2);
            b3 = x3.lanewise(LSHR, 9).reinterpretAsShorts().mul(f).add(b3);
            b0.intoMemorySegment(ALL, to, LITTLE);
            b1.intoMemorySegment(ALL, to + BYTES, LITTLE);
            b2.intoMemorySegment(ALL, to + 2 * BYTES, LITTLE);
            b3.intoMemorySegment(ALL, to + 3 * BYTES, LITTLE);
        }
    }

    /**
     * Completes the shared words and gives each of their two sums its part. A method of its own: together both loops come close
     * to the nodes that C2 inlines up to.
     */
    static void threeBitShares(long codes, long next1, long next2, long next3, long coefficients, long starts, long target) {
        long d1 = next1 & OFFSET;
        long d2 = next2 & OFFSET;
        long d3 = next3 & OFFSET;
        ShortVector low = IntVector.broadcast(INTS, 0xffff).reinterpretAsShorts();
        ShortVector high = IntVector.broadcast(INTS, 0xffff0000).reinterpretAsShorts();
        for (int word = 0; word < 8; word++) {
            long p = (codes & ADDRESS) + ((long) word * BYTES & OFFSET);
            long c = (coefficients & ADDRESS) + (28L * word & OFFSET);
            long start = (starts & ADDRESS) + (8L * word & OFFSET);
            long to = (target & ADDRESS) + (2L * word * SUM & OFFSET);
            ShortVector b0 = ShortVector.fromMemorySegment(SHORTS, ALL, to, LITTLE);
            ShortVector b1 = ShortVector.fromMemorySegment(SHORTS, ALL, to + BYTES, LITTLE);
            ShortVector b2 = ShortVector.fromMemorySegment(SHORTS, ALL, to + 2 * BYTES, LITTLE);
            ShortVector b3 = ShortVector.fromMemorySegment(SHORTS, ALL, to + 3 * BYTES, LITTLE);
            IntVector x0 = IntVector.fromMemorySegment(INTS, ALL, p, LITTLE);
            IntVector x1 = IntVector.fromMemorySegment(INTS, ALL, p + d1, LITTLE);
            IntVector x2 = IntVector.fromMemorySegment(INTS, ALL, p + d2, LITTLE);
            IntVector x3 = IntVector.fromMemorySegment(INTS, ALL, p + d3, LITTLE);
            ShortVector f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 16)).reinterpretAsShorts();
            b0 = x0.lanewise(LSHR, 12).reinterpretAsShorts().mul(f).add(b0);
            b1 = x1.lanewise(LSHR, 12).reinterpretAsShorts().mul(f).add(b1);
            b2 = x2.lanewise(LSHR, 12).reinterpretAsShorts().mul(f).add(b2);
            b3 = x3.lanewise(LSHR, 12).reinterpretAsShorts().mul(f).add(b3);
            f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 20)).reinterpretAsShorts();
            b0 = x0.lanewise(LSHR, 15).reinterpretAsShorts().mul(f).add(b0);
            b1 = x1.lanewise(LSHR, 15).reinterpretAsShorts().mul(f).add(b1);
            b2 = x2.lanewise(LSHR, 15).reinterpretAsShorts().mul(f).add(b2);
            b3 = x3.lanewise(LSHR, 15).reinterpretAsShorts().mul(f).add(b3);
            f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 24)).reinterpretAsShorts();
            b0 = x0.lanewise(LSHR, 16).reinterpretAsShorts().mul(f).add(b0);
            b1 = x1.lanewise(LSHR, 16).reinterpretAsShorts().mul(f).add(b1);
            b2 = x2.lanewise(LSHR, 16).reinterpretAsShorts().mul(f).add(b2);
            b3 = x3.lanewise(LSHR, 16).reinterpretAsShorts().mul(f).add(b3);
            ShortVector s = IntVector.broadcast(INTS, ALL.get(Memory.INT, start)).reinterpretAsShorts();
            b0.and(low).add(s).intoMemorySegment(ALL, to, LITTLE);
            b1.and(low).add(s).intoMemorySegment(ALL, to + BYTES, LITTLE);
            b2.and(low).add(s).intoMemorySegment(ALL, to + 2 * BYTES, LITTLE);
            b3.and(low).add(s).intoMemorySegment(ALL, to + 3 * BYTES, LITTLE);
            s = IntVector.broadcast(INTS, ALL.get(Memory.INT, start + 4)).reinterpretAsShorts();
            long second = to + SUM;
            b0.and(high).add(s).intoMemorySegment(ALL, second, LITTLE);
            b1.and(high).add(s).intoMemorySegment(ALL, second + BYTES, LITTLE);
            b2.and(high).add(s).intoMemorySegment(ALL, second + 2 * BYTES, LITTLE);
            b3.and(high).add(s).intoMemorySegment(ALL, second + 3 * BYTES, LITTLE);
        }
    }

    /** Completes what {@link #threeBitShares} has begun: the words that belong to one sum. */
    static void threeBits(long codes, long next1, long next2, long next3, long coefficients, long target) {
        long d1 = next1 & OFFSET;
        long d2 = next2 & OFFSET;
        long d3 = next3 & OFFSET;
        for (int word = 0; word < 16; word++) {
            long p = (codes & ADDRESS) + ((8L + word) * BYTES & OFFSET);
            long c = (coefficients & ADDRESS) + (4L * 56 + 24L * word & OFFSET);
            long to = (target & ADDRESS) + ((long) word * SUM & OFFSET);
            ShortVector a0 = ShortVector.fromMemorySegment(SHORTS, ALL, to, LITTLE);
            ShortVector a1 = ShortVector.fromMemorySegment(SHORTS, ALL, to + BYTES, LITTLE);
            ShortVector a2 = ShortVector.fromMemorySegment(SHORTS, ALL, to + 2 * BYTES, LITTLE);
            ShortVector a3 = ShortVector.fromMemorySegment(SHORTS, ALL, to + 3 * BYTES, LITTLE);
            IntVector x0 = IntVector.fromMemorySegment(INTS, ALL, p, LITTLE);
            IntVector x1 = IntVector.fromMemorySegment(INTS, ALL, p + d1, LITTLE);
            IntVector x2 = IntVector.fromMemorySegment(INTS, ALL, p + d2, LITTLE);
            IntVector x3 = IntVector.fromMemorySegment(INTS, ALL, p + d3, LITTLE);
            ShortVector f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c)).reinterpretAsShorts();
            a0 = x0.reinterpretAsShorts().mul(f).add(a0);
            a1 = x1.reinterpretAsShorts().mul(f).add(a1);
            a2 = x2.reinterpretAsShorts().mul(f).add(a2);
            a3 = x3.reinterpretAsShorts().mul(f).add(a3);
            f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 4)).reinterpretAsShorts();
            a0 = x0.lanewise(LSHR, 3).reinterpretAsShorts().mul(f).add(a0);
            a1 = x1.lanewise(LSHR, 3).reinterpretAsShorts().mul(f).add(a1);
            a2 = x2.lanewise(LSHR, 3).reinterpretAsShorts().mul(f).add(a2);
            a3 = x3.lanewise(LSHR, 3).reinterpretAsShorts().mul(f).add(a3);
            f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 8)).reinterpretAsShorts();
            a0 = x0.lanewise(LSHR, 6).reinterpretAsShorts().mul(f).add(a0);
            a1 = x1.lanewise(LSHR, 6).reinterpretAsShorts().mul(f).add(a1);
            a2 = x2.lanewise(LSHR, 6).reinterpretAsShorts().mul(f).add(a2);
            a3 = x3.lanewise(LSHR, 6).reinterpretAsShorts().mul(f).add(a3);
            a0.intoMemorySegment(ALL, to, LITTLE);
            a1.intoMemorySegment(ALL, to + BYTES, LITTLE);
            a2.intoMemorySegment(ALL, to + 2 * BYTES, LITTLE);
            a3.intoMemorySegment(ALL, to + 3 * BYTES, LITTLE);
        }
        for (int word = 0; word < 16; word++) {
            long p = (codes & ADDRESS) + ((8L + word) * BYTES & OFFSET);
            long c = (coefficients & ADDRESS) + (4L * 56 + 24L * word & OFFSET);
            long to = (target & ADDRESS) + ((long) word * SUM & OFFSET);
            ShortVector a0 = ShortVector.fromMemorySegment(SHORTS, ALL, to, LITTLE);
            ShortVector a1 = ShortVector.fromMemorySegment(SHORTS, ALL, to + BYTES, LITTLE);
            ShortVector a2 = ShortVector.fromMemorySegment(SHORTS, ALL, to + 2 * BYTES, LITTLE);
            ShortVector a3 = ShortVector.fromMemorySegment(SHORTS, ALL, to + 3 * BYTES, LITTLE);
            IntVector x0 = IntVector.fromMemorySegment(INTS, ALL, p, LITTLE);
            IntVector x1 = IntVector.fromMemorySegment(INTS, ALL, p + d1, LITTLE);
            IntVector x2 = IntVector.fromMemorySegment(INTS, ALL, p + d2, LITTLE);
            IntVector x3 = IntVector.fromMemorySegment(INTS, ALL, p + d3, LITTLE);
            ShortVector f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 12)).reinterpretAsShorts();
            a0 = x0.lanewise(LSHR, 9).reinterpretAsShorts().mul(f).add(a0);
            a1 = x1.lanewise(LSHR, 9).reinterpretAsShorts().mul(f).add(a1);
            a2 = x2.lanewise(LSHR, 9).reinterpretAsShorts().mul(f).add(a2);
            a3 = x3.lanewise(LSHR, 9).reinterpretAsShorts().mul(f).add(a3);
            f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 16)).reinterpretAsShorts();
            a0 = x0.lanewise(LSHR, 12).reinterpretAsShorts().mul(f).add(a0);
            a1 = x1.lanewise(LSHR, 12).reinterpretAsShorts().mul(f).add(a1);
            a2 = x2.lanewise(LSHR, 12).reinterpretAsShorts().mul(f).add(a2);
            a3 = x3.lanewise(LSHR, 12).reinterpretAsShorts().mul(f).add(a3);
            f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 20)).reinterpretAsShorts();
            a0 = x0.lanewise(LSHR, 15).reinterpretAsShorts().mul(f).add(a0);
            a1 = x1.lanewise(LSHR, 15).reinterpretAsShorts().mul(f).add(a1);
            a2 = x2.lanewise(LSHR, 15).reinterpretAsShorts().mul(f).add(a2);
            a3 = x3.lanewise(LSHR, 15).reinterpretAsShorts().mul(f).add(a3);
            a0.intoMemorySegment(ALL, to, LITTLE);
            a1.intoMemorySegment(ALL, to + BYTES, LITTLE);
            a2.intoMemorySegment(ALL, to + 2 * BYTES, LITTLE);
            a3.intoMemorySegment(ALL, to + 3 * BYTES, LITTLE);
        }
    }
}
