package io.tmac4j.comparison.synth;

import io.tmac4j.bindings.GgmlType;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.EnumSet;
import java.util.Set;

/**
 * Random weights of a wanted mean and standard deviation, made directly in a block format. Layouts are those of the
 * {@code block_*} structs in llama.cpp's {@code ggml-common.h}; every byte is one that the format's own quantiser could have
 * written, except that codes are drawn uniformly, so that all of them occur.
 *
 * <p>Formats whose codes lean to one side ({@code q - 8} of four bits has mean -0.5) draw the sign of each scale at random, as
 * llama.cpp's quantisers do for most of them: else every output would hold a multiple of the sum of the inputs, which grows from
 * layer to layer.
 */
final class RandomBlocks {

    /** The formats that can be drawn. */
    static final Set<GgmlType> TYPES = EnumSet.of(GgmlType.Q1_0, GgmlType.Q2_0, GgmlType.TQ1_0, GgmlType.TQ2_0, GgmlType.Q2_K,
            GgmlType.Q3_K, GgmlType.Q4_0, GgmlType.Q4_1, GgmlType.Q4_K, GgmlType.IQ4_NL, GgmlType.IQ4_XS, GgmlType.MXFP4,
            GgmlType.Q5_0, GgmlType.Q5_1, GgmlType.Q5_K, GgmlType.Q6_K, GgmlType.Q8_0, GgmlType.F16, GgmlType.BF16, GgmlType.F32);

    private static final VarHandle SHORTS = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INTS = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    /** Root mean square of IQ4_NL's sixteen values {@code kvalues_iq4nl}; their mean is -5.9. */
    private static final double IQ4_NL_RMS = Math.sqrt(4548);
    /** Root mean square of MXFP4's values (0, 1/2, 1, 3/2, 2, 3, 4, 6, and negative). */
    private static final double MXFP4_RMS = Math.sqrt(34.25) / 2;
    /** Standard deviation of the sum of four signed 16-bit numbers, all drawn uniformly. */
    private static final double SUM_OF_FOUR = Math.sqrt(4 * 0x1p32 / 12);

    /** TQ2_0 and the tail of TQ1_0 hold four ternary digits a byte, the body of TQ1_0 five. */
    private static final byte[] FOUR_CODES = new byte[81];
    private static final byte[] FOUR_TRITS = new byte[81];
    private static final byte[] FIVE_TRITS = new byte[243];
    /** Two ternary weights a byte, as codes 1, 8 and 15. */
    private static final byte[] TWO_OF_FOUR_BITS = new byte[9];

    static {
        for (int i = 0; i < 81; i++) {
            FOUR_CODES[i] = (byte) (i % 3 | i / 3 % 3 << 2 | i / 9 % 3 << 4 | i / 27 << 6);
            FOUR_TRITS[i] = trits(3 * i);
        }
        for (int i = 0; i < 9; i++) {
            TWO_OF_FOUR_BITS[i] = (byte) (1 + 7 * (i % 3) | 1 + 7 * (i / 3) << 4);
        }
        for (int i = 0; i < 243; i++) {
            FIVE_TRITS[i] = trits(i);
        }
    }

    private final GgmlType type;
    private final double mean;
    private final double deviation;
    private final boolean oneScale;
    private final boolean ternary;

    /**
     * @param mean      the mean of the weights, for types that are plain numbers; 0 for the others
     * @param deviation the standard deviation of the weights
     * @param oneScale  whether all blocks of a tensor share one scale, as BitNet's ternary weights do; else scales differ by
     *                  up to a quarter
     */
    RandomBlocks(GgmlType type, double mean, double deviation, boolean oneScale) {
        this(type, mean, deviation, oneScale, false);
    }

    /**
     * @param ternary whether weights are -1, 0 and 1 times the scale of their block in a type that could hold more: Q4_0 with the
     *                codes 1, 8 and 15, as llama.cpp's quantiser with an importance matrix writes them, or Q2_0 without the
     *                code 3, as llama.cpp's quantiser writes any weights
     */
    RandomBlocks(GgmlType type, double mean, double deviation, boolean oneScale, boolean ternary) {
        if (!TYPES.contains(type)) {
            throw new IllegalArgumentException("no random weights of type " + type);
        }
        this.type = type;
        this.mean = mean;
        this.deviation = deviation;
        this.oneScale = oneScale;
        this.ternary = ternary;
    }

    /** Fills whole blocks: {@code length} is a multiple of the type's block bytes. */
    void fill(BlockRandom random, byte[] into, int length) {
        for (int at = 0; at < length; at += type.blockBytes()) {
            block(random, into, at);
        }
    }

