package io.tmac4j.kernels.ablation;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.XOR;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_B2S;

import io.tmac4j.bindings.spi.OffHeap;
import io.tmac4j.kernels.Memory;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The inner loops of all variants, at 128 bits: that wide a byte shuffle is on every machine. Planes of a block follow each
 * other, the highest first, and sums are doubled in between. Sums are 16 bits wide: 32 lookups of 255 in one plane make 8160, 16
 * in two planes, once and twice, 12240, eight in four planes 30600.
 *
 * <p>Bytes are summed without widening each of them: {@code a} sums them as 16-bit pairs, {@code s} sums the same shifted right
 * by 8 as ints. With b0 to b3 the sums of the bytes of an int lane, all modulo 2^16, {@code a} holds b0 + 256 b1 and b2 + 256 b3,
 * and {@code s} holds b1 + 256 b2 and b3.
 *
 * <p>Vectors that a loop carries on are arguments of operations, never receivers, and nothing is put into helper methods: C2 else
 * makes objects of them. For this reason the five methods of tiles repeat what they have in common.
 */
final class PlaneKernels {

    private static final MemorySegment ALL = OffHeap.ALL;
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;

    private static final VectorSpecies<Byte> BYTES = ByteVector.SPECIES_128;
    private static final VectorSpecies<Byte> HALF_BYTES = ByteVector.SPECIES_64;
    private static final VectorSpecies<Short> SHORTS = ShortVector.SPECIES_128;
    private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_128;
    private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_128;

    /** Any address, and to C2 a number between 0 and 2^62: then no bounds check is left. */
    private static final long ADDRESS = (1L << 62) - 1;

    /** Any offset, and to C2 a number that an address can be added to. */
    private static final long OFFSET = (1L << 40) - 1;

    /** Bytes of the sums of 16 rows, {@code a} and {@code s}. */
    static final int SUMS = 32;

    /** Bytes of the sums of a tile. */
    static final int TILE_SUMS = 2 * SUMS;

    private static final byte NIBBLE = 15;
    private static final byte HALF = 127;

    private static final int RUN = PlaneLayout.RUN;
    private static final int TABLE = PlaneTables.TABLE_BYTES;
    private static final int FLOATS_TABLE = PlaneTables.FLOAT_BYTES;

    /** Sign and number bits of an f16 number, shifted to where an f32 number has them. */
    private static final int HALF_BITS = 0x8fffe000;

    /**
     * Such a number is 2^112 too small: steps are multiplied by the first, finished results by the second, so that neither scales
     * of 2^-14 underflow nor activations of 2^50 overflow.
     */
    private static final float STEP_FACTOR = 0x1p60f;
    private static final float RESULT_FACTOR = 0x1p52f;

    private PlaneKernels() {
    }

    /** One row with tables of floats, eight lookups from an int; the result is the row's. */
    static float floatRow(PlaneForm form, long row, int blocks, long tables, long numbers) {
        int eights = form.groups() / 8;
        int planes = form.planes();
        float result = 0;
        for (int block = 0; block < blocks; block++) {
            long code = (row & ADDRESS) + (long) PlaneLayout.ROW_BLOCK_BYTES * block;
            long blockTables = (tables & ADDRESS) + (8L * FLOATS_TABLE * eights * block & OFFSET);
            float sum = 0;
            for (int plane = 0; plane < planes; plane++) {
                float s0 = 0;
                float s1 = 0;
                float s2 = 0;
                float s3 = 0;
                for (int i = 0; i < eights; i++) {
                    long t = blockTables + (8L * FLOATS_TABLE * i & OFFSET);
                    int x = Memory.i32((code & ADDRESS) + (4L * i & OFFSET));
                    s0 += Memory.f32(t + 4 * (x & 15))
                            + Memory.f32(t + 4 * FLOATS_TABLE + 4 * (x >>> 16 & 15));
                    s1 += Memory.f32(t + FLOATS_TABLE + 4 * (x >>> 4 & 15))
                            + Memory.f32(t + 5 * FLOATS_TABLE + 4 * (x >>> 20 & 15));
                    s2 += Memory.f32(t + 2 * FLOATS_TABLE + 4 * (x >>> 8 & 15))
                            + Memory.f32(t + 6 * FLOATS_TABLE + 4 * (x >>> 24 & 15));
                    s3 += Memory.f32(t + 3 * FLOATS_TABLE + 4 * (x >>> 12 & 15))
                            + Memory.f32(t + 7 * FLOATS_TABLE + 4 * (x >>> 28));
                }
                sum = 2 * sum + (s0 + s1 + (s2 + s3));
                code += 4L * eights;
            }
            long number = numbers + (long) PlaneTables.NUMBER_BYTES * block;
            result += (sum * Memory.f32(number + PlaneTables.STEP) + Memory.f32(number + PlaneTables.OFFSET)) * Memory.f16(code);
        }
        return result;
    }

