package io.tmac4j.kernels;

import static io.tmac4j.kernels.GemmKernels.ADDRESS;
import static io.tmac4j.kernels.GemmKernels.OFFSET;
import static io.tmac4j.kernels.Species.FLOATS;
import static io.tmac4j.kernels.Species.INTS;
import static io.tmac4j.kernels.Species.LANES;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import io.tmac4j.bindings.spi.OffHeap;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Second stage of an mpGEMV: turns sums of bytes into results. A method works on one vector of rows and adds to the
 * {@link Species#LANES} floats at {@code out}. The sums of byte j of the int lanes belong to the j-th quarter of the rows.
 */
final class ScaleKernels {

    private static final MemorySegment ALL = OffHeap.ALL;
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;

    /** Sign and number bits of an f16 number, shifted to where an f32 number has them; it is then 2^112 too small. */
    static final int HALF_BITS = 0x8fffe000;

    private ScaleKernels() {
    }

    /**
     * Adds {@code (sum * step + offset) * scale} for each of {@code blocks} blocks.
     *
     * @param sums       {@code a} and {@code s} of the first block
     * @param steps      step of the first block; its offset is 4 bytes after it
     * @param half       scales of the first block
     * @param blockBytes distance of scales
     */
    static void flat(long sums, int blocks, long steps, long half, int blockBytes, long out) {
        FloatVector zero = FloatVector.zero(FLOATS);
        long to = out & ADDRESS;
        FloatVector f0 = FloatVector.fromMemorySegment(FLOATS, ALL, to, LITTLE);
        FloatVector f1 = FloatVector.fromMemorySegment(FLOATS, ALL, to + LANES, LITTLE);
        FloatVector f2 = FloatVector.fromMemorySegment(FLOATS, ALL, to + 2 * LANES, LITTLE);
        FloatVector f3 = FloatVector.fromMemorySegment(FLOATS, ALL, to + 3 * LANES, LITTLE);
        for (int block = 0; block < blocks; block++) {
            long from = (sums & ADDRESS) + ((long) block * LookupMatrix.BLOCK_SUMS & OFFSET);
            long at = (half & ADDRESS) + ((long) block * blockBytes & OFFSET);
            long stepAt = (steps & ADDRESS) + ((long) block * TableLayout.NUMBER_BYTES & OFFSET);
            IntVector lower = IntVector.fromMemorySegment(INTS, ALL, from, LITTLE);
            IntVector upper = IntVector.fromMemorySegment(INTS, ALL, from + LANES, LITTLE);
            IntVector b3 = upper.lanewise(LSHR, 16);
            IntVector b2 = lower.lanewise(LSHR, 16).sub(b3.lanewise(LSHL, 8)).and(0xffff);
            IntVector b1 = upper.sub(b2.lanewise(LSHL, 8)).and(0xffff);
            IntVector b0 = lower.sub(b1.lanewise(LSHL, 8)).and(0xffff);
            FloatVector step = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, stepAt));
            FloatVector offset = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, stepAt + 4));
            IntVector h0 = IntVector.fromMemorySegment(INTS, ALL, at, LITTLE);
            IntVector h1 = IntVector.fromMemorySegment(INTS, ALL, at + LANES, LITTLE);
            FloatVector d0 = h0.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
            FloatVector d1 = h0.lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
            FloatVector d2 = h1.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
            FloatVector d3 = h1.lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
            f0 = ((FloatVector) b0.convertShape(I2F, FLOATS, 0)).fma(step, offset).fma(d0, f0);
            f1 = ((FloatVector) b1.convertShape(I2F, FLOATS, 0)).fma(step, offset).fma(d1, f1);
            f2 = ((FloatVector) b2.convertShape(I2F, FLOATS, 0)).fma(step, offset).fma(d2, f2);
            f3 = ((FloatVector) b3.convertShape(I2F, FLOATS, 0)).fma(step, offset).fma(d3, f3);
        }
        zero.add(f0).intoMemorySegment(ALL, to, LITTLE);
        zero.add(f1).intoMemorySegment(ALL, to + LANES, LITTLE);
        zero.add(f2).intoMemorySegment(ALL, to + 2 * LANES, LITTLE);
        zero.add(f3).intoMemorySegment(ALL, to + 3 * LANES, LITTLE);
    }

    /**
     * Adds {@code sum * step * scale} for each of {@code blocks} blocks, where the sum is that of 16-bit entries: a sum of low
     * bytes, 256 times a sum of high bytes, less what was added to the entries.
     *
     * @param sums       {@code a} and {@code s} of the first block, of low bytes
     * @param high       bytes from there to those of high bytes
     * @param blocks     number of blocks
     * @param bias       what was added to the entries of a block, together
     * @param steps      step of the first block
     * @param half       scales of the first block
     * @param blockBytes distance of scales
     */
    static void wide(long sums, long high, int blocks, int bias, long steps, long half, int blockBytes, long out) {
        FloatVector zero = FloatVector.zero(FLOATS);
        IntVector less = IntVector.broadcast(INTS, bias);
        long to = out & ADDRESS;
        long distance = high & OFFSET;
        FloatVector f0 = FloatVector.fromMemorySegment(FLOATS, ALL, to, LITTLE);
        FloatVector f1 = FloatVector.fromMemorySegment(FLOATS, ALL, to + LANES, LITTLE);
        FloatVector f2 = FloatVector.fromMemorySegment(FLOATS, ALL, to + 2 * LANES, LITTLE);
        FloatVector f3 = FloatVector.fromMemorySegment(FLOATS, ALL, to + 3 * LANES, LITTLE);
        for (int block = 0; block < blocks; block++) {
            long from = (sums & ADDRESS) + ((long) block * LookupMatrix.BLOCK_SUMS & OFFSET);
            long at = (half & ADDRESS) + ((long) block * blockBytes & OFFSET);
            long stepAt = (steps & ADDRESS) + ((long) block * TableLayout.NUMBER_BYTES & OFFSET);
            IntVector lower = IntVector.fromMemorySegment(INTS, ALL, from, LITTLE);
            IntVector upper = IntVector.fromMemorySegment(INTS, ALL, from + LANES, LITTLE);
            IntVector b3 = upper.lanewise(LSHR, 16);
            IntVector b2 = lower.lanewise(LSHR, 16).sub(b3.lanewise(LSHL, 8)).and(0xffff);
            IntVector b1 = upper.sub(b2.lanewise(LSHL, 8)).and(0xffff);
            IntVector b0 = lower.sub(b1.lanewise(LSHL, 8)).and(0xffff);
            IntVector lowerHigh = IntVector.fromMemorySegment(INTS, ALL, from + distance, LITTLE);
            IntVector upperHigh = IntVector.fromMemorySegment(INTS, ALL, from + distance + LANES, LITTLE);
            IntVector c3 = upperHigh.lanewise(LSHR, 16);
            IntVector c2 = lowerHigh.lanewise(LSHR, 16).sub(c3.lanewise(LSHL, 8)).and(0xffff);
            IntVector c1 = upperHigh.sub(c2.lanewise(LSHL, 8)).and(0xffff);
            IntVector c0 = lowerHigh.sub(c1.lanewise(LSHL, 8)).and(0xffff);
            IntVector t0 = c0.lanewise(LSHL, 8).add(b0).sub(less);
            IntVector t1 = c1.lanewise(LSHL, 8).add(b1).sub(less);
            IntVector t2 = c2.lanewise(LSHL, 8).add(b2).sub(less);
            IntVector t3 = c3.lanewise(LSHL, 8).add(b3).sub(less);
            FloatVector step = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, stepAt));
            IntVector h0 = IntVector.fromMemorySegment(INTS, ALL, at, LITTLE);
            IntVector h1 = IntVector.fromMemorySegment(INTS, ALL, at + LANES, LITTLE);
            FloatVector d0 = h0.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
            FloatVector d1 = h0.lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
            FloatVector d2 = h1.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
            FloatVector d3 = h1.lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
            f0 = ((FloatVector) t0.convertShape(I2F, FLOATS, 0)).mul(step).fma(d0, f0);
            f1 = ((FloatVector) t1.convertShape(I2F, FLOATS, 0)).mul(step).fma(d1, f1);
            f2 = ((FloatVector) t2.convertShape(I2F, FLOATS, 0)).mul(step).fma(d2, f2);
            f3 = ((FloatVector) t3.convertShape(I2F, FLOATS, 0)).mul(step).fma(d3, f3);
        }
        zero.add(f0).intoMemorySegment(ALL, to, LITTLE);
        zero.add(f1).intoMemorySegment(ALL, to + LANES, LITTLE);
        zero.add(f2).intoMemorySegment(ALL, to + 2 * LANES, LITTLE);
        zero.add(f3).intoMemorySegment(ALL, to + 3 * LANES, LITTLE);
    }
}
