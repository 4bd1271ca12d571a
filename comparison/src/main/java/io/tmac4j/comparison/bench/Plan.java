package io.tmac4j.comparison.bench;

import java.time.Duration;

/**
 * How a measurement is done.
 *
 * @param repetitions  measurements of each contestant
 * @param warmUp       longest warm-up of each contestant; zero leaves it out
 * @param pause        rest before each run: the threads of the contestant before spin for a while before they sleep, and
 *                     would take the cores from this one
 * @param delay        rest before the test begins, to let a hot machine cool
 * @param seed         of the order
 */
public record Plan(int repetitions, Duration warmUp, Duration pause, Duration delay, long seed) {

    /** The same for contestants that are warm already. */
    Plan whenWarm() {
        return new Plan(repetitions, Duration.ZERO, pause, Duration.ZERO, seed);
    }

    public Plan {
        if (repetitions < 1) {
            throw new IllegalArgumentException("a measurement needs at least one repetition, not " + repetitions);
        }
    }
}
