package io.tmac4j.kernels;

import io.tmac4j.bindings.spi.AttentionKernel;
import io.tmac4j.bindings.spi.AttentionPart;

/**
 * Attention in one pass over the cache (arXiv 2205.14135): the positions are taken {@link AttentionKernels#POSITIONS} at a time,
 * and what has been summed is scaled down whenever a greater score turns up. Four heads share one reading of keys and values.
 *
 * <p>Scratch memory, four of each: the queries, the sums of values, the scores; one of each: shares, places, masks,
 * parts of sums.
 */
final class VectorAttention implements AttentionKernel {

    private static final int HEADS = 4;
    private static final int LANES = WideSpecies.FLOATS.length();
    private static final long SHARES = 4L * HEADS;
    private static final long PARTS = 4L * HEADS * LANES;

    /** An f16 number, what masks have for positions that a token does not see. */
    static final short MINUS_INFINITY = (short) 0xfc00;

    @Override
    public boolean takes(int keyLength, int valueLength) {
        return keyLength > 0 && valueLength > 0 && keyLength % LANES == 0 && valueLength % (2 * LANES) == 0;
    }

    @Override
    public int tokensOfPart(int tokens, int positions) {
        return tokens < TiledAttention.LEAST_TOKENS || positions < TiledAttention.LEAST_POSITIONS ? 1 : TiledAttention.TOKENS;
    }

    @Override
    public long scratchBytes(int keyLength, int valueLength) {
        return Math.max(TiledAttention.scratchBytes(keyLength, valueLength), tokenScratchBytes(keyLength, valueLength));
    }

    private static long tokenScratchBytes(int keyLength, int valueLength) {
        return HEADS * (4L * keyLength + 4L * valueLength + AttentionKernels.HEAD) + 2 * AttentionKernels.HEAD
                + 4 * SHARES + PARTS;
    }

    @Override
    public boolean attend(AttentionPart part, long scratch) {
        if (part.tokens() > 1) {
            return TiledAttention.attend(part, scratch);
        }
        int head = 0;
        while (head < part.heads()) {
            // three are done as four, the last one twice
            int together = part.heads() - head >= HEADS - 1 ? HEADS : 1;
            if (!attend(part, head, together, scratch)) {
                return false;
            }
            head += together;
        }
        return true;
    }

    private static boolean attend(AttentionPart part, int firstHead, int heads, long scratch) {
        int keyLength = part.keyLength();
        int valueLength = part.valueLength();
        long sums = scratch + 4L * HEADS * keyLength;
        long scores = sums + 4L * HEADS * valueLength;
        long places = scores + HEADS * AttentionKernels.HEAD;
        long masks = places + AttentionKernels.HEAD;
        long shares = masks + AttentionKernels.HEAD;
        long greatest = shares + SHARES;
        long totals = greatest + SHARES;
        long parts = totals + SHARES;
        for (int i = 0; i < heads; i++) {
            WordScales.multiply(part.query(0, head(part, firstHead, i)), keyLength,
                    AttentionKernels.QUERY_FACTOR, scratch + 4L * i * keyLength);
            Memory.f32(greatest + 4L * i, Float.NEGATIVE_INFINITY);
            Memory.f32(totals + 4L * i, 0);
        }
        Memory.clear(sums, 4L * heads * valueLength);
        int position = 0;
        while (position < part.positions()) {
            int count = 0;
            while (position < part.positions() && count < AttentionKernels.POSITIONS) {
                short mask = part.mask(0) == 0 ? 0 : Memory.i16(part.mask(0) + 2L * position);
                if (mask != MINUS_INFINITY) {
                    Memory.i32(places + 4L * count, position);
                    Memory.f32(masks + 4L * count, Float.float16ToFloat(mask));
                    count++;
                }
                position++;
            }
            if (count == 0) {
                break;
            }
            for (int i = count; i % LANES != 0; i++) {
                Memory.f32(masks + 4L * i, Float.NEGATIVE_INFINITY);
                for (int h = 0; h < heads; h++) {
                    Memory.f32(scores + h * AttentionKernels.HEAD + 4L * i, 0);
                }
            }
            int bits = heads == 1
                    ? AttentionKernels.scores(part.keys(), part.keyStride(), places, count, scratch, keyLength, scores, parts)
                    : AttentionKernels.scoresOfFour(part.keys(), part.keyStride(), places, count, scratch, keyLength, scores,
                            parts);
            for (int h = 0; h < heads; h++) {
                weigh(scores + h * AttentionKernels.HEAD, masks, count, part.scale(), greatest + 4L * h, totals + 4L * h,
                        shares + 4L * h, parts);
            }
            bits = Math.max(bits, heads == 1
                    ? AttentionKernels.values(part.values(), part.valueStride(), places, count, scores, Memory.f32(shares),
                            valueLength, sums)
                    : AttentionKernels.valuesOfFour(part.values(), part.valueStride(), places, count, scores, shares, valueLength,
                            sums));
            if (bits >= AttentionKernels.NO_NUMBER) {
                return false;
            }
        }
        for (int i = 0; i < heads; i++) {
            finish(part, head(part, firstHead, i), Memory.f32(greatest + 4L * i), Memory.f32(totals + 4L * i),
                    sums + 4L * i * valueLength);
        }
        return true;
    }

    private static int head(AttentionPart part, int first, int i) {
        return Math.min(first + i, part.heads() - 1);
    }

    /** Makes weights of the products of one head, and what earlier sums are to be multiplied with. */
    private static void weigh(long scores, long masks, int count, float scale, long greatest, long total, long share,
            long part) {
        float before = Memory.f32(greatest);
        float most = Math.max(before, AttentionKernels.mask(scores, masks, count, scale * AttentionKernels.SCORE_FACTOR));
        float factor = before == Float.NEGATIVE_INFINITY ? 0 : (float) Math.exp(before - most);
        float sum = AttentionKernels.weights(scores, count, most, part);
        Memory.f32(greatest, most);
        Memory.f32(total, Memory.f32(total) * factor + sum);
        Memory.f32(share, factor);
    }

    /** Divides a sum by the total weight. */
    private static void finish(AttentionPart part, int head, float greatest, float total, long sums) {
        WordScales.multiply(sums, part.valueLength(), factor(part, head, greatest, total), part.result(0, head));
    }

    /**
     * What a sum is multiplied with to be divided by the total weight, that of the sink included; without a position 0.
     *
     * @param greatest the greatest score, minus infinity without a position
     */
    static float factor(AttentionPart part, int head, float greatest, float total) {
        float factor = AttentionKernels.VALUE_FACTOR;
        float weight = total;
        if (part.sinks() != 0) {
            float sink = Memory.f32(part.sinks() + 4L * head);
            if (sink > greatest) {
                factor = greatest == Float.NEGATIVE_INFINITY ? 0 : factor * (float) Math.exp(greatest - sink);
                weight = total * (greatest == Float.NEGATIVE_INFINITY ? 0 : (float) Math.exp(greatest - sink))
                        + AttentionKernels.WEIGHT_FACTOR;
            } else {
                weight += AttentionKernels.WEIGHT_FACTOR * (float) Math.exp(sink - greatest);
            }
        }
        return weight == 0 ? 0 : factor / weight;
    }
}
