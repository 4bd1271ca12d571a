package io.tmac4j.comparison.kernels;

import io.tmac4j.comparison.environment.Machine;

/** Where the weights of a product come from. */
public enum WorkingSet {

    /** From memory, as in a decode step, which reads every matrix once: products take turns among many copies. */
    COLD,

    /** From the caches, as far as these hold one matrix, which is used again and again. */
    HOT;

    /** More than the caches of nearly all processors hold. */
    static final long COLD_BYTES = 256L << 20;
    /** Copies of small matrices would cost more in bookkeeping than in reading. */
    private static final int MOST_COPIES = 256;
    /** Memory to leave to the rest of the system. */
    private static final long SPARE_BYTES = 512L << 20;

    /**
     * Copies of a matrix of {@code bytes} that each of {@code holders} holds at the same time. The form of each may be larger
     * than ggml's, by a half at most.
     */
    int copies(long bytes, int holders) {
        return this == HOT ? 1 : coldCopies(bytes, holders, Machine.availableMemory());
    }

    static int coldCopies(long bytes, int holders, long availableMemory) {
        long fitting = 2 * (availableMemory - SPARE_BYTES) / (3 * holders * bytes);
        return Math.clamp(Math.ceilDiv(COLD_BYTES, bytes), 1, Math.clamp(fitting, 1, MOST_COPIES));
    }
}
