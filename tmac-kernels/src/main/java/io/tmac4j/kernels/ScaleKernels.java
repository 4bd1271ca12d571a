package io.tmac4j.kernels;

import static io.tmac4j.kernels.Species.FLOATS;
import static io.tmac4j.kernels.Species.INTS;
import static io.tmac4j.kernels.Species.LANES;
import static io.tmac4j.kernels.Species.SHORTS;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import io.tmac4j.bindings.spi.OffHeap;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * Second stage of an mpGEMV: turns sums of bytes into results. A method works on one vector of rows and adds to the
 * {@link Species#LANES} floats at {@code out}. The sums of byte j of the int lanes belong to the j-th quarter of the rows.
 */
final class ScaleKernels {

    private static final MemorySegment ALL = OffHeap.ALL;
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;

    /** Sign and number bits of an f16 number, shifted to where an f32 number has them; it is then 2^112 too small. */
    private static final int HALF_BITS = 0x8fffe000;

    private static final int TILE = DecodeKernels.VECTORS * LANES;

    private static final int THREE_PLANES_BIAS = 7 * 4 * LookupTables.BIAS;
    private static final int FOUR_PLANES_BIAS = 15 * 8 * LookupTables.BIAS;

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
        FloatVector f0 = FloatVector.fromMemorySegment(FLOATS, ALL, out, LITTLE);
        FloatVector f1 = FloatVector.fromMemorySegment(FLOATS, ALL, out + LANES, LITTLE);
        FloatVector f2 = FloatVector.fromMemorySegment(FLOATS, ALL, out + 2 * LANES, LITTLE);
        FloatVector f3 = FloatVector.fromMemorySegment(FLOATS, ALL, out + 3 * LANES, LITTLE);
        long at = half;
        long stepAt = steps;
        long from = sums;
        for (int block = 0; block < blocks; block++) {
            IntVector lower = IntVector.fromMemorySegment(INTS, ALL, from, LITTLE);
            IntVector upper = IntVector.fromMemorySegment(INTS, ALL, from + LANES, LITTLE);
            IntVector b3 = upper.lanewise(LSHR, 16);
            IntVector b2 = lower.lanewise(LSHR, 16).sub(b3.lanewise(LSHL, 8)).and(0xffff);
            IntVector b1 = upper.sub(b2.lanewise(LSHL, 8)).and(0xffff);
            IntVector b0 = lower.sub(b1.lanewise(LSHL, 8)).and(0xffff);
            FloatVector step = FloatVector.broadcast(FLOATS, Memory.f32(stepAt));
            FloatVector offset = FloatVector.broadcast(FLOATS, Memory.f32(stepAt + 4));
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
            from += LookupKernels.FLAT_SUMS;
            stepAt += 16;
            at += blockBytes;
        }
        f0.intoMemorySegment(ALL, out, LITTLE);
        f1.intoMemorySegment(ALL, out + LANES, LITTLE);
        f2.intoMemorySegment(ALL, out + 2 * LANES, LITTLE);
        f3.intoMemorySegment(ALL, out + 3 * LANES, LITTLE);
    }

    /** Adds {@code min * sum of activations} for each of {@code blocks} blocks. */
    static void flatMins(int blocks, long activationSums, long half, int blockBytes, long out) {
        FloatVector f0 = FloatVector.fromMemorySegment(FLOATS, ALL, out, LITTLE);
        FloatVector f1 = FloatVector.fromMemorySegment(FLOATS, ALL, out + LANES, LITTLE);
        FloatVector f2 = FloatVector.fromMemorySegment(FLOATS, ALL, out + 2 * LANES, LITTLE);
        FloatVector f3 = FloatVector.fromMemorySegment(FLOATS, ALL, out + 3 * LANES, LITTLE);
        long at = half;
        long sumAt = activationSums;
        for (int block = 0; block < blocks; block++) {
            FloatVector sum = FloatVector.broadcast(FLOATS, Memory.f32(sumAt));
            IntVector h0 = IntVector.fromMemorySegment(INTS, ALL, at, LITTLE);
            IntVector h1 = IntVector.fromMemorySegment(INTS, ALL, at + LANES, LITTLE);
            FloatVector d0 = h0.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
            FloatVector d1 = h0.lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
            FloatVector d2 = h1.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
            FloatVector d3 = h1.lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
            f0 = sum.fma(d0, f0);
            f1 = sum.fma(d1, f1);
            f2 = sum.fma(d2, f2);
            f3 = sum.fma(d3, f3);
            sumAt += 16;
            at += blockBytes;
        }
        f0.intoMemorySegment(ALL, out, LITTLE);
        f1.intoMemorySegment(ALL, out + LANES, LITTLE);
        f2.intoMemorySegment(ALL, out + 2 * LANES, LITTLE);
        f3.intoMemorySegment(ALL, out + 3 * LANES, LITTLE);
    }

    /**
     * Sums the sub-blocks of Q2_K, times their four-bit scales. Signed sums of at most 8 * 127 = 1016 times 15 are at most 15240,
     * and those of the two sub-blocks of a section fit 16 bits.
     *
     * @param sums     signed sums of the first section
     * @param sub      scales of the first sub-block
     * @param products where the four vectors of results go
     */
    static void pairs(long sums, long sub, long products) {
        IntVector p0 = IntVector.zero(INTS);
        IntVector p1 = p0;
        IntVector p2 = p0;
        IntVector p3 = p0;
        long from = sums;
        long scales = sub;
        long end = sub + 16 * TILE;
        do {
            ShortVector a = ShortVector.fromMemorySegment(SHORTS, ALL, from, LITTLE);
            ShortVector s = ShortVector.fromMemorySegment(SHORTS, ALL, from + LANES, LITTLE);
            ShortVector c = ShortVector.fromMemorySegment(SHORTS, ALL, from + 4 * LANES, LITTLE);
            ShortVector d = ShortVector.fromMemorySegment(SHORTS, ALL, from + 5 * LANES, LITTLE);
            // a - 256 s is b0 + 256 b1 - 256 (b1 + 256 b2) = b0 and b2 + 256 b3 - 256 b3 = b2, modulo 2^16
            ShortVector even = a.sub(s.reinterpretAsInts().lanewise(LSHL, 8).and(0xff00ff00).reinterpretAsShorts());
            ShortVector even2 = c.sub(d.reinterpretAsInts().lanewise(LSHL, 8).and(0xff00ff00).reinterpretAsShorts());
            ShortVector odd = s.sub(even.reinterpretAsInts().lanewise(LSHR, 8).and(0xff00).reinterpretAsShorts());
            ShortVector odd2 = d.sub(even2.reinterpretAsInts().lanewise(LSHR, 8).and(0xff00).reinterpretAsShorts());
            IntVector scale = IntVector.fromMemorySegment(INTS, ALL, scales, LITTLE);
            IntVector scale2 = IntVector.fromMemorySegment(INTS, ALL, scales + TILE, LITTLE);
            ShortVector evenScale = scale.and(0x000f000f).reinterpretAsShorts();
            ShortVector evenScale2 = scale2.and(0x000f000f).reinterpretAsShorts();
            ShortVector oddScale = scale.lanewise(LSHR, 8).and(0x000f000f).reinterpretAsShorts();
            ShortVector oddScale2 = scale2.lanewise(LSHR, 8).and(0x000f000f).reinterpretAsShorts();
            IntVector e = even.mul(evenScale).add(even2.mul(evenScale2)).reinterpretAsInts();
            IntVector o = odd.mul(oddScale).add(odd2.mul(oddScale2)).reinterpretAsInts();
            p0 = p0.add(e.lanewise(LSHL, 16).lanewise(ASHR, 16));
            p1 = p1.add(o.lanewise(LSHL, 16).lanewise(ASHR, 16));
            p2 = p2.add(e.lanewise(ASHR, 16));
            p3 = p3.add(o.lanewise(ASHR, 16));
            from += LookupKernels.SECTION_SUMS;
            scales += 2 * TILE;
        } while (scales != end);
        p0.intoMemorySegment(ALL, products, LITTLE);
        p1.intoMemorySegment(ALL, products + LANES, LITTLE);
        p2.intoMemorySegment(ALL, products + 2 * LANES, LITTLE);
        p3.intoMemorySegment(ALL, products + 3 * LANES, LITTLE);
    }

    /** Sums the sub-blocks of Q3_K: sums of at most 7 * 4 * 128 in size times scales of -32 to 31, 16 of them. */
    static void threePlanes(long sums, long sub, long products) {
        IntVector p0 = IntVector.zero(INTS);
        IntVector p1 = p0;
        IntVector p2 = p0;
        IntVector p3 = p0;
        long from = sums;
        long scales = sub;
        long end = sub + 16 * TILE;
        do {
            IntVector lower = IntVector.fromMemorySegment(INTS, ALL, from, LITTLE);
            IntVector upper = IntVector.fromMemorySegment(INTS, ALL, from + LANES, LITTLE);
            IntVector b3 = upper.lanewise(LSHR, 16);
            IntVector b2 = lower.lanewise(LSHR, 16).sub(b3.lanewise(LSHL, 8)).and(0xffff);
            IntVector b1 = upper.sub(b2.lanewise(LSHL, 8)).and(0xffff);
            IntVector b0 = lower.sub(b1.lanewise(LSHL, 8)).and(0xffff);
            IntVector scale = IntVector.fromMemorySegment(INTS, ALL, scales, LITTLE);
            p0 = p0.add(b0.sub(THREE_PLANES_BIAS).mul(scale.lanewise(LSHL, 24).lanewise(ASHR, 24)));
            p1 = p1.add(b1.sub(THREE_PLANES_BIAS).mul(scale.lanewise(LSHL, 16).lanewise(ASHR, 24)));
            p2 = p2.add(b2.sub(THREE_PLANES_BIAS).mul(scale.lanewise(LSHL, 8).lanewise(ASHR, 24)));
            p3 = p3.add(b3.sub(THREE_PLANES_BIAS).mul(scale.lanewise(ASHR, 24)));
            // the sums of low and of high nibbles stand four vectors apart, and so do sections
            from += LookupKernels.SECTION_SUMS / 2;
            scales += TILE;
        } while (scales != end);
        p0.intoMemorySegment(ALL, products, LITTLE);
        p1.intoMemorySegment(ALL, products + LANES, LITTLE);
        p2.intoMemorySegment(ALL, products + 2 * LANES, LITTLE);
        p3.intoMemorySegment(ALL, products + 3 * LANES, LITTLE);
    }

    /** Sums the sub-blocks of Q4_K: sums of at most 15 * 8 * 128 in size times scales of 63, 8 of them: below 2^23. */
    static void fourPlanes(long sums, long sub, long products) {
        IntVector p0 = IntVector.zero(INTS);
        IntVector p1 = p0;
        IntVector p2 = p0;
        IntVector p3 = p0;
        long from = sums;
        long scales = sub;
        long end = sub + 8 * TILE;
        do {
            IntVector lower = IntVector.fromMemorySegment(INTS, ALL, from, LITTLE);
            IntVector upper = IntVector.fromMemorySegment(INTS, ALL, from + LANES, LITTLE);
            IntVector b3 = upper.lanewise(LSHR, 16);
            IntVector b2 = lower.lanewise(LSHR, 16).sub(b3.lanewise(LSHL, 8)).and(0xffff);
            IntVector b1 = upper.sub(b2.lanewise(LSHL, 8)).and(0xffff);
            IntVector b0 = lower.sub(b1.lanewise(LSHL, 8)).and(0xffff);
            IntVector scale = IntVector.fromMemorySegment(INTS, ALL, scales, LITTLE);
            p0 = p0.add(b0.sub(FOUR_PLANES_BIAS).mul(scale.and(0xff)));
            p1 = p1.add(b1.sub(FOUR_PLANES_BIAS).mul(scale.lanewise(LSHR, 8).and(0xff)));
            p2 = p2.add(b2.sub(FOUR_PLANES_BIAS).mul(scale.lanewise(LSHR, 16).and(0xff)));
            p3 = p3.add(b3.sub(FOUR_PLANES_BIAS).mul(scale.lanewise(LSHR, 24)));
            // the sums of low and of high nibbles stand four vectors apart, and so do sections
            from += LookupKernels.SECTION_SUMS / 2;
            scales += TILE;
        } while (scales != end);
        p0.intoMemorySegment(ALL, products, LITTLE);
        p1.intoMemorySegment(ALL, products + LANES, LITTLE);
        p2.intoMemorySegment(ALL, products + 2 * LANES, LITTLE);
        p3.intoMemorySegment(ALL, products + 3 * LANES, LITTLE);
    }

    /** Sums the mins of Q4_K: 8 of at most 63, times integer sums of activations of at most 2^21 in size: below 2^30. */
    static void byteMins(long sub, long activationSums, long products) {
        IntVector p0 = IntVector.zero(INTS);
        IntVector p1 = p0;
        IntVector p2 = p0;
        IntVector p3 = p0;
        long mins = sub;
        long sumAt = activationSums;
        long end = sub + 8 * TILE;
        do {
            IntVector sum = IntVector.broadcast(INTS, Memory.i32(sumAt));
            IntVector min = IntVector.fromMemorySegment(INTS, ALL, mins, LITTLE);
            p0 = p0.add(sum.mul(min.and(0xff)));
            p1 = p1.add(sum.mul(min.lanewise(LSHR, 8).and(0xff)));
            p2 = p2.add(sum.mul(min.lanewise(LSHR, 16).and(0xff)));
            p3 = p3.add(sum.mul(min.lanewise(LSHR, 24)));
            sumAt += 4;
            mins += TILE;
        } while (mins != end);
        p0.intoMemorySegment(ALL, products, LITTLE);
        p1.intoMemorySegment(ALL, products + LANES, LITTLE);
        p2.intoMemorySegment(ALL, products + 2 * LANES, LITTLE);
        p3.intoMemorySegment(ALL, products + 3 * LANES, LITTLE);
    }

    /** Adds the products of one block, times the step of its tables and the scales of its rows. */
    static void nested(long products, long stepAt, long at, long out) {
        FloatVector f0 = FloatVector.fromMemorySegment(FLOATS, ALL, out, LITTLE);
        FloatVector f1 = FloatVector.fromMemorySegment(FLOATS, ALL, out + LANES, LITTLE);
        FloatVector f2 = FloatVector.fromMemorySegment(FLOATS, ALL, out + 2 * LANES, LITTLE);
        FloatVector f3 = FloatVector.fromMemorySegment(FLOATS, ALL, out + 3 * LANES, LITTLE);
        FloatVector step = FloatVector.broadcast(FLOATS, Memory.f32(stepAt));
        IntVector p0 = IntVector.fromMemorySegment(INTS, ALL, products, LITTLE);
        IntVector p1 = IntVector.fromMemorySegment(INTS, ALL, products + LANES, LITTLE);
        IntVector p2 = IntVector.fromMemorySegment(INTS, ALL, products + 2 * LANES, LITTLE);
        IntVector p3 = IntVector.fromMemorySegment(INTS, ALL, products + 3 * LANES, LITTLE);
        IntVector h0 = IntVector.fromMemorySegment(INTS, ALL, at, LITTLE);
        IntVector h1 = IntVector.fromMemorySegment(INTS, ALL, at + LANES, LITTLE);
        FloatVector d0 = h0.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
        FloatVector d1 = h0.lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
        FloatVector d2 = h1.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
        FloatVector d3 = h1.lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
        f0 = ((FloatVector) p0.convertShape(I2F, FLOATS, 0)).mul(step).fma(d0, f0);
        f1 = ((FloatVector) p1.convertShape(I2F, FLOATS, 0)).mul(step).fma(d1, f1);
        f2 = ((FloatVector) p2.convertShape(I2F, FLOATS, 0)).mul(step).fma(d2, f2);
        f3 = ((FloatVector) p3.convertShape(I2F, FLOATS, 0)).mul(step).fma(d3, f3);
        f0.intoMemorySegment(ALL, out, LITTLE);
        f1.intoMemorySegment(ALL, out + LANES, LITTLE);
        f2.intoMemorySegment(ALL, out + 2 * LANES, LITTLE);
        f3.intoMemorySegment(ALL, out + 3 * LANES, LITTLE);
    }
}
