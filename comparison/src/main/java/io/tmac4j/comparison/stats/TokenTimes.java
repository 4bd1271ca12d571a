package io.tmac4j.comparison.stats;

import java.util.Locale;
import org.HdrHistogram.Histogram;

/**
 * How long single tokens took, in milliseconds: what a reader of the text waits for.
 *
 * @param tokens how many there were
 * @param p50    half of them took no longer
 * @param p99    99 of 100 took no longer
 * @param max    the longest
 */
public record TokenTimes(long tokens, double p50, double p99, double max) {

    private static final double NANOS = 1e6;

    /** Those of a histogram of nanoseconds, which holds one value at least. */
    public static TokenTimes of(Histogram nanos) {
        return new TokenTimes(nanos.getTotalCount(), nanos.getValueAtPercentile(50) / NANOS,
                nanos.getValueAtPercentile(99) / NANOS, nanos.getMaxValue() / NANOS);
    }

    /** One of the times as a table shows it. */
    public static String milliseconds(double time) {
        return String.format(Locale.ROOT, time < 10 ? "%.2f ms" : "%.1f ms", time);
    }
}
