package io.tmac4j.kernels;

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
 * <p>f16 scales are read by a shift and are then 2^112 too small; see {@link LookupTables#STEP_FACTOR}.
 */
final class WordScales {

    private static final MemorySegment ALL = OffHeap.ALL;
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;
    private static final int HALF_BITS = 0x8fffe000;
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
        FloatVector f = FloatVector.fromMemorySegment(FLOATS, ALL, out, LITTLE);
        long from = sums;
        long number = numbers;
        long half = halves;
        for (int block = 0; block < blocks; block++) {
            IntVector a = IntVector.fromMemorySegment(INTS, ALL, from, LITTLE);
            IntVector sum = a.lanewise(LSHL, 16).add(a).lanewise(ASHR, 16);
            IntVector h = (IntVector) ShortVector.fromMemorySegment(HALVES, ALL, half, LITTLE).convertShape(S2I, INTS, 0);
            FloatVector d = h.lanewise(LSHL, 13).and(HALF_BITS).reinterpretAsFloats();
            f = ((FloatVector) sum.convert(I2F, 0)).fma(d.mul(ALL.get(Memory.FLOAT, number)), f);
            from += SUM;
            number += numberBytes;
            half += BYTES / 2;
        }
        f.intoMemorySegment(ALL, out, LITTLE);
    }

    /** Blocks with a scale and a min; behind the two floats of the numbers stands what the sum lacks. */
    static void flatMin(long sums, int blocks, long numbers, int numberBytes, long halves, long out) {
        FloatVector f = FloatVector.fromMemorySegment(FLOATS, ALL, out, LITTLE);
        long from = sums;
        long number = numbers;
        long half = halves;
        for (int block = 0; block < blocks; block++) {
            IntVector a = IntVector.fromMemorySegment(INTS, ALL, from, LITTLE);
            IntVector sum = a.lanewise(LSHL, 16).add(a).lanewise(ASHR, 16).add(ALL.get(Memory.INT, number + 8));
            IntVector h = (IntVector) ShortVector.fromMemorySegment(HALVES, ALL, half, LITTLE).convertShape(S2I, INTS, 0);
            IntVector m = (IntVector) ShortVector.fromMemorySegment(HALVES, ALL, half + BYTES / 2, LITTLE)
                    .convertShape(S2I, INTS, 0);
            FloatVector d = h.lanewise(LSHL, 13).and(HALF_BITS).reinterpretAsFloats();
            FloatVector min = m.lanewise(LSHL, 13).and(HALF_BITS).reinterpretAsFloats();
            f = ((FloatVector) sum.convert(I2F, 0)).fma(d.mul(ALL.get(Memory.FLOAT, number)), f);
            f = min.fma(FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, number + 4)), f);
            from += SUM;
            number += numberBytes;
            half += BYTES;
        }
        f.intoMemorySegment(ALL, out, LITTLE);
    }

    /**
     * Blocks of 16 sub-blocks with scales and mins of four bits: sums of at most 6096 in size times 15, 16 of them, fit 32 bits.
     *
     * @param minSums     sums of the mins and the low parts of the sums of activations
     * @param highMinSums the same for the high parts, which count 16 times
     */
    static void nibbles(long sums, int blocks, long scales, long minSums, long highMinSums, long numbers, int numberBytes, long halves, long out) {
        FloatVector f = FloatVector.fromMemorySegment(FLOATS, ALL, out, LITTLE);
        long from = sums;
        long scale = scales;
        long number = numbers;
        long half = halves;
        long minFrom = minSums;
        long highMinFrom = highMinSums;
        for (int block = 0; block < blocks; block++) {
            IntVector p = IntVector.zero(INTS);
            long end = scale + 2 * BYTES;
            do {
                IntVector x = IntVector.fromMemorySegment(INTS, ALL, scale, LITTLE);
                IntVector a = IntVector.fromMemorySegment(INTS, ALL, from, LITTLE);
                p = p.add(a.lanewise(LSHL, 16).add(a).lanewise(ASHR, 16).mul(x.and(15)));
                a = IntVector.fromMemorySegment(INTS, ALL, from + SUM, LITTLE);
                p = p.add(a.lanewise(LSHL, 16).add(a).lanewise(ASHR, 16).mul(x.lanewise(LSHR, 4).and(15)));
                a = IntVector.fromMemorySegment(INTS, ALL, from + 2 * SUM, LITTLE);
                p = p.add(a.lanewise(LSHL, 16).add(a).lanewise(ASHR, 16).mul(x.lanewise(LSHR, 8).and(15)));
                a = IntVector.fromMemorySegment(INTS, ALL, from + 3 * SUM, LITTLE);
                p = p.add(a.lanewise(LSHL, 16).add(a).lanewise(ASHR, 16).mul(x.lanewise(LSHR, 12).and(15)));
                a = IntVector.fromMemorySegment(INTS, ALL, from + 4 * SUM, LITTLE);
                p = p.add(a.lanewise(LSHL, 16).add(a).lanewise(ASHR, 16).mul(x.lanewise(LSHR, 16).and(15)));
                a = IntVector.fromMemorySegment(INTS, ALL, from + 5 * SUM, LITTLE);
                p = p.add(a.lanewise(LSHL, 16).add(a).lanewise(ASHR, 16).mul(x.lanewise(LSHR, 20).and(15)));
                a = IntVector.fromMemorySegment(INTS, ALL, from + 6 * SUM, LITTLE);
                p = p.add(a.lanewise(LSHL, 16).add(a).lanewise(ASHR, 16).mul(x.lanewise(LSHR, 24).and(15)));
                a = IntVector.fromMemorySegment(INTS, ALL, from + 7 * SUM, LITTLE);
                p = p.add(a.lanewise(LSHL, 16).add(a).lanewise(ASHR, 16).mul(x.lanewise(LSHR, 28)));
                from += 8 * SUM;
                scale += BYTES;
            } while (scale != end);
            FloatVector step = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, number));
            IntVector h = (IntVector) ShortVector.fromMemorySegment(HALVES, ALL, half, LITTLE).convertShape(S2I, INTS, 0);
            FloatVector d = h.lanewise(LSHL, 13).and(HALF_BITS).reinterpretAsFloats();
            f = ((FloatVector) p.convert(I2F, 0)).fma(d.mul(step), f);
            IntVector low = IntVector.fromMemorySegment(INTS, ALL, minFrom, LITTLE);
            IntVector high = IntVector.fromMemorySegment(INTS, ALL, highMinFrom, LITTLE);
            low = low.lanewise(LSHL, 16).add(low).lanewise(ASHR, 16);
            high = high.lanewise(LSHL, 16).add(high).lanewise(ASHR, 16).lanewise(LSHL, 4);
            h = (IntVector) ShortVector.fromMemorySegment(HALVES, ALL, half + BYTES / 2, LITTLE).convertShape(S2I, INTS, 0);
            d = h.lanewise(LSHL, 13).and(HALF_BITS).reinterpretAsFloats();
            f = f.sub(((FloatVector) low.add(high).convert(I2F, 0)).mul(d.mul(step)));
            minFrom += SUM;
            highMinFrom += SUM;
            number += numberBytes;
            half += BYTES;
        }
        f.intoMemorySegment(ALL, out, LITTLE);
    }

    /** Blocks of 16 sub-blocks with signed scales: sums of at most 8128 in size times 32. */
    static void signedBytes(long sums, int blocks, long scales, long numbers, int numberBytes, long halves, long out) {
        FloatVector f = FloatVector.fromMemorySegment(FLOATS, ALL, out, LITTLE);
        long from = sums;
        long scale = scales;
        long number = numbers;
        long half = halves;
        for (int block = 0; block < blocks; block++) {
            IntVector p = IntVector.zero(INTS);
            long end = scale + 4 * BYTES;
            do {
                IntVector x = IntVector.fromMemorySegment(INTS, ALL, scale, LITTLE);
                IntVector a = IntVector.fromMemorySegment(INTS, ALL, from, LITTLE);
                p = p.add(a.lanewise(LSHL, 16).add(a).lanewise(ASHR, 16).mul(x.lanewise(LSHL, 24).lanewise(ASHR, 24)));
                a = IntVector.fromMemorySegment(INTS, ALL, from + SUM, LITTLE);
                p = p.add(a.lanewise(LSHL, 16).add(a).lanewise(ASHR, 16).mul(x.lanewise(LSHL, 16).lanewise(ASHR, 24)));
                a = IntVector.fromMemorySegment(INTS, ALL, from + 2 * SUM, LITTLE);
                p = p.add(a.lanewise(LSHL, 16).add(a).lanewise(ASHR, 16).mul(x.lanewise(LSHL, 8).lanewise(ASHR, 24)));
                a = IntVector.fromMemorySegment(INTS, ALL, from + 3 * SUM, LITTLE);
                p = p.add(a.lanewise(LSHL, 16).add(a).lanewise(ASHR, 16).mul(x.lanewise(ASHR, 24)));
                from += 4 * SUM;
                scale += BYTES;
            } while (scale != end);
            FloatVector step = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, number));
            IntVector h = (IntVector) ShortVector.fromMemorySegment(HALVES, ALL, half, LITTLE).convertShape(S2I, INTS, 0);
            FloatVector d = h.lanewise(LSHL, 13).and(HALF_BITS).reinterpretAsFloats();
            f = ((FloatVector) p.convert(I2F, 0)).fma(d.mul(step), f);
            number += numberBytes;
            half += BYTES / 2;
        }
        f.intoMemorySegment(ALL, out, LITTLE);
    }

    /**
     * Blocks of 8 sub-blocks with scales and mins of six bits: sums of at most 60960 in size, once complete, times 63, 8 of them,
     * fit 32 bits. High parts of sums of activations count 64 times.
     */
    static void bytes(long sums, int blocks, long scales, long minSums, long highMinSums, long numbers, int numberBytes, long halves, long out) {
        FloatVector f = FloatVector.fromMemorySegment(FLOATS, ALL, out, LITTLE);
        long from = sums;
        long scale = scales;
        long number = numbers;
        long half = halves;
        long minFrom = minSums;
        long highMinFrom = highMinSums;
        for (int block = 0; block < blocks; block++) {
            IntVector p = IntVector.zero(INTS);
            long end = scale + 2 * BYTES;
            long lack = number + 8;
            do {
                IntVector x = IntVector.fromMemorySegment(INTS, ALL, scale, LITTLE);
                IntVector a = IntVector.fromMemorySegment(INTS, ALL, from, LITTLE);
                p = p.add(a.lanewise(LSHL, 16).add(a).lanewise(ASHR, 16).add(ALL.get(Memory.INT, lack)).mul(x.and(255)));
                a = IntVector.fromMemorySegment(INTS, ALL, from + SUM, LITTLE);
                p = p.add(a.lanewise(LSHL, 16).add(a).lanewise(ASHR, 16).add(ALL.get(Memory.INT, lack + 4)).mul(x.lanewise(LSHR, 8).and(255)));
                a = IntVector.fromMemorySegment(INTS, ALL, from + 2 * SUM, LITTLE);
                p = p.add(a.lanewise(LSHL, 16).add(a).lanewise(ASHR, 16).add(ALL.get(Memory.INT, lack + 8)).mul(x.lanewise(LSHR, 16).and(255)));
                a = IntVector.fromMemorySegment(INTS, ALL, from + 3 * SUM, LITTLE);
                p = p.add(a.lanewise(LSHL, 16).add(a).lanewise(ASHR, 16).add(ALL.get(Memory.INT, lack + 12)).mul(x.lanewise(LSHR, 24)));
                from += 4 * SUM;
                scale += BYTES;
                lack += 16;
            } while (scale != end);
            FloatVector step = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, number));
            IntVector h = (IntVector) ShortVector.fromMemorySegment(HALVES, ALL, half, LITTLE).convertShape(S2I, INTS, 0);
            FloatVector d = h.lanewise(LSHL, 13).and(HALF_BITS).reinterpretAsFloats();
            f = ((FloatVector) p.convert(I2F, 0)).fma(d.mul(step), f);
            IntVector low = IntVector.fromMemorySegment(INTS, ALL, minFrom, LITTLE);
            IntVector high = IntVector.fromMemorySegment(INTS, ALL, highMinFrom, LITTLE);
            low = low.lanewise(LSHL, 16).add(low).lanewise(ASHR, 16);
            high = high.lanewise(LSHL, 16).add(high).lanewise(ASHR, 16).lanewise(LSHL, 6);
            h = (IntVector) ShortVector.fromMemorySegment(HALVES, ALL, half + BYTES / 2, LITTLE).convertShape(S2I, INTS, 0);
            d = h.lanewise(LSHL, 13).and(HALF_BITS).reinterpretAsFloats();
            f = f.sub(((FloatVector) low.add(high).convert(I2F, 0)).mul(d.mul(step)));
            minFrom += SUM;
            highMinFrom += SUM;
            number += numberBytes;
            half += BYTES;
        }
        f.intoMemorySegment(ALL, out, LITTLE);
    }

    /** Multiplies the results of a tile by what f16 scales and steps are off. */
    static void finish(long sums, long out) {
        FloatVector.fromMemorySegment(FLOATS, ALL, sums, LITTLE).mul(LookupTables.RESULT_FACTOR)
                .intoMemorySegment(ALL, out, LITTLE);
    }
}