    private void block(BlockRandom random, byte[] into, int at) {
        switch (type) {
            case F32 -> INTS.set(into, at, Float.floatToRawIntBits(value(random)));
            case F16 -> half(into, at, value(random));
            case BF16 -> SHORTS.set(into, at, bfloat16(value(random)));
            case Q1_0 -> codesAfterScale(random, into, at, scale(random, 1));
            case Q2_0 -> {
                if (ternary) {
                    half(into, at, scale(random, Math.sqrt(2.0 / 3)));
                    ternary(random, into, at + 2, 16, FOUR_CODES);
                } else {
                    codesAfterScale(random, into, at, signed(random, scale(random, Math.sqrt(1.5))));
                }
            }
            case Q4_0 -> {
                if (ternary) {
                    half(into, at, scale(random, 7 * Math.sqrt(2.0 / 3)));
                    ternary(random, into, at + 2, 16, TWO_OF_FOUR_BITS);
                } else {
                    codesAfterScale(random, into, at, signed(random, scale(random, rms(16, 8))));
                }
            }
            case Q5_0 -> codesAfterScale(random, into, at, signed(random, scale(random, rms(32, 16))));
            case IQ4_NL -> codesAfterScale(random, into, at, signed(random, scale(random, IQ4_NL_RMS)));
            case Q4_1 -> codesAfterScaleAndMin(random, into, at, 16);
            case Q5_1 -> codesAfterScaleAndMin(random, into, at, 32);
            case Q8_0 -> q8(random, into, at);
            case MXFP4 -> mxfp4(random, into, at);
            case TQ2_0 -> {
                ternary(random, into, at, 64, FOUR_CODES);
                half(into, at + 64, scale(random, Math.sqrt(2.0 / 3)));
            }
            case TQ1_0 -> {
                ternary(random, into, at, 48, FIVE_TRITS);
                ternary(random, into, at + 48, 4, FOUR_TRITS);
                half(into, at + 52, scale(random, Math.sqrt(2.0 / 3)));
            }
            case Q2_K -> q2k(random, into, at);
            case Q3_K -> q3k(random, into, at);
            case Q4_K -> q4kOr5k(random, into, at, 16);
            case Q5_K -> q4kOr5k(random, into, at, 32);
            case Q6_K -> q6k(random, into, at);
            case IQ4_XS -> iq4xs(random, into, at);
            default -> throw new IllegalStateException(type.ggmlName());
        }
    }

    /** A nearly normal number: the sum of four uniform ones, free of any platform's {@code log} and {@code cos}. */
    private float value(BlockRandom random) {
        long bits = random.nextLong();
        int sum = (short) bits + (short) (bits >> 16) + (short) (bits >> 32) + (short) (bits >> 48);
        return (float) (mean + deviation / SUM_OF_FOUR * sum);
    }

    /** The scale that gives codes of this root mean square the wanted deviation. */
    private float scale(BlockRandom random, double codeRms) {
        double scale = deviation / codeRms;
        return (float) (oneScale ? scale : scale * (0.75 + 0.5 * random.unit()));
    }

    private static float signed(BlockRandom random, float scale) {
        return random.nextLong() < 0 ? -scale : scale;
    }

    /** Root mean square of the codes 0 to count-1, drawn uniformly, minus zero. */
    private static double rms(int count, double zero) {
        double sum = 0;
        for (int code = 0; code < count; code++) {
            sum += (code - zero) * (code - zero);
        }
        return Math.sqrt(sum / count);
    }

    /** Root mean square of whole numbers from least on. */
    private static double rmsFrom(int least, int count) {
        return rms(count, -least);
    }

    private void codesAfterScale(BlockRandom random, byte[] into, int at, float scale) {
        half(into, at, scale);
        random.fill(into, at + 2, type.blockBytes() - 2);
    }

    private void codesAfterScaleAndMin(BlockRandom random, byte[] into, int at, int codes) {
        double middle = (codes - 1) / 2.0;
        float scale = scale(random, rms(codes, middle));
        half(into, at, scale);
        half(into, at + 2, (float) (-scale * (middle + random.unit() - 0.5)));
        random.fill(into, at + 4, type.blockBytes() - 4);
    }

    private void q8(BlockRandom random, byte[] into, int at) {
        half(into, at, scale(random, rms(256, 128)));
        random.fill(into, at + 2, 32);
        for (int i = at + 2; i < at + 34; i++) {
            if (into[i] == Byte.MIN_VALUE) {
                into[i] = 0; // the quantiser writes -127 to 127
            }
        }
    }

    /** Scales are powers of two: the two next to the wanted one are mixed so that the variance comes out right. */
    private void mxfp4(BlockRandom random, byte[] into, int at) {
        double wanted = deviation / MXFP4_RMS;
        int exponent = Math.getExponent(wanted);
        double ratio = wanted / Math.scalb(1.0, exponent);
        boolean next = random.unit() * 3 < ratio * ratio - 1;
        into[at] = (byte) Math.clamp(exponent + (next ? 1 : 0) + 127, 2, 254);
        random.fill(into, at + 1, 16);
    }

