package io.tmac4j.kernels;

import static io.tmac4j.kernels.Species.FLOATS_128;
import static io.tmac4j.kernels.Species.FLOATS_256;
import static io.tmac4j.kernels.Species.INTS_128;
import static io.tmac4j.kernels.Species.INTS_256;
import static io.tmac4j.kernels.Species.LANES;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.MAX;
import static jdk.incubator.vector.VectorOperators.XOR;

import io.tmac4j.bindings.spi.OffHeap;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Builds the lookup tables of a column of activations.
 *
 * <p>Entry {@code i} of a group's table is the sum of its activations, each times the centred weight that {@code i} stands for:
 * code - 3/2 for pairs, code - 1 for ternary ones, bit - 1/2 for single bits. Centred entries are as often negative as
 * positive, which halves their range;
 * the step of a block's tables is a 127th of the greatest entry, or more where sums of entries have a limit, and entries are
 * stored as unsigned bytes around 128.
 * What centring leaves out is the sum of the activations times a constant, one number a block.
 */
final class LookupTables {

    /**
     * f16 scales are read by a shift, as f32 numbers that are 2^112 too small. Steps are 2^60 too great and results are
     * multiplied
     * by 2^52, so that neither scales of 2^-14 underflow nor activations of 2^50 overflow. {@link NestedScales} takes 13 bits of
     * the room for small numbers.
     */
    static final float STEP_FACTOR = 0x1p60f;
    static final float RESULT_FACTOR = 0x1p52f;

    /** With the bias added to an entry: its low byte is then the rounded entry around the bias. */
    private static final float MAGIC = 0x1.8p23f;

    /** What is added to 16-bit entries, which are at least -508 and at most 508. */
    static final int WIDE_BIAS = 512;

    /** The greatest activation of 8 bits. */
    private static final int ACTIVATION_LIMIT = 127;

    /** Entries of a table, a byte each. */
    private static final int ENTRIES = 16;

    /**
     * Bytes of a table. At 256 bits it stands twice, so that an index may have any fifth bit: AVX2 shuffles within halves of a
     * vector, and C2 masks indices to five bits.
     */
    static final int TABLE_BYTES = LANES == 32 ? 2 * ENTRIES : ENTRIES;

    /** Steps of the greatest sum of a sub-block of three bits before entries are rounded: 32 * (1014 + 8.5) is below 2^15. */
    private static final int THREE_BITS_LIMIT = 1014;

    /** The same of two sub-blocks of two bits together, whose scales are at most 15: 15 * (2175 + 2 * 4.5) is below 2^15. */
    private static final int TWO_BITS_LIMIT = 2175;

    /** A block whose entries are all smaller than this counts as zero: 127 divided by it must be finite. */
    private static final float NEGLIGIBLE = 0x1p-110f;

    private static final MemorySegment ALL = OffHeap.ALL;
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;

    /** What the exponents of MAGIC leave above the low byte of vector 0, and of vector 1 shifted by 8. */
    private static final int MAGIC_BITS = 0x4b400000 ^ 0x40000000;

    /** Centred weights of the codes of pairs. */
    private static final float[] PAIR = {-1.5f, -0.5f, 0.5f, 1.5f};

    /** The centre of the codes of pairs. */
    private static final float PAIR_CENTRE = 1.5f;

    /** The same for codes 0 to 2; code 3, which does not occur, is as good as 1. */
    private static final float[] TERNARY = {-1, 0, 1, 0};

    /**
     * Centred weights of triples, in memory: of weight 0, then 1, then 2, for the entries 4i + m of each vector m; indices from
     * 27 on do not occur.
     */
    private static final long TRITS;

    /** Centred weights of single codes, whose index has other bits above the two of the code. */
    private static final long SINGLE;

    static {
        float[] trits = new float[3 * Triples.TABLE_BYTES];
        float[] single = new float[Triples.TABLE_BYTES];
        for (int entry = 0; entry < Triples.TABLE_BYTES; entry++) {
            int at = entry % 4 * 8 + entry / 4;
            single[at] = entry % 4 - 1;
            if (entry < 27) {
                trits[at] = entry % 3 - 1;
                trits[Triples.TABLE_BYTES + at] = entry / 3 % 3 - 1;
                trits[2 * Triples.TABLE_BYTES + at] = entry / 9 - 1;
            }
        }
        TRITS = Arena.global().allocateFrom(ValueLayout.JAVA_FLOAT, trits).address();
        SINGLE = Arena.global().allocateFrom(ValueLayout.JAVA_FLOAT, single).address();
    }

