package io.tmac4j.kernels;

import static io.tmac4j.kernels.GemmKernels.ADDRESS;
import static io.tmac4j.kernels.GemmKernels.OFFSET;
import static io.tmac4j.kernels.WideSpecies.BYTES;
import static io.tmac4j.kernels.WideSpecies.FLOATS;
import static io.tmac4j.kernels.WideSpecies.INTS;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;

import io.tmac4j.bindings.spi.OffHeap;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Sub-blocks of 32 weights of four bits with two rounded numbers of their own, in one word a row. A weight is
 * {@code scale * (code - 8) + more}, where {@code more} is 8 of the rounded scales less the min. The word's low half is the upper
 * half of the scale as an f32 number, and the whole word is {@code more}: its own low half, whatever it is, is less than a
 * rounding of the high one, which is chosen for it. So a shift gives the scale, and nothing the other.
 *
 * <p>Both, the scale and {@code more}, are thus rounded to 8 significant bits, by at most a 256th. The sums of codes times
 * activations are exact.
 */
final class RoundedScales {

    /** Sub-blocks of a block. */
    private static final int SUB_BLOCKS = 8;

    /** Codes count from here. */
    private static final int CENTRE = 8;

    /** Bytes of the numbers of a block: its step, then the shares of what is more, as great as sums in upper halves are. */
    static final int NUMBER_BYTES = 4 + 4 * SUB_BLOCKS;

    /** Half a unit of an upper half. */
    private static final int HALF_UNIT = 0x8000;

    /** Upper halves of an f32 number: the sign, and of the least number that is not subnormal. */
    private static final int SIGN = 0x8000;
    private static final int LEAST_NORMAL = 0x0080;

    private static final MemorySegment ALL = OffHeap.ALL;
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;
    private static final int SUM = WordSums.SUM;

    private RoundedScales() {
    }

    /**
     * Turns scales and mins of six bits into words.
     *
     * @param d     scale of the scales
     * @param dmin  scale of the mins
     * @param words from {@code first} on two words of scales, a byte each, and two of mins; then the eight words
     */
    static void encode(float d, float dmin, int[] words, int first) {
        long scales = words[first] & 0xffffffffL | (long) words[first + 1] << 32;
        long mins = words[first + 2] & 0xffffffffL | (long) words[first + 3] << 32;
        for (int sub = 0; sub < SUB_BLOCKS; sub++) {
            words[first + sub] = word(d * (scales >>> 8 * sub & 0xff), dmin * (mins >>> 8 * sub & 0xff));
        }
    }

    /** The word for a scale and a min; 0 if both are. */
    static int word(float scale, float min) {
        // to the nearest; half-way cases up
        int low = scale == 0 ? 0 : Float.floatToRawIntBits(scale) + HALF_UNIT >>> 16;
        float more = CENTRE * Float.intBitsToFloat(low << 16) - min;
        if (low == 0 && more == 0) {
            return 0;
        }
        int size = Float.floatToRawIntBits(more) & Integer.MAX_VALUE;
        // with a low half that is not 0 the least is an ordinary number still, for processors are slow with others
        int high = Math.max(size - low + HALF_UNIT >> 16, LEAST_NORMAL);
        return (more < 0 ? high | SIGN : high) << 16 | low;
    }

    /** Stores the numbers of a block with this step, whose sub-blocks' activations have these sums. */
    static void numbers(float step, long sums, long numbers) {
        Memory.f32(numbers, step);
        for (int sub = 0; sub < SUB_BLOCKS; sub++) {
            Memory.f32(numbers + 4 + 4L * sub, step * (1 << WordScales.UPPER_SUMS) * Memory.i32(sums + 4L * sub));
        }
    }

