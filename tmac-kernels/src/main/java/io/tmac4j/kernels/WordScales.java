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
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * Second stage of an mpGEMV with weights in words: turns the integer sums of one tile into floats and adds them to the
 * {@link WideSpecies#ROWS} floats at {@code out}. A sum is the two halves of a lane added, {@code (a << 16) + a >> 16}.
 *
 * <p>As in {@link WordSums}, a vector that a loop carries on is an argument only.
 *
 * <p>f16 scales are read by a shift and are then 2^112 too small; see {@link LookupTables#STEP_FACTOR}.
 */
final class WordScales {

    private static final MemorySegment ALL = OffHeap.ALL;
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;
    private static final int SUM = WordSums.SUM;

    private WordScales() {
    }

    /**
     * Blocks with one scale.
     *
     * @param sums    sums of the first block, {@link WordSums#SUM} bytes apart
     * @param numbers numbers of the first block, {@code numberBytes} apart
     * @param halves  f16 scales of the first block
     */
    static void flat(long sums, int blocks, long numbers, int numberBytes, long halves, long out) {
        long to = out & ADDRESS;
        FloatVector f = FloatVector.fromMemorySegment(FLOATS, ALL, to, LITTLE);
        for (int block = 0; block < blocks; block++) {
            long from = (sums & ADDRESS) + ((long) block * SUM & OFFSET);
            long number = (numbers & ADDRESS) + ((long) block * numberBytes & OFFSET);
            long half = (halves & ADDRESS) + ((long) block * (BYTES / 2) & OFFSET);
            IntVector a = IntVector.fromMemorySegment(INTS, ALL, from, LITTLE);
            IntVector sum = a.lanewise(LSHL, 16).add(a).lanewise(ASHR, 16);
            IntVector h = (IntVector) ShortVector.fromMemorySegment(HALVES, ALL, half, LITTLE).convertShape(S2I, INTS, 0);
            FloatVector d = h.lanewise(LSHL, 13).and(HALF_BITS).reinterpretAsFloats();
            f = ((FloatVector) sum.convert(I2F, 0)).fma(d.mul(ALL.get(Memory.FLOAT, number)), f);
        }
        FloatVector.zero(FLOATS).add(f).intoMemorySegment(ALL, to, LITTLE);
    }

    /**
     * Blocks with a scale and a min; behind the two floats of the numbers stands what the sum lacks. Mins have a sum of their
     * own, so that no addition waits for another.
     */
    static void flatMin(long sums, int blocks, long numbers, int numberBytes, long halves, long out) {
        long to = out & ADDRESS;
        FloatVector f = FloatVector.fromMemorySegment(FLOATS, ALL, to, LITTLE);
        FloatVector g = FloatVector.zero(FLOATS);
        IntVector halfBits = IntVector.broadcast(INTS, HALF_BITS);
        for (int block = 0; block < blocks; block++) {
            long from = (sums & ADDRESS) + ((long) block * SUM & OFFSET);
            long number = (numbers & ADDRESS) + ((long) block * numberBytes & OFFSET);
            long half = (halves & ADDRESS) + ((long) block * BYTES & OFFSET);
            IntVector a = IntVector.fromMemorySegment(INTS, ALL, from, LITTLE);
            IntVector sum = a.lanewise(LSHL, 16).add(a).lanewise(ASHR, 16).add(ALL.get(Memory.INT, number + 8));
            IntVector h = (IntVector) ShortVector.fromMemorySegment(HALVES, ALL, half, LITTLE).convertShape(S2I, INTS, 0);
            IntVector m = (IntVector) ShortVector.fromMemorySegment(HALVES, ALL, half + BYTES / 2, LITTLE)
                    .convertShape(S2I, INTS, 0);
            FloatVector d = h.lanewise(LSHL, 13).and(halfBits).reinterpretAsFloats();
            FloatVector min = m.lanewise(LSHL, 13).and(halfBits).reinterpretAsFloats();
            f = ((FloatVector) sum.convert(I2F, 0)).fma(d.mul(ALL.get(Memory.FLOAT, number)), f);
            g = min.fma(FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, number + 4)), g);
        }
        FloatVector.zero(FLOATS).add(f).add(g).intoMemorySegment(ALL, to, LITTLE);
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
     * Mins of blocks of sub-blocks: what their sums make together takes the place of the low ones.
     *
     * @param low  sums of the mins times the low parts of the sums of activations
     * @param high the same for the high parts, which count {@code 1 << shift}
     */
    static void mins(long low, long high, int shift, int blocks) {
        for (int block = 0; block < blocks; block++) {
            long at = (low & ADDRESS) + ((long) block * SUM & OFFSET);
            IntVector a = IntVector.fromMemorySegment(INTS, ALL, at, LITTLE);
            IntVector b = IntVector.fromMemorySegment(INTS, ALL, (high & ADDRESS) + ((long) block * SUM & OFFSET), LITTLE);
            b.lanewise(LSHL, 16).add(b).lanewise(ASHR, 16).lanewise(LSHL, shift)
                    .add(a.lanewise(LSHL, 16).add(a).lanewise(ASHR, 16)).intoMemorySegment(ALL, at, LITTLE);
        }
    }

    /**
     * Blocks of sub-blocks whose sums, or mins, have been put together.
     *
     * @param sums    what the blocks have, {@code sumBytes} apart
     * @param sign    1, or -1 for mins
     * @param numbers numbers of the first block, {@code numberBytes} apart
     * @param halves  f16 scales of the first block, {@code halfBytes} apart
     */
    static void nested(long sums, int sumBytes, int blocks, float sign, long numbers, int numberBytes, long halves, int halfBytes,
            long out) {
        long to = out & ADDRESS;
        FloatVector f = FloatVector.fromMemorySegment(FLOATS, ALL, to, LITTLE);
        for (int block = 0; block < blocks; block++) {
            long number = (numbers & ADDRESS) + ((long) block * numberBytes & OFFSET);
            long half = (halves & ADDRESS) + ((long) block * halfBytes & OFFSET);
            IntVector p = IntVector.fromMemorySegment(INTS, ALL, (sums & ADDRESS) + ((long) block * sumBytes & OFFSET), LITTLE);
            IntVector h = (IntVector) ShortVector.fromMemorySegment(HALVES, ALL, half, LITTLE).convertShape(S2I, INTS, 0);
            FloatVector d = h.lanewise(LSHL, 13).and(HALF_BITS).reinterpretAsFloats();
            f = ((FloatVector) p.convert(I2F, 0)).fma(d.mul(sign * ALL.get(Memory.FLOAT, number)), f);
        }
        FloatVector.zero(FLOATS).add(f).intoMemorySegment(ALL, to, LITTLE);
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