    /** Lanes where a pair of activations begins, then where four do. */
    private static final int[] FIRSTS = {-1, 0, -1, 0, -1, 0, 0, 0};

    /** Activations of a block with sub-blocks. */
    private static final int BLOCK = NestedSums.SUB_BLOCKS * NestedSums.SUB_WEIGHTS;

    /** Centred bits of weights 2 and 3 in lane i of every vector. */
    private static final float[] PLANE_LANES = {-0.5f, 0.5f, -0.5f, 0.5f, -0.5f, -0.5f, 0.5f, 0.5f};

    private LookupTables() {
    }

    /**
     * Builds the tables of one block.
     *
     * @param activations f32 numbers of the block
     * @param tables      where its tables go
     * @param numbers     where its numbers go, see {@link TableLayout}
     * @param ordered     room for the activations in the order of the tables
     */
    static void build(LookupForm form, TableMode mode, long activations, long tables, long numbers, long ordered) {
        reorder(form, activations, ordered);
        if (mode == TableMode.EXACT) {
            buildWide(form, tables, numbers, ordered);
            return;
        }
        if (form.isTriples()) {
            buildTriples(form, tables, numbers, ordered);
            return;
        }
        if (form.highBits()) {
            buildThreeBits(tables, numbers, ordered);
            return;
        }
        if (form.nested()) {
            buildTwoBits(tables, numbers, ordered);
            return;
        }
        int group = form.groupWeights();
        float max = range(form) * greatest(ordered, form.blockWeights(), group);
        float inverse = inverseStep(max, mode.greatest());
        float magic = MAGIC + mode.bias();
        if (group == 4) {
            planes(ordered, form.tables(), inverse, magic, tables, form.tables(), 0);
        } else {
            pairs(ordered, form.tables(), inverse, form.ternary() ? TERNARY : PAIR, magic, tables, form.tables(), 0);
        }
        storeNumbers(form, mode, max, sum(ordered, form.blockWeights()), numbers);
    }

    /**
     * Puts activations into the order of the tables; for scales of four bits it negates those of the first pair of sub-blocks,
     * the third and so on, as {@link NestedScales} has them.
     */
    private static void reorder(LookupForm form, long activations, long ordered) {
        int[] order = form.order();
        boolean negated = form.scales() == LookupForm.Scales.NIBBLES;
        int run = negated ? NestedScales.PAIR_WEIGHTS : form.blockWeights();
        float sign = negated ? -1 : 1;
        for (int first = 0; first < form.blockWeights(); first += run) {
            for (int i = first; i < first + run; i++) {
                Memory.f32(ordered + 4L * i, sign * Memory.f32(activations + 4L * order[i]));
            }
            sign = -sign;
        }
    }

    /**
     * The greatest sum of the sizes of {@code group} activations, 2 or 4; infinite or no number if one of them is. Sizes are
     * compared as ints, where NaN is greater than infinity. Reads up to three floats behind the last.
     */
    private static float greatest(long ordered, int count, int group) {
        IntVector firsts = IntVector.fromArray(INTS_128, FIRSTS, group == 4 ? 4 : 0);
        IntVector others = IntVector.broadcast(INTS_128, group == 4 ? -1 : 0);
        IntVector max = IntVector.zero(INTS_128);
        for (int i = 0; i < count; i += 4) {
            long from = ordered + 4L * i;
            FloatVector pair = FloatVector.fromMemorySegment(FLOATS_128, ALL, from, LITTLE).abs()
                    .add(FloatVector.fromMemorySegment(FLOATS_128, ALL, from + 4, LITTLE).abs());
            FloatVector next = FloatVector.fromMemorySegment(FLOATS_128, ALL, from + 8, LITTLE).abs()
                    .add(FloatVector.fromMemorySegment(FLOATS_128, ALL, from + 12, LITTLE).abs());
            max = pair.add(next.reinterpretAsInts().and(others).reinterpretAsFloats()).reinterpretAsInts().and(firsts)
                    .lanewise(MAX, max);
        }
        return Float.intBitsToFloat(max.reduceLanes(MAX));
    }

