package io.tmac4j.comparison.bench;

/** One of the things that a measurement compares. */
public interface Contestant {

    /** What it is called in results. */
    String name();

    /** Runs one piece of warm-up work and gives the nanoseconds it took; a piece is short and like the real work. */
    long warmUp();

    /** Prepares one repetition: work that does not count. */
    default void prepare() {
        // Most contestants have nothing to prepare.
    }

    /** Runs one repetition and gives the nanoseconds it took. */
    long repeat();
}
