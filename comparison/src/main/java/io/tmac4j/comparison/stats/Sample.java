package io.tmac4j.comparison.stats;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Repeated measurements of one quantity, in the order in which they were taken. Never empty. */
public final class Sample {

    /** Tukey's fences stand this many interquartile ranges outside of the quartiles. */
    private static final double FENCE = 1.5;
    /** Quartiles of fewer values say nothing about outliers. */
    private static final int OUTLIER_MINIMUM = 5;

    private final double[] values;
    private final double[] sorted;

    private Sample(double[] values) {
        if (values.length == 0) {
            throw new IllegalArgumentException("a sample needs at least one measurement");
        }
        this.values = values;
        this.sorted = values.clone();
        Arrays.sort(sorted);
    }

    /** A sample of these measurements. */
    public static Sample of(double... values) {
        return new Sample(values.clone());
    }

    /** A sample of these measurements. */
    public static Sample of(List<Double> values) {
        return new Sample(values.stream().mapToDouble(Double::doubleValue).toArray());
    }

    /** How many measurements there are. */
    public int size() {
        return values.length;
    }

    /** The measurements as they came. */
    public double[] values() {
        return values.clone();
    }

    /** The middle one, or the mean of the two middle ones. */
    public double median() {
        return medianOfSorted(sorted);
    }

    /** The arithmetic mean. */
    public double mean() {
        return Arrays.stream(values).sum() / values.length;
    }

    /** The standard deviation with n - 1 in the denominator, as llama-bench gives it; 0 for a single measurement. */
    public double standardDeviation() {
        if (values.length < 2) {
            return 0;
        }
        double mean = mean();
        double squares = Arrays.stream(values).map(value -> (value - mean) * (value - mean)).sum();
        return Math.sqrt(squares / (values.length - 1));
    }

    /** The least. */
    public double minimum() {
        return sorted[0];
    }

    /** The greatest. */
    public double maximum() {
        return sorted[sorted.length - 1];
    }

    /** The value below which the fraction {@code q} lies, linear between neighbours (type 7 of Hyndman and Fan). */
    public double quantile(double q) {
        if (!(q >= 0 && q <= 1)) {
            throw new IllegalArgumentException("a quantile lies in 0..1, not at " + q);
        }
        double position = q * (sorted.length - 1);
        int below = (int) position;
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
    }

    /** Positions of measurements outside of Tukey's fences; none in samples of fewer than five. */
    public List<Integer> outliers() {
        if (values.length < OUTLIER_MINIMUM) {
            return List.of();
        }
        double low = quantile(0.25);
        double high = quantile(0.75);
        double reach = FENCE * (high - low);
        return IntStream.range(0, values.length)
                .filter(i -> values[i] < low - reach || values[i] > high + reach)
                .boxed()
                .toList();
    }

    /**
     * How much the measurements moved while they were taken: the slope of Theil and Sen (the median of all pairwise
     * slopes) over the whole sample, relative to the median; -0.1 means ten per cent down from first to last.
     */
    public double drift() {
        int n = values.length;
        if (n < 2 || median() == 0) {
            return 0;
        }
        double[] slopes = new double[n * (n - 1) / 2];
        int count = 0;
        for (int i = 0; i < n; i++) {
            for (int j = i + 1; j < n; j++) {
                slopes[count++] = (values[j] - values[i]) / (j - i);
            }
        }
        Arrays.sort(slopes);
        return medianOfSorted(slopes) * (n - 1) / median();
    }

    static double medianOfSorted(double[] sorted) {
        int middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
