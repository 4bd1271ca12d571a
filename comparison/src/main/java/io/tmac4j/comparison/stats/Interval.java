package io.tmac4j.comparison.stats;

/** A confidence interval. */
public record Interval(double low, double high) {

    public Interval {
        if (!(low <= high)) {
            throw new IllegalArgumentException("an interval from " + low + " to " + high);
        }
    }

    /** Whether {@code value} lies inside, ends included. */
    public boolean holds(double value) {
        return low <= value && value <= high;
    }
}
