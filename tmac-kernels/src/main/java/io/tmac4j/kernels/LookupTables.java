package io.tmac4j.kernels;

import static io.tmac4j.kernels.Species.FLOATS_128;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.XOR;

import io.tmac4j.bindings.spi.OffHeap;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Builds the lookup tables of a column of activations.
 *
 * <p>Entry {@code i} of a group's table is the sum of its activations, each times the centred weight that {@code i} stands for:
 * code - 3/2 for pairs, bit - 1/2 for bit planes. Centred entries are as often negative as positive, which halves their range;
 * the step of a block's tables is a 127th of the greatest entry, and entries are stored as unsigned bytes around 128.
 * What centring leaves out is the sum of the activations times a constant. Where a block has one scale, that is one number a
 * block; where sub-blocks have scales of their own, it is spread evenly over the sub-block's entries, so that the sum of the
 * entries is the product with the weights themselves.
 */
final class LookupTables {

    /**
     * f16 scales are read by a shift, as f32 numbers that are 2^112 too small. Steps are 2^60 too great and results are
     * multiplied
     * by 2^52, so that neither scales of 2^-14 underflow nor activations of 2^50 overflow.
     */
    static final float STEP_FACTOR = 0x1p60f;
    static final float RESULT_FACTOR = 0x1p52f;

    /** Added to an entry and its step's multiple: its low byte is then the rounded entry around {@link #BIAS}. */
    private static final float MAGIC = 0x1.8p23f + LookupTables.BIAS;

    /** Bytes of a table. */
    static final int TABLE_BYTES = 16;

    /** What an entry of 0 is stored as. */
    static final int BIAS = 128;
    private static final float MAX_ENTRY = 127f;

    /** A block whose entries are all smaller than this counts as zero: 127 / this must be finite. */
    private static final float NEGLIGIBLE = 0x1p-110f;

    /**
     * Integer sums of activations of the sub-blocks are at most this: times a min of 63, times 8 sub-blocks, they fit 32
     * bits.
     */
    private static final float MAX_SUB_SUM = 0x1p21f;

    private static final MemorySegment ALL = OffHeap.ALL;
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;

    /** What the exponents of MAGIC leave above the low byte of vector 0, and of vector 1 shifted by 8. */
    private static final int MAGIC_BITS = 0x4b400000 ^ 0x40000000;

    /** Centred weights of pairs: of weight 0, then of weight 1, for the four entries 4i + m of each vector m. */
    private static final float[] PAIR = {
        -1.5f, -1.5f, -1.5f, -1.5f, -0.5f, -0.5f, -0.5f, -0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 1.5f, 1.5f, 1.5f, 1.5f,
        -1.5f, -0.5f, 0.5f, 1.5f, -1.5f, -0.5f, 0.5f, 1.5f, -1.5f, -0.5f, 0.5f, 1.5f, -1.5f, -0.5f, 0.5f, 1.5f
    };

    /** The same for codes 0 to 2; code 3, which does not occur, is as good as 1. */
    private static final float[] TERNARY = {
        -1, -1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0,
        -1, 0, 1, 0, -1, 0, 1, 0, -1, 0, 1, 0, -1, 0, 1, 0
    };

    /** Centred bits of weights 2 and 3 in lane i of every vector. */
    private static final float[] PLANE_LANES = {-0.5f, 0.5f, -0.5f, 0.5f, -0.5f, -0.5f, 0.5f, 0.5f};

    /** Centred weights of entries 4i + m of each vector m. */
    private static final float[] SINGLE = {
        -7.5f, -3.5f, 0.5f, 4.5f, -6.5f, -2.5f, 1.5f, 5.5f, -5.5f, -1.5f, 2.5f, 6.5f, -4.5f, -0.5f, 3.5f, 7.5f
    };

    private LookupTables() {
    }

    /** Builds the tables of blocks {@code from} to {@code to} of a column. */
    static void build(TableLayout layout, long activations, int from, int to, long target) {
        TileForm form = layout.form();
        for (int block = from; block < to; block++) {
            long column = activations + 4L * block * form.blockWeights();
            long tables = target + (long) block * layout.blockBytes();
            long numbers = target + layout.numbersOffset() + (long) block * layout.numberBytes();
            if (form.subBlocks() == 1) {
                flat(form, column, tables, numbers, centreOffset(form));
            } else {
                nested(form, column, tables, numbers, centreOffset(form));
            }
        }
    }

    /** The factor of the activations' sum that centring leaves out: the weight of the centre of the codes. */
    private static float centreOffset(TileForm form) {
        return centre(form) * form.weightScale() + form.weightOffset();
    }

