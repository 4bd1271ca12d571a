package io.tmac4j.comparison.quality;

import io.tmac4j.comparison.stats.LogitDistance;

/**
 * The exponential of the mean negative log-likelihood of tokens, with its standard error, computed as llama.cpp's
 * {@code tools/perplexity} does.
 */
final class Perplexity {

    private double sum;
    private double sumOfSquares;
    private long count;

    /** Adds the loss of one token in nats. */
    void add(double loss) {
        sum += loss;
        sumOfSquares += loss * loss;
        count++;
    }

    /** The loss of {@code token} under these logits, in nats. */
    static double loss(float[] logits, int token) {
        return LogitDistance.logSumExp(logits) - logits[token];
    }

    long count() {
        return count;
    }

    double value() {
        return Math.exp(sum / count);
    }

    /** Standard error of {@link #value()}: that of the mean loss, carried through the exponential to first order. */
    double standardError() {
        double mean = sum / count;
        double variance = sumOfSquares / count - mean * mean;
        return count < 2 || variance <= 0 ? 0 : Math.sqrt(variance / (count - 1)) * value();
    }
}
