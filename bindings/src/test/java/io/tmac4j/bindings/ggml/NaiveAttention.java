package io.tmac4j.bindings.ggml;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import io.tmac4j.bindings.spi.AttentionKernel;
import io.tmac4j.bindings.spi.AttentionPart;
import io.tmac4j.bindings.spi.OffHeap;
import java.util.concurrent.atomic.AtomicInteger;

/** Attention as its formula says, in doubles. Counts its parts and their tokens; can be told to give up on them. */
final class NaiveAttention implements AttentionKernel {

    final AtomicInteger parts = new AtomicInteger();
    final AtomicInteger mostTokens = new AtomicInteger();
    volatile boolean givesUp;
    private final int leastTokens;

    NaiveAttention() {
        this(40);
    }

    NaiveAttention(int leastTokens) {
        this.leastTokens = leastTokens;
    }

    @Override
    public boolean takes(int keyLength, int valueLength) {
        return true;
    }

    @Override
    public int tokensOfPart(int tokens, int positions) {
        return tokens < leastTokens ? 1 : 24;
    }

    @Override
    public long scratchBytes(int keyLength, int valueLength) {
        return 8;
    }

    @Override
    public boolean attend(AttentionPart part, long scratch) {
        parts.incrementAndGet();
        mostTokens.accumulateAndGet(part.tokens(), Math::max);
        for (int token = 0; token < part.tokens() && !givesUp; token++) {
            attend(part, token);
        }
        return !givesUp;
    }

    private static void attend(AttentionPart part, int token) {
        for (int head = 0; head < part.heads(); head++) {
            double[] weights = new double[part.positions()];
            double most = part.sinks() == 0 ? Double.NEGATIVE_INFINITY : f32(part.sinks() + 4L * head);
            for (int p = 0; p < weights.length; p++) {
                double score = part.mask(token) == 0 ? 0 : f16(part.mask(token) + 2L * p);
                for (int d = 0; d < part.keyLength(); d++) {
                    score += part.scale() * (double) f32(part.query(token, head) + 4L * d)
                            * f16(part.keys() + p * part.keyStride() + 2L * d);
                }
                weights[p] = score;
                most = Math.max(most, score);
            }
            double sum = part.sinks() == 0 ? 0 : Math.exp(f32(part.sinks() + 4L * head) - most);
            for (int p = 0; p < weights.length; p++) {
                weights[p] = Math.exp(weights[p] - most);
                sum += weights[p];
            }
            for (int d = 0; d < part.valueLength(); d++) {
                double result = 0;
                for (int p = 0; p < weights.length; p++) {
                    if (weights[p] > 0) {
                        result += weights[p] * f16(part.values() + p * part.valueStride() + 2L * d);
                    }
                }
                OffHeap.ALL.set(JAVA_FLOAT_UNALIGNED, part.result(token, head) + 4L * d, (float) (result / sum));
            }
        }
    }

    private static float f32(long address) {
        return OffHeap.ALL.get(JAVA_FLOAT_UNALIGNED, address);
    }

    private static float f16(long address) {
        return Float.float16ToFloat(OffHeap.ALL.get(JAVA_SHORT_UNALIGNED, address));
    }
}
