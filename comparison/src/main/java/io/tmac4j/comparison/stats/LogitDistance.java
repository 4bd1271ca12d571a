package io.tmac4j.comparison.stats;

/**
 * How far the logits of one engine lie from those of another, over many positions: normalised mean square error, mean
 * and greatest Kullback-Leibler divergence, and how often both prefer the same token.
 */
public final class LogitDistance {

    private double squaredError;
    private double squaredReference;
    private double divergence;
    private double greatestDivergence;
    private int sameTop;
    private int positions;

    /** Adds one position and gives its KL(reference || other) in nats. */
    public double add(float[] reference, float[] logits) {
        if (reference.length != logits.length) {
            throw new IllegalArgumentException(reference.length + " reference logits and " + logits.length + " others");
        }
        for (int i = 0; i < reference.length; i++) {
            double error = (double) logits[i] - reference[i];
            squaredError += error * error;
            squaredReference += (double) reference[i] * reference[i];
        }
        double kl = divergence(reference, logits);
        divergence += kl;
        greatestDivergence = Math.max(greatestDivergence, kl);
        sameTop += top(reference) == top(logits) ? 1 : 0;
        positions++;
        return kl;
    }

    /** Positions added. */
    public int positions() {
        return positions;
    }

    /** Sum of squared differences over sum of squared reference logits; 0 before anything was added. */
    public double nmse() {
        return squaredError == 0 ? 0 : squaredError / squaredReference;
    }

    /** Mean of KL(reference || other) in nats. */
    public double meanDivergence() {
        return positions == 0 ? 0 : divergence / positions;
    }

    /** Greatest KL(reference || other) of any position in nats. */
    public double greatestDivergence() {
        return greatestDivergence;
    }

    /** Part of the positions at which both find the same token likeliest. */
    public double sameTop() {
        return positions == 0 ? 1 : (double) sameTop / positions;
    }

    /** The likeliest token; the first of equals. */
    public static int top(float[] logits) {
        int best = 0;
        for (int i = 1; i < logits.length; i++) {
            if (logits[i] > logits[best]) {
                best = i;
            }
        }
        return best;
    }

    /** The logarithm of the sum of exponentials, computed around the greatest logit so that it cannot overflow. */
    public static double logSumExp(float[] logits) {
        double greatest = logits[top(logits)];
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - greatest);
        }
        return greatest + Math.log(sum);
    }

    /** KL(softmax(reference) || softmax(other)); rounding may take it a hair below zero, which is cut off. */
    static double divergence(float[] reference, float[] other) {
        double referenceNorm = logSumExp(reference);
        double otherNorm = logSumExp(other);
        double sum = 0;
        for (int i = 0; i < reference.length; i++) {
            double logP = reference[i] - referenceNorm;
            double p = Math.exp(logP);
            if (p > 0) {
                sum += p * (logP - (other[i] - otherNorm));
            }
        }
        return Math.max(0, sum);
    }
}
