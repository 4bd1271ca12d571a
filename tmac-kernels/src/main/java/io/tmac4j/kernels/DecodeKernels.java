package io.tmac4j.kernels;

import static io.tmac4j.kernels.Species.BYTES;
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
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * mpGEMV kernels: one tile of rows times one column, by byte shuffles (arXiv 2407.00088). A method works on one vector of rows
 * and leaves {@link Species#LANES} results.
 *
 * <p>Bytes are summed without widening: {@code a} sums them as 16-bit pairs, {@code s} sums the same shifted right by 8 as ints.
 * With b0 to b3 the sums of the bytes of an int lane, all modulo 2^16, {@code a} holds b0 + 256 b1 and b2 + 256 b3, and
 * {@code s} holds b1 + 256 b2 and b3: exact as long as each sum is below 2^16.
 */
final class DecodeKernels {

    private static final MemorySegment ALL = OffHeap.ALL;
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;

    /** Sign and number bits of an f16 number that has been shifted into the place of an f32 number. */
    private static final int HALF_BITS = 0x8fffe000;

    private DecodeKernels() {
    }

    /** Multiplies all vectors of a tile; {@code out} receives {@link PackedLayout#tileRows} floats. */
    static void tile(PackedLayout layout, long tile, TableLayout tableLayout, long tables, long out) {
        TileForm form = layout.form();
        long numbers = tables + tableLayout.numbersOffset();
        int blocks = layout.blocks();
        int blockBytes = layout.blockBytes();
        int stride = layout.tileRows();
        for (int vector = 0; vector < layout.vectors(); vector++) {
            long codes = tile + (long) vector * LANES;
            long halves = tile + layout.halvesOffset() + 2L * vector * LANES;
            long to = out + 4L * vector * LANES;
            switch (form.kernel()) {
                case FLAT_ONE_PLANE -> onePlane(codes, halves, blocks, blockBytes, stride, form.planeBytes(), tables, numbers,
                        to);
                case FLAT_FOUR_PLANES -> fourPlanes(codes, halves, blocks, blockBytes, stride, tables, numbers,
                        form.halves() == 2, to);
                case NESTED_PAIRS -> nestedPairs(codes, halves, blocks, blockBytes, stride, tables, numbers, to);
                case NESTED_THREE_PLANES -> nestedThreePlanes(codes, halves, blocks, blockBytes, stride, tables, numbers, to);
                default -> nestedFourPlanes(codes, halves, blocks, blockBytes, stride, tables, numbers, to);
            }
        }
    }

    /** Q1_0, Q2_0, TQ1_0, TQ2_0: at most 128 lookups a block, sums at most 128 * 255 = 32640. */
    private static void onePlane(long codes, long halves, int blocks, int blockBytes, int stride, int planeBytes, long tables,
            long numbers, long out) {
        FloatVector f0 = FloatVector.zero(FLOATS);
        FloatVector f1 = f0;
        FloatVector f2 = f0;
        FloatVector f3 = f0;
        for (int block = 0; block < blocks; block++) {
            long code = codes + (long) block * blockBytes;
            long table = tables + (long) block * planeBytes * 2 * LANES;
            ShortVector a = ShortVector.zero(SHORTS);
            ShortVector s = a;
            for (int i = 0; i < planeBytes; i++) {
                ByteVector x = load(code + (long) i * stride);
                ByteVector v = x.selectFrom(load(table + (long) i * 2 * LANES));
                ByteVector w = high(x).selectFrom(load(table + (long) i * 2 * LANES + LANES));
                a = a.add(v.reinterpretAsShorts()).add(w.reinterpretAsShorts());
                s = s.add(shifted(v)).add(shifted(w));
            }
            IntVector lower = a.reinterpretAsInts();
            IntVector upper = s.reinterpretAsInts();
            IntVector b3 = upper.lanewise(LSHR, 16);
            IntVector b2 = lower.lanewise(LSHR, 16).sub(b3.lanewise(LSHL, 8)).and(0xffff);
            IntVector b1 = upper.sub(b2.lanewise(LSHL, 8)).and(0xffff);
            IntVector b0 = lower.sub(b1.lanewise(LSHL, 8)).and(0xffff);
            FloatVector step = FloatVector.broadcast(FLOATS, Memory.f32(numbers + 16L * block + TableLayout.STEP));
            FloatVector offset = FloatVector.broadcast(FLOATS, Memory.f32(numbers + 16L * block + TableLayout.OFFSET));
            long half = halves + (long) block * blockBytes;
            IntVector h0 = ints(half);
            IntVector h1 = ints(half + LANES);
            f0 = floats(b0).fma(step, offset).fma(lowHalf(h0), f0);
            f1 = floats(b1).fma(step, offset).fma(highHalf(h0), f1);
            f2 = floats(b2).fma(step, offset).fma(lowHalf(h1), f2);
            f3 = floats(b3).fma(step, offset).fma(highHalf(h1), f3);
        }
        store(f0, f1, f2, f3, out);
    }

    /** Q4_0, Q4_1: 8 lookups a plane; the sums of all planes are at most 15 * 8 * 255 = 30600. */
    private static void fourPlanes(long codes, long halves, int blocks, int blockBytes, int stride, long tables, long numbers,
            boolean withMin, long out) {
        FloatVector f0 = FloatVector.zero(FLOATS);
        FloatVector f1 = f0;
        FloatVector f2 = f0;
        FloatVector f3 = f0;
        for (int block = 0; block < blocks; block++) {
            long code = codes + (long) block * blockBytes;
            long table = tables + (long) block * 8 * LANES;
            ShortVector a = ShortVector.zero(SHORTS);
            ShortVector s = a;
            for (int plane = 0; plane < 4; plane++) {
                a = a.add(a);
                s = s.add(s);
                for (int i = 0; i < 4; i++) {
                    ByteVector x = load(code + (long) (4 * plane + i) * stride);
                    ByteVector v = x.selectFrom(load(table + (long) i * 2 * LANES));
                    ByteVector w = high(x).selectFrom(load(table + (long) i * 2 * LANES + LANES));
                    a = a.add(v.reinterpretAsShorts()).add(w.reinterpretAsShorts());
                    s = s.add(shifted(v)).add(shifted(w));
                }
            }
            IntVector lower = a.reinterpretAsInts();
            IntVector upper = s.reinterpretAsInts();
            IntVector b3 = upper.lanewise(LSHR, 16);
            IntVector b2 = lower.lanewise(LSHR, 16).sub(b3.lanewise(LSHL, 8)).and(0xffff);
            IntVector b1 = upper.sub(b2.lanewise(LSHL, 8)).and(0xffff);
            IntVector b0 = lower.sub(b1.lanewise(LSHL, 8)).and(0xffff);
            FloatVector step = FloatVector.broadcast(FLOATS, Memory.f32(numbers + 16L * block + TableLayout.STEP));
            FloatVector offset = FloatVector.broadcast(FLOATS, Memory.f32(numbers + 16L * block + TableLayout.OFFSET));
            long half = halves + (long) block * blockBytes;
            IntVector h0 = ints(half);
            IntVector h1 = ints(half + LANES);
            f0 = floats(b0).fma(step, offset).fma(lowHalf(h0), f0);
            f1 = floats(b1).fma(step, offset).fma(highHalf(h0), f1);
            f2 = floats(b2).fma(step, offset).fma(lowHalf(h1), f2);
            f3 = floats(b3).fma(step, offset).fma(highHalf(h1), f3);
            if (withMin) {
                FloatVector sum = FloatVector.broadcast(FLOATS, Memory.f32(numbers + 16L * block + TableLayout.SUM));
                IntVector m0 = ints(half + 2L * stride);
                IntVector m1 = ints(half + 2L * stride + LANES);
                f0 = sum.fma(lowHalf(m0), f0);
                f1 = sum.fma(highHalf(m0), f1);
                f2 = sum.fma(lowHalf(m1), f2);
                f3 = sum.fma(highHalf(m1), f3);
            }
        }
        store(f0, f1, f2, f3, out);
    }

    /**
     * Q2_K: 8 lookups a sub-block, entries of at most 127: sums of at most 1016, times a scale of 15 at most 15240, and the
     * two of a
     * section fit 16 bits. The mins are looked up too, 16 a block.
     */
    private static void nestedPairs(long codes, long halves, int blocks, int blockBytes, int stride, long tables, long numbers,
            long out) {
        FloatVector f0 = FloatVector.zero(FLOATS);
        FloatVector f1 = f0;
        FloatVector f2 = f0;
        FloatVector f3 = f0;
        // minus the bias of 8 lookups in each byte sum; as 16-bit pairs for a, as the shifted form for s
        ShortVector aBias = IntVector.broadcast(INTS, -8 * LookupTables.BIAS * 257 & 0xffff | -8 * LookupTables.BIAS * 257 << 16)
                .reinterpretAsShorts();
        ShortVector sBias = IntVector.broadcast(INTS, -8 * LookupTables.BIAS * 257 & 0xffff | -8 * LookupTables.BIAS << 16)
                .reinterpretAsShorts();
        for (int block = 0; block < blocks; block++) {
            long code = codes + (long) block * blockBytes;
            long table = tables + (long) block * 144 * LANES;
            IntVector p0 = IntVector.zero(INTS);
            IntVector p1 = p0;
            IntVector p2 = p0;
            IntVector p3 = p0;
            ShortVector am = ShortVector.zero(SHORTS);
            ShortVector sm = am;
            for (int section = 0; section < 8; section++) {
                ShortVector a = aBias;
                ShortVector s = sBias;
                ShortVector a2 = aBias;
                ShortVector s2 = sBias;
                long sectionCode = code + (long) section * 8 * stride;
                long sectionTable = table + (long) section * 16 * LANES;
                for (int i = 0; i < 8; i++) {
                    ByteVector x = load(sectionCode + (long) i * stride);
                    ByteVector v = x.selectFrom(load(sectionTable + (long) i * 2 * LANES));
                    ByteVector w = high(x).selectFrom(load(sectionTable + (long) i * 2 * LANES + LANES));
                    a = a.add(v.reinterpretAsShorts());
                    s = s.add(shifted(v));
                    a2 = a2.add(w.reinterpretAsShorts());
                    s2 = s2.add(shifted(w));
                }
                ByteVector y = load(code + (long) (64 + 2 * section) * stride);
                ByteVector z = load(code + (long) (65 + 2 * section) * stride);
                ByteVector v = high(y).selectFrom(load(table + (long) (128 + 2 * section) * LANES));
                ByteVector w = high(z).selectFrom(load(table + (long) (129 + 2 * section) * LANES));
                am = am.add(v.reinterpretAsShorts()).add(w.reinterpretAsShorts());
                sm = sm.add(shifted(v)).add(shifted(w));
                ShortVector even = even(a, s);
                ShortVector even2 = even(a2, s2);
                ShortVector odd = odd(even, s);
                ShortVector odd2 = odd(even2, s2);
                IntVector yi = y.reinterpretAsInts();
                IntVector zi = z.reinterpretAsInts();
                IntVector e = even.mul(yi.and(0x000f000f).reinterpretAsShorts()).add(
                        even2.mul(zi.and(0x000f000f).reinterpretAsShorts())).reinterpretAsInts();
                IntVector o = odd.mul(yi.lanewise(LSHR, 8).and(0x000f000f).reinterpretAsShorts()).add(
                        odd2.mul(zi.lanewise(LSHR, 8).and(0x000f000f).reinterpretAsShorts())).reinterpretAsInts();
                p0 = p0.add(e.lanewise(LSHL, 16).lanewise(ASHR, 16));
                p2 = p2.add(e.lanewise(ASHR, 16));
                p1 = p1.add(o.lanewise(LSHL, 16).lanewise(ASHR, 16));
                p3 = p3.add(o.lanewise(ASHR, 16));
            }
            IntVector lower = am.reinterpretAsInts();
            IntVector upper = sm.reinterpretAsInts();
            IntVector m3 = upper.lanewise(LSHR, 16);
            IntVector m2 = lower.lanewise(LSHR, 16).sub(m3.lanewise(LSHL, 8)).and(0xffff);
            IntVector m1 = upper.sub(m2.lanewise(LSHL, 8)).and(0xffff);
            IntVector m0 = lower.sub(m1.lanewise(LSHL, 8)).and(0xffff);
            FloatVector step = FloatVector.broadcast(FLOATS, Memory.f32(numbers + 16L * block + TableLayout.STEP));
            // min = -dmin * m: the sign goes into the step and the offset
            FloatVector minStep = FloatVector.broadcast(FLOATS, -Memory.f32(numbers + 16L * block + TableLayout.SUM));
            FloatVector minOffset = FloatVector.broadcast(FLOATS, -Memory.f32(numbers + 16L * block + TableLayout.MIN_OFFSET));
            long half = halves + (long) block * blockBytes;
            IntVector h0 = ints(half);
            IntVector h1 = ints(half + LANES);
            IntVector g0 = ints(half + 2L * stride);
            IntVector g1 = ints(half + 2L * stride + LANES);
            f0 = floats(p0).mul(step).fma(lowHalf(h0), floats(m0).fma(minStep, minOffset).fma(lowHalf(g0), f0));
            f1 = floats(p1).mul(step).fma(highHalf(h0), floats(m1).fma(minStep, minOffset).fma(highHalf(g0), f1));
            f2 = floats(p2).mul(step).fma(lowHalf(h1), floats(m2).fma(minStep, minOffset).fma(lowHalf(g1), f2));
            f3 = floats(p3).mul(step).fma(highHalf(h1), floats(m3).fma(minStep, minOffset).fma(highHalf(g1), f3));
        }
        store(f0, f1, f2, f3, out);
    }

    /**
     * Q3_K: 4 lookups a plane; the sums of all planes are at most 7 * 4 * 255 = 7140, times a scale of at most 32 they need
     * 32 bits.
     */
    private static void nestedThreePlanes(long codes, long halves, int blocks, int blockBytes, int stride, long tables,
            long numbers,
            long out) {
        FloatVector f0 = FloatVector.zero(FLOATS);
        FloatVector f1 = f0;
        FloatVector f2 = f0;
        FloatVector f3 = f0;
        for (int block = 0; block < blocks; block++) {
            long code = codes + (long) block * blockBytes;
            long table = tables + (long) block * 64 * LANES;
            IntVector p0 = IntVector.zero(INTS);
            IntVector p1 = p0;
            IntVector p2 = p0;
            IntVector p3 = p0;
            for (int section = 0; section < 8; section++) {
                ShortVector a = ShortVector.zero(SHORTS);
                ShortVector s = a;
                ShortVector a2 = a;
                ShortVector s2 = a;
                long sectionTable = table + (long) section * 8 * LANES;
                for (int plane = 0; plane < 3; plane++) {
                    a = a.add(a);
                    s = s.add(s);
                    a2 = a2.add(a2);
                    s2 = s2.add(s2);
                    long planeCode = code + (long) (12 * section + 4 * plane) * stride;
                    for (int i = 0; i < 4; i++) {
                        ByteVector x = load(planeCode + (long) i * stride);
                        ByteVector v = x.selectFrom(load(sectionTable + (long) i * 2 * LANES));
                        ByteVector w = high(x).selectFrom(load(sectionTable + (long) i * 2 * LANES + LANES));
                        a = a.add(v.reinterpretAsShorts());
                        s = s.add(shifted(v));
                        a2 = a2.add(w.reinterpretAsShorts());
                        s2 = s2.add(shifted(w));
                    }
                }
                for (int nibble = 0; nibble < 2; nibble++) {
                    IntVector lower = (nibble == 0 ? a : a2).reinterpretAsInts();
                    IntVector upper = (nibble == 0 ? s : s2).reinterpretAsInts();
                    IntVector b3 = upper.lanewise(LSHR, 16);
                    IntVector b2 = lower.lanewise(LSHR, 16).sub(b3.lanewise(LSHL, 8)).and(0xffff);
                    IntVector b1 = upper.sub(b2.lanewise(LSHL, 8)).and(0xffff);
                    IntVector b0 = lower.sub(b1.lanewise(LSHL, 8)).and(0xffff);
                    IntVector scale = ints(code + (long) (96 + 2 * section + nibble) * stride);
                    p0 = p0.add(b0.sub(THREE_PLANES_BIAS).mul(scale.lanewise(LSHL, 24).lanewise(ASHR, 24)));
                    p1 = p1.add(b1.sub(THREE_PLANES_BIAS).mul(scale.lanewise(LSHL, 16).lanewise(ASHR, 24)));
                    p2 = p2.add(b2.sub(THREE_PLANES_BIAS).mul(scale.lanewise(LSHL, 8).lanewise(ASHR, 24)));
                    p3 = p3.add(b3.sub(THREE_PLANES_BIAS).mul(scale.lanewise(ASHR, 24)));
                }
            }
            FloatVector step = FloatVector.broadcast(FLOATS, Memory.f32(numbers + 16L * block + TableLayout.STEP));
            long half = halves + (long) block * blockBytes;
            IntVector h0 = ints(half);
            IntVector h1 = ints(half + LANES);
            f0 = floats(p0).mul(step).fma(lowHalf(h0), f0);
            f1 = floats(p1).mul(step).fma(highHalf(h0), f1);
            f2 = floats(p2).mul(step).fma(lowHalf(h1), f2);
            f3 = floats(p3).mul(step).fma(highHalf(h1), f3);
        }
        store(f0, f1, f2, f3, out);
    }

    private static final int THREE_PLANES_BIAS = 7 * 4 * LookupTables.BIAS;
    private static final int FOUR_PLANES_BIAS = 15 * 8 * LookupTables.BIAS;

    /**
     * Q4_K: 8 lookups a plane; the sums of all planes are at most 15 * 8 * 255 = 30600, times a scale of at most 63 and eight
     * sub-blocks they are below 2^24 and fit 32 bits. Mins times integer sums of activations: below 8 * 63 * 2^21 = 2^30.
     */
    private static void nestedFourPlanes(long codes, long halves, int blocks, int blockBytes, int stride, long tables,
            long numbers,
            long out) {
        FloatVector f0 = FloatVector.zero(FLOATS);
        FloatVector f1 = f0;
        FloatVector f2 = f0;
        FloatVector f3 = f0;
        for (int block = 0; block < blocks; block++) {
            long code = codes + (long) block * blockBytes;
            long table = tables + (long) block * 64 * LANES;
            long number = numbers + 64L * block;
            IntVector p0 = IntVector.zero(INTS);
            IntVector p1 = p0;
            IntVector p2 = p0;
            IntVector p3 = p0;
            IntVector m0 = p0;
            IntVector m1 = p0;
            IntVector m2 = p0;
            IntVector m3 = p0;
            for (int section = 0; section < 4; section++) {
                ShortVector a = ShortVector.zero(SHORTS);
                ShortVector s = a;
                ShortVector a2 = a;
                ShortVector s2 = a;
                long sectionTable = table + (long) section * 16 * LANES;
                for (int plane = 0; plane < 4; plane++) {
                    a = a.add(a);
                    s = s.add(s);
                    a2 = a2.add(a2);
                    s2 = s2.add(s2);
                    long planeCode = code + (long) (32 * section + 8 * plane) * stride;
                    for (int i = 0; i < 8; i++) {
                        ByteVector x = load(planeCode + (long) i * stride);
                        ByteVector v = x.selectFrom(load(sectionTable + (long) i * 2 * LANES));
                        ByteVector w = high(x).selectFrom(load(sectionTable + (long) i * 2 * LANES + LANES));
                        a = a.add(v.reinterpretAsShorts());
                        s = s.add(shifted(v));
                        a2 = a2.add(w.reinterpretAsShorts());
                        s2 = s2.add(shifted(w));
                    }
                }
                for (int nibble = 0; nibble < 2; nibble++) {
                    IntVector lower = (nibble == 0 ? a : a2).reinterpretAsInts();
                    IntVector upper = (nibble == 0 ? s : s2).reinterpretAsInts();
                    IntVector b3 = upper.lanewise(LSHR, 16);
                    IntVector b2 = lower.lanewise(LSHR, 16).sub(b3.lanewise(LSHL, 8)).and(0xffff);
                    IntVector b1 = upper.sub(b2.lanewise(LSHL, 8)).and(0xffff);
                    IntVector b0 = lower.sub(b1.lanewise(LSHL, 8)).and(0xffff);
                    IntVector scale = ints(code + (long) (128 + 2 * section + nibble) * stride);
                    p0 = p0.add(b0.sub(FOUR_PLANES_BIAS).mul(scale.and(0xff)));
                    p1 = p1.add(b1.sub(FOUR_PLANES_BIAS).mul(scale.lanewise(LSHR, 8).and(0xff)));
                    p2 = p2.add(b2.sub(FOUR_PLANES_BIAS).mul(scale.lanewise(LSHR, 16).and(0xff)));
                    p3 = p3.add(b3.sub(FOUR_PLANES_BIAS).mul(scale.lanewise(LSHR, 24)));
                    IntVector min = ints(code + (long) (136 + 2 * section + nibble) * stride);
                    IntVector sum = IntVector.broadcast(INTS,
                            Memory.i32(number + TableLayout.SUB_SUMS + 4L * (2 * section + nibble)));
                    m0 = m0.add(sum.mul(min.and(0xff)));
                    m1 = m1.add(sum.mul(min.lanewise(LSHR, 8).and(0xff)));
                    m2 = m2.add(sum.mul(min.lanewise(LSHR, 16).and(0xff)));
                    m3 = m3.add(sum.mul(min.lanewise(LSHR, 24)));
                }
            }
            FloatVector step = FloatVector.broadcast(FLOATS, Memory.f32(number + TableLayout.STEP));
            FloatVector minStep = FloatVector.broadcast(FLOATS, -Memory.f32(number + TableLayout.SUM));
            long half = halves + (long) block * blockBytes;
            IntVector h0 = ints(half);
            IntVector h1 = ints(half + LANES);
            IntVector g0 = ints(half + 2L * stride);
            IntVector g1 = ints(half + 2L * stride + LANES);
            f0 = floats(p0).mul(step).fma(lowHalf(h0), floats(m0).mul(minStep).fma(lowHalf(g0), f0));
            f1 = floats(p1).mul(step).fma(highHalf(h0), floats(m1).mul(minStep).fma(highHalf(g0), f1));
            f2 = floats(p2).mul(step).fma(lowHalf(h1), floats(m2).mul(minStep).fma(lowHalf(g1), f2));
            f3 = floats(p3).mul(step).fma(highHalf(h1), floats(m3).mul(minStep).fma(highHalf(g1), f3));
        }
        store(f0, f1, f2, f3, out);
    }

    private static ByteVector load(long address) {
        return ByteVector.fromMemorySegment(BYTES, ALL, address, LITTLE);
    }

    private static IntVector ints(long address) {
        return IntVector.fromMemorySegment(INTS, ALL, address, LITTLE);
    }

    /** The high nibbles; above them bits of the next byte, which a shuffle ignores. */
    private static ByteVector high(ByteVector codes) {
        return codes.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes();
    }

    private static ShortVector shifted(ByteVector sums) {
        return sums.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts();
    }

    /**
     * Sums b0 and b2 of each int lane, signed: a - 256 s leaves b0 + 256 b1 - 256 (b1 + 256 b2), modulo 2^16, and b2 + 256 b3
     * - 256 b3.
     */
    private static ShortVector even(ShortVector a, ShortVector s) {
        return a.sub(s.reinterpretAsInts().lanewise(LSHL, 8).and(0xff00ff00).reinterpretAsShorts());
    }

    /** Sums b1 and b3 of each int lane. */
    private static ShortVector odd(ShortVector even, ShortVector s) {
        return s.sub(even.reinterpretAsInts().lanewise(LSHR, 8).and(0xff00).reinterpretAsShorts());
    }

    private static FloatVector floats(IntVector sums) {
        return (FloatVector) sums.convertShape(I2F, FLOATS, 0);
    }

    /** The f16 numbers in the low halves, times 2^-112: sign, exponent and fraction moved to their f32 places. */
    private static FloatVector lowHalf(IntVector halves) {
        return halves.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
    }

    private static FloatVector highHalf(IntVector halves) {
        return halves.lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
    }

    private static void store(FloatVector f0, FloatVector f1, FloatVector f2, FloatVector f3, long out) {
        f0.mul(LookupTables.RESULT_FACTOR).intoMemorySegment(ALL, out, LITTLE);
        f1.mul(LookupTables.RESULT_FACTOR).intoMemorySegment(ALL, out + LANES, LITTLE);
        f2.mul(LookupTables.RESULT_FACTOR).intoMemorySegment(ALL, out + 2L * LANES, LITTLE);
        f3.mul(LookupTables.RESULT_FACTOR).intoMemorySegment(ALL, out + 3L * LANES, LITTLE);
    }
}
