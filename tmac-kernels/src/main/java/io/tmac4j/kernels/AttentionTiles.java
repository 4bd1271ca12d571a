package io.tmac4j.kernels;

import static io.tmac4j.kernels.GemmKernels.ADDRESS;
import static io.tmac4j.kernels.GemmKernels.OFFSET;
import static io.tmac4j.kernels.ScaleKernels.HALF_BITS;
import static io.tmac4j.kernels.WideSpecies.BYTES;
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
 * The stages of attention for a tile of columns, each a query of its own: {@link WideSpecies#COLUMNS} of them are the lanes of
 * two vectors, so that a number of a key or a value is multiplied with all of them. Products are of four positions, or of four
 * numbers of a value, at a time: eight sums for two loads and four broadcasts.
 *
 * <p>Keys and values are widened once for all columns and are then 2^112 too small, see {@link AttentionKernels}, whose factors
 * make up for that. The shape of these methods is C2's wish, see {@link WordSums}.
 */
final class AttentionTiles {

    /** What a score is at least taken for: the greatest one of columns that have seen none. */
    static final float LEAST_SCORE = -1e30f;

    /** Positions and numbers of a value that are worked on together. */
    static final int TOGETHER = 4;

    /** Bytes of a row: a number for each column. */
    static final int ROW = 2 * BYTES;

    private static final MemorySegment ALL = OffHeap.ALL;
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;
    private static final int LANES = FLOATS.length();

    private AttentionTiles() {
    }

    /**
     * Widens rows of f16 numbers to floats that stand row after row.
     *
     * @param length numbers of a row, whole vectors
     * @return the greatest bits of a number, without sign
     */
    static short widen(long from, long stride, int rows, int length, long to) {
        ShortVector greatest = ShortVector.zero(HALVES);
        for (int row = 0; row < rows; row++) {
            long source = from + row * stride;
            long target = to + 4L * row * length;
            for (int i = 0; i < length; i += LANES) {
                ShortVector h = ShortVector.fromMemorySegment(HALVES, ALL, (source & ADDRESS) + (2L * i & OFFSET), LITTLE);
                greatest = h.and((short) 0x7fff).max(greatest);
                ((IntVector) h.convertShape(S2I, INTS, 0)).lanewise(LSHL, 13).and(HALF_BITS)
                        .intoMemorySegment(ALL, (target & ADDRESS) + (4L * i & OFFSET), LITTLE);
            }
        }
        return ShortVector.zero(HALVES).max(greatest).reduceLanes(MAX);
    }

    /**
     * Scores: products of keys with the queries of all columns.
     *
     * @param count    positions, a multiple of {@link #TOGETHER}
     * @param queries  a row for each of {@code length} numbers
     * @param rowBytes {@link #ROW}: if C2 knows it, it unrolls the loop, has too few registers then and takes half as long again
     * @param scores   a row a position
     */
    static void scores(long keys, int count, long queries, int length, int rowBytes, long scores) {
        long next = 4L * length & OFFSET;
        for (int position = 0; position < count; position += TOGETHER) {
            long key = (keys & ADDRESS) + (4L * position * length & OFFSET);
            long to = (scores & ADDRESS) + ((long) position * ROW & OFFSET);
            FloatVector a0 = FloatVector.zero(FLOATS);
            FloatVector b0 = FloatVector.zero(FLOATS);
            FloatVector a1 = FloatVector.zero(FLOATS);
            FloatVector b1 = FloatVector.zero(FLOATS);
            FloatVector a2 = FloatVector.zero(FLOATS);
            FloatVector b2 = FloatVector.zero(FLOATS);
            FloatVector a3 = FloatVector.zero(FLOATS);
            FloatVector b3 = FloatVector.zero(FLOATS);
            for (int i = 0; i < length; i++) {
                long k = key + (4L * i & OFFSET);
                long query = (queries & ADDRESS) + ((long) i * rowBytes & OFFSET);
                FloatVector a = FloatVector.fromMemorySegment(FLOATS, ALL, query, LITTLE);
                FloatVector b = FloatVector.fromMemorySegment(FLOATS, ALL, query + BYTES, LITTLE);
                FloatVector w = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, k));
                a0 = a.fma(w, a0);
                b0 = b.fma(w, b0);
                w = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, k + next));
                a1 = a.fma(w, a1);
                b1 = b.fma(w, b1);
                w = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, k + 2 * next));
                a2 = a.fma(w, a2);
                b2 = b.fma(w, b2);
                w = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, k + 3 * next));
                a3 = a.fma(w, a3);
                b3 = b.fma(w, b3);
            }
            a0.mul(AttentionKernels.SCORE_FACTOR).intoMemorySegment(ALL, to, LITTLE);
            b0.mul(AttentionKernels.SCORE_FACTOR).intoMemorySegment(ALL, to + BYTES, LITTLE);
            a1.mul(AttentionKernels.SCORE_FACTOR).intoMemorySegment(ALL, to + ROW, LITTLE);
            b1.mul(AttentionKernels.SCORE_FACTOR).intoMemorySegment(ALL, to + ROW + BYTES, LITTLE);
            a2.mul(AttentionKernels.SCORE_FACTOR).intoMemorySegment(ALL, to + 2 * ROW, LITTLE);
            b2.mul(AttentionKernels.SCORE_FACTOR).intoMemorySegment(ALL, to + 2 * ROW + BYTES, LITTLE);
            a3.mul(AttentionKernels.SCORE_FACTOR).intoMemorySegment(ALL, to + 3 * ROW, LITTLE);
            b3.mul(AttentionKernels.SCORE_FACTOR).intoMemorySegment(ALL, to + 3 * ROW + BYTES, LITTLE);
        }
    }

    /** Adds masks to scores, whole rows of both. */
    static void addMask(long scores, long masks, int count) {
        for (int i = 0; i < 2 * count; i++) {
            long at = (scores & ADDRESS) + ((long) i * BYTES & OFFSET);
            FloatVector.fromMemorySegment(FLOATS, ALL, at, LITTLE)
                    .add(FloatVector.fromMemorySegment(FLOATS, ALL, (masks & ADDRESS) + ((long) i * BYTES & OFFSET), LITTLE))
                    .intoMemorySegment(ALL, at, LITTLE);
        }
    }

    /**
     * Subtracts each column's greatest score, of these positions and those before, from its scores.
     *
     * @param greatest a row, replaced
     * @param change   a row: by how much the greatest score was less before
     */
    static void subtractGreatest(long scores, int count, long greatest, long change) {
        long most = greatest & ADDRESS;
        FloatVector a = FloatVector.fromMemorySegment(FLOATS, ALL, most, LITTLE);
        FloatVector b = FloatVector.fromMemorySegment(FLOATS, ALL, most + BYTES, LITTLE);
        for (int i = 0; i < count; i++) {
            long at = (scores & ADDRESS) + ((long) i * ROW & OFFSET);
            a = FloatVector.fromMemorySegment(FLOATS, ALL, at, LITTLE).max(a);
            b = FloatVector.fromMemorySegment(FLOATS, ALL, at + BYTES, LITTLE).max(b);
        }
        FloatVector zero = FloatVector.zero(FLOATS);
        FloatVector before = FloatVector.fromMemorySegment(FLOATS, ALL, most, LITTLE);
        before.sub(a).intoMemorySegment(ALL, change & ADDRESS, LITTLE);
        before = FloatVector.fromMemorySegment(FLOATS, ALL, most + BYTES, LITTLE);
        before.sub(b).intoMemorySegment(ALL, (change & ADDRESS) + BYTES, LITTLE);
        zero.add(a).intoMemorySegment(ALL, most, LITTLE);
        zero.add(b).intoMemorySegment(ALL, most + BYTES, LITTLE);
        subtract(scores, count, greatest);
    }

    private static void subtract(long scores, int count, long row) {
        FloatVector a = FloatVector.fromMemorySegment(FLOATS, ALL, row & ADDRESS, LITTLE);
        FloatVector b = FloatVector.fromMemorySegment(FLOATS, ALL, (row & ADDRESS) + BYTES, LITTLE);
        for (int i = 0; i < count; i++) {
            long at = (scores & ADDRESS) + ((long) i * ROW & OFFSET);
            FloatVector.fromMemorySegment(FLOATS, ALL, at, LITTLE).sub(a).intoMemorySegment(ALL, at, LITTLE);
            FloatVector.fromMemorySegment(FLOATS, ALL, at + BYTES, LITTLE).sub(b).intoMemorySegment(ALL, at + BYTES, LITTLE);
        }
    }

    /**
     * Adds weights to the columns' totals.
     *
     * @param weights a row a position
     * @param shares  a row: what totals before are multiplied with, {@link AttentionKernels#WEIGHT_FACTOR} times too great
     * @param totals  a row
     */
    static void addWeights(long weights, int count, long shares, long totals) {
        long total = totals & ADDRESS;
        long share = shares & ADDRESS;
        FloatVector a = FloatVector.fromMemorySegment(FLOATS, ALL, total, LITTLE)
                .mul(FloatVector.fromMemorySegment(FLOATS, ALL, share, LITTLE).mul(1 / AttentionKernels.WEIGHT_FACTOR));
        FloatVector b = FloatVector.fromMemorySegment(FLOATS, ALL, total + BYTES, LITTLE)
                .mul(FloatVector.fromMemorySegment(FLOATS, ALL, share + BYTES, LITTLE).mul(1 / AttentionKernels.WEIGHT_FACTOR));
        for (int i = 0; i < count; i++) {
            long at = (weights & ADDRESS) + ((long) i * ROW & OFFSET);
            a = FloatVector.fromMemorySegment(FLOATS, ALL, at, LITTLE).add(a);
            b = FloatVector.fromMemorySegment(FLOATS, ALL, at + BYTES, LITTLE).add(b);
        }
        FloatVector zero = FloatVector.zero(FLOATS);
        zero.add(a).intoMemorySegment(ALL, total, LITTLE);
        zero.add(b).intoMemorySegment(ALL, total + BYTES, LITTLE);
    }

    /**
     * Adds weighted values to sums that are multiplied with {@code shares} before.
     *
     * @param weights a row a position
     * @param shares  as in {@link #addWeights}
     * @param length  numbers of a value, a multiple of {@link #TOGETHER}
     * @param sums    a row a number
     */
    static void values(long values, int count, long weights, long shares, int length, long sums) {
        FloatVector s = FloatVector.fromMemorySegment(FLOATS, ALL, shares & ADDRESS, LITTLE)
                .mul(1 / AttentionKernels.WEIGHT_FACTOR);
        FloatVector t = FloatVector.fromMemorySegment(FLOATS, ALL, (shares & ADDRESS) + BYTES, LITTLE)
                .mul(1 / AttentionKernels.WEIGHT_FACTOR);
        FloatVector zero = FloatVector.zero(FLOATS);
        for (int i = 0; i < length; i += TOGETHER) {
            long to = (sums & ADDRESS) + ((long) i * ROW & OFFSET);
            FloatVector a0 = FloatVector.fromMemorySegment(FLOATS, ALL, to, LITTLE).mul(s);
            FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, ALL, to + BYTES, LITTLE).mul(t);
            FloatVector a1 = FloatVector.fromMemorySegment(FLOATS, ALL, to + ROW, LITTLE).mul(s);
            FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, ALL, to + ROW + BYTES, LITTLE).mul(t);
            FloatVector a2 = FloatVector.fromMemorySegment(FLOATS, ALL, to + 2 * ROW, LITTLE).mul(s);
            FloatVector b2 = FloatVector.fromMemorySegment(FLOATS, ALL, to + 2 * ROW + BYTES, LITTLE).mul(t);
            FloatVector a3 = FloatVector.fromMemorySegment(FLOATS, ALL, to + 3 * ROW, LITTLE).mul(s);
            FloatVector b3 = FloatVector.fromMemorySegment(FLOATS, ALL, to + 3 * ROW + BYTES, LITTLE).mul(t);
            for (int position = 0; position < count; position++) {
                long value = (values & ADDRESS) + (4L * ((long) position * length + i) & OFFSET);
                long weight = (weights & ADDRESS) + ((long) position * ROW & OFFSET);
                FloatVector a = FloatVector.fromMemorySegment(FLOATS, ALL, weight, LITTLE);
                FloatVector b = FloatVector.fromMemorySegment(FLOATS, ALL, weight + BYTES, LITTLE);
                FloatVector w = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, value));
                a0 = a.fma(w, a0);
                b0 = b.fma(w, b0);
                w = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, value + 4));
                a1 = a.fma(w, a1);
                b1 = b.fma(w, b1);
                w = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, value + 8));
                a2 = a.fma(w, a2);
                b2 = b.fma(w, b2);
                w = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, value + 12));
                a3 = a.fma(w, a3);
                b3 = b.fma(w, b3);
            }
            zero.add(a0).intoMemorySegment(ALL, to, LITTLE);
            zero.add(b0).intoMemorySegment(ALL, to + BYTES, LITTLE);
            zero.add(a1).intoMemorySegment(ALL, to + ROW, LITTLE);
            zero.add(b1).intoMemorySegment(ALL, to + ROW + BYTES, LITTLE);
            zero.add(a2).intoMemorySegment(ALL, to + 2 * ROW, LITTLE);
            zero.add(b2).intoMemorySegment(ALL, to + 2 * ROW + BYTES, LITTLE);
            zero.add(a3).intoMemorySegment(ALL, to + 3 * ROW, LITTLE);
            zero.add(b3).intoMemorySegment(ALL, to + 3 * ROW + BYTES, LITTLE);
        }
    }

    /**
     * Turns a row of numbers into a column of a tile, times {@code factor}.
     *
     * @return 0, or NaN if a number has become infinite or none
     */
    static float intoColumn(long from, int count, float factor, long to) {
        float finite = 0;
        for (int i = 0; i < count; i++) {
            float number = Memory.f32((from & ADDRESS) + (4L * i & OFFSET)) * factor;
            Memory.f32((to & ADDRESS) + ((long) i * ROW & OFFSET), number);
            finite += number * 0;
        }
        return finite;
    }

    /** Turns a column of a tile into a row of numbers, times {@code factor}. */
    static void fromColumn(long from, int count, float factor, long to) {
        for (int i = 0; i < count; i++) {
            Memory.f32((to & ADDRESS) + (4L * i & OFFSET), Memory.f32((from & ADDRESS) + ((long) i * ROW & OFFSET)) * factor);
        }
    }
}
