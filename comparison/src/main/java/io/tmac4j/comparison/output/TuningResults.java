package io.tmac4j.comparison.output;

import io.tmac4j.kernels.TuningReport;
import java.util.List;

/**
 * All that {@code tmac tune} found.
 *
 * @param version of this format
 * @param machine what the choices depend on
 * @param file    where they are kept
 * @param seconds how long it took
 * @param trials  what was measured
 * @param choices what was chosen
 */
public record TuningResults(int version, String machine, String file, double seconds,
        List<TuningReport.Trial> trials, List<TuningReport.Choice> choices) {

    private static final int VERSION = 1;

    /** What a report says. */
    public static TuningResults of(TuningReport report) {
        return new TuningResults(VERSION, report.machine(), report.file().toString(), report.seconds(),
                report.trials(), report.choices());
    }
}
