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
 * Second stage of an mpGEMV with a codebook, as {@link WordScales} is of the others. A wide sum is 256 times the sum of its high
 * parts plus what they left out, at most 16 times 255, which is known modulo 2^16.
 */
final class CodebookScales {

    private static final MemorySegment ALL = OffHeap.ALL;
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;
    private static final int LOW = 0xffff;
    private static final int SUM = WordSums.SUM;

    private CodebookScales() {
    }

    /**
     * Blocks of narrow sums with one scale, a bfloat16.
     *
     * @param sums    sums of the first block, {@link WordSums#SUM} bytes apart
     * @param numbers numbers of the first block, {@code numberBytes} apart
     * @param halves  scales of the first block
     */
    static void powers(long sums, int blocks, long numbers, int numberBytes, long halves, long out) {
        long to = out & ADDRESS;
        FloatVector f = FloatVector.fromMemorySegment(FLOATS, ALL, to, LITTLE);
        for (int block = 0; block < blocks; block++) {
            long number = (numbers & ADDRESS) + ((long) block * numberBytes & OFFSET);
            long half = (halves & ADDRESS) + ((long) block * (BYTES / 2) & OFFSET);
            IntVector a = IntVector.fromMemorySegment(INTS, ALL, (sums & ADDRESS) + ((long) block * SUM & OFFSET), LITTLE);
            IntVector sum = a.lanewise(LSHL, 16).lanewise(ASHR, 16).add(a.lanewise(ASHR, 16));
            IntVector h = (IntVector) ShortVector.fromMemorySegment(HALVES, ALL, half, LITTLE).convertShape(S2I, INTS, 0);
            FloatVector d = h.lanewise(LSHL, 16).reinterpretAsFloats();
            f = ((FloatVector) sum.convert(I2F, 0)).fma(d.mul(ALL.get(Memory.FLOAT, number)), f);
        }
        FloatVector.zero(FLOATS).add(f).intoMemorySegment(ALL, to, LITTLE);
    }

    /** Blocks of wide sums with one scale, an f16 number. */
    static void flat(long sums, long high, int blocks, long numbers, int numberBytes, long halves, long out) {
        long to = out & ADDRESS;
        FloatVector f = FloatVector.fromMemorySegment(FLOATS, ALL, to, LITTLE);
        for (int block = 0; block < blocks; block++) {
            long number = (numbers & ADDRESS) + ((long) block * numberBytes & OFFSET);
            long half = (halves & ADDRESS) + ((long) block * (BYTES / 2) & OFFSET);
            IntVector a = IntVector.fromMemorySegment(INTS, ALL, (sums & ADDRESS) + ((long) block * SUM & OFFSET), LITTLE);
            IntVector b = IntVector.fromMemorySegment(INTS, ALL, (high & ADDRESS) + ((long) block * SUM & OFFSET), LITTLE);
            IntVector upper = b.lanewise(LSHL, 16).lanewise(ASHR, 16).add(b.lanewise(ASHR, 16)).lanewise(LSHL, 8);
            IntVector sum = a.lanewise(LSHR, 16).add(a).sub(upper).and(LOW).add(upper);
            IntVector h = (IntVector) ShortVector.fromMemorySegment(HALVES, ALL, half, LITTLE).convertShape(S2I, INTS, 0);
            FloatVector d = h.lanewise(LSHL, 13).and(HALF_BITS).reinterpretAsFloats();
            f = ((FloatVector) sum.convert(I2F, 0)).fma(d.mul(ALL.get(Memory.FLOAT, number)), f);
        }
        FloatVector.zero(FLOATS).add(f).intoMemorySegment(ALL, to, LITTLE);
    }

    /** Blocks of 8 wide sums of at most 2^19 in size, with scales that are signed bytes: times 32, 8 of them, fits 32 bits. */
    static void signedBytes(long sums, long high, int blocks, long scales, long numbers, int numberBytes, long halves, long out) {
        long to = out & ADDRESS;
        IntVector zero = IntVector.zero(INTS);
        FloatVector f = FloatVector.fromMemorySegment(FLOATS, ALL, to, LITTLE);
        for (int block = 0; block < blocks; block++) {
            long number = (numbers & ADDRESS) + ((long) block * numberBytes & OFFSET);
            long half = (halves & ADDRESS) + ((long) block * (BYTES / 2) & OFFSET);
            IntVector p = zero;
            for (int sub = 8 * block; sub < 8 * block + 8; sub++) {
                IntVector x = IntVector.fromMemorySegment(INTS, ALL,
                        (scales & ADDRESS) + ((long) (sub >> 2) * BYTES & OFFSET), LITTLE);
                IntVector a = IntVector.fromMemorySegment(INTS, ALL, (sums & ADDRESS) + ((long) sub * SUM & OFFSET), LITTLE);
                IntVector b = IntVector.fromMemorySegment(INTS, ALL, (high & ADDRESS) + ((long) sub * SUM & OFFSET), LITTLE);
                IntVector upper = b.lanewise(LSHL, 16).lanewise(ASHR, 16).add(b.lanewise(ASHR, 16)).lanewise(LSHL, 8);
                IntVector sum = a.lanewise(LSHR, 16).add(a).sub(upper).and(LOW).add(upper);
                p = sum.mul(x.lanewise(LSHL, 24 - 8 * (sub & 3)).lanewise(ASHR, 24)).add(p);
            }
            IntVector h = (IntVector) ShortVector.fromMemorySegment(HALVES, ALL, half, LITTLE).convertShape(S2I, INTS, 0);
            FloatVector d = h.lanewise(LSHL, 13).and(HALF_BITS).reinterpretAsFloats().mul(ALL.get(Memory.FLOAT, number));
            f = ((FloatVector) zero.add(p).convert(I2F, 0)).fma(d, f);
        }
        FloatVector.zero(FLOATS).add(f).intoMemorySegment(ALL, to, LITTLE);
    }
}
