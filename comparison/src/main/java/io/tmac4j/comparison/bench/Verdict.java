package io.tmac4j.comparison.bench;

import io.tmac4j.comparison.output.Comparison;
import io.tmac4j.comparison.output.Result;
import io.tmac4j.comparison.stats.Ratio;
import io.tmac4j.comparison.stats.Sample;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

/** Draws the conclusion from two engines' results, and says what speaks against it. */
final class Verdict {

    /** Other programs' use of the processors from which on a run counts as disturbed: a quarter of a core. */
    static final double DISTURBED_CORES = 0.25;
    /** A rate that falls by more from first to last repetition hints at a processor that throttles. */
    private static final double THROTTLING_DRIFT = -0.05;
    /** A clock that moves by more, from first to last repetition or from engine to engine, deserves a word. */
    private static final double CLOCK_DRIFT = 0.05;

    private Verdict() {
    }

    /**
     * Compares.
     *
     * @param conclude conclude even if other programs disturbed the measurement
     */
    static Comparison of(Result baseline, Result other, boolean conclude) {
        Sample baselineRates = Sample.of(baseline.samplesTs());
        Sample otherRates = Sample.of(other.samplesTs());
        Ratio ratio = Ratio.of(otherRates, baselineRates);
        List<String> notes = new ArrayList<>();
        boolean disturbed = disturbed(baseline, notes) | disturbed(other, notes);
        if (!disturbed) {
            throttled(baseline, baselineRates, notes);
            throttled(other, otherRates, notes);
        }
        clock(baseline, other, notes);
        outliers(baseline, baselineRates, notes);
        outliers(other, otherRates, notes);
        return new Comparison(other.model(), other.type(), other.threads(), other.label(), baseline.engine(), other.engine(),
                baselineRates.median(), otherRates.median(), ratio.value(), ratio.interval().low(), ratio.interval().high(),
                ratio.withinNoise(), conclude || !disturbed, notes);
    }

    /** Half of the runs or more beside a busy program tell about that program as much as about the engine. */
    private static boolean disturbed(Result result, List<String> notes) {
        List<Double> known = result.othersCores().stream().filter(Objects::nonNull).toList();
        long count = known.stream().filter(cores -> cores > DISTURBED_CORES).count();
        if (count == 0) {
            return false;
        }
        notes.add(String.format(Locale.ROOT, "%s: other programs used %.2f cores (median) while %d of %d runs were measured",
                result.engine(), Sample.of(known).median(), count, result.othersCores().size()));
        return 2 * count >= result.othersCores().size();
    }

    private static void throttled(Result result, Sample rates, List<String> notes) {
        if (rates.size() >= 4 && rates.drift() < THROTTLING_DRIFT) {
            notes.add(String.format(Locale.ROOT, "%s: the rate fell by %.0f %% from first to last run, as on a processor that "
                    + "throttles; try --delay", result.engine(), -100 * rates.drift()));
        }
    }

    private static void clock(Result baseline, Result other, List<String> notes) {
        if (baseline.clockSpeed() == null || other.clockSpeed() == null) {
            return;
        }
        for (Result result : List.of(baseline, other)) {
            Sample speeds = Sample.of(result.clockSpeed());
            if (speeds.size() >= 4 && Math.abs(speeds.drift()) > CLOCK_DRIFT) {
                notes.add(String.format(Locale.ROOT, "%s: the processor's clock moved by %+.0f %% from first to last run",
                        result.engine(), 100 * speeds.drift()));
            }
        }
        double apart = Sample.of(other.clockSpeed()).median() / Sample.of(baseline.clockSpeed()).median() - 1;
        if (Math.abs(apart) > CLOCK_DRIFT) {
            notes.add(String.format(Locale.ROOT, "the processor's clock was %.0f %% %s after runs of %s than after runs of %s",
                    100 * Math.abs(apart), apart > 0 ? "faster" : "slower", other.engine(), baseline.engine()));
        }
    }

    private static void outliers(Result result, Sample rates, List<String> notes) {
        int count = rates.outliers().size();
        if (count > 0) {
            notes.add(result.engine() + ": " + count + " of " + rates.size() + " runs lie far from the others");
        }
    }
}
