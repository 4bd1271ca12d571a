package io.tmac4j.comparison.environment;

/**
 * How fast one core runs at this moment: the rate of a chain of multiplications, each of which waits for the one before,
 * so that nothing but the clock decides. It works on every system without asking it; only comparisons of readings of one
 * machine mean something. A reading takes about two milliseconds.
 */
public final class ClockProbe {

    private static final int STEPS = 300_000;
    /** The fastest of a few: an interruption makes one slow, nothing makes one fast. */
    private static final int TRIES = 5;
    private static final int UNTIL_COMPILED = 40;
    private static final long FACTOR = 6_364_136_223_846_793_005L;

    private long state = 1;

    /** A probe that is compiled already. */
    public ClockProbe() {
        for (int i = 0; i < UNTIL_COMPILED; i++) {
            state = chain(state, STEPS / 10);
        }
    }

    /** Steps of the chain in a nanosecond. */
    public double read() {
        long best = Long.MAX_VALUE;
        for (int i = 0; i < TRIES; i++) {
            long start = System.nanoTime();
            state = chain(state, STEPS);
            best = Math.min(best, System.nanoTime() - start);
        }
        return (double) STEPS / Math.max(1, best);
    }

    private static long chain(long from, int steps) {
        long value = from;
        for (int i = 0; i < steps; i++) {
            // The shift keeps the compiler from multiplying several steps' factors beforehand.
            value = (value ^ value >>> 29) * FACTOR;
        }
        return value;
    }
}
