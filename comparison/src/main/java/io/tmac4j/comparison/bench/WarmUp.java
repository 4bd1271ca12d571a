package io.tmac4j.comparison.bench;

import io.tmac4j.comparison.environment.CpuClock;
import io.tmac4j.comparison.stats.SteadyState;
import java.time.Duration;

/**
 * How a contestant was warmed up.
 *
 * @param pieces pieces of work done
 * @param nanos  time they took
 * @param steady whether it ended because the rate had stopped moving, not because its time was up
 */
public record WarmUp(int pieces, long nanos, boolean steady) {

    /** Rates of the last and the last but one window may differ by this much. */
    private static final double TOLERANCE = 0.02;
    /** The JIT compiler may be busy for this part of a steady window. */
    private static final double COMPILING = 0.05;
    private static final int WINDOW = 3;

    /**
     * Warms up until the rate is steady.
     *
     * @param longest time after which it ends in any case; zero leaves the warm-up out
     * @param done    told after each piece
     */
    public static WarmUp of(Contestant contestant, Duration longest, CpuClock clock, Runnable done) {
        if (longest.isZero()) {
            return new WarmUp(0, 0, false);
        }
        SteadyState state = new SteadyState(WINDOW, TOLERANCE, COMPILING);
        long total = 0;
        do {
            double compiled = clock.compilerSeconds();
            long nanos = contestant.warmUp();
            state.add(nanos * 1e-9, clock.compilerSeconds() - compiled);
            total += nanos;
            done.run();
        } while (!state.reached() && total < longest.toNanos());
        return new WarmUp(state.pieces(), total, state.reached());
    }

    /**
     * Warms up until nothing is left to compile, however the rate moves.
     *
     * @param piece   a piece of work
     * @param longest time after which it ends in any case
     */
    public static WarmUp untilCompiled(Runnable piece, Duration longest) {
        CpuClock clock = new CpuClock();
        SteadyState state = new SteadyState(WINDOW, Double.POSITIVE_INFINITY, COMPILING);
        long start = System.nanoTime();
        long total;
        do {
            long begun = System.nanoTime();
            double compiled = clock.compilerSeconds();
            piece.run();
            long now = System.nanoTime();
            state.add((now - begun) * 1e-9, clock.compilerSeconds() - compiled);
            total = now - start;
        } while (!state.reached() && total < longest.toNanos());
        return new WarmUp(state.pieces(), total, state.reached());
    }
}
