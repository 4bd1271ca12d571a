package io.tmac4j.comparison.bench;

import io.tmac4j.comparison.environment.ClockProbe;
import io.tmac4j.comparison.environment.CpuClock;
import io.tmac4j.comparison.environment.EnergyMeter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Random;

/** Measures contestants against one another: warm-up until steady, then interleaved repetitions. */
public final class Measurement {

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
    private final EnergyMeter meter;
    private final CpuClock clock = new CpuClock();
    private final ClockProbe probe = new ClockProbe();

    /** @param meter tells the energy that the computer uses */
    public Measurement(Plan plan, Listener listener, EnergyMeter meter) {
        this.plan = plan;
        this.listener = listener;
        this.meter = meter;
    }

    /** What was noted in the repetitions of one contestant. */
    private record Log(List<Long> nanos, List<Double> othersCores, List<Double> clockSpeeds, List<Double> joules) {
        Log() {
            this(new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
        }
    }

    /** Measures all contestants; results in their order. */
    public List<Measured> run(List<? extends Contestant> contestants) {
        rest(plan.delay());
        List<WarmUp> warmUps = new ArrayList<>();
        for (Contestant contestant : contestants) {
            warmUps.add(warmUp(contestant));
        }
        List<Log> logs = contestants.stream().map(contestant -> new Log()).toList();
        int round = 0;
        int previous = -1;
        for (List<Integer> order : Order.rounds(contestants.size(), plan.repetitions(), new Random(plan.seed()))) {
            round++;
            for (int number : order) {
                rest(number == previous ? Duration.ZERO : plan.pause());
                previous = number;
                repeat(contestants.get(number), logs.get(number));
                listener.progressed(contestants.get(number).name(), RUN + round + "/" + plan.repetitions());
            }
        }
        List<Measured> results = new ArrayList<>();
        for (int i = 0; i < contestants.size(); i++) {
            Log log = logs.get(i);
            WarmUp warmUp = warmUps.get(i);
            results.add(new Measured(contestants.get(i).name(), List.copyOf(log.nanos), warmUp.pieces(), warmUp.nanos(),
                    warmUp.steady(), List.copyOf(log.othersCores), List.copyOf(log.clockSpeeds), List.copyOf(log.joules)));
        }
        return results;
    }

    private void repeat(Contestant contestant, Log log) {
        contestant.prepare();
        CpuClock.Reading before = clock.read();
        OptionalDouble energy = meter.joules();
        log.nanos.add(contestant.repeat());
        log.joules.add(used(energy, meter.joules()));
        log.othersCores.add(clock.read().othersCoresSince(before));
        log.clockSpeeds.add(probe.read());
    }

    /** Nothing between two readings means that the meter did not move, not that computing was free. */
    private static double used(OptionalDouble before, OptionalDouble after) {
        double used = after.orElse(Double.NaN) - before.orElse(Double.NaN);
        return used > 0 ? used : Double.NaN;
    }

    private WarmUp warmUp(Contestant contestant) {
        if (!plan.warmUp().isZero()) {
            rest(plan.pause());
        }
        return WarmUp.of(contestant, plan.warmUp(), clock, () -> listener.progressed(contestant.name(), "warm-up"));
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
