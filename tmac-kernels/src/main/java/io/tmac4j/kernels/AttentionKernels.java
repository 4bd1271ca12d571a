package io.tmac4j.kernels;

import static io.tmac4j.kernels.GemmKernels.ADDRESS;
import static io.tmac4j.kernels.GemmKernels.OFFSET;
import static io.tmac4j.kernels.ScaleKernels.HALF_BITS;
import static io.tmac4j.kernels.WideSpecies.FLOATS;
import static io.tmac4j.kernels.WideSpecies.HALVES;
import static io.tmac4j.kernels.WideSpecies.INTS;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.MAX;
import static jdk.incubator.vector.VectorOperators.S2I;

import io.tmac4j.bindings.spi.OffHeap;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * The stages of attention over some positions of the cache: scores, their weights in the softmax, the weighted sum of values.
 *
 * <p>f16 numbers are read by a shift and are then 2^112 too small, see {@link LookupTables#STEP_FACTOR}: queries are stored
 * {@link #QUERY_FACTOR} times too great and weights {@link #WEIGHT_FACTOR} times, so that products are normal numbers. An
 * infinite number or none would pass for one of about 2^16; hence the greatest bits seen are returned.
 *
 * <p>The shape of these methods is C2's wish, see {@link WordSums}.
 */
final class AttentionKernels {

    /** Positions that the stages hand over at a time: their keys and values stay in the first-level cache. */
    static final int POSITIONS = 128;

    /** Bytes of the numbers of one head for all of them. */
    static final long HEAD = 4L * POSITIONS;

    /** From this on bits of an f16 number without its sign are infinite or no number. */
    static final int NO_NUMBER = 0x7c00;

    static final float QUERY_FACTOR = 0x1p60f;
    static final int WEIGHT_EXPONENT = 100;
    static final float WEIGHT_FACTOR = 0x1p100f;

    /** What scores of scaled queries lack. */
    static final float SCORE_FACTOR = 0x1p52f;

    /** What weighted sums of values lack, once divided by a sum of weights. */
    static final float VALUE_FACTOR = 0x1p112f;

    private static final MemorySegment ALL = OffHeap.ALL;
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;
    private static final int FLOAT_LANES = FLOATS.length();

    /** Weights smaller than e^-87 are as good as none, and e^-87 is still a normal number. */
    private static final float LEAST_EXPONENT = -87;

    /** ln 2 as a number of few bits and the rest. */
    private static final float LN2_HIGH = 0.693359375f;
    private static final float LN2_LOW = -2.12194440e-4f;

    /** Rounds to a whole number, and its low bits are then that number plus {@link #WEIGHT_EXPONENT}. */
    private static final float MAGIC = 0x1.8p23f + WEIGHT_EXPONENT;

    private AttentionKernels() {
    }

    /**
     * The lanes of a stored vector, added one after the other: {@code reduceLanes} may add in another order once C2 has compiled
     * it, and results would depend on when that was.
     */
    private static float sumOfLanes(long vector) {
        float sum = 0;
        for (int lane = 0; lane < FLOAT_LANES; lane++) {
            sum += ALL.get(Memory.FLOAT, vector + (4L * lane & OFFSET));
        }
        return sum;
    }

    /**
     * Products of keys with four queries.
     *
     * @param places    which positions, an int each
     * @param queries   four queries, {@code 4 * length} bytes apart
     * @param scores    where the products go, {@link #HEAD} bytes a query
     * @param parts     room for a vector a query
     * @return the greatest bits of a number of the keys, without sign
     */
    static short scoresOfFour(long keys, long keyStride, long places, int count, long queries, int length, long scores,
            long parts) {
        long part = parts & ADDRESS;
        FloatVector zero = FloatVector.zero(FLOATS);
        ShortVector greatest = ShortVector.zero(HALVES);
        long stride = 4L * length & OFFSET;
        for (int i = 0; i < count; i++) {
            long key = keys + keyStride * ALL.get(Memory.INT, (places & ADDRESS) + (4L * i & OFFSET));
            FloatVector a0 = zero;
            FloatVector a1 = zero;
            FloatVector a2 = zero;
            FloatVector a3 = zero;
            for (int d = 0; d < length; d += FLOAT_LANES) {
                long q = (queries & ADDRESS) + (4L * d & OFFSET);
                ShortVector h = ShortVector.fromMemorySegment(HALVES, ALL, (key & ADDRESS) + (2L * d & OFFSET), LITTLE);
                greatest = h.and((short) 0x7fff).max(greatest);
                FloatVector k = ((IntVector) h.convertShape(S2I, INTS, 0)).lanewise(LSHL, 13).and(HALF_BITS)
                        .reinterpretAsFloats();
                a0 = FloatVector.fromMemorySegment(FLOATS, ALL, q, LITTLE).fma(k, a0);
                a1 = FloatVector.fromMemorySegment(FLOATS, ALL, q + stride, LITTLE).fma(k, a1);
                a2 = FloatVector.fromMemorySegment(FLOATS, ALL, q + 2 * stride, LITTLE).fma(k, a2);
                a3 = FloatVector.fromMemorySegment(FLOATS, ALL, q + 3 * stride, LITTLE).fma(k, a3);
            }
            zero.add(a0).intoMemorySegment(ALL, part, LITTLE);
            zero.add(a1).intoMemorySegment(ALL, part + 4 * FLOAT_LANES, LITTLE);
            zero.add(a2).intoMemorySegment(ALL, part + 8 * FLOAT_LANES, LITTLE);
            zero.add(a3).intoMemorySegment(ALL, part + 12 * FLOAT_LANES, LITTLE);
            long to = (scores & ADDRESS) + (4L * i & OFFSET);
            ALL.set(Memory.FLOAT, to, sumOfLanes(part));
            ALL.set(Memory.FLOAT, to + HEAD, sumOfLanes(part + 4 * FLOAT_LANES));
            ALL.set(Memory.FLOAT, to + 2 * HEAD, sumOfLanes(part + 8 * FLOAT_LANES));
            ALL.set(Memory.FLOAT, to + 3 * HEAD, sumOfLanes(part + 12 * FLOAT_LANES));
        }
        return ShortVector.zero(HALVES).max(greatest).reduceLanes(MAX);
    }

    /** The same with one query. */
    static short scores(long keys, long keyStride, long places, int count, long query, int length, long scores,
            long parts) {
        long part = parts & ADDRESS;
        FloatVector zero = FloatVector.zero(FLOATS);
        ShortVector greatest = ShortVector.zero(HALVES);
        for (int i = 0; i < count; i++) {
            long key = keys + keyStride * ALL.get(Memory.INT, (places & ADDRESS) + (4L * i & OFFSET));
            FloatVector a = zero;
            for (int d = 0; d < length; d += FLOAT_LANES) {
                ShortVector h = ShortVector.fromMemorySegment(HALVES, ALL, (key & ADDRESS) + (2L * d & OFFSET), LITTLE);
                greatest = h.and((short) 0x7fff).max(greatest);
                FloatVector k = ((IntVector) h.convertShape(S2I, INTS, 0)).lanewise(LSHL, 13).and(HALF_BITS)
                        .reinterpretAsFloats();
                a = FloatVector.fromMemorySegment(FLOATS, ALL, (query & ADDRESS) + (4L * d & OFFSET), LITTLE).fma(k, a);
            }
            zero.add(a).intoMemorySegment(ALL, part, LITTLE);
            ALL.set(Memory.FLOAT, (scores & ADDRESS) + (4L * i & OFFSET), sumOfLanes(part));
        }
        return ShortVector.zero(HALVES).max(greatest).reduceLanes(MAX);
    }

    /**
     * Makes scores of them: {@code factor} times the product, plus the mask. Both are filled up to whole vectors.
     *
     * @param masks an f32 number a position
     * @return the greatest of them
     */
    static float mask(long scores, long masks, int count, float factor) {
        FloatVector most = FloatVector.broadcast(FLOATS, Float.NEGATIVE_INFINITY);
        for (int i = 0; i < count; i += FLOAT_LANES) {
            long at = (scores & ADDRESS) + (4L * i & OFFSET);
            FloatVector m = FloatVector.fromMemorySegment(FLOATS, ALL, (masks & ADDRESS) + (4L * i & OFFSET), LITTLE);
            FloatVector s = FloatVector.fromMemorySegment(FLOATS, ALL, at, LITTLE)
                    .fma(FloatVector.broadcast(FLOATS, factor), m);
            s.intoMemorySegment(ALL, at, LITTLE);
            most = s.max(most);
        }
        return FloatVector.broadcast(FLOATS, Float.NEGATIVE_INFINITY).max(most).reduceLanes(MAX);
    }

    /**
     * Makes weights of scores: {@code e^(score - greatest)}, {@link #WEIGHT_FACTOR} times too great. The exponential is that of
     * the Cephes library, {@code expf.c}: a power of two times a polynomial of the rest, right to two units in the last place.
     *
     * @param greatest no score is greater
     * @param part     room for a vector
     * @return their sum
     */
    static float weights(long scores, int count, float greatest, long part) {
        FloatVector sum = FloatVector.zero(FLOATS);
        FloatVector magic = FloatVector.broadcast(FLOATS, MAGIC);
        FloatVector one = FloatVector.broadcast(FLOATS, 1);
        for (int i = 0; i < count; i += FLOAT_LANES) {
            long at = (scores & ADDRESS) + (4L * i & OFFSET);
            FloatVector x = FloatVector.fromMemorySegment(FLOATS, ALL, at, LITTLE).sub(greatest).max(LEAST_EXPONENT);
            FloatVector t = x.fma(FloatVector.broadcast(FLOATS, 1.44269504f), magic);
            FloatVector n = t.sub(magic);
            FloatVector r = n.fma(FloatVector.broadcast(FLOATS, -LN2_HIGH), x);
            r = n.fma(FloatVector.broadcast(FLOATS, -LN2_LOW), r);
            FloatVector p = r.fma(FloatVector.broadcast(FLOATS, 1.9875691500e-4f),
                    FloatVector.broadcast(FLOATS, 1.3981999507e-3f));
            p = p.fma(r, FloatVector.broadcast(FLOATS, 8.3334519073e-3f));
            p = p.fma(r, FloatVector.broadcast(FLOATS, 4.1665795894e-2f));
            p = p.fma(r, FloatVector.broadcast(FLOATS, 1.6666665459e-1f));
            p = p.fma(r, FloatVector.broadcast(FLOATS, 5.0000001201e-1f));
            p = p.mul(r).fma(r, r).add(one);
            FloatVector w = t.reinterpretAsInts().lanewise(LSHL, 23).add(p.reinterpretAsInts()).reinterpretAsFloats();
            w.intoMemorySegment(ALL, at, LITTLE);
            sum = w.add(sum);
        }
        FloatVector.zero(FLOATS).add(sum).intoMemorySegment(ALL, part & ADDRESS, LITTLE);
        return sumOfLanes(part & ADDRESS);
    }

    /**
     * Adds weighted values to sums of four heads that were multiplied with {@code shares} before, two vectors of them at a time.
     *
     * @param weights {@link #HEAD} bytes a head
     * @param shares  four floats
     * @param length  numbers of a value, two vectors or a multiple
     * @param sums    {@code 4 * length} bytes a head
     * @return the greatest bits of a number of the values, without sign
     */
    static short valuesOfFour(long values, long valueStride, long places, int count, long weights, long shares, int length,
            long sums) {
        ShortVector greatest = ShortVector.zero(HALVES);
        FloatVector zero = FloatVector.zero(FLOATS);
        long stride = 4L * length & OFFSET;
        long share = shares & ADDRESS;
        for (int d = 0; d < length; d += 2 * FLOAT_LANES) {
            long to = (sums & ADDRESS) + (4L * d & OFFSET);
            long next = to + 4 * FLOAT_LANES;
            FloatVector a0 = FloatVector.fromMemorySegment(FLOATS, ALL, to, LITTLE).mul(ALL.get(Memory.FLOAT, share));
            FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, ALL, next, LITTLE).mul(ALL.get(Memory.FLOAT, share));
            FloatVector a1 = FloatVector.fromMemorySegment(FLOATS, ALL, to + stride, LITTLE)
                    .mul(ALL.get(Memory.FLOAT, share + 4));
            FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, ALL, next + stride, LITTLE)
                    .mul(ALL.get(Memory.FLOAT, share + 4));
            FloatVector a2 = FloatVector.fromMemorySegment(FLOATS, ALL, to + 2 * stride, LITTLE)
                    .mul(ALL.get(Memory.FLOAT, share + 8));
            FloatVector b2 = FloatVector.fromMemorySegment(FLOATS, ALL, next + 2 * stride, LITTLE)
                    .mul(ALL.get(Memory.FLOAT, share + 8));
            FloatVector a3 = FloatVector.fromMemorySegment(FLOATS, ALL, to + 3 * stride, LITTLE)
                    .mul(ALL.get(Memory.FLOAT, share + 12));
            FloatVector b3 = FloatVector.fromMemorySegment(FLOATS, ALL, next + 3 * stride, LITTLE)
                    .mul(ALL.get(Memory.FLOAT, share + 12));
            for (int i = 0; i < count; i++) {
                long value = values + valueStride * ALL.get(Memory.INT, (places & ADDRESS) + (4L * i & OFFSET));
                long from = (value & ADDRESS) + (2L * d & OFFSET);
                long weight = (weights & ADDRESS) + (4L * i & OFFSET);
                ShortVector h = ShortVector.fromMemorySegment(HALVES, ALL, from, LITTLE);
                ShortVector g = ShortVector.fromMemorySegment(HALVES, ALL, from + 2 * FLOAT_LANES, LITTLE);
                greatest = h.and((short) 0x7fff).max(g.and((short) 0x7fff)).max(greatest);
                FloatVector v = ((IntVector) h.convertShape(S2I, INTS, 0)).lanewise(LSHL, 13).and(HALF_BITS)
                        .reinterpretAsFloats();
                FloatVector u = ((IntVector) g.convertShape(S2I, INTS, 0)).lanewise(LSHL, 13).and(HALF_BITS)
                        .reinterpretAsFloats();
                FloatVector w = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, weight));
                a0 = v.fma(w, a0);
                b0 = u.fma(w, b0);
                w = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, weight + HEAD));
                a1 = v.fma(w, a1);
                b1 = u.fma(w, b1);
                w = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, weight + 2 * HEAD));
                a2 = v.fma(w, a2);
                b2 = u.fma(w, b2);
                w = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, weight + 3 * HEAD));
                a3 = v.fma(w, a3);
                b3 = u.fma(w, b3);
            }
            zero.add(a0).intoMemorySegment(ALL, to, LITTLE);
            zero.add(b0).intoMemorySegment(ALL, next, LITTLE);
            zero.add(a1).intoMemorySegment(ALL, to + stride, LITTLE);
            zero.add(b1).intoMemorySegment(ALL, next + stride, LITTLE);
            zero.add(a2).intoMemorySegment(ALL, to + 2 * stride, LITTLE);
            zero.add(b2).intoMemorySegment(ALL, next + 2 * stride, LITTLE);
            zero.add(a3).intoMemorySegment(ALL, to + 3 * stride, LITTLE);
            zero.add(b3).intoMemorySegment(ALL, next + 3 * stride, LITTLE);
        }
        return ShortVector.zero(HALVES).max(greatest).reduceLanes(MAX);
    }

    /** The same for one head. */
    static short values(long values, long valueStride, long places, int count, long weights, float share, int length,
            long sums) {
        ShortVector greatest = ShortVector.zero(HALVES);
        FloatVector zero = FloatVector.zero(FLOATS);
        for (int d = 0; d < length; d += 2 * FLOAT_LANES) {
            long to = (sums & ADDRESS) + (4L * d & OFFSET);
            FloatVector a = FloatVector.fromMemorySegment(FLOATS, ALL, to, LITTLE).mul(share);
            FloatVector b = FloatVector.fromMemorySegment(FLOATS, ALL, to + 4 * FLOAT_LANES, LITTLE).mul(share);
            for (int i = 0; i < count; i++) {
                long value = values + valueStride * ALL.get(Memory.INT, (places & ADDRESS) + (4L * i & OFFSET));
                long from = (value & ADDRESS) + (2L * d & OFFSET);
                ShortVector h = ShortVector.fromMemorySegment(HALVES, ALL, from, LITTLE);
                ShortVector g = ShortVector.fromMemorySegment(HALVES, ALL, from + 2 * FLOAT_LANES, LITTLE);
                greatest = h.and((short) 0x7fff).max(g.and((short) 0x7fff)).max(greatest);
                FloatVector v = ((IntVector) h.convertShape(S2I, INTS, 0)).lanewise(LSHL, 13).and(HALF_BITS)
                        .reinterpretAsFloats();
                FloatVector u = ((IntVector) g.convertShape(S2I, INTS, 0)).lanewise(LSHL, 13).and(HALF_BITS)
                        .reinterpretAsFloats();
                FloatVector w = FloatVector.broadcast(FLOATS,
                        ALL.get(Memory.FLOAT, (weights & ADDRESS) + (4L * i & OFFSET)));
                a = v.fma(w, a);
                b = u.fma(w, b);
            }
            zero.add(a).intoMemorySegment(ALL, to, LITTLE);
            zero.add(b).intoMemorySegment(ALL, to + 4 * FLOAT_LANES, LITTLE);
        }
        return ShortVector.zero(HALVES).max(greatest).reduceLanes(MAX);
    }
}
