package io.tmac4j.comparison.bench;

import io.tmac4j.comparison.environment.CpuClock;
import io.tmac4j.comparison.stats.SteadyState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Measures contestants against one another: warm-up until steady, then interleaved repetitions. */
public final class Measurement {

    /** Rates of the last and the last but one window of a warm-up may differ by this much. */
    private static final double STEADY_TOLERANCE = 0.02;
    /** The JIT compiler may be busy for this part of a steady window. */
    private static final double STEADY_COMPILING = 0.05;
    private static final int STEADY_WINDOW = 3;

    /** Is told how far a measurement has come. */
    @FunctionalInterface
    public interface Listener {
        /** One piece of work is done: {@code what} by {@code contestant}. */
        void progressed(String contestant, String what);
    }

    /** How the description of a repetition begins, in contrast to that of a warm-up. */
    static final String RUN = "run ";

    private final Plan plan;
    private final Listener listener;
    private final CpuClock clock;

    /** @param clock tells the processor time of this and of other programs */
    public Measurement(Plan plan, Listener listener, CpuClock clock) {
        this.plan = plan;
        this.listener = listener;
        this.clock = clock;
    }

    /** Measures all contestants; results in their order. */
    public List<Measured> run(List<? extends Contestant> contestants) {
        rest(plan.delay());
        List<WarmUp> warmUps = new ArrayList<>();
        for (Contestant contestant : contestants) {
            warmUps.add(warmUp(contestant));
        }
        List<List<Long>> nanos = new ArrayList<>();
        List<List<Double>> others = new ArrayList<>();
        contestants.forEach(contestant -> {
            nanos.add(new ArrayList<>());
            others.add(new ArrayList<>());
        });
        int round = 0;
        int previous = -1;
        for (List<Integer> order : Order.rounds(contestants.size(), plan.repetitions(), new Random(plan.seed()))) {
            round++;
            for (int number : order) {
                rest(number == previous ? Duration.ZERO : plan.pause());
                previous = number;
                CpuClock.Reading before = clock.read();
                nanos.get(number).add(contestants.get(number).repeat());
                others.get(number).add(clock.read().othersCoresSince(before));
                listener.progressed(contestants.get(number).name(), RUN + round + "/" + plan.repetitions());
            }
        }
        List<Measured> results = new ArrayList<>();
        for (int i = 0; i < contestants.size(); i++) {
            WarmUp warmUp = warmUps.get(i);
            results.add(new Measured(contestants.get(i).name(), List.copyOf(nanos.get(i)), warmUp.pieces, warmUp.nanos,
                    warmUp.steady, List.copyOf(others.get(i))));
        }
        return results;
    }

    private record WarmUp(int pieces, long nanos, boolean steady) {
    }

    private WarmUp warmUp(Contestant contestant) {
        if (plan.warmUp().isZero()) {
            return new WarmUp(0, 0, false);
        }
        rest(plan.pause());
        SteadyState state = new SteadyState(STEADY_WINDOW, STEADY_TOLERANCE, STEADY_COMPILING);
        long total = 0;
        do {
            double compiled = clock.compilerSeconds();
            long nanos = contestant.warmUp();
            state.add(nanos * 1e-9, clock.compilerSeconds() - compiled);
            total += nanos;
            listener.progressed(contestant.name(), "warm-up");
        } while (!state.reached() && total < plan.warmUp().toNanos());
        return new WarmUp(state.pieces(), total, state.reached());
    }

    private static void rest(Duration time) {
        try {
            Thread.sleep(time);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while measuring");
        }
    }
}