    private static float sum(long ordered, int count) {
        FloatVector sum = FloatVector.zero(FLOATS_128);
        for (int i = 0; i < count; i += 4) {
            sum = FloatVector.fromMemorySegment(FLOATS_128, ALL, ordered + 4L * i, LITTLE).add(sum);
        }
        return sumOfLanes(sum);
    }

    /** The sum of four lanes, in one order: {@code reduceLanes} may add in another once C2 has compiled it. */
    private static float sumOfLanes(FloatVector v) {
        return v.lane(0) + v.lane(1) + (v.lane(2) + v.lane(3));
    }

    /**
     * The greatest sum of the sizes of {@code weights} neighbours of a block with sub-blocks, a multiple of 16, together with
     * {@code share} times the size of their sum. Infinite or no number if an activation is.
     */
    private static float greatestSum(long ordered, int weights, float share) {
        int max = 0;
        for (int first = 0; first < BLOCK; first += weights) {
            FloatVector sizes = FloatVector.zero(FLOATS_128);
            FloatVector sum = FloatVector.zero(FLOATS_128);
            for (int i = first; i < first + weights; i += 4) {
                FloatVector a = FloatVector.fromMemorySegment(FLOATS_128, ALL, ordered + 4L * i, LITTLE);
                sizes = a.abs().add(sizes);
                sum = a.add(sum);
            }
            // of numbers without their sign the bits compare as the numbers do, and NaN is above all
            float both = sumOfLanes(sizes) + share * Math.abs(sumOfLanes(sum));
            max = Math.max(max, Float.floatToRawIntBits(both) & Integer.MAX_VALUE);
        }
        return Float.intBitsToFloat(max);
    }

    /**
     * Stores what belongs to the tables of a block with sub-blocks. What centring leaves out, {@code factor} times the sum of the
     * activations, is rounded to steps of the entries, and the sums of a sub-block begin with it: they are then those of the
     * weights themselves. Mins are multiplied with the same rounded sums: rows have weights on both sides of zero, so a rounding
     * nearly cancels. With sums of their own, however exact, it would move all rows to the same side, which doubled the
     * divergence of a model's predictions.
     *
     * @param biases how often a sub-block has the bias of an entry
     * @param ints   see {@link NestedSums#starts}
     */
    private static void storeNested(float max, float factor, int biases, boolean ints, long ordered, long numbers) {
        float inverse = inverseStep(max, TableMode.DEFAULT.greatest());
        for (int sub = 0; sub < NestedSums.SUB_BLOCKS; sub++) {
            float sum = sum(ordered + 4L * NestedSums.SUB_WEIGHTS * sub, NestedSums.SUB_WEIGHTS);
            int centre = Math.round(factor * (sum * inverse));
            NestedSums.starts(centre - biases * TableMode.DEFAULT.bias(), ints, numbers + TableLayout.STARTS + 8L * sub);
            Memory.i32(numbers + TableLayout.SUMS + 4L * sub, centre << 16 | centre & 0xffff);
        }
        float step = step(max, TableMode.DEFAULT.greatest());
        Memory.f32(numbers + TableLayout.STEP, step);
        Memory.f32(numbers + TableLayout.MIN_STEP, -step / PAIR_CENTRE);
    }

    /**
     * Tables of weights of 0 to 3 in sub-blocks. Of a pair of sub-blocks these make at most three times what the activations of
     * one sign add up to, half of their sizes and of the size of their sum. The two sums are to be multiplied by scales of up to
     * 15 and added within 16 bits, so a step is at least a {@link #TWO_BITS_LIMIT}th of that; entries and what centring leaves
     * out are then rounded by half a step each: in all 4.5 steps a sub-block. Only activations of much the same size and sign ask
     * for more than their entries do: where both signs weigh alike it is at most 48 sizes of 2175, and an entry 3 of 127.
     */
    static void buildTwoBits(long tables, long numbers, long ordered) {
        float entries = PAIR_CENTRE * greatest(ordered, BLOCK, 2);
        float sum = 1.5f * greatestSum(ordered, NestedScales.PAIR_WEIGHTS, 1);
        float max = Math.max(entries, sum * ((float) TableMode.DEFAULT.greatest() / TWO_BITS_LIMIT));
        float inverse = inverseStep(max, TableMode.DEFAULT.greatest());
        pairs(ordered, BLOCK / 2, inverse, PAIR, MAGIC + TableMode.DEFAULT.bias(), tables, BLOCK / 2, 0);
        storeNested(max, PAIR_CENTRE, NestedSums.PAIR_TABLES, false, ordered, numbers);
    }

