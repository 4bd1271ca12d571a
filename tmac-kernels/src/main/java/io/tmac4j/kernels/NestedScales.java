package io.tmac4j.kernels;

import static io.tmac4j.kernels.GemmKernels.ADDRESS;
import static io.tmac4j.kernels.GemmKernels.OFFSET;
import static io.tmac4j.kernels.ScaleKernels.HALF_BITS;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import io.tmac4j.bindings.spi.OffHeap;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Second stage of an mpGEMV of looked-up weights with sub-blocks: what {@link NestedSums} has left of a sub-block, {@code a} and
 * {@code s}, is multiplied by its scale as 16-bit numbers, and only the sum of a whole block becomes floats.
 *
 * <p>A product of a sum and a scale fits 16 bits, the sum of 16 of them does not. With scales of six bits it is kept modulo 2^16,
 * and beside it the sum of the products' upper bytes, h. Since each upper byte is rounded down by less than 1, the whole is
 * between 256 h and 256 h + 16 * 255, so both together give it exactly.
 *
 * <p>With scales of four bits two products together fit 16 bits, and so does the sum of the eight pairs if each drops its last
 * three bits. A shift rounds down, by how much depends on the weights. So the first pair, the third and so on have negated
 * activations and are taken off, which rounds up: the two cancel in the mean. What is left adds some 5 % to the mean square error
 * of the tables. Pairs of mins, multiplied with sums of half the size at most, drop two.
 *
 * <p>The shape of these methods is C2's wish, see {@link WordSums} and {@link Unfolded}.
 */
final class NestedScales {

    private static final MemorySegment ALL = OffHeap.ALL;
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;

    private static final int SUB_BLOCKS = NestedSums.SUB_BLOCKS;

    /** Weights of a pair of sub-blocks. */
    static final int PAIR_WEIGHTS = 2 * NestedSums.SUB_WEIGHTS;

    /** Bits that pairs of products with scales drop: 8 * 2^15 / 2^3 is 2^15. */
    static final int DROP = 3;

    /** The same of pairs of products with mins: at most 15 * 1088 in size, see {@link #scaleMins}. */
    static final int MIN_DROP = 2;

    private static final VectorSpecies<Short> WIDE_SHORTS = WideSpecies.SHORTS;
    private static final VectorSpecies<Integer> WIDE_INTS = WideSpecies.INTS;
    private static final VectorSpecies<Float> WIDE_FLOATS = WideSpecies.FLOATS;

    /** Bytes of a vector of the second stage. */
    private static final int WIDE = WideSpecies.BYTES;

    /** Rows of a tile. */
    private static final int ROWS = LookupMatrix.TILE_ROWS;

    /** Bytes that the second stage leaves of a block for a vector of rows, at most. */
    static final int BLOCK_SUMS = 4 * WideSpecies.BYTES;

    /** The bits of a scale of six bits, and what is subtracted from them. */
    static final int SIX_BITS_MASK = 0x3f;
    static final int SIX_BITS_CENTRE = 32;

    private static final int LOW_HALF = 0xffff;
    private static final int UPPER_HALF = 0xffff0000;

    /**
     * Masks in memory: those that are constants C2 broadcasts again for each use. The low nibbles of both halves of an int; the
     * upper byte of the low half; the upper bytes of both; six bits of both; their centre in
     * both.
     */
    private static final long MASKS = masks(0x000f000f, 0xff00, 0xff00ff00, SIX_BITS_MASK * 0x10001,
            SIX_BITS_CENTRE * 0x10001);
    private static final int NIBBLES = 0;
    private static final int UPPER_BYTE = 4;
    private static final int UPPER_BYTES = 8;
    private static final int SIX_BITS = 12;
    private static final int CENTRES = 16;

    private NestedScales() {
    }

    private static long masks(int... masks) {
        return Arena.global().allocateFrom(ValueLayout.JAVA_INT, masks).address();
    }

    private static IntVector mask(int offset) {
        return IntVector.broadcast(WIDE_INTS, ALL.get(Memory.INT, (MASKS & ADDRESS) + offset));
    }

