package io.tmac4j.comparison.output;

/**
 * One matrix product on an engine and on llama.cpp. Rates are medians of the repetitions.
 *
 * @param type            storage type of the weights
 * @param rows            rows of the matrix
 * @param k               weights a row
 * @param columns         columns of activations
 * @param threads         threads of both engines
 * @param workingSet      {@code cold}: weights come from memory; {@code hot}: one matrix is used again and again
 * @param workingSetBytes bytes of weights that the engine's products take turns among
 * @param engine          the engine's name; its figures are those named {@code tmac}
 * @param tmacGops        10^9 operations a second: a multiplication and an addition for each weight and column
 * @param tmacGopsStddev  standard deviation of the repetitions
 * @param tmacGweights    10^9 weights a second
 * @param llamaGops       the same of llama.cpp's MUL_MAT
 * @param llamaGopsStddev standard deviation of the repetitions
 * @param llamaGweights   10^9 weights a second
 * @param llamaBuffer     the buffer type that llama.cpp keeps such weights in
 * @param ratio           tmacGops / llamaGops
 * @param ratioLow        lower end of its 95 % bootstrap interval
 * @param ratioHigh       upper end
 * @param bandwidthShare  packed bytes that the engine reads a second, as part of the memory's read bandwidth with as many
 *                        threads; null for hot weights
 * @param nmseTmac        normalised mean square error against the unpacked weights in double precision
 * @param nmseLlama       the same of llama.cpp
 */
public record KernelResult(String type, int rows, int k, int columns, int threads, String workingSet, long workingSetBytes,
                           String engine, double tmacGops, double tmacGopsStddev, double tmacGweights, double llamaGops,
                           double llamaGopsStddev, double llamaGweights, String llamaBuffer, double ratio, double ratioLow,
                           double ratioHigh, Double bandwidthShare, double nmseTmac, double nmseLlama) {
}