    /**
     * Adds up blocks of four tiles, as {@link WordScales} does.
     *
     * @param sums    sums of the first sub-block, {@link WordSums#SUM} bytes apart
     * @param numbers numbers of the first block
     * @param scales  words of the first sub-block in the first tile
     * @param next1   bytes from there to the second tile, which stands behind
     * @param next2   the same for the third
     * @param next3   the same for the fourth
     * @param out     floats of the rows of four tiles, 2^{@link WordScales#UPPER_SUMS} times too great
     */
    static void add(long sums, int blocks, long numbers, long scales, long next1, long next2, long next3, long out) {
        long d1 = next1 & OFFSET;
        long d2 = next2 & OFFSET;
        long d3 = next3 & OFFSET;
        long to = out & ADDRESS;
        int one = Unfolded.number(1);
        FloatVector zero = FloatVector.zero(FLOATS);
        IntVector upperHalf = WordScales.mask(WordScales.UPPER_HALF);
        for (int block = 0; block < blocks; block += one) {
            long number = (numbers & ADDRESS) + ((long) block * NUMBER_BYTES & OFFSET);
            FloatVector p0 = zero;
            FloatVector p1 = zero;
            FloatVector p2 = zero;
            FloatVector p3 = zero;
            FloatVector m0 = zero;
            FloatVector m1 = zero;
            FloatVector m2 = zero;
            FloatVector m3 = zero;
            for (int sub = 0; sub < SUB_BLOCKS; sub += one) {
                long from = (sums & ADDRESS) + ((long) (SUB_BLOCKS * block + sub) * SUM & OFFSET);
                long scale = (scales & ADDRESS) + ((long) (SUB_BLOCKS * block + sub) * BYTES & OFFSET);
                FloatVector share = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, number + 4 + (4L * sub & OFFSET)));
                IntVector a0 = IntVector.fromMemorySegment(INTS, ALL, from, LITTLE);
                IntVector x0 = IntVector.fromMemorySegment(INTS, ALL, scale, LITTLE);
                p0 = ((FloatVector) a0.lanewise(LSHL, 16).add(a0).and(upperHalf).convert(I2F, 0))
                        .fma(x0.lanewise(LSHL, 16).reinterpretAsFloats(), p0);
                m0 = share.fma(x0.reinterpretAsFloats(), m0);
                IntVector a1 = IntVector.fromMemorySegment(INTS, ALL, from + BYTES, LITTLE);
                IntVector x1 = IntVector.fromMemorySegment(INTS, ALL, scale + d1, LITTLE);
                p1 = ((FloatVector) a1.lanewise(LSHL, 16).add(a1).and(upperHalf).convert(I2F, 0))
                        .fma(x1.lanewise(LSHL, 16).reinterpretAsFloats(), p1);
                m1 = share.fma(x1.reinterpretAsFloats(), m1);
                IntVector a2 = IntVector.fromMemorySegment(INTS, ALL, from + 2 * BYTES, LITTLE);
                IntVector x2 = IntVector.fromMemorySegment(INTS, ALL, scale + d2, LITTLE);
                p2 = ((FloatVector) a2.lanewise(LSHL, 16).add(a2).and(upperHalf).convert(I2F, 0))
                        .fma(x2.lanewise(LSHL, 16).reinterpretAsFloats(), p2);
                m2 = share.fma(x2.reinterpretAsFloats(), m2);
                IntVector a3 = IntVector.fromMemorySegment(INTS, ALL, from + 3 * BYTES, LITTLE);
                IntVector x3 = IntVector.fromMemorySegment(INTS, ALL, scale + d3, LITTLE);
                p3 = ((FloatVector) a3.lanewise(LSHL, 16).add(a3).and(upperHalf).convert(I2F, 0))
                        .fma(x3.lanewise(LSHL, 16).reinterpretAsFloats(), p3);
                m3 = share.fma(x3.reinterpretAsFloats(), m3);
            }
            FloatVector step = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, number));
            step.fma(p0, FloatVector.fromMemorySegment(FLOATS, ALL, to, LITTLE)).add(m0)
                    .intoMemorySegment(ALL, to, LITTLE);
            step.fma(p1, FloatVector.fromMemorySegment(FLOATS, ALL, to + BYTES, LITTLE)).add(m1)
                    .intoMemorySegment(ALL, to + BYTES, LITTLE);
            step.fma(p2, FloatVector.fromMemorySegment(FLOATS, ALL, to + 2 * BYTES, LITTLE)).add(m2)
                    .intoMemorySegment(ALL, to + 2 * BYTES, LITTLE);
            step.fma(p3, FloatVector.fromMemorySegment(FLOATS, ALL, to + 3 * BYTES, LITTLE)).add(m3)
                    .intoMemorySegment(ALL, to + 3 * BYTES, LITTLE);
        }
    }

    /** Scales, and what is more, of the four sub-blocks of a tile whose words begin here, {@code stride} bytes apart. */
    static void unpack(long words, long stride, long scales, long more) {
        for (int i = 0; i < GemmShape.PARTS; i++) {
            IntVector x = IntVector.fromMemorySegment(INTS, ALL, words + (long) i * BYTES, LITTLE);
            x.lanewise(LSHL, 16).intoMemorySegment(ALL, scales + i * stride, LITTLE);
            x.intoMemorySegment(ALL, more + i * stride, LITTLE);
        }
    }
}
