package io.tmac4j.comparison.report;

import java.util.List;

/**
 * What {@code tmac kernels -o json} wrote: single products rather than whole models.
 *
 * @param version     of the form
 * @param environment the machine, or null
 * @param kernels     products measured on both engines
 * @param ablation    steps from the plainest kernel to the one in use
 */
public record KernelFile(int version, Where environment, List<Kernel> kernels, List<Step> ablation) {

    /** The newest version that this program reads. */
    public static final int VERSION = 1;

    public KernelFile {
        kernels = kernels == null ? List.of() : List.copyOf(kernels);
        ablation = ablation == null ? List.of() : List.copyOf(ablation);
    }

    /** The machine, as far as it is told. */
    public record Where(String cpu) {
    }

    /**
     * One product.
     *
     * @param type           storage type of the weights
     * @param rows           rows
     * @param k              weights a row
     * @param columns        columns of activations; one in decoding
     * @param threads        threads
     * @param workingSet     {@code cold} where weights come from memory, {@code hot} where from the cache; null if not told
     * @param tmacGops       billions of operations a second of the tmac engine
     * @param llamaGops      the same of llama.cpp
     * @param ratio          tmacGops / llamaGops
     * @param bandwidthShare part of the memory's bandwidth that tmac uses, or null
     * @param nmseTmac       normalised mean square error of tmac against exact arithmetic, or null
     * @param nmseLlama      the same of llama.cpp, or null
     */
    public record Kernel(String type, long rows, long k, int columns, int threads, String workingSet, double tmacGops,
                         double llamaGops, double ratio, Double bandwidthShare, Double nmseTmac, Double nmseLlama) {
    }

    /** One step of the ablation: what was added, for which type, and the billions of operations a second reached. */
    public record Step(String step, String type, double gops) {
    }
}