    /** One row with tables of bytes, eight lookups from an int; the result is the row's. */
    static float byteRow(PlaneForm form, long row, int blocks, long tables, long numbers) {
        int eights = form.groups() / 8;
        int planes = form.planes();
        float result = 0;
        for (int block = 0; block < blocks; block++) {
            long code = (row & ADDRESS) + (long) PlaneLayout.ROW_BLOCK_BYTES * block;
            long blockTables = (tables & ADDRESS) + (8L * TABLE * eights * block & OFFSET);
            int sum = 0;
            for (int plane = 0; plane < planes; plane++) {
                sum *= 2;
                for (int i = 0; i < eights; i++) {
                    long t = blockTables + (8L * TABLE * i & OFFSET);
                    int x = Memory.i32((code & ADDRESS) + (4L * i & OFFSET));
                    sum += Memory.u8(t + (x & 15)) + Memory.u8(t + TABLE + (x >>> 4 & 15))
                            + (Memory.u8(t + 2 * TABLE + (x >>> 8 & 15)) + Memory.u8(t + 3 * TABLE + (x >>> 12 & 15)))
                            + (Memory.u8(t + 4 * TABLE + (x >>> 16 & 15)) + Memory.u8(t + 5 * TABLE + (x >>> 20 & 15))
                                    + (Memory.u8(t + 6 * TABLE + (x >>> 24 & 15)) + Memory.u8(t + 7 * TABLE + (x >>> 28))));
                }
                code += 4L * eights;
            }
            long number = numbers + (long) PlaneTables.NUMBER_BYTES * block;
            result += (sum * Memory.f32(number + PlaneTables.STEP) + Memory.f32(number + PlaneTables.OFFSET)) * Memory.f16(code);
        }
        return result;
    }

    /**
     * Looks up one index of many rows and adds to their sums.
     *
     * @param codes indices, two rows a byte
     * @param bytes bytes of them
     * @param shift by the weight of the plane
     * @param sums  an int a row
     */
    static void run(long codes, int bytes, long table, int shift, long sums) {
        long t = table & ADDRESS;
        for (int i = 0; i < bytes; i++) {
            int x = Memory.u8((codes & ADDRESS) + (i & OFFSET));
            long to = (sums & ADDRESS) + (8L * i & OFFSET);
            Memory.i32(to, Memory.i32(to) + (Memory.u8(t + (x & 15)) << shift));
            Memory.i32(to + 4, Memory.i32(to + 4) + (Memory.u8(t + (x >> 4)) << shift));
        }
    }

    /** Adds (sum * step + offset) * scale of many rows to {@code out}, and sets the sums, an int a row, to 0. */
    static void scaleRun(long sums, int rows, long number, long scales, long out) {
        float step = Memory.f32(number + PlaneTables.STEP);
        float offset = Memory.f32(number + PlaneTables.OFFSET);
        for (int row = 0; row < rows; row++) {
            long sum = (sums & ADDRESS) + (4L * row & OFFSET);
            long to = (out & ADDRESS) + (4L * row & OFFSET);
            float term = (Memory.i32(sum) * step + offset) * Memory.f16((scales & ADDRESS) + (2L * row & OFFSET));
            Memory.f32(to, Memory.f32(to) + term);
            Memory.i32(sum, 0);
        }
    }

