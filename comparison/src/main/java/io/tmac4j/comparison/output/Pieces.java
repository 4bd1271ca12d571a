package io.tmac4j.comparison.output;

import java.util.List;

/**
 * Where the time of one run of a test went: into the pieces of the graph that the engine computed, or between them, where
 * llama.cpp computed the rest.
 *
 * @param totalMs      the run, milliseconds
 * @param engineMs     the engine's pieces, products and attention
 * @param betweenMs    what lies between them: llama.cpp's operations, making graphs, handing over
 * @param workersCpuMs processor time of the engine's own threads, their waiting for work included; the caller's is not in it
 * @param callerCpuMs  processor time of the thread that decodes: its part of the engine's work, and what llama.cpp does there
 * @param processCpuMs processor time of all threads of the process
 * @param switches     times that the system took a processor from a thread of the process that wanted to go on; null if unknown
 * @param sleeps       times that a thread of the process went to sleep, to be woken again; null if unknown
 * @param places       the places between two pieces, those that took longest first
 */
public record Pieces(double totalMs, double engineMs, double betweenMs, double workersCpuMs, double callerCpuMs,
                     double processCpuMs, Long switches, Long sleeps, List<Place> places) {

    public Pieces {
        places = List.copyOf(places);
    }

    /** Processor time of llama.cpp's own threads, and those of the JVM, which compile and collect. */
    public double othersCpuMs() {
        return Math.max(0, processCpuMs - workersCpuMs - callerCpuMs);
    }

    /**
     * What was computed between two kinds of pieces; layers count together.
     *
     * @param after      last weights of the piece before, {@code *} in place of the layer
     * @param before     first weights of the piece after it
     * @param count      how often in the run
     * @param betweenUs  microseconds between them, mean
     * @param engineUs   microseconds of the piece after, mean
     */
    public record Place(String after, String before, int count, double betweenUs, double engineUs) {
    }
}