    private static void ternary(BlockRandom random, byte[] into, int at, int bytes, byte[] table) {
        for (int i = at; i < at + bytes; i += 4) {
            long bits = random.nextLong();
            for (int j = 0; j < 4; j++, bits >>>= 16) {
                into[i + j] = table[(int) ((bits & 0xFFFF) * table.length >>> 16)];
            }
        }
    }

    /** {@code d * scale * code - dmin * min} with 4-bit scales 6 to 13 and mins next to them, dmin = 1.5 d. */
    private void q2k(BlockRandom random, byte[] into, int at) {
        for (int i = at; i < at + 16; i++) {
            int scale = 6 + random.below(8);
            into[i] = (byte) (scale | (scale - 1 + random.below(3)) << 4);
        }
        random.fill(into, at + 16, 64);
        float d = scale(random, rms(4, 1.5) * rmsFrom(6, 8));
        half(into, at + 80, d);
        half(into, at + 82, 1.5f * d);
    }

    /** {@code d * (scale - 32) * (code - 4)} with scales of 8 to 23 and either sign. */
    private void q3k(BlockRandom random, byte[] into, int at) {
        random.fill(into, at, 96);
        int[] scales = new int[16];
        for (int i = 0; i < 16; i++) {
            scales[i] = 32 + eitherSign(random, 8 + random.below(16));
        }
        for (int i = 0; i < 8; i++) {
            into[at + 96 + i] = (byte) (scales[i] & 15 | (scales[i + 8] & 15) << 4);
        }
        for (int i = 0; i < 4; i++) {
            into[at + 104 + i] = (byte) (scales[i] >> 4 | scales[i + 4] >> 4 << 2 | scales[i + 8] >> 4 << 4
                    | scales[i + 12] >> 4 << 6);
        }
        half(into, at + 108, scale(random, rms(8, 4) * rmsFrom(8, 16)));
    }

    /** {@code d * scale * code - dmin * min} with 6-bit scales 24 to 55 and mins next to them, dmin = middle code * d. */
    private void q4kOr5k(BlockRandom random, byte[] into, int at, int codes) {
        double middle = (codes - 1) / 2.0;
        float d = scale(random, rms(codes, middle) * rmsFrom(24, 32));
        half(into, at, d);
        half(into, at + 2, (float) (middle * d));
        int[] scales = new int[8];
        int[] mins = new int[8];
        for (int i = 0; i < 8; i++) {
            scales[i] = 24 + random.below(32);
            mins[i] = scales[i] - 3 + random.below(7);
        }
        for (int i = 0; i < 4; i++) {
            into[at + 4 + i] = (byte) (scales[i] | scales[i + 4] >> 4 << 6);
            into[at + 8 + i] = (byte) (mins[i] | mins[i + 4] >> 4 << 6);
            into[at + 12 + i] = (byte) (scales[i + 4] & 15 | (mins[i + 4] & 15) << 4);
        }
        random.fill(into, at + 16, type.blockBytes() - 16);
    }

    /** {@code d * scale * (code - 32)} with scales of 64 to 127 and either sign. */
    private void q6k(BlockRandom random, byte[] into, int at) {
        random.fill(into, at, 192);
        for (int i = at + 192; i < at + 208; i++) {
            into[i] = (byte) eitherSign(random, 64 + random.below(64));
        }
        half(into, at + 208, scale(random, rms(64, 32) * rmsFrom(64, 64)));
    }

    /** {@code d * (scale - 32) * value} with scales of 8 to 23 and either sign. */
    private void iq4xs(BlockRandom random, byte[] into, int at) {
        half(into, at, scale(random, IQ4_NL_RMS * rmsFrom(8, 16)));
        int high = 0;
        for (int i = 0; i < 8; i += 2) {
            int even = 32 + eitherSign(random, 8 + random.below(16));
            int odd = 32 + eitherSign(random, 8 + random.below(16));
            into[at + 4 + i / 2] = (byte) (even & 15 | (odd & 15) << 4);
            high |= even >> 4 << 2 * i | odd >> 4 << 2 * i + 2;
        }
        SHORTS.set(into, at + 2, (short) high);
        random.fill(into, at + 8, 128);
    }

    private static int eitherSign(BlockRandom random, int magnitude) {
        return random.nextLong() < 0 ? -magnitude : magnitude;
    }

    /** Five ternary digits as the fixed-point fraction digits/243 of a byte, rounded up ({@code quantize_row_tq1_0_ref}). */
    private static byte trits(int digits) {
        return (byte) ((digits * 256 + 242) / 243);
    }

    private static void half(byte[] into, int at, float value) {
        SHORTS.set(into, at, Float.floatToFloat16(value));
    }

    /** Rounds to nearest even. */
    private static short bfloat16(float value) {
        int bits = Float.floatToRawIntBits(value);
        return (short) (bits + 0x7FFF + (bits >>> 16 & 1) >>> 16);
    }
}