    /**
     * Tables of weights of -4 to 3 in sub-blocks. Those of third bits, which count -2 or 2, have entries of two steps. Centring
     * leaves out -4 + 2 + 3/2, so minus half the sum of the activations. Sums of a sub-block are to be multiplied by scales of up
     * to 32 in size within 16 bits, so a step is at least a {@link #THREE_BITS_LIMIT}th of four times the sum of a sub-block's
     * activations, made positive; entries and that sum are then rounded by half a step each, third bits by a whole one: in all
     * 8.5 steps.
     */
    private static void buildThreeBits(long tables, long numbers, long ordered) {
        float entries = Math.max(greatest(ordered, BLOCK, 4), PAIR_CENTRE * greatest(ordered, BLOCK, 2));
        float sum = 4 * greatestSum(ordered, NestedSums.SUB_WEIGHTS, 0);
        float max = Math.max(entries, sum * ((float) TableMode.DEFAULT.greatest() / THREE_BITS_LIMIT));
        float inverse = inverseStep(max, TableMode.DEFAULT.greatest());
        float magic = MAGIC + TableMode.DEFAULT.bias();
        planes(ordered, BLOCK / 4, 2 * inverse, magic, tables, NestedSums.HIGH_TABLES, NestedSums.PAIR_TABLES);
        pairs(ordered, BLOCK / 2, inverse, PAIR, magic, tables + (long) NestedSums.HIGH_TABLES * TABLE_BYTES,
                NestedSums.PAIR_TABLES, NestedSums.HIGH_TABLES);
        storeNested(max, -0.5f, NestedSums.PAIR_TABLES + 2 * NestedSums.HIGH_TABLES, true, ordered, numbers);
    }

    /** Stores what belongs to the tables of a block whose greatest entry is {@code max}. */
    private static void storeNumbers(LookupForm form, TableMode mode, float max, float sum, long numbers) {
        float step = step(max, mode.greatest()) * form.weightScale();
        // every row adds the bias once a table
        Memory.f32(numbers + TableLayout.STEP, step);
        Memory.f32(numbers + TableLayout.OFFSET, centreOffset(form) * sum * STEP_FACTOR - form.tables() * mode.bias() * step);
    }

    /** The factor of the activations' sum that centring leaves out: the weight of the centre of the codes. */
    private static float centreOffset(LookupForm form) {
        float centre = form.groupWeights() == 4 ? 0.5f : form.ternary() ? 1 : PAIR_CENTRE;
        return centre * form.weightScale() + form.weightOffset();
    }

    /** The greatest centred weight of an index. */
    private static float range(LookupForm form) {
        return form.groupWeights() == 4 ? 0.5f : form.ternary() ? 1 : PAIR_CENTRE;
    }

    private static float inverseStep(float max, int greatest) {
        return max < NEGLIGIBLE ? 0 : greatest / max;
    }

    /** 0 for a block of zeros; NaN, and with it the results, if an activation is infinite or no number. */
    private static float step(float max, int greatest) {
        if (max < NEGLIGIBLE) {
            return 0;
        }
        return max <= Float.MAX_VALUE ? max / greatest * STEP_FACTOR : Float.NaN;
    }