    /** As {@link #run} with the table in a register, 16 rows at a time; sums are {@code a} and {@code s} of 16 rows each. */
    static void shuffleRun(long codes, int bytes, long table, long sums) {
        ByteVector entries = ByteVector.fromMemorySegment(BYTES, ALL, table, LITTLE);
        for (int i = 0; i < bytes; i += RUN / 2) {
            long to = (sums & ADDRESS) + ((long) SUMS / (RUN / 2) * i & OFFSET);
            ShortVector a = ShortVector.fromMemorySegment(SHORTS, ALL, to, LITTLE);
            ShortVector s = ShortVector.fromMemorySegment(SHORTS, ALL, to + SUMS / 2, LITTLE);
            ShortVector x = (ShortVector) ByteVector.fromMemorySegment(HALF_BYTES, ALL, (codes & ADDRESS) + (i & OFFSET), LITTLE)
                    .convertShape(ZERO_EXTEND_B2S, SHORTS, 0);
            ByteVector v = x.or(x.reinterpretAsInts().lanewise(LSHL, 4).reinterpretAsShorts()).reinterpretAsBytes()
                    .and(NIBBLE).selectFrom(entries);
            v.reinterpretAsShorts().add(a).intoMemorySegment(ALL, to, LITTLE);
            v.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts().add(s).intoMemorySegment(ALL, to + SUMS / 2, LITTLE);
        }
    }

    /** Doubles sums of {@code bytes} bytes: the next plane counts half as much. */
    static void twice(long sums, int bytes) {
        for (int i = 0; i < bytes; i += 16) {
            long at = (sums & ADDRESS) + (i & OFFSET);
            ShortVector a = ShortVector.fromMemorySegment(SHORTS, ALL, at, LITTLE);
            a.add(a).intoMemorySegment(ALL, at, LITTLE);
        }
    }

    /**
     * Sums of a tile whose bytes hold the indices of neighbours.
     *
     * @param codes      first index
     * @param runBytes   from an index of the tile to the next
     * @param blockBytes from a block of the tile to the next
     * @param sums       {@link #TILE_SUMS} bytes a block
     */
    static void tileOfNeighbours(PlaneForm form, long codes, long runBytes, long blockBytes, int blocks, long tables, long sums) {
        ShortVector zero = ShortVector.zero(SHORTS);
        int planes = form.planes();
        long planeBytes = runBytes * form.groups();
        long tablesBytes = (long) TABLE * form.groups();
        for (int block = 0; block < blocks; block++) {
            long code = codes + block * blockBytes;
            ShortVector a0 = zero;
            ShortVector s0 = zero;
            ShortVector a1 = zero;
            ShortVector s1 = zero;
            for (int plane = 0; plane < planes; plane++) {
                a0 = zero.add(a0).add(a0);
                s0 = zero.add(s0).add(s0);
                a1 = zero.add(a1).add(a1);
                s1 = zero.add(s1).add(s1);
                long t = tables + tablesBytes * block;
                long end = code + planeBytes;
                do {
                    ByteVector entries = ByteVector.fromMemorySegment(BYTES, ALL, t, LITTLE);
                    ShortVector x = (ShortVector) ByteVector.fromMemorySegment(HALF_BYTES, ALL, code, LITTLE)
                            .convertShape(ZERO_EXTEND_B2S, SHORTS, 0);
                    ShortVector y = (ShortVector) ByteVector.fromMemorySegment(HALF_BYTES, ALL, code + RUN / 2, LITTLE)
                            .convertShape(ZERO_EXTEND_B2S, SHORTS, 0);
                    ByteVector v = x.or(x.reinterpretAsInts().lanewise(LSHL, 4).reinterpretAsShorts()).reinterpretAsBytes()
                            .and(NIBBLE).selectFrom(entries);
                    ByteVector w = y.or(y.reinterpretAsInts().lanewise(LSHL, 4).reinterpretAsShorts()).reinterpretAsBytes()
                            .and(NIBBLE).selectFrom(entries);
                    a0 = v.reinterpretAsShorts().add(a0);
                    s0 = v.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts().add(s0);
                    a1 = w.reinterpretAsShorts().add(a1);
                    s1 = w.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts().add(s1);
                    t += TABLE;
                    code += runBytes;
                } while (code != end);
            }
            long to = sums + (long) TILE_SUMS * block;
            zero.add(a0).intoMemorySegment(ALL, to, LITTLE);
            zero.add(s0).intoMemorySegment(ALL, to + 16, LITTLE);
            zero.add(a1).intoMemorySegment(ALL, to + 32, LITTLE);
            zero.add(s1).intoMemorySegment(ALL, to + 48, LITTLE);
        }
    }