    /**
     * The sums of a block's sub-blocks, times their scales of six bits, together, for one vector of rows.
     *
     * @param sums   where {@link NestedSums#threeBits} has stored those of these rows
     * @param scales scales and mins of these rows, see {@link LookupLayout}
     * @param target where four vectors go, {@link #BLOCK_SUMS} bytes: of even byte lanes the sum modulo 2^16 and the sum of
     *               upper bytes, then those of odd ones
     */
    static void scaleSixBits(long sums, long scales, long target) {
        ShortVector zero = ShortVector.zero(WIDE_SHORTS);
        IntVector mask = mask(SIX_BITS);
        ShortVector less = mask(CENTRES).reinterpretAsShorts();
        IntVector upperByte = mask(UPPER_BYTE);
        IntVector upperBytes = mask(UPPER_BYTES);
        ShortVector even = zero;
        ShortVector odd = zero;
        ShortVector evenHigh = zero;
        ShortVector oddHigh = zero;
        for (int pair = 0; pair < SUB_BLOCKS / 2; pair++) {
            long from = (sums & ADDRESS) + (4L * pair * ROWS & OFFSET);
            long at = (scales & ADDRESS) + (2L * pair * ROWS & OFFSET);
            IntVector x = IntVector.fromMemorySegment(WIDE_INTS, ALL, at, LITTLE);
            IntVector y = IntVector.fromMemorySegment(WIDE_INTS, ALL, at + WIDE, LITTLE);
            IntVector a0 = IntVector.fromMemorySegment(WIDE_INTS, ALL, from, LITTLE);
            ShortVector o0 = ShortVector.fromMemorySegment(WIDE_SHORTS, ALL, from + ROWS, LITTLE)
                    .sub(a0.lanewise(LSHR, 8).and(upperByte).reinterpretAsShorts());
            ShortVector e0 = a0.reinterpretAsShorts()
                    .sub(o0.reinterpretAsInts().lanewise(LSHL, 8).and(upperBytes).reinterpretAsShorts());
            e0 = x.and(mask).reinterpretAsShorts().sub(less).mul(e0);
            o0 = y.and(mask).reinterpretAsShorts().sub(less).mul(o0);
            even = e0.add(even);
            odd = o0.add(odd);
            evenHigh = e0.lanewise(ASHR, 8).add(evenHigh);
            oddHigh = o0.lanewise(ASHR, 8).add(oddHigh);
            IntVector a1 = IntVector.fromMemorySegment(WIDE_INTS, ALL, from + 2 * ROWS, LITTLE);
            ShortVector o1 = ShortVector.fromMemorySegment(WIDE_SHORTS, ALL, from + 2 * ROWS + ROWS, LITTLE)
                    .sub(a1.lanewise(LSHR, 8).and(upperByte).reinterpretAsShorts());
            ShortVector e1 = a1.reinterpretAsShorts()
                    .sub(o1.reinterpretAsInts().lanewise(LSHL, 8).and(upperBytes).reinterpretAsShorts());
            e1 = x.lanewise(LSHR, 8).and(mask).reinterpretAsShorts().sub(less).mul(e1);
            o1 = y.lanewise(LSHR, 8).and(mask).reinterpretAsShorts().sub(less).mul(o1);
            even = e1.add(even);
            odd = o1.add(odd);
            evenHigh = e1.lanewise(ASHR, 8).add(evenHigh);
            oddHigh = o1.lanewise(ASHR, 8).add(oddHigh);
        }
        long to = target & ADDRESS;
        zero.add(even).intoMemorySegment(ALL, to, LITTLE);
        zero.add(evenHigh).intoMemorySegment(ALL, to + WIDE, LITTLE);
        zero.add(odd).intoMemorySegment(ALL, to + 2 * WIDE, LITTLE);
        zero.add(oddHigh).intoMemorySegment(ALL, to + 3 * WIDE, LITTLE);
    }

