package io.tmac4j.bindings.spi;

/**
 * Work in phases, each cut into chunks that any worker may take. No chunk of a phase starts before every chunk of the
 * phase before it is finished.
 */
public interface ParallelTask {

    /** Number of phases, 1 to 254. Asked once. */
    int phases();

    /**
     * Number of chunks of a phase, 0 to 16 million. Asked once, after the phases before it are finished, on any thread; what
     * these phases wrote is visible.
     */
    int chunks(int phase);

    /**
     * Does one chunk.
     *
     * @param worker which of the region's workers calls, {@code 0 <= worker < threads}; at most one chunk runs per worker
     *               at a time, so it can index scratch memory
     */
    void run(int phase, int chunk, int worker);
}