    /** The same of a tile whose bytes hold the indices of rows 16 apart. */
    static void tile(PlaneForm form, long codes, long runBytes, long blockBytes, int blocks, long tables, long sums) {
        ShortVector zero = ShortVector.zero(SHORTS);
        int planes = form.planes();
        long planeBytes = runBytes * form.groups();
        long tablesBytes = (long) TABLE * form.groups();
        for (int block = 0; block < blocks; block++) {
            long code = codes + block * blockBytes;
            ShortVector a0 = zero;
            ShortVector s0 = zero;
            ShortVector a1 = zero;
            ShortVector s1 = zero;
            for (int plane = 0; plane < planes; plane++) {
                a0 = zero.add(a0).add(a0);
                s0 = zero.add(s0).add(s0);
                a1 = zero.add(a1).add(a1);
                s1 = zero.add(s1).add(s1);
                long t = tables + tablesBytes * block;
                long end = code + planeBytes;
                do {
                    ByteVector entries = ByteVector.fromMemorySegment(BYTES, ALL, t, LITTLE);
                    ByteVector x = ByteVector.fromMemorySegment(BYTES, ALL, code, LITTLE);
                    ByteVector v = x.and(NIBBLE).selectFrom(entries);
                    ByteVector w = x.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes().and(NIBBLE).selectFrom(entries);
                    a0 = v.reinterpretAsShorts().add(a0);
                    s0 = v.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts().add(s0);
                    a1 = w.reinterpretAsShorts().add(a1);
                    s1 = w.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts().add(s1);
                    t += TABLE;
                    code += runBytes;
                } while (code != end);
            }
            long to = sums + (long) TILE_SUMS * block;
            zero.add(a0).intoMemorySegment(ALL, to, LITTLE);
            zero.add(s0).intoMemorySegment(ALL, to + 16, LITTLE);
            zero.add(a1).intoMemorySegment(ALL, to + 32, LITTLE);
            zero.add(s1).intoMemorySegment(ALL, to + 48, LITTLE);
        }
    }

    /** The same with entries of seven bits, two of which are added as bytes. */
    static void tileByPairs(PlaneForm form, long codes, long runBytes, long blockBytes, int blocks, long tables, long sums) {
        ShortVector zero = ShortVector.zero(SHORTS);
        int planes = form.planes();
        long planeBytes = runBytes * form.groups();
        long tablesBytes = (long) TABLE * form.groups();
        for (int block = 0; block < blocks; block++) {
            long code = codes + block * blockBytes;
            ShortVector a0 = zero;
            ShortVector s0 = zero;
            ShortVector a1 = zero;
            ShortVector s1 = zero;
            for (int plane = 0; plane < planes; plane++) {
                a0 = zero.add(a0).add(a0);
                s0 = zero.add(s0).add(s0);
                a1 = zero.add(a1).add(a1);
                s1 = zero.add(s1).add(s1);
                long t = tables + tablesBytes * block;
                long end = code + planeBytes;
                do {
                    ByteVector entries = ByteVector.fromMemorySegment(BYTES, ALL, t, LITTLE);
                    ByteVector next = ByteVector.fromMemorySegment(BYTES, ALL, t + TABLE, LITTLE);
                    ByteVector x = ByteVector.fromMemorySegment(BYTES, ALL, code, LITTLE);
                    ByteVector y = ByteVector.fromMemorySegment(BYTES, ALL, code + runBytes, LITTLE);
                    ByteVector v = x.and(NIBBLE).selectFrom(entries).add(y.and(NIBBLE).selectFrom(next));
                    ByteVector w = x.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes().and(NIBBLE).selectFrom(entries)
                            .add(y.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes().and(NIBBLE).selectFrom(next));
                    a0 = v.reinterpretAsShorts().add(a0);
                    s0 = v.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts().add(s0);
                    a1 = w.reinterpretAsShorts().add(a1);
                    s1 = w.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts().add(s1);
                    t += 2 * TABLE;
                    code += 2 * runBytes;
                } while (code != end);
            }
            long to = sums + (long) TILE_SUMS * block;
            zero.add(a0).intoMemorySegment(ALL, to, LITTLE);
            zero.add(s0).intoMemorySegment(ALL, to + 16, LITTLE);
            zero.add(a1).intoMemorySegment(ALL, to + 32, LITTLE);
            zero.add(s1).intoMemorySegment(ALL, to + 48, LITTLE);
        }
    }

