package io.tmac4j.comparison.bench;

/** One of the things that a measurement compares. */
public interface Contestant {

    /** What it is called in results. */
    String name();

    /** Runs one piece of warm-up work and gives the nanoseconds it took; a piece is short and like the real work. */
    long warmUp();

    /** Prepares and runs one repetition; gives the nanoseconds of the part that counts. */
    long repeat();
}
