package io.tmac4j.comparison.output;

/**
 * One step from the plainest kernel to the engine itself, measured with one column of activations. Rates are medians.
 *
 * @param step            what was added; the engine's own kernel and llama.cpp's come last, by the engines' names
 * @param type            storage type of the weights
 * @param rows            rows of the matrix
 * @param k               weights a row
 * @param threads         threads
 * @param workingSet      {@code cold}: weights come from memory; {@code hot}: one matrix is used again and again
 * @param gops            10^9 operations a second: a multiplication and an addition for each weight
 * @param gopsStddev      standard deviation of the repetitions
 * @param gweights        10^9 weights a second
 * @param gain            {@code gops} over that of the step before; null for the first step and for llama.cpp
 * @param gainLow         lower end of its 95 % bootstrap interval, or null
 * @param gainHigh        upper end, or null
 * @param nmse            normalised mean square error against the unpacked weights in double precision
 * @param description     one sentence on the step
 */
public record AblationStep(String step, String type, int rows, int k, int threads, String workingSet, double gops,
                           double gopsStddev, double gweights, Double gain, Double gainLow, Double gainHigh, double nmse,
                           String description) {
}