    /** The same with entries of six bits, four of which are added as bytes. */
    static void tileByFours(PlaneForm form, long codes, long runBytes, long blockBytes, int blocks, long tables, long sums) {
        ShortVector zero = ShortVector.zero(SHORTS);
        int planes = form.planes();
        long planeBytes = runBytes * form.groups();
        long tablesBytes = (long) TABLE * form.groups();
        for (int block = 0; block < blocks; block++) {
            long code = codes + block * blockBytes;
            ShortVector a0 = zero;
            ShortVector s0 = zero;
            ShortVector a1 = zero;
            ShortVector s1 = zero;
            for (int plane = 0; plane < planes; plane++) {
                a0 = zero.add(a0).add(a0);
                s0 = zero.add(s0).add(s0);
                a1 = zero.add(a1).add(a1);
                s1 = zero.add(s1).add(s1);
                long t = tables + tablesBytes * block;
                long end = code + planeBytes;
                do {
                    ByteVector t0 = ByteVector.fromMemorySegment(BYTES, ALL, t, LITTLE);
                    ByteVector x = ByteVector.fromMemorySegment(BYTES, ALL, code, LITTLE);
                    ByteVector v = x.and(NIBBLE).selectFrom(t0);
                    ByteVector w = x.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes().and(NIBBLE).selectFrom(t0);
                    ByteVector t1 = ByteVector.fromMemorySegment(BYTES, ALL, t + TABLE, LITTLE);
                    ByteVector y = ByteVector.fromMemorySegment(BYTES, ALL, code + runBytes, LITTLE);
                    v = y.and(NIBBLE).selectFrom(t1).add(v);
                    w = y.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes().and(NIBBLE).selectFrom(t1).add(w);
                    ByteVector t2 = ByteVector.fromMemorySegment(BYTES, ALL, t + 2 * TABLE, LITTLE);
                    ByteVector z = ByteVector.fromMemorySegment(BYTES, ALL, code + 2 * runBytes, LITTLE);
                    v = z.and(NIBBLE).selectFrom(t2).add(v);
                    w = z.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes().and(NIBBLE).selectFrom(t2).add(w);
                    ByteVector t3 = ByteVector.fromMemorySegment(BYTES, ALL, t + 3 * TABLE, LITTLE);
                    ByteVector u = ByteVector.fromMemorySegment(BYTES, ALL, code + 3 * runBytes, LITTLE);
                    v = u.and(NIBBLE).selectFrom(t3).add(v);
                    w = u.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes().and(NIBBLE).selectFrom(t3).add(w);
                    a0 = v.reinterpretAsShorts().add(a0);
                    s0 = v.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts().add(s0);
                    a1 = w.reinterpretAsShorts().add(a1);
                    s1 = w.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts().add(s1);
                    t += 4 * TABLE;
                    code += 4 * runBytes;
                } while (code != end);
            }
            long to = sums + (long) TILE_SUMS * block;
            zero.add(a0).intoMemorySegment(ALL, to, LITTLE);
            zero.add(s0).intoMemorySegment(ALL, to + 16, LITTLE);
            zero.add(a1).intoMemorySegment(ALL, to + 32, LITTLE);
            zero.add(s1).intoMemorySegment(ALL, to + 48, LITTLE);
        }
    }