    private static float centre(TileForm form) {
        if (form.groupWeights() == 2) {
            return form.ternary() ? 1 : 1.5f;
        }
        return ((1 << form.planes()) - 1) / 2f;
    }

    /** The greatest centred weight of an index. */
    private static float range(TileForm form) {
        return form.groupWeights() == 2 ? form.ternary() ? 1 : 1.5f : 0.5f;
    }

    private static void flat(TileForm form, long activations, long tables, long numbers, float offset) {
        int group = form.groupWeights();
        int[] order = form.weightOrder();
        float max = 0;
        float sum = 0;
        for (int table = 0; table < form.tables(); table++) {
            float size = 0;
            for (int j = 0; j < group; j++) {
                float a = Memory.f32(activations + 4L * order[table * group + j]);
                sum += a;
                size += Math.abs(a);
            }
            max = Math.max(max, size);
        }
        max *= range(form);
        float inverse = inverseStep(max);
        for (int table = 0; table < form.tables(); table++) {
            writeTable(form, activations, table, inverse, 0, tables + (long) table * TABLE_BYTES);
        }
        float step = step(max) * form.weightScale();
        // every row adds the bias once a table and plane, plane p doubled p times
        int biases = form.tables() * ((1 << form.planes()) - 1) * BIAS;
        Memory.f32(numbers + TableLayout.STEP, step);
        Memory.f32(numbers + TableLayout.OFFSET, offset * sum * STEP_FACTOR - biases * step);
        Memory.f32(numbers + TableLayout.SUM, sum * STEP_FACTOR);
    }

    private static void nested(TileForm form, long activations, long tables, long numbers, float offset) {
        int group = form.groupWeights();
        int[] order = form.weightOrder();
        int planeBytes = form.planeBytes();
        // entries of a sub-block, each plane counted with its weight
        float entries = planeBytes * ((1 << form.planes()) - 1);
        float factor = range(form);
        float max = 0;
        float maxSum = 0;
        for (int part = 0; part < form.subBlocks(); part++) {
            float size = 0;
            float sum = 0;
            for (int i = 0; i < planeBytes; i++) {
                int at = tableOf(part, i, planeBytes) * group;
                float tableSize = 0;
                for (int j = 0; j < group; j++) {
                    float a = Memory.f32(activations + 4L * order[at + j]);
                    sum += a;
                    tableSize += Math.abs(a);
                }
                size = Math.max(size, tableSize);
            }
            max = Math.max(max, size * factor + Math.abs(sum * offset) / entries);
            maxSum = Math.max(maxSum, Math.abs(sum));
        }
        float inverse = inverseStep(max);
        boolean nibbles = form.mins() == TileForm.Mins.NIBBLE;
        // mins of 0 to 15 are centred like codes: entries of +-7.5 times the sum
        float minInverse = inverseStep(7.5f * maxSum);
        float subInverse = maxSum < NEGLIGIBLE ? 0 : MAX_SUB_SUM / maxSum;
        float sumOfSums = 0;
        for (int part = 0; part < form.subBlocks(); part++) {
            float sum = 0;
            for (int i = 0; i < planeBytes; i++) {
                int at = tableOf(part, i, planeBytes) * group;
                for (int j = 0; j < group; j++) {
                    sum += Memory.f32(activations + 4L * order[at + j]);
                }
            }
            float spread = sum * offset / entries * inverse;
            for (int i = 0; i < planeBytes; i++) {
                int table = tableOf(part, i, planeBytes);
                writeTable(form, activations, table, inverse, spread, tables + (long) table * TABLE_BYTES);
            }
            if (nibbles) {
                writeSingle(sum * minInverse, tables + (long) (form.tables() + part) * TABLE_BYTES);
            } else if (form.mins() == TileForm.Mins.OWN) {
                Memory.i32(numbers + TableLayout.SUB_SUMS + 4L * part, Math.round(sum * subInverse));
            }
            sumOfSums += sum;
        }
        Memory.f32(numbers + TableLayout.STEP, step(max));
        if (nibbles) {
            float minStep = step(7.5f * maxSum);
            Memory.f32(numbers + TableLayout.SUM, -minStep);
            Memory.f32(numbers + TableLayout.MIN_OFFSET, form.subBlocks() * BIAS * minStep - 7.5f * sumOfSums * STEP_FACTOR);
        } else {
            Memory.f32(numbers + TableLayout.SUM, maxSum < NEGLIGIBLE ? 0 : -maxSum / MAX_SUB_SUM * STEP_FACTOR);
        }
    }

    /** The {@code i}-th table of a sub-block; parts are sub-blocks in the order section, then nibble. */
    private static int tableOf(int part, int i, int planeBytes) {
        return 2 * (part / 2 * planeBytes + i) + part % 2;
    }

