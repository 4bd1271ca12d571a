package io.tmac4j.kernels;

import static io.tmac4j.kernels.GemmKernels.ADDRESS;
import static io.tmac4j.kernels.GemmKernels.OFFSET;
import static io.tmac4j.kernels.ScaleKernels.HALF_BITS;
import static io.tmac4j.kernels.WideSpecies.BYTES;
import static io.tmac4j.kernels.WideSpecies.FLOATS;
import static io.tmac4j.kernels.WideSpecies.HALVES;
import static io.tmac4j.kernels.WideSpecies.INTS;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.S2I;

import io.tmac4j.bindings.spi.OffHeap;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * Second stage of an mpGEMV with weights in words: turns the integer sums of one tile, or of four, into floats and adds them to
 * the {@link WideSpecies#ROWS} floats of each tile. A sum is the two halves of a lane added, {@code (a << 16) + a >> 16}.
 *
 * <p>As in {@link WordSums}, a vector that a loop carries on is an argument only.
 *
 * <p>f16 scales are read by a shift and are then 2^112 too small; see {@link LookupTables#STEP_FACTOR}.
 */
final class WordScales {

    private static final MemorySegment ALL = OffHeap.ALL;
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;
    private static final int SUM = WordSums.SUM;

    /** Bits below sums in the upper halves of ints, which become floats as they are: see {@link WordForm#upperSums}. */
    static final int UPPER_SUMS = 16;

    /**
     * Masks in memory, as in {@link NestedScales}: the upper half of an int, and the bits of an f16 number that was shifted into
     * an f32 one.
     */
    private static final long MASKS = Arena.global().allocateFrom(ValueLayout.JAVA_INT, 0xffff0000, HALF_BITS).address();
    static final int UPPER_HALF = 0;
    private static final int BITS = 4;

    private WordScales() {
    }

    static IntVector mask(int offset) {
        return IntVector.broadcast(INTS, ALL.get(Memory.INT, (MASKS & ADDRESS) + offset));
    }

    /**
     * Blocks with one scale, of four tiles at once: their activations' step serves all of them.
     *
     * @param sums    sums of the first block, {@link WordSums#SUM} bytes apart
     * @param numbers numbers of the first block, {@code numberBytes} apart
     * @param halves  f16 scales of the first block in the first tile
     * @param next1   bytes from it to the second tile, which stands behind
     * @param next2   the same for the third
     * @param next3   the same for the fourth
     * @param out     floats of the rows of four tiles, 2^{@link #UPPER_SUMS} times too great
     */
    static void flat(long sums, int blocks, long numbers, int numberBytes, long halves, long next1, long next2, long next3,
            long out) {
        long d1 = next1 & OFFSET;
        long d2 = next2 & OFFSET;
        long d3 = next3 & OFFSET;
        long to = out & ADDRESS;
        int one = Unfolded.number(1);
        IntVector upperHalf = mask(UPPER_HALF);
        IntVector halfBits = mask(BITS);
        FloatVector f0 = FloatVector.fromMemorySegment(FLOATS, ALL, to, LITTLE);
        FloatVector f1 = FloatVector.fromMemorySegment(FLOATS, ALL, to + BYTES, LITTLE);
        FloatVector f2 = FloatVector.fromMemorySegment(FLOATS, ALL, to + 2 * BYTES, LITTLE);
        FloatVector f3 = FloatVector.fromMemorySegment(FLOATS, ALL, to + 3 * BYTES, LITTLE);
        for (int block = 0; block < blocks; block += one) {
            long from = (sums & ADDRESS) + ((long) block * SUM & OFFSET);
            long half = (halves & ADDRESS) + ((long) block * (BYTES / 2) & OFFSET);
            FloatVector step = FloatVector.broadcast(FLOATS,
                    ALL.get(Memory.FLOAT, (numbers & ADDRESS) + ((long) block * numberBytes & OFFSET)));
            IntVector a0 = IntVector.fromMemorySegment(INTS, ALL, from, LITTLE);
            IntVector h0 = (IntVector) ShortVector.fromMemorySegment(HALVES, ALL, half, LITTLE).convertShape(S2I, INTS, 0);
            f0 = ((FloatVector) a0.lanewise(LSHL, 16).add(a0).and(upperHalf).convert(I2F, 0))
                    .fma(h0.lanewise(LSHL, 13).and(halfBits).reinterpretAsFloats().mul(step), f0);
            IntVector a1 = IntVector.fromMemorySegment(INTS, ALL, from + BYTES, LITTLE);
            IntVector h1 = (IntVector) ShortVector.fromMemorySegment(HALVES, ALL, half + d1, LITTLE).convertShape(S2I, INTS, 0);
            f1 = ((FloatVector) a1.lanewise(LSHL, 16).add(a1).and(upperHalf).convert(I2F, 0))
                    .fma(h1.lanewise(LSHL, 13).and(halfBits).reinterpretAsFloats().mul(step), f1);
            IntVector a2 = IntVector.fromMemorySegment(INTS, ALL, from + 2 * BYTES, LITTLE);
            IntVector h2 = (IntVector) ShortVector.fromMemorySegment(HALVES, ALL, half + d2, LITTLE).convertShape(S2I, INTS, 0);
            f2 = ((FloatVector) a2.lanewise(LSHL, 16).add(a2).and(upperHalf).convert(I2F, 0))
                    .fma(h2.lanewise(LSHL, 13).and(halfBits).reinterpretAsFloats().mul(step), f2);
            IntVector a3 = IntVector.fromMemorySegment(INTS, ALL, from + 3 * BYTES, LITTLE);
            IntVector h3 = (IntVector) ShortVector.fromMemorySegment(HALVES, ALL, half + d3, LITTLE).convertShape(S2I, INTS, 0);
            f3 = ((FloatVector) a3.lanewise(LSHL, 16).add(a3).and(upperHalf).convert(I2F, 0))
                    .fma(h3.lanewise(LSHL, 13).and(halfBits).reinterpretAsFloats().mul(step), f3);
        }
        FloatVector.zero(FLOATS).add(f0).intoMemorySegment(ALL, to, LITTLE);
        FloatVector.zero(FLOATS).add(f1).intoMemorySegment(ALL, to + BYTES, LITTLE);
        FloatVector.zero(FLOATS).add(f2).intoMemorySegment(ALL, to + 2 * BYTES, LITTLE);
        FloatVector.zero(FLOATS).add(f3).intoMemorySegment(ALL, to + 3 * BYTES, LITTLE);
    }

    /**
     * The same for blocks with a scale and a min, an int a row with the scale in its low half. The second number of a block is
     * the step times the sum of the activations, 2^{@link #UPPER_SUMS} times too great; sums lack {@code lack} times that sum.
     */
    static void flatMin(long sums, int blocks, long numbers, int numberBytes, int lack, long halves, long next1, long next2,
            long next3, long out) {
        long d1 = next1 & OFFSET;
        long d2 = next2 & OFFSET;
        long d3 = next3 & OFFSET;
        long to = out & ADDRESS;
        int one = Unfolded.number(1);
        IntVector upperHalf = mask(UPPER_HALF);
        IntVector halfBits = mask(BITS);
        FloatVector f0 = FloatVector.fromMemorySegment(FLOATS, ALL, to, LITTLE);
        FloatVector f1 = FloatVector.fromMemorySegment(FLOATS, ALL, to + BYTES, LITTLE);
        FloatVector f2 = FloatVector.fromMemorySegment(FLOATS, ALL, to + 2 * BYTES, LITTLE);
        FloatVector f3 = FloatVector.fromMemorySegment(FLOATS, ALL, to + 3 * BYTES, LITTLE);
        for (int block = 0; block < blocks; block += one) {
            long from = (sums & ADDRESS) + ((long) block * SUM & OFFSET);
            long number = (numbers & ADDRESS) + ((long) block * numberBytes & OFFSET);
            long half = (halves & ADDRESS) + ((long) block * BYTES & OFFSET);
            FloatVector step = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, number));
            FloatVector share = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, number + 4));
            FloatVector lacks = FloatVector.broadcast(FLOATS, lack * ALL.get(Memory.FLOAT, number + 4));
            IntVector a0 = IntVector.fromMemorySegment(INTS, ALL, from, LITTLE);
            IntVector h0 = IntVector.fromMemorySegment(INTS, ALL, half, LITTLE);
            f0 = ((FloatVector) a0.lanewise(LSHL, 16).add(a0).and(upperHalf).convert(I2F, 0)).fma(step, lacks)
                    .fma(h0.lanewise(LSHL, 16).lanewise(ASHR, 3).and(halfBits).reinterpretAsFloats(), f0);
            f0 = h0.lanewise(ASHR, 3).and(halfBits).reinterpretAsFloats().fma(share, f0);
            IntVector a1 = IntVector.fromMemorySegment(INTS, ALL, from + BYTES, LITTLE);
            IntVector h1 = IntVector.fromMemorySegment(INTS, ALL, half + d1, LITTLE);
            f1 = ((FloatVector) a1.lanewise(LSHL, 16).add(a1).and(upperHalf).convert(I2F, 0)).fma(step, lacks)
                    .fma(h1.lanewise(LSHL, 16).lanewise(ASHR, 3).and(halfBits).reinterpretAsFloats(), f1);
            f1 = h1.lanewise(ASHR, 3).and(halfBits).reinterpretAsFloats().fma(share, f1);
            IntVector a2 = IntVector.fromMemorySegment(INTS, ALL, from + 2 * BYTES, LITTLE);
            IntVector h2 = IntVector.fromMemorySegment(INTS, ALL, half + d2, LITTLE);
            f2 = ((FloatVector) a2.lanewise(LSHL, 16).add(a2).and(upperHalf).convert(I2F, 0)).fma(step, lacks)
                    .fma(h2.lanewise(LSHL, 16).lanewise(ASHR, 3).and(halfBits).reinterpretAsFloats(), f2);
            f2 = h2.lanewise(ASHR, 3).and(halfBits).reinterpretAsFloats().fma(share, f2);
            IntVector a3 = IntVector.fromMemorySegment(INTS, ALL, from + 3 * BYTES, LITTLE);
            IntVector h3 = IntVector.fromMemorySegment(INTS, ALL, half + d3, LITTLE);
            f3 = ((FloatVector) a3.lanewise(LSHL, 16).add(a3).and(upperHalf).convert(I2F, 0)).fma(step, lacks)
                    .fma(h3.lanewise(LSHL, 16).lanewise(ASHR, 3).and(halfBits).reinterpretAsFloats(), f3);
            f3 = h3.lanewise(ASHR, 3).and(halfBits).reinterpretAsFloats().fma(share, f3);
        }
        FloatVector.zero(FLOATS).add(f0).intoMemorySegment(ALL, to, LITTLE);
        FloatVector.zero(FLOATS).add(f1).intoMemorySegment(ALL, to + BYTES, LITTLE);
        FloatVector.zero(FLOATS).add(f2).intoMemorySegment(ALL, to + 2 * BYTES, LITTLE);
        FloatVector.zero(FLOATS).add(f3).intoMemorySegment(ALL, to + 3 * BYTES, LITTLE);
    }

    /**
     * Sums of sub-blocks times scales of four bits, 16 a block: sums of at most 6096 in size times 15, 16 of them, fit 32 bits.
     * What they make together takes the place of the first of them.
     */
    static void nibbles(long sums, int blocks, long scales) {
        IntVector zero = IntVector.zero(INTS);
        IntVector nibbles = IntVector.broadcast(INTS, 15);
        for (int block = 0; block < blocks; block++) {
            IntVector p = zero;
            for (int word = 2 * block; word < 2 * block + 2; word++) {
                long scale = (scales & ADDRESS) + ((long) word * BYTES & OFFSET);
                long from = (sums & ADDRESS) + (8L * word * SUM & OFFSET);
                IntVector x = IntVector.fromMemorySegment(INTS, ALL, scale, LITTLE);
                IntVector a0 = IntVector.fromMemorySegment(INTS, ALL, from, LITTLE);
                p = a0.lanewise(LSHL, 16).add(a0).lanewise(ASHR, 16).mul(x.and(nibbles)).add(p);
                IntVector a1 = IntVector.fromMemorySegment(INTS, ALL, from + SUM, LITTLE);
                p = a1.lanewise(LSHL, 16).add(a1).lanewise(ASHR, 16).mul(x.lanewise(LSHR, 4).and(nibbles)).add(p);
                IntVector a2 = IntVector.fromMemorySegment(INTS, ALL, from + 2 * SUM, LITTLE);
                p = a2.lanewise(LSHL, 16).add(a2).lanewise(ASHR, 16).mul(x.lanewise(LSHR, 8).and(nibbles)).add(p);
                IntVector a3 = IntVector.fromMemorySegment(INTS, ALL, from + 3 * SUM, LITTLE);
                p = a3.lanewise(LSHL, 16).add(a3).lanewise(ASHR, 16).mul(x.lanewise(LSHR, 12).and(nibbles)).add(p);
                IntVector a4 = IntVector.fromMemorySegment(INTS, ALL, from + 4 * SUM, LITTLE);
                p = a4.lanewise(LSHL, 16).add(a4).lanewise(ASHR, 16).mul(x.lanewise(LSHR, 16).and(nibbles)).add(p);
                IntVector a5 = IntVector.fromMemorySegment(INTS, ALL, from + 5 * SUM, LITTLE);
                p = a5.lanewise(LSHL, 16).add(a5).lanewise(ASHR, 16).mul(x.lanewise(LSHR, 20).and(nibbles)).add(p);
                IntVector a6 = IntVector.fromMemorySegment(INTS, ALL, from + 6 * SUM, LITTLE);
                p = a6.lanewise(LSHL, 16).add(a6).lanewise(ASHR, 16).mul(x.lanewise(LSHR, 24).and(nibbles)).add(p);
                IntVector a7 = IntVector.fromMemorySegment(INTS, ALL, from + 7 * SUM, LITTLE);
                p = a7.lanewise(LSHL, 16).add(a7).lanewise(ASHR, 16).mul(x.lanewise(LSHR, 28)).add(p);
            }
            zero.add(p).intoMemorySegment(ALL, (sums & ADDRESS) + (16L * block * SUM & OFFSET), LITTLE);
        }
    }

    /**
     * The same with scales that are signed bytes: sums of at most 8128 in size times 32, 16 of them.
     */
    static void signedBytes(long sums, int blocks, long scales) {
        IntVector zero = IntVector.zero(INTS);
        for (int block = 0; block < blocks; block++) {
            IntVector p = zero;
            for (int word = 4 * block; word < 4 * block + 4; word++) {
                long scale = (scales & ADDRESS) + ((long) word * BYTES & OFFSET);
                long from = (sums & ADDRESS) + (4L * word * SUM & OFFSET);
                IntVector x = IntVector.fromMemorySegment(INTS, ALL, scale, LITTLE);
                IntVector a0 = IntVector.fromMemorySegment(INTS, ALL, from, LITTLE);
                IntVector q = a0.lanewise(LSHL, 16).add(a0).lanewise(ASHR, 16).mul(x.lanewise(LSHL, 24).lanewise(ASHR, 24));
                IntVector a1 = IntVector.fromMemorySegment(INTS, ALL, from + SUM, LITTLE);
                q = a1.lanewise(LSHL, 16).add(a1).lanewise(ASHR, 16).mul(x.lanewise(LSHL, 16).lanewise(ASHR, 24)).add(q);
                IntVector a2 = IntVector.fromMemorySegment(INTS, ALL, from + 2 * SUM, LITTLE);
                q = a2.lanewise(LSHL, 16).add(a2).lanewise(ASHR, 16).mul(x.lanewise(LSHL, 8).lanewise(ASHR, 24)).add(q);
                IntVector a3 = IntVector.fromMemorySegment(INTS, ALL, from + 3 * SUM, LITTLE);
                p = a3.lanewise(LSHL, 16).add(a3).lanewise(ASHR, 16).mul(x.lanewise(ASHR, 24)).add(q).add(p);
            }
            zero.add(p).intoMemorySegment(ALL, (sums & ADDRESS) + (16L * block * SUM & OFFSET), LITTLE);
        }
    }

    /**
     * The same with scales of six bits in bytes, 8 a block: sums of at most 60960 in size, once complete, times 63, 8 of them.
     * Behind the two floats of a block's numbers stands what its sums lack.
     */
    static void bytes(long sums, int blocks, long scales, long numbers, int numberBytes) {
        IntVector zero = IntVector.zero(INTS);
        IntVector lowByte = IntVector.broadcast(INTS, 255);
        for (int block = 0; block < blocks; block++) {
            IntVector p = zero;
            for (int word = 2 * block; word < 2 * block + 2; word++) {
                long scale = (scales & ADDRESS) + ((long) word * BYTES & OFFSET);
                long from = (sums & ADDRESS) + (4L * word * SUM & OFFSET);
                long lack = (numbers & ADDRESS) + ((long) block * numberBytes & OFFSET) + 8 + (word & 1) * 16;
                IntVector x = IntVector.fromMemorySegment(INTS, ALL, scale, LITTLE);
                IntVector a0 = IntVector.fromMemorySegment(INTS, ALL, from, LITTLE);
                IntVector q = a0.lanewise(LSHL, 16).add(a0).lanewise(ASHR, 16)
                        .add(IntVector.broadcast(INTS, ALL.get(Memory.INT, lack)))
                        .mul(x.and(lowByte));
                IntVector a1 = IntVector.fromMemorySegment(INTS, ALL, from + SUM, LITTLE);
                q = a1.lanewise(LSHL, 16).add(a1).lanewise(ASHR, 16)
                        .add(IntVector.broadcast(INTS, ALL.get(Memory.INT, lack + 4)))
                        .mul(x.lanewise(LSHR, 8).and(lowByte)).add(q);
                IntVector a2 = IntVector.fromMemorySegment(INTS, ALL, from + 2 * SUM, LITTLE);
                q = a2.lanewise(LSHL, 16).add(a2).lanewise(ASHR, 16)
                        .add(IntVector.broadcast(INTS, ALL.get(Memory.INT, lack + 8)))
                        .mul(x.lanewise(LSHR, 16).and(lowByte)).add(q);
                IntVector a3 = IntVector.fromMemorySegment(INTS, ALL, from + 3 * SUM, LITTLE);
                p = a3.lanewise(LSHL, 16).add(a3).lanewise(ASHR, 16)
                        .add(IntVector.broadcast(INTS, ALL.get(Memory.INT, lack + 12)))
                        .mul(x.lanewise(LSHR, 24)).add(q).add(p);
            }
            zero.add(p).intoMemorySegment(ALL, (sums & ADDRESS) + (8L * block * SUM & OFFSET), LITTLE);
        }
    }

    /**
     * Blocks of sub-blocks without mins, of one tile, whose sums have been put together.
     *
     * @param sums    what the blocks have, {@code sumBytes} apart
     * @param numbers numbers of the first block, {@code numberBytes} apart
     * @param halves  f16 scales of the first block
     * @param out     floats of the rows
     */
    static void nested(long sums, int sumBytes, int blocks, long numbers, int numberBytes, long halves, long out) {
        long to = out & ADDRESS;
        FloatVector f = FloatVector.fromMemorySegment(FLOATS, ALL, to, LITTLE);
        for (int block = 0; block < blocks; block++) {
            long number = (numbers & ADDRESS) + ((long) block * numberBytes & OFFSET);
            long half = (halves & ADDRESS) + ((long) block * (BYTES / 2) & OFFSET);
            IntVector p = IntVector.fromMemorySegment(INTS, ALL, (sums & ADDRESS) + ((long) block * sumBytes & OFFSET), LITTLE);
            IntVector h = (IntVector) ShortVector.fromMemorySegment(HALVES, ALL, half, LITTLE).convertShape(S2I, INTS, 0);
            FloatVector d = h.lanewise(LSHL, 13).and(HALF_BITS).reinterpretAsFloats();
            f = ((FloatVector) p.convert(I2F, 0)).fma(d.mul(ALL.get(Memory.FLOAT, number)), f);
        }
        FloatVector.zero(FLOATS).add(f).intoMemorySegment(ALL, to, LITTLE);
    }

    /**
     * The same with mins, of four tiles at once as in {@link #flat}.
     *
     * @param sums     what {@link #nibbles} or {@link #bytes} have left of each tile, {@code sumBytes} a block
     * @param low      sums of the mins times the low parts of the sums of activations, of the first block, {@link WordSums#SUM}
     *                 bytes apart
     * @param high     the same for the high parts, see {@link WordColumns#MIN_SHIFT}
     * @param halves   f16 scales of the first block in the first tile, an int a row with that of the mins in its high half
     */
    static void nestedMin(long sums, int sumBytes, long low, long high, int blocks, long numbers, int numberBytes, long halves,
            long next1, long next2, long next3, long out) {
        long d1 = next1 & OFFSET;
        long d2 = next2 & OFFSET;
        long d3 = next3 & OFFSET;
        long to = out & ADDRESS;
        int one = Unfolded.number(1);
        IntVector halfBits = mask(BITS);
        FloatVector f0 = FloatVector.fromMemorySegment(FLOATS, ALL, to, LITTLE);
        FloatVector f1 = FloatVector.fromMemorySegment(FLOATS, ALL, to + BYTES, LITTLE);
        FloatVector f2 = FloatVector.fromMemorySegment(FLOATS, ALL, to + 2 * BYTES, LITTLE);
        FloatVector f3 = FloatVector.fromMemorySegment(FLOATS, ALL, to + 3 * BYTES, LITTLE);
        for (int block = 0; block < blocks; block += one) {
            long number = (numbers & ADDRESS) + ((long) block * numberBytes & OFFSET);
            long half = (halves & ADDRESS) + ((long) block * BYTES & OFFSET);
            long from = (sums & ADDRESS) + ((long) block * sumBytes & OFFSET);
            long lows = (low & ADDRESS) + ((long) block * SUM & OFFSET);
            long highs = (high & ADDRESS) + ((long) block * SUM & OFFSET);
            FloatVector step = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, number));
            FloatVector minStep = FloatVector.broadcast(FLOATS, -ALL.get(Memory.FLOAT, number));
            IntVector h0 = IntVector.fromMemorySegment(INTS, ALL, half, LITTLE);
            f0 = ((FloatVector) IntVector.fromMemorySegment(INTS, ALL, from, LITTLE).convert(I2F, 0))
                    .fma(h0.lanewise(LSHL, 16).lanewise(ASHR, 3).and(halfBits).reinterpretAsFloats().mul(step), f0);
            IntVector a0 = IntVector.fromMemorySegment(INTS, ALL, lows, LITTLE);
            IntVector b0 = IntVector.fromMemorySegment(INTS, ALL, highs, LITTLE);
            f0 = ((FloatVector) b0.lanewise(LSHL, 16).add(b0).lanewise(ASHR, 16).lanewise(LSHL, WordColumns.MIN_SHIFT)
                    .add(a0.lanewise(LSHL, 16).add(a0).lanewise(ASHR, 16)).convert(I2F, 0))
                    .fma(h0.lanewise(ASHR, 3).and(halfBits).reinterpretAsFloats().mul(minStep), f0);
            IntVector h1 = IntVector.fromMemorySegment(INTS, ALL, half + d1, LITTLE);
            f1 = ((FloatVector) IntVector.fromMemorySegment(INTS, ALL, from + BYTES, LITTLE).convert(I2F, 0))
                    .fma(h1.lanewise(LSHL, 16).lanewise(ASHR, 3).and(halfBits).reinterpretAsFloats().mul(step), f1);
            IntVector a1 = IntVector.fromMemorySegment(INTS, ALL, lows + BYTES, LITTLE);
            IntVector b1 = IntVector.fromMemorySegment(INTS, ALL, highs + BYTES, LITTLE);
            f1 = ((FloatVector) b1.lanewise(LSHL, 16).add(b1).lanewise(ASHR, 16).lanewise(LSHL, WordColumns.MIN_SHIFT)
                    .add(a1.lanewise(LSHL, 16).add(a1).lanewise(ASHR, 16)).convert(I2F, 0))
                    .fma(h1.lanewise(ASHR, 3).and(halfBits).reinterpretAsFloats().mul(minStep), f1);
            IntVector h2 = IntVector.fromMemorySegment(INTS, ALL, half + d2, LITTLE);
            f2 = ((FloatVector) IntVector.fromMemorySegment(INTS, ALL, from + 2 * BYTES, LITTLE).convert(I2F, 0))
                    .fma(h2.lanewise(LSHL, 16).lanewise(ASHR, 3).and(halfBits).reinterpretAsFloats().mul(step), f2);
            IntVector a2 = IntVector.fromMemorySegment(INTS, ALL, lows + 2 * BYTES, LITTLE);
            IntVector b2 = IntVector.fromMemorySegment(INTS, ALL, highs + 2 * BYTES, LITTLE);
            f2 = ((FloatVector) b2.lanewise(LSHL, 16).add(b2).lanewise(ASHR, 16).lanewise(LSHL, WordColumns.MIN_SHIFT)
                    .add(a2.lanewise(LSHL, 16).add(a2).lanewise(ASHR, 16)).convert(I2F, 0))
                    .fma(h2.lanewise(ASHR, 3).and(halfBits).reinterpretAsFloats().mul(minStep), f2);
            IntVector h3 = IntVector.fromMemorySegment(INTS, ALL, half + d3, LITTLE);
            f3 = ((FloatVector) IntVector.fromMemorySegment(INTS, ALL, from + 3 * BYTES, LITTLE).convert(I2F, 0))
                    .fma(h3.lanewise(LSHL, 16).lanewise(ASHR, 3).and(halfBits).reinterpretAsFloats().mul(step), f3);
            IntVector a3 = IntVector.fromMemorySegment(INTS, ALL, lows + 3 * BYTES, LITTLE);
            IntVector b3 = IntVector.fromMemorySegment(INTS, ALL, highs + 3 * BYTES, LITTLE);
            f3 = ((FloatVector) b3.lanewise(LSHL, 16).add(b3).lanewise(ASHR, 16).lanewise(LSHL, WordColumns.MIN_SHIFT)
                    .add(a3.lanewise(LSHL, 16).add(a3).lanewise(ASHR, 16)).convert(I2F, 0))
                    .fma(h3.lanewise(ASHR, 3).and(halfBits).reinterpretAsFloats().mul(minStep), f3);
        }
        FloatVector.zero(FLOATS).add(f0).intoMemorySegment(ALL, to, LITTLE);
        FloatVector.zero(FLOATS).add(f1).intoMemorySegment(ALL, to + BYTES, LITTLE);
        FloatVector.zero(FLOATS).add(f2).intoMemorySegment(ALL, to + 2 * BYTES, LITTLE);
        FloatVector.zero(FLOATS).add(f3).intoMemorySegment(ALL, to + 3 * BYTES, LITTLE);
    }

    /** Multiplies {@code count} floats, whole vectors, by a factor. */
    static void multiply(long from, int count, float factor, long to) {
        for (int i = 0; i < count; i += FLOATS.length()) {
            long offset = 4L * i & OFFSET;
            FloatVector.fromMemorySegment(FLOATS, ALL, (from & ADDRESS) + offset, LITTLE).mul(factor)
                    .intoMemorySegment(ALL, (to & ADDRESS) + offset, LITTLE);
        }
    }
}