    /**
     * Tables of pairs. Entry 4i + m: lane i of vector m, with weight i of the second activation and m of the first.
     *
     * @param run tables that follow each other, a power of two; then room for {@code gap} others
     */
    private static void pairs(long activations, int count, float inverse, float[] weights, float magic, long tables, int run,
            int gap) {
        int shift = Integer.numberOfTrailingZeros(run);
        FloatVector seconds = FloatVector.fromArray(FLOATS_128, weights, 0);
        FloatVector bias = FloatVector.broadcast(FLOATS_128, magic);
        IntVector magicBits = IntVector.broadcast(INTS_128, MAGIC_BITS);
        FloatVector first0 = FloatVector.broadcast(FLOATS_128, weights[0]);
        FloatVector first1 = FloatVector.broadcast(FLOATS_128, weights[1]);
        FloatVector first2 = FloatVector.broadcast(FLOATS_128, weights[2]);
        FloatVector first3 = FloatVector.broadcast(FLOATS_128, weights[3]);
        for (int table = 0; table < count; table++) {
            long from = activations + 8L * table;
            FloatVector x = FloatVector.broadcast(FLOATS_128, Memory.f32(from) * inverse);
            FloatVector y = FloatVector.broadcast(FLOATS_128, Memory.f32(from + 4) * inverse).mul(seconds);
            IntVector e0 = x.fma(first0, y).add(bias).reinterpretAsInts();
            IntVector e1 = x.fma(first1, y).add(bias).reinterpretAsInts().lanewise(LSHL, 8);
            IntVector e2 = x.fma(first2, y).add(bias).reinterpretAsInts().lanewise(LSHL, 16);
            IntVector e3 = x.fma(first3, y).add(bias).reinterpretAsInts().lanewise(LSHL, 24);
            ByteVector entries = e0.lanewise(XOR, e1).lanewise(XOR, e2.lanewise(XOR, e3)).lanewise(XOR, magicBits)
                    .reinterpretAsBytes();
            long to = tables + (long) (table + (table >> shift) * gap) * TABLE_BYTES;
            for (int copy = 0; copy < TABLE_BYTES; copy += ENTRIES) {
                entries.intoMemorySegment(ALL, to + copy, LITTLE);
            }
        }
    }

    /** Tables of four single bits, of -1/2 or 1/2; see {@link #pairs} for where they go. */
    private static void planes(long activations, int count, float inverse, float magic, long tables, int run, int gap) {
        int shift = Integer.numberOfTrailingZeros(run);
        FloatVector third = FloatVector.fromArray(FLOATS_128, PLANE_LANES, 0);
        FloatVector fourth = FloatVector.fromArray(FLOATS_128, PLANE_LANES, 4);
        FloatVector bias = FloatVector.broadcast(FLOATS_128, magic);
        IntVector magicBits = IntVector.broadcast(INTS_128, MAGIC_BITS);
        for (int table = 0; table < count; table++) {
            long from = activations + 16L * table;
            float a = Memory.f32(from) * inverse;
            float b = Memory.f32(from + 4) * inverse;
            FloatVector c = FloatVector.broadcast(FLOATS_128, Memory.f32(from + 8) * inverse);
            FloatVector d = FloatVector.broadcast(FLOATS_128, Memory.f32(from + 12) * inverse);
            // lane i, vector m: entry 4i + m, so c and d vary with the lane, a and b with the vector
            FloatVector upper = c.fma(third, d.mul(fourth));
            FloatVector sum = FloatVector.broadcast(FLOATS_128, 0.5f * (a + b));
            FloatVector difference = FloatVector.broadcast(FLOATS_128, 0.5f * (a - b));
            IntVector e0 = upper.sub(sum).add(bias).reinterpretAsInts();
            IntVector e1 = upper.add(difference).add(bias).reinterpretAsInts().lanewise(LSHL, 8);
            IntVector e2 = upper.sub(difference).add(bias).reinterpretAsInts().lanewise(LSHL, 16);
            IntVector e3 = upper.add(sum).add(bias).reinterpretAsInts().lanewise(LSHL, 24);
            ByteVector entries = e0.lanewise(XOR, e1).lanewise(XOR, e2.lanewise(XOR, e3)).lanewise(XOR, magicBits)
                    .reinterpretAsBytes();
            long to = tables + (long) (table + (table >> shift) * gap) * TABLE_BYTES;
            for (int copy = 0; copy < TABLE_BYTES; copy += ENTRIES) {
                entries.intoMemorySegment(ALL, to + copy, LITTLE);
            }
        }
    }

