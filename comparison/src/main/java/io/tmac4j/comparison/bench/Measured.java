package io.tmac4j.comparison.bench;

import java.util.List;

/**
 * What was measured of one contestant.
 *
 * @param name          the contestant
 * @param nanos         time of each repetition in the order of the rounds
 * @param warmUpPieces  pieces of warm-up work done
 * @param warmUpNanos   time they took
 * @param steady        whether the warm-up ended because the rate had stopped moving, not because its time was up
 * @param othersCores   cores that other programs used during each repetition; NaN where the system does not tell
 * @param clockSpeeds   speed of the clock right after each repetition, by {@link io.tmac4j.comparison.environment.ClockProbe}
 * @param joules        energy used during each repetition; NaN where it cannot be read
 */
public record Measured(String name, List<Long> nanos, int warmUpPieces, long warmUpNanos, boolean steady,
                       List<Double> othersCores, List<Double> clockSpeeds, List<Double> joules) {

    /** Whether half of the repetitions or more ran beside a program that kept the processors busy. */
    public boolean disturbed() {
        return 2 * othersCores.stream().filter(cores -> cores > Verdict.DISTURBED_CORES).count() >= othersCores.size();
    }
}
