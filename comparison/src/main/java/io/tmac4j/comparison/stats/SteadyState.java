package io.tmac4j.comparison.stats;

import java.util.ArrayList;
import java.util.List;

/**
 * Decides when a warm-up is over. The rate is steady when the median of the last {@code window} pieces differs from the
 * median of the {@code window} before by at most {@code tolerance}, and the JIT compiler has spent next to no time
 * during the last window. Comparing windows rather than neighbours keeps one lucky pair from ending a warm-up.
 */
public final class SteadyState {

    private final int window;
    private final double tolerance;
    private final double compilingShare;
    private final List<Double> seconds = new ArrayList<>();
    private final List<Double> compiling = new ArrayList<>();

    /**
     * @param window         pieces in each of the two windows
     * @param tolerance      greatest relative difference of their medians, e.g. 0.02
     * @param compilingShare greatest part of the last window during which a JIT compiler thread was busy, e.g. 0.05
     */
    public SteadyState(int window, double tolerance, double compilingShare) {
        if (window < 1 || !(tolerance > 0) || !(compilingShare >= 0)) {
            throw new IllegalArgumentException(
                    "window " + window + ", tolerance " + tolerance + ", compiling share " + compilingShare);
        }
        this.window = window;
        this.tolerance = tolerance;
        this.compilingShare = compilingShare;
    }

    /**
     * Adds one piece of work.
     *
     * @param pieceSeconds     how long it took
     * @param compilerSeconds  how long compiler threads worked meanwhile
     */
    public void add(double pieceSeconds, double compilerSeconds) {
        seconds.add(pieceSeconds);
        compiling.add(compilerSeconds);
    }

    /** How many pieces were added. */
    public int pieces() {
        return seconds.size();
    }

    /** Whether the last pieces ran at a rate that has stopped moving. */
    public boolean reached() {
        int n = seconds.size();
        if (n < 2 * window) {
            return false;
        }
        List<Double> last = seconds.subList(n - window, n);
        double now = Sample.of(last).median();
        double before = Sample.of(seconds.subList(n - 2 * window, n - window)).median();
        double work = sum(last);
        double compiled = sum(compiling.subList(n - window, n));
        return Math.abs(now - before) <= tolerance * before && compiled <= compilingShare * work;
    }

    private static double sum(List<Double> values) {
        return values.stream().mapToDouble(Double::doubleValue).sum();
    }
}
