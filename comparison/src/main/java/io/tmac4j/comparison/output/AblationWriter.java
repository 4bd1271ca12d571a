package io.tmac4j.comparison.output;

import java.io.PrintWriter;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** Writes the steps of an ablation, those of a type as soon as they are measured where the form allows. */
public final class AblationWriter {

    private static final String CSV_HEADER = "step,type,rows,k,threads,working_set,gops,gops_stddev,gweights,gain,gain_low,"
            + "gain_high,nmse,description";

    private final Format format;
    private final PrintWriter out;
    private final Table table = new Table(new Column("type", -6), new Column("step", -26), new Column("GOP/s", 15),
            new Column("Gw/s", 7), new Column("gain", 6), new Column("95 % interval", 14), new Column("NMSE", 8));
    private boolean begun;

    public AblationWriter(Format format, PrintWriter out) {
        this.format = format;
        this.out = out;
    }

    /** One step is measured. */
    public void row(AblationStep s) {
        if (!begun) {
            begun = true;
            if (format == Format.MD) {
                table.head(out);
            } else if (format == Format.CSV) {
                out.println(CSV_HEADER);
            }
        }
        switch (format) {
            case MD -> table.row(out, List.of(s.type(), s.step(), number("%.2f ± %.2f", s.gops(), s.gopsStddev()),
                    number("%.2f", s.gweights()), s.gain() == null ? "" : number("%.2fx", s.gain()),
                    s.gain() == null ? "" : number("%.2f .. %.2f", s.gainLow(), s.gainHigh()), number("%.1e", s.nmse())));
            case CSV -> out.println(Arrays.asList(s.step(), s.type(), s.rows(), s.k(), s.threads(), s.workingSet(), s.gops(),
                    s.gopsStddev(), s.gweights(), s.gain(), s.gainLow(), s.gainHigh(), number("%.6e", s.nmse()),
                    s.description()).stream().map(CsvWriter::field).collect(Collectors.joining(",")));
            case JSONL -> out.println(Json.line("ablation", s));
            default -> {
                // The JSON object holds everything: nothing can be written before the end.
            }
        }
        out.flush();
    }

    /** All is measured. */
    public void end(KernelResults all) {
        switch (format) {
            case MD -> legend(all);
            case JSON -> out.println(Json.pretty(all));
            case JSONL -> out.println(Json.line("environment", all.environment()));
            default -> {
                // CSV is a table of steps only.
            }
        }
        out.flush();
    }

    private void legend(KernelResults all) {
        AblationStep first = all.ablation().getFirst();
        out.println();
        out.println(first.rows() + " x " + first.k() + ", one column, " + first.threads() + " thread(s), weights "
                + (first.workingSet().equals("cold") ? "from memory (cold)." : "used again and again (hot)."));
        out.println("GOP/s: 2 * rows * k / time, tables included, median ± standard deviation; Gw/s: rows * k / time.");
        out.println("gain: over the row before.");
        out.println("NMSE: against the unpacked weights in double precision, with normal activations.");
        out.println();
        all.ablation().stream().filter(step -> step.type().equals(first.type()))
                .forEach(step -> out.println("- **" + step.step() + "**: " + step.description()));
        out.println();
        MarkdownWriter.environment(out, all.environment());
        if (!all.notes().isEmpty()) {
            out.println();
        }
        all.notes().forEach(note -> out.println("note: " + note));
    }

    private static String number(String form, Object... values) {
        return String.format(Locale.ROOT, form, values);
    }
}