    /**
     * The same with scales of four bits, where the first pair of sub-blocks, the third and so on have negated activations.
     *
     * @param target where the sums go, without their last {@link #DROP} bits, of even byte lanes and then of odd ones
     */
    static void scaleNibbles(long sums, long scales, long target) {
        ShortVector zero = ShortVector.zero(WIDE_SHORTS);
        ShortVector nibbles = mask(NIBBLES).reinterpretAsShorts();
        int one = Unfolded.number(1);
        int eight = Unfolded.number(Byte.SIZE);
        int drop = Unfolded.number(DROP);
        ShortVector even = zero;
        ShortVector odd = zero;
        for (int pair = 0; pair < SUB_BLOCKS / 2; pair += one) {
            long from = (sums & ADDRESS) + (4L * pair * ROWS & OFFSET);
            long at = (scales & ADDRESS) + (2L * pair * ROWS & OFFSET);
            ShortVector x = ShortVector.fromMemorySegment(WIDE_SHORTS, ALL, at, LITTLE);
            ShortVector y = ShortVector.fromMemorySegment(WIDE_SHORTS, ALL, at + WIDE, LITTLE);
            ShortVector o = ShortVector.fromMemorySegment(WIDE_SHORTS, ALL, from + ROWS, LITTLE);
            ShortVector e = ShortVector.fromMemorySegment(WIDE_SHORTS, ALL, from, LITTLE).sub(o.lanewise(LSHL, eight));
            ShortVector p = ShortVector.fromMemorySegment(WIDE_SHORTS, ALL, from + 3 * ROWS, LITTLE);
            ShortVector f = ShortVector.fromMemorySegment(WIDE_SHORTS, ALL, from + 2 * ROWS, LITTLE)
                    .sub(p.lanewise(LSHL, eight));
            e = x.and(nibbles).mul(e).add(x.lanewise(LSHR, eight).and(nibbles).mul(f));
            o = y.and(nibbles).mul(o).add(y.lanewise(LSHR, eight).and(nibbles).mul(p));
            even = e.lanewise(ASHR, drop).sub(even);
            odd = o.lanewise(ASHR, drop).sub(odd);
        }
        zero.add(even).intoMemorySegment(ALL, target & ADDRESS, LITTLE);
        zero.add(odd).intoMemorySegment(ALL, (target & ADDRESS) + WIDE, LITTLE);
    }

    /**
     * The mins of a block's sub-blocks, times the sums of their activations, as {@link #scaleNibbles} does it.
     *
     * @param sums   16 sums of activations, each twice in an int: two of them are at most 1088 in size together if they have one
     *               sign, half of {@link LookupTables#TWO_BITS_LIMIT} and their roundings, and each is at most 1016
     * @param target as above, but without their last {@link #MIN_DROP} bits
     */
    static void scaleMins(long sums, long scales, long target) {
        ShortVector zero = ShortVector.zero(WIDE_SHORTS);
        ShortVector nibbles = mask(NIBBLES).reinterpretAsShorts();
        int one = Unfolded.number(1);
        int four = Unfolded.number(4);
        int twelve = Unfolded.number(12);
        int drop = Unfolded.number(MIN_DROP);
        ShortVector even = zero;
        ShortVector odd = zero;
        for (int pair = 0; pair < SUB_BLOCKS / 2; pair += one) {
            long from = (sums & ADDRESS) + (8L * pair & OFFSET);
            long at = (scales & ADDRESS) + (2L * pair * ROWS & OFFSET);
            ShortVector x = ShortVector.fromMemorySegment(WIDE_SHORTS, ALL, at, LITTLE);
            ShortVector y = ShortVector.fromMemorySegment(WIDE_SHORTS, ALL, at + WIDE, LITTLE);
            ShortVector f = IntVector.broadcast(WIDE_INTS, ALL.get(Memory.INT, from)).reinterpretAsShorts();
            ShortVector g = IntVector.broadcast(WIDE_INTS, ALL.get(Memory.INT, from + 4)).reinterpretAsShorts();
            ShortVector e = x.lanewise(LSHR, four).and(nibbles).mul(f).add(x.lanewise(LSHR, twelve).mul(g));
            ShortVector o = y.lanewise(LSHR, four).and(nibbles).mul(f).add(y.lanewise(LSHR, twelve).mul(g));
            even = e.lanewise(ASHR, drop).sub(even);
            odd = o.lanewise(ASHR, drop).sub(odd);
        }
        zero.add(even).intoMemorySegment(ALL, target & ADDRESS, LITTLE);
        zero.add(odd).intoMemorySegment(ALL, (target & ADDRESS) + WIDE, LITTLE);
    }

