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
    /** Both engines hold all copies, and an engine's form may be larger than ggml's. */
    private static final int FORMS = 3;

    /** Copies of a matrix of {@code bytes} that each engine holds. */
    int copies(long bytes) {
        return this == HOT ? 1 : coldCopies(bytes, Machine.availableMemory());
    }

    static int coldCopies(long bytes, long availableMemory) {
        long fitting = (availableMemory - SPARE_BYTES) / (FORMS * bytes);
        return Math.clamp(Math.ceilDiv(COLD_BYTES, bytes), 1, Math.clamp(fitting, 1, MOST_COPIES));
    }
}