    /**
     * The same with the rounded average of four entries of eight bits. The average of two bytes is their or less half of what
     * only one of them has, for which bits that a shift of ints brings from the neighbour are masked away.
     */
    static void tileByAverages(PlaneForm form, long codes, long runBytes, long blockBytes, int blocks, long tables, long sums) {
        ShortVector zero = ShortVector.zero(SHORTS);
        int planes = form.planes();
        long planeBytes = runBytes * form.groups();
        long tablesBytes = (long) TABLE * form.groups();
        for (int block = 0; block < blocks; block++) {
            long code = codes + block * blockBytes;
            ShortVector a0 = zero;
            ShortVector s0 = zero;
            ShortVector a1 = zero;
            ShortVector s1 = zero;
            for (int plane = 0; plane < planes; plane++) {
                a0 = zero.add(a0).add(a0);
                s0 = zero.add(s0).add(s0);
                a1 = zero.add(a1).add(a1);
                s1 = zero.add(s1).add(s1);
                long t = tables + tablesBytes * block;
                long end = code + planeBytes;
                do {
                    ByteVector t0 = ByteVector.fromMemorySegment(BYTES, ALL, t, LITTLE);
                    ByteVector t1 = ByteVector.fromMemorySegment(BYTES, ALL, t + TABLE, LITTLE);
                    ByteVector x = ByteVector.fromMemorySegment(BYTES, ALL, code, LITTLE);
                    ByteVector y = ByteVector.fromMemorySegment(BYTES, ALL, code + runBytes, LITTLE);
                    ByteVector v = x.and(NIBBLE).selectFrom(t0);
                    ByteVector w = x.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes().and(NIBBLE).selectFrom(t0);
                    ByteVector p = y.and(NIBBLE).selectFrom(t1);
                    ByteVector q = y.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes().and(NIBBLE).selectFrom(t1);
                    v = v.or(p).sub(v.lanewise(XOR, p).reinterpretAsInts().lanewise(LSHR, 1).reinterpretAsBytes().and(HALF));
                    w = w.or(q).sub(w.lanewise(XOR, q).reinterpretAsInts().lanewise(LSHR, 1).reinterpretAsBytes().and(HALF));
                    ByteVector t2 = ByteVector.fromMemorySegment(BYTES, ALL, t + 2 * TABLE, LITTLE);
                    ByteVector t3 = ByteVector.fromMemorySegment(BYTES, ALL, t + 3 * TABLE, LITTLE);
                    x = ByteVector.fromMemorySegment(BYTES, ALL, code + 2 * runBytes, LITTLE);
                    y = ByteVector.fromMemorySegment(BYTES, ALL, code + 3 * runBytes, LITTLE);
                    p = x.and(NIBBLE).selectFrom(t2);
                    q = x.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes().and(NIBBLE).selectFrom(t2);
                    ByteVector r = y.and(NIBBLE).selectFrom(t3);
                    ByteVector u = y.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes().and(NIBBLE).selectFrom(t3);
                    p = p.or(r).sub(p.lanewise(XOR, r).reinterpretAsInts().lanewise(LSHR, 1).reinterpretAsBytes().and(HALF));
                    q = q.or(u).sub(q.lanewise(XOR, u).reinterpretAsInts().lanewise(LSHR, 1).reinterpretAsBytes().and(HALF));
                    v = v.or(p).sub(v.lanewise(XOR, p).reinterpretAsInts().lanewise(LSHR, 1).reinterpretAsBytes().and(HALF));
                    w = w.or(q).sub(w.lanewise(XOR, q).reinterpretAsInts().lanewise(LSHR, 1).reinterpretAsBytes().and(HALF));
                    a0 = v.reinterpretAsShorts().add(a0);
                    s0 = v.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts().add(s0);
                    a1 = w.reinterpretAsShorts().add(a1);
                    s1 = w.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts().add(s1);
                    t += 4 * TABLE;
                    code += 4 * runBytes;
                } while (code != end);
            }
            long to = sums + (long) TILE_SUMS * block;
            zero.add(a0).intoMemorySegment(ALL, to, LITTLE);
            zero.add(s0).intoMemorySegment(ALL, to + 16, LITTLE);
            zero.add(a1).intoMemorySegment(ALL, to + 32, LITTLE);
            zero.add(s1).intoMemorySegment(ALL, to + 48, LITTLE);
        }
    }

