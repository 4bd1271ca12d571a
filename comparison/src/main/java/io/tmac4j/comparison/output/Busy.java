package io.tmac4j.comparison.output;

import io.tmac4j.comparison.stats.TokenTimes;
import java.util.List;

/**
 * Token rates of one engine in one test while other processes keep cores busy.
 *
 * @param processes how many of them, each on one core
 * @param medianTs  median rate, tokens a second
 * @param samplesTs the rate of each repetition, in the order of the rounds
 * @param kept      share of the undisturbed rate, by medians
 * @param tokenMs   times of single generated tokens; null if the test generates none
 */
public record Busy(int processes, double medianTs, List<Double> samplesTs, double kept, TokenTimes tokenMs) {
}
