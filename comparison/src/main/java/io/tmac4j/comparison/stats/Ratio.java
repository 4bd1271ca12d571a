package io.tmac4j.comparison.stats;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * How many times faster one thing is than another: the ratio of the medians of two samples of rates.
 *
 * @param value    median of the numerator's sample over median of the denominator's
 * @param interval where the ratio lies with 95 % confidence
 */
public record Ratio(double value, Interval interval) {

    private static final int RESAMPLES = 10_000;
    private static final double CONFIDENCE = 0.95;
    private static final long SEED = 0x7a3c_51d9_e2b4_0f68L;
    /** Fewer measurements a side have no spread to resample: the ratio is then trusted to within this fraction only. */
    private static final int MINIMUM = 3;
    private static final double UNKNOWN_SPREAD = 0.10;

    /**
     * Ratio of medians with its percentile bootstrap interval (Efron and Tibshirani, "An Introduction to the Bootstrap",
     * chapter 13): both samples are drawn anew with replacement ten thousand times. The draws are seeded, so that the
     * same samples give the same interval.
     */
    public static Ratio of(Sample numerator, Sample denominator) {
        double value = numerator.median() / denominator.median();
        if (Math.min(numerator.size(), denominator.size()) < MINIMUM) {
            return new Ratio(value, new Interval(value * (1 - UNKNOWN_SPREAD), value * (1 + UNKNOWN_SPREAD)));
        }
        SplittableRandom random = new SplittableRandom(SEED);
        double[] above = numerator.values();
        double[] below = denominator.values();
        double[] drawnAbove = new double[above.length];
        double[] drawnBelow = new double[below.length];
        double[] ratios = new double[RESAMPLES];
        for (int i = 0; i < RESAMPLES; i++) {
            ratios[i] = resampledMedian(above, drawnAbove, random) / resampledMedian(below, drawnBelow, random);
        }
        Sample distribution = Sample.of(ratios);
        double tail = (1 - CONFIDENCE) / 2;
        return new Ratio(value, new Interval(distribution.quantile(tail), distribution.quantile(1 - tail)));
    }

    /** Whether the measurements cannot tell the two sides apart: the interval holds 1. */
    public boolean withinNoise() {
        return interval.holds(1);
    }

    private static double resampledMedian(double[] values, double[] drawn, SplittableRandom random) {
        for (int i = 0; i < drawn.length; i++) {
            drawn[i] = values[random.nextInt(values.length)];
        }
        Arrays.sort(drawn);
        return Sample.medianOfSorted(drawn);
    }
}
