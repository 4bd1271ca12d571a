package io.tmac4j.comparison.output;

import io.tmac4j.comparison.environment.Environment;
import java.util.List;

/**
 * All that {@code tmac kernels} found.
 *
 * @param version         of this format
 * @param environment     what it ran on
 * @param memoryBandwidth how fast memory is read, for each number of threads
 * @param kernels         the products
 * @param ablation        steps from the plainest kernel to the engine itself; empty unless they were asked for
 * @param refused         what the engine did not take
 * @param notes           what the reader must know
 */
public record KernelResults(int version, Environment environment, List<Bandwidth> memoryBandwidth, List<KernelResult> kernels,
                            List<AblationStep> ablation, List<Refusal> refused, List<String> notes) {

    /** The version that this program writes. */
    public static final int VERSION = 1;

    /**
     * A measured read bandwidth.
     *
     * @param threads threads that read
     * @param gbs     10^9 bytes a second
     * @param method  how it was measured
     */
    public record Bandwidth(int threads, double gbs, String method) {
    }

    /**
     * Weights that the engine does not take.
     *
     * @param type   storage type
     * @param rows   rows
     * @param k      weights a row
     * @param reason the engine's reason
     */
    public record Refusal(String type, int rows, int k, String reason) {
    }
}