    /**
     * Adds {@code (sum * step + offset) * scale} of 16 rows for each of {@code blocks} blocks to the 16 floats at {@code out},
     * which {@link #finish} brings to their size. Row
     * {@code i} and row {@code i + 4} of a scale pair are the low and high half of an int.
     *
     * @param sums       {@code a} and {@code s} of the first block; those of the next are {@link #TILE_SUMS} bytes after
     * @param numbers    step and offset of the first block
     * @param scales     scales of the first block
     * @param blockBytes from the scales of a block to those of the next
     */
    static void fold(long sums, int blocks, long numbers, long scales, long blockBytes, long out) {
        FloatVector zero = FloatVector.zero(FLOATS);
        FloatVector f0 = FloatVector.fromMemorySegment(FLOATS, ALL, out, LITTLE);
        FloatVector f1 = FloatVector.fromMemorySegment(FLOATS, ALL, out + 16, LITTLE);
        FloatVector f2 = FloatVector.fromMemorySegment(FLOATS, ALL, out + 32, LITTLE);
        FloatVector f3 = FloatVector.fromMemorySegment(FLOATS, ALL, out + 48, LITTLE);
        long from = sums;
        long number = numbers;
        long scale = scales;
        for (int block = 0; block < blocks; block++) {
            IntVector a = IntVector.fromMemorySegment(INTS, ALL, from, LITTLE);
            IntVector s = IntVector.fromMemorySegment(INTS, ALL, from + 16, LITTLE);
            IntVector b3 = s.lanewise(LSHR, 16);
            IntVector b2 = a.lanewise(LSHR, 16).sub(b3.lanewise(LSHL, 8)).and(0xffff);
            IntVector b1 = s.sub(b2.lanewise(LSHL, 8)).and(0xffff);
            IntVector b0 = a.sub(b1.lanewise(LSHL, 8)).and(0xffff);
            FloatVector step = FloatVector.broadcast(FLOATS, Memory.f32(number + PlaneTables.STEP) * STEP_FACTOR);
            FloatVector offset = FloatVector.broadcast(FLOATS, Memory.f32(number + PlaneTables.OFFSET) * STEP_FACTOR);
            IntVector h0 = IntVector.fromMemorySegment(INTS, ALL, scale, LITTLE);
            IntVector h1 = IntVector.fromMemorySegment(INTS, ALL, scale + 16, LITTLE);
            FloatVector d0 = h0.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
            FloatVector d1 = h0.lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
            FloatVector d2 = h1.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
            FloatVector d3 = h1.lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
            f0 = ((FloatVector) b0.convertShape(I2F, FLOATS, 0)).fma(step, offset).fma(d0, f0);
            f1 = ((FloatVector) b1.convertShape(I2F, FLOATS, 0)).fma(step, offset).fma(d1, f1);
            f2 = ((FloatVector) b2.convertShape(I2F, FLOATS, 0)).fma(step, offset).fma(d2, f2);
            f3 = ((FloatVector) b3.convertShape(I2F, FLOATS, 0)).fma(step, offset).fma(d3, f3);
            from += TILE_SUMS;
            number += PlaneTables.NUMBER_BYTES;
            scale += blockBytes;
        }
        zero.add(f0).intoMemorySegment(ALL, out, LITTLE);
        zero.add(f1).intoMemorySegment(ALL, out + 16, LITTLE);
        zero.add(f2).intoMemorySegment(ALL, out + 32, LITTLE);
        zero.add(f3).intoMemorySegment(ALL, out + 48, LITTLE);
    }

    /** Multiplies what {@link #fold} has added up. */
    static void finish(long out, int rows) {
        for (int row = 0; row < rows; row++) {
            Memory.f32(out + 4L * row, Memory.f32(out + 4L * row) * RESULT_FACTOR);
        }
    }
}
