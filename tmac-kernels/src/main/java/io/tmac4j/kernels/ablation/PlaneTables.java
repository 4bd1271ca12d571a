package io.tmac4j.kernels.ablation;

import io.tmac4j.kernels.Memory;
import java.util.Set;

/**
 * Builds the tables of a block of activations: entry {@code i} of a group is the sum of its four activations, each times bit
 * {@code j} of {@code i} less 1/2. Centred so, entry {@code 15 - i} is entry {@code i} with the other sign.
 */
final class PlaneTables {

    /** Bytes of a table of floats. */
    static final int FLOAT_BYTES = 64;

    /** Bytes of a table of bytes. */
    static final int TABLE_BYTES = 16;

    /** Bytes of the numbers of a block. */
    static final int NUMBER_BYTES = 8;

    /** Where an entry's step stands among the numbers, times the scale of the codes. */
    static final int STEP = 0;

    /** What each row adds to its sum times the step: the centre of the codes less what makes entries unsigned. */
    static final int OFFSET = 4;

    /** Added to a small number: the low byte is then the number rounded to an integer. */
    private static final float MAGIC = 0x1.8p23f;

    /** A block whose entries are all smaller counts as zero: 127 / this must be finite. */
    private static final float NEGLIGIBLE = 0x1p-110f;

    private static final long ONES = 0x0101010101010101L;

    private PlaneTables() {
    }

    /** Bytes of the tables of a block. */
    static int blockBytes(PlaneForm form, Set<Optimisation> on) {
        return form.groups() * (on.contains(Optimisation.QUANTISED_TABLES) ? TABLE_BYTES : FLOAT_BYTES);
    }

    /**
     * Builds the tables of a block.
     *
     * @param activations f32 numbers of the block
     * @param tables      where they go, one after the other
     * @param numbers     where step and offset go
     * @param ordered     room for the activations in the order of the tables
     */
    static void build(PlaneForm form, Set<Optimisation> on, long activations, long tables, long numbers, long ordered) {
        int[] order = form.order();
        for (int i = 0; i < order.length; i++) {
            Memory.f32(ordered + 4L * i, Memory.f32(activations + 4L * order[i]));
        }
        float sum = 0;
        float greatest = 0;
        for (int i = 0; i < order.length; i += PlaneForm.GROUP) {
            float a = Memory.f32(ordered + 4L * i);
            float b = Memory.f32(ordered + 4L * i + 4);
            float c = Memory.f32(ordered + 4L * i + 8);
            float d = Memory.f32(ordered + 4L * i + 12);
            sum += a + b + c + d;
            greatest = Math.max(greatest, 0.5f * (Math.abs(a) + Math.abs(b) + Math.abs(c) + Math.abs(d)));
        }
        float centre = form.centre() * sum;
        if (!on.contains(Optimisation.QUANTISED_TABLES)) {
            floats(ordered, form.groups(), tables);
            Memory.f32(numbers + STEP, form.scale());
            Memory.f32(numbers + OFFSET, centre);
            return;
        }
        int most = Optimisation.greatestEntry(on);
        float inverse = greatest < NEGLIGIBLE ? 0 : most / greatest;
        bytes(ordered, form.groups(), inverse, most + 1, on.contains(Optimisation.MIRROR), tables);
        float step = greatest < NEGLIGIBLE ? 0 : greatest / most * form.scale();
        int bias = form.groups() * (most + 1);
        if (on.contains(Optimisation.AVERAGING)) {
            // a rounded average of two is 1/4 too great in the mean, one of two such averages 1/2; the sum of four, 2
            bias += form.groups() / 2;
        }
        Memory.f32(numbers + STEP, on.contains(Optimisation.AVERAGING) ? 4 * step : step);
        Memory.f32(numbers + OFFSET, centre - form.planesWeight() * bias * step);
    }

    private static void floats(long activations, int groups, long tables) {
        for (int group = 0; group < groups; group++) {
            long from = activations + 16L * group;
            long to = tables + (long) FLOAT_BYTES * group;
            float a = Memory.f32(from);
            float b = Memory.f32(from + 4);
            float c = Memory.f32(from + 8);
            float d = Memory.f32(from + 12);
            float least = -0.5f * (a + b + c + d);
            fourFloats(to, least, a, b);
            fourFloats(to + 16, least + c, a, b);
            fourFloats(to + 32, least + d, a, b);
            fourFloats(to + 48, least + c + d, a, b);
        }
    }

    private static void fourFloats(long to, float least, float a, float b) {
        Memory.f32(to, least);
        Memory.f32(to + 4, least + a);
        Memory.f32(to + 8, least + b);
        Memory.f32(to + 12, least + a + b);
    }

    private static void bytes(long activations, int groups, float inverse, int bias, boolean mirrored, long tables) {
        float magic = MAGIC + bias;
        // 2 * bias - q for each byte q is, without a borrow, 255 - q and then 255 - 2 * bias less
        long mirror = ONES * (255 - 2 * bias);
        for (int group = 0; group < groups; group++) {
            long from = activations + 16L * group;
            long to = tables + (long) TABLE_BYTES * group;
            float a = Memory.f32(from) * inverse;
            float b = Memory.f32(from + 4) * inverse;
            float c = Memory.f32(from + 8) * inverse;
            float d = Memory.f32(from + 12) * inverse;
            float least = -0.5f * (a + b + c + d);
            long lower = fourBytes(least, a, b, magic) | fourBytes(least + c, a, b, magic) << 32;
            Memory.i64(to, lower);
            Memory.i64(to + 8, mirrored ? Long.reverseBytes(~lower - mirror)
                    : fourBytes(least + d, a, b, magic) | fourBytes(least + c + d, a, b, magic) << 32);
        }
    }

    private static long fourBytes(float least, float a, float b, float magic) {
        return rounded(least + magic) | rounded(least + a + magic) << 8 | rounded(least + b + magic) << 16
                | rounded(least + (a + b) + magic) << 24;
    }

    private static long rounded(float sum) {
        return Float.floatToRawIntBits(sum) & 0xffL;
    }
}