    private static float inverseStep(float max) {
        return max < NEGLIGIBLE ? 0 : MAX_ENTRY / max;
    }

    /** 0 for a block of zeros; NaN, and with it the results, if an activation is infinite or no number. */
    private static float step(float max) {
        if (max < NEGLIGIBLE) {
            return 0;
        }
        return max <= Float.MAX_VALUE ? max / MAX_ENTRY * STEP_FACTOR : Float.NaN;
    }

    private static void writeTable(TileForm form, long activations, int table, float inverse, float spread, long to) {
        int[] order = form.weightOrder();
        int at = table * form.groupWeights();
        float a = Memory.f32(activations + 4L * order[at]) * inverse;
        float b = Memory.f32(activations + 4L * order[at + 1]) * inverse;
        if (form.groupWeights() == 2) {
            writePair(a, b, spread, form.ternary() ? TERNARY : PAIR, to);
        } else {
            float c = Memory.f32(activations + 4L * order[at + 2]) * inverse;
            float d = Memory.f32(activations + 4L * order[at + 3]) * inverse;
            writePlane(a, b, c, d, spread, to);
        }
    }

    private static void writePair(float a, float b, float spread, float[] weights, long to) {
        FloatVector x = FloatVector.broadcast(FLOATS_128, a);
        FloatVector y = FloatVector.broadcast(FLOATS_128, b);
        FloatVector z = FloatVector.broadcast(FLOATS_128, spread);
        FloatVector v0 = x.fma(weights(weights, 0), y.fma(weights(weights, 4), z));
        FloatVector v1 = x.fma(weights(weights, 1), y.fma(weights(weights, 5), z));
        FloatVector v2 = x.fma(weights(weights, 2), y.fma(weights(weights, 6), z));
        FloatVector v3 = x.fma(weights(weights, 3), y.fma(weights(weights, 7), z));
        store(bytes(v0, v1, v2, v3), to);
    }

    private static FloatVector weights(float[] weights, int i) {
        return FloatVector.fromArray(FLOATS_128, weights, 4 * i);
    }

    private static void writePlane(float a, float b, float c, float d, float spread, long to) {
        // lane i, vector m: entry 4i + m, so c and d vary with the lane, a and b with the vector
        FloatVector upper = FloatVector.broadcast(FLOATS_128, c).fma(FloatVector.fromArray(FLOATS_128, PLANE_LANES, 0),
                FloatVector.broadcast(FLOATS_128, d).fma(FloatVector.fromArray(FLOATS_128, PLANE_LANES, 4),
                FloatVector.broadcast(FLOATS_128, spread)));
        float sum = 0.5f * (a + b);
        float difference = 0.5f * (a - b);
        FloatVector v0 = upper.sub(sum);
        FloatVector v1 = upper.add(difference);
        FloatVector v2 = upper.sub(difference);
        FloatVector v3 = upper.add(sum);
        store(bytes(v0, v1, v2, v3), to);
    }

    /** The table of a code of four bits: entry i is (i - 7.5) * a. */
    private static void writeSingle(float a, long to) {
        FloatVector x = FloatVector.broadcast(FLOATS_128, a);
        FloatVector v0 = x.mul(FloatVector.fromArray(FLOATS_128, SINGLE, 0));
        FloatVector v1 = x.mul(FloatVector.fromArray(FLOATS_128, SINGLE, 4));
        FloatVector v2 = x.mul(FloatVector.fromArray(FLOATS_128, SINGLE, 8));
        FloatVector v3 = x.mul(FloatVector.fromArray(FLOATS_128, SINGLE, 12));
        store(bytes(v0, v1, v2, v3), to);
    }

    /** Byte 4i + m: lane i of vector m, rounded, plus the bias. */
    private static ByteVector bytes(FloatVector v0, FloatVector v1, FloatVector v2, FloatVector v3) {
        IntVector i0 = v0.add(MAGIC).reinterpretAsInts();
        IntVector i1 = v1.add(MAGIC).reinterpretAsInts().lanewise(LSHL, 8);
        IntVector i2 = v2.add(MAGIC).reinterpretAsInts().lanewise(LSHL, 16);
        IntVector i3 = v3.add(MAGIC).reinterpretAsInts().lanewise(LSHL, 24);
        return i0.lanewise(XOR, i1).lanewise(XOR, i2.lanewise(XOR, i3)).lanewise(XOR, MAGIC_BITS).reinterpretAsBytes();
    }

    private static void store(ByteVector table, long to) {
        table.intoMemorySegment(ALL, to, LITTLE);
    }
}
