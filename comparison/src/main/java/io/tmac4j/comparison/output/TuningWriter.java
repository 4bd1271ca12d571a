package io.tmac4j.comparison.output;

import io.tmac4j.kernels.TuningReport;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;

/** Writes what was tuned. */
public final class TuningWriter {

    private TuningWriter() {
    }

    /** Writes all, as tables or as JSON. */
    public static void write(Format format, PrintWriter out, TuningResults results) {
        if (format == Format.JSON) {
            out.println(Json.pretty(results));
        } else {
            trials(out, results.trials());
            out.println();
            choices(out, results.choices());
            out.println();
            out.println("n: columns. Gw/s: rows * k * n / time, median, of the shipped way and of another. ratio: other / "
                    + "shipped; the middle half of its rounds.");
            out.println("n from: columns from which several are computed at once. KiB: weights that a thread takes at a time.");
            out.println(String.format(Locale.ROOT, "measured for %.0f s on: %s", results.seconds(), results.machine()));
            out.println("kept in " + results.file());
        }
        out.flush();
    }

    private static void trials(PrintWriter out, List<TuningReport.Trial> trials) {
        Table table = new Table(new Column("type", -6), new Column("threads", 7), new Column("rows x k", -12), new Column("n", 3),
                new Column("shipped", -18), new Column("Gw/s", 6), new Column("other", -17), new Column("Gw/s", 6),
                new Column("ratio", 6), new Column("middle half", 12));
        table.head(out);
        for (TuningReport.Trial trial : trials) {
            table.row(out, List.of(trial.type().name(), Integer.toString(trial.threads()), trial.rows() + " x " + trial.k(),
                    Integer.toString(trial.columns()), trial.standard(), rate(trial.standardRate()), trial.other(),
                    rate(trial.otherRate()), ratio(trial.ratio()) + "x", ratio(trial.low()) + " .. " + ratio(trial.high())));
        }
    }

    private static void choices(PrintWriter out, List<TuningReport.Choice> choices) {
        Table table = new Table(new Column("type", -6), new Column("threads", 7), new Column("form", -6), new Column("n from", 6),
                new Column("KiB", 4), new Column("", -10));
        table.head(out);
        for (TuningReport.Choice choice : choices) {
            table.row(out, List.of(choice.type().name(), Integer.toString(choice.threads()), choice.form(),
                    Integer.toString(choice.crossover()), Integer.toString(choice.chunkBytes() >> 10),
                    choice.shipped() ? "as shipped" : "chosen"));
        }
    }

    private static String rate(double rate) {
        return String.format(Locale.ROOT, "%.1f", rate);
    }

    private static String ratio(double ratio) {
        return String.format(Locale.ROOT, "%.2f", ratio);
    }
}