    /** Tables of triples: entry 4i + m is lane i of vector m, as with pairs. */
    private static void buildTriples(LookupForm form, long tables, long numbers, long ordered) {
        float max = 0;
        float sum = 0;
        for (int table = 0; table < form.tables(); table++) {
            long from = ordered + 4L * Triples.firstWeight(table);
            float size = 0;
            for (int i = 0; i < Triples.weights(table); i++) {
                float a = Memory.f32(from + 4L * i);
                size += Math.abs(a);
                sum += a;
            }
            max = Math.max(max, size);
        }
        float inverse = inverseStep(max, TableMode.DEFAULT.greatest());
        float magic = MAGIC + TableMode.DEFAULT.bias();
        // a vector of its own: C2 keeps a number that is broadcast in the loop as an object where other shapes came by before
        IntVector magicBits = IntVector.broadcast(INTS_256, MAGIC_BITS);
        for (int table = 0; table < form.tables(); table++) {
            long from = ordered + 4L * Triples.firstWeight(table);
            boolean triple = Triples.weights(table) == 3;
            float a = Memory.f32(from) * inverse;
            float b = triple ? Memory.f32(from + 4) * inverse : 0;
            float c = triple ? Memory.f32(from + 8) * inverse : 0;
            long first = triple ? TRITS : SINGLE;
            long to = tables + (long) table * Triples.TABLE_BYTES;
            magicBits.intoMemorySegment(ALL, to, LITTLE);
            for (int m = 0; m < 4; m++) {
                entries(a, b, c, first + 4L * 8 * m, TRITS + 4L * 8 * m, magic, 8 * m, to);
            }
        }
        storeNumbers(form, TableMode.DEFAULT, max, sum, numbers);
    }

    /** Puts the entries of vector m into bytes m of the ints of a table. */
    private static void entries(float a, float b, float c, long first, long others, float magic, int shift, long table) {
        FloatVector x = FloatVector.broadcast(FLOATS_256, a);
        FloatVector y = FloatVector.broadcast(FLOATS_256, b);
        FloatVector z = FloatVector.broadcast(FLOATS_256, c);
        FloatVector sum = x.mul(FloatVector.fromMemorySegment(FLOATS_256, ALL, first, LITTLE));
        sum = y.fma(FloatVector.fromMemorySegment(FLOATS_256, ALL, others + 4L * Triples.TABLE_BYTES, LITTLE), sum);
        sum = z.fma(FloatVector.fromMemorySegment(FLOATS_256, ALL, others + 8L * Triples.TABLE_BYTES, LITTLE), sum);
        IntVector rounded = FloatVector.broadcast(FLOATS_256, magic).add(sum).reinterpretAsInts();
        IntVector.fromMemorySegment(INTS_256, ALL, table, LITTLE).lanewise(XOR, rounded.lanewise(LSHL, shift))
                .intoMemorySegment(ALL, table, LITTLE);
    }

    /**
     * Tables of single bits whose entries are sums of activations of 8 bits, with the low byte of each in a first set of tables
     * and the high byte in a second one.
     */
    private static void buildWide(LookupForm form, long tables, long numbers, long ordered) {
        if (form.groupWeights() != 4) {
            throw new IllegalArgumentException("no exact tables of " + form.name());
        }
        float max = 0;
        for (int i = 0; i < form.blockWeights(); i++) {
            max = Math.max(max, Math.abs(Memory.f32(ordered + 4L * i)));
        }
        float inverse = inverseStep(max, ACTIVATION_LIMIT);
        long second = (long) form.tables() * TABLE_BYTES;
        for (int table = 0; table < form.tables(); table++) {
            long from = ordered + 16L * table;
            int a = (int) Math.rint(Memory.f32(from) * inverse);
            int b = (int) Math.rint(Memory.f32(from + 4) * inverse);
            int c = (int) Math.rint(Memory.f32(from + 8) * inverse);
            int d = (int) Math.rint(Memory.f32(from + 12) * inverse);
            int least = WIDE_BIAS - a - b - c - d;
            for (int first = 0; first < ENTRIES; first += Long.BYTES) {
                long low = 0;
                long high = 0;
                for (int i = 0; i < Long.BYTES; i++) {
                    int index = first + i;
                    int entry = least + 2 * ((index & 1) * a + (index >> 1 & 1) * b + (index >> 2 & 1) * c + (index >> 3) * d);
                    low |= (entry & 0xffL) << Byte.SIZE * i;
                    high |= (long) (entry >> Byte.SIZE) << Byte.SIZE * i;
                }
                long to = tables + (long) table * TABLE_BYTES + first;
                for (int copy = 0; copy < TABLE_BYTES; copy += ENTRIES) {
                    Memory.i64(to + copy, low);
                    Memory.i64(to + copy + second, high);
                }
            }
        }
        Memory.f32(numbers + TableLayout.STEP, step(max, ACTIVATION_LIMIT));
        Memory.f32(numbers + TableLayout.OFFSET, 0);
    }
}