    /**
     * Adds what {@link #scaleSixBits} has left, times f16 numbers and {@code step}, to the results of one vector
     * of rows.
     *
     * @param sums    the four vectors
     * @param halves  f16 numbers of these rows
     * @param results floats of these rows
     */
    static void finishSixBits(long sums, float step, long halves, long results) {
        IntVector upperBytes = mask(UPPER_BYTES);
        IntVector lowHalf = IntVector.broadcast(WIDE_INTS, LOW_HALF);
        IntVector halfBits = IntVector.broadcast(WIDE_INTS, HALF_BITS);
        FloatVector factor = FloatVector.broadcast(WIDE_FLOATS, step);
        for (int odd = 0; odd < 2; odd++) {
            long from = (sums & ADDRESS) + (2L * odd * WIDE & OFFSET);
            long to = (results & ADDRESS) + ((long) odd * WIDE & OFFSET);
            int up = 16 * (1 - odd);
            IntVector high = IntVector.fromMemorySegment(WIDE_INTS, ALL, from + WIDE, LITTLE);
            IntVector rest = ShortVector.fromMemorySegment(WIDE_SHORTS, ALL, from, LITTLE)
                    .sub(high.lanewise(LSHL, 8).and(upperBytes).reinterpretAsShorts()).reinterpretAsInts();
            IntVector low = high.lanewise(LSHL, 16).lanewise(ASHR, 8).add(rest.and(lowHalf));
            IntVector upper = high.lanewise(ASHR, 16).lanewise(LSHL, 8).add(rest.lanewise(LSHR, 16));
            IntVector g = IntVector.fromMemorySegment(WIDE_INTS, ALL, halves & ADDRESS, LITTLE);
            IntVector h = IntVector.fromMemorySegment(WIDE_INTS, ALL, (halves & ADDRESS) + WIDE, LITTLE);
            FloatVector d = factor.mul(g.lanewise(LSHL, up).lanewise(ASHR, 3).and(halfBits).reinterpretAsFloats());
            FloatVector e = factor.mul(h.lanewise(LSHL, up).lanewise(ASHR, 3).and(halfBits).reinterpretAsFloats());
            d.fma((FloatVector) low.convert(I2F, 0), FloatVector.fromMemorySegment(WIDE_FLOATS, ALL, to, LITTLE))
                    .intoMemorySegment(ALL, to, LITTLE);
            e.fma((FloatVector) upper.convert(I2F, 0), FloatVector.fromMemorySegment(WIDE_FLOATS, ALL, to + 2 * WIDE, LITTLE))
                    .intoMemorySegment(ALL, to + 2 * WIDE, LITTLE);
        }
    }

    /**
     * Adds what {@link #scaleNibbles} or {@link #scaleMins} has left, times f16 numbers and {@code step}, to the results of one
     * vector of rows.
     *
     * @param sums    the two vectors
     * @param drop    the bits that were dropped
     * @param halves  f16 numbers of these rows
     * @param results floats of these rows
     */
    static void finishNibbles(long sums, int drop, float step, long halves, long results) {
        IntVector upperHalf = IntVector.broadcast(WIDE_INTS, UPPER_HALF);
        IntVector halfBits = IntVector.broadcast(WIDE_INTS, HALF_BITS);
        // sums are converted where they stand, or are put, in the upper half of an int
        FloatVector factor = FloatVector.broadcast(WIDE_FLOATS, step * 0x1p-16f * (1 << drop));
        for (int odd = 0; odd < 2; odd++) {
            long to = (results & ADDRESS) + ((long) odd * WIDE & OFFSET);
            int up = 16 * (1 - odd);
            IntVector both = IntVector.fromMemorySegment(WIDE_INTS, ALL, (sums & ADDRESS) + ((long) odd * WIDE & OFFSET), LITTLE);
            FloatVector low = (FloatVector) both.lanewise(LSHL, 16).convert(I2F, 0);
            FloatVector upper = (FloatVector) both.and(upperHalf).convert(I2F, 0);
            IntVector g = IntVector.fromMemorySegment(WIDE_INTS, ALL, halves & ADDRESS, LITTLE);
            IntVector h = IntVector.fromMemorySegment(WIDE_INTS, ALL, (halves & ADDRESS) + WIDE, LITTLE);
            FloatVector d = factor.mul(g.lanewise(LSHL, up).lanewise(ASHR, 3).and(halfBits).reinterpretAsFloats());
            FloatVector e = factor.mul(h.lanewise(LSHL, up).lanewise(ASHR, 3).and(halfBits).reinterpretAsFloats());
            d.fma(low, FloatVector.fromMemorySegment(WIDE_FLOATS, ALL, to, LITTLE)).intoMemorySegment(ALL, to, LITTLE);
            e.fma(upper, FloatVector.fromMemorySegment(WIDE_FLOATS, ALL, to + 2 * WIDE, LITTLE))
                    .intoMemorySegment(ALL, to + 2 * WIDE, LITTLE);
        }
    }
}
