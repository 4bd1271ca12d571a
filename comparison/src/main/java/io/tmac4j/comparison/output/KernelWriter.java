package io.tmac4j.comparison.output;

import java.io.PrintWriter;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** Writes measured products, each as soon as it is measured where the form allows. */
public final class KernelWriter {

    private static final String CSV_HEADER = "engine,type,rows,k,columns,threads,working_set,working_set_bytes,"
            + "tmac_gops,tmac_gops_stddev,tmac_gweights,llama_gops,llama_gops_stddev,llama_gweights,llama_buffer,"
            + "ratio,ratio_low,ratio_high,bandwidth_share,nmse_tmac,nmse_llama";

    private final Format format;
    private final PrintWriter out;
    private final String engine;
    private final Table table;
    private boolean begun;

    /** @param engine the name of the engine beside llama.cpp */
    public KernelWriter(Format format, PrintWriter out, String engine) {
        this.format = format;
        this.out = out;
        this.engine = engine;
        this.table = new Table(new Column("type", -6), new Column("rows x k", -13), new Column("n", 4), new Column("threads", 7),
                new Column("weights", -7), new Column(engine + " GOP/s", 17), new Column("llama.cpp GOP/s", 17),
                new Column("ratio", 7), new Column("95 % interval", 14), new Column(engine + " Gw/s", 9),
                new Column("llama.cpp Gw/s", 14), new Column("bandwidth", 9), new Column("NMSE " + engine, 9),
                new Column("NMSE llama.cpp", 14));
    }

    /** One product is measured. */
    public void row(KernelResult r) {
        begin();
        switch (format) {
            case MD -> table.row(out, List.of(r.type(), r.rows() + " x " + r.k(), Integer.toString(r.columns()),
                    Integer.toString(r.threads()), r.workingSet(), spread(r.tmacGops(), r.tmacGopsStddev()),
                    spread(r.llamaGops(), r.llamaGopsStddev()), String.format(Locale.ROOT, "%.2fx", r.ratio()),
                    String.format(Locale.ROOT, "%.2f .. %.2f", r.ratioLow(), r.ratioHigh()), rate(r.tmacGweights()),
                    rate(r.llamaGweights()),
                    r.bandwidthShare() == null ? "" : String.format(Locale.ROOT, "%.0f %%", 100 * r.bandwidthShare()),
                    small(r.nmseTmac()), small(r.nmseLlama())));
            case CSV -> out.println(Arrays.asList(r.engine(), r.type(), r.rows(), r.k(), r.columns(), r.threads(), r.workingSet(),
                    r.workingSetBytes(), r.tmacGops(), r.tmacGopsStddev(), r.tmacGweights(), r.llamaGops(), r.llamaGopsStddev(),
                    r.llamaGweights(), r.llamaBuffer(), r.ratio(), r.ratioLow(), r.ratioHigh(), r.bandwidthShare(),
                    exact(r.nmseTmac()), exact(r.nmseLlama())).stream().map(CsvWriter::field).collect(Collectors.joining(",")));
            case JSONL -> out.println(Json.line("kernel", r));
            default -> {
                // The JSON object holds everything: nothing can be written before the end.
            }
        }
        out.flush();
    }

    /** All is measured. */
    public void end(KernelResults all) {
        begin();
        switch (format) {
            case MD -> legend(all);
            case JSON -> out.println(Json.pretty(all));
            case JSONL -> {
                all.memoryBandwidth().forEach(bandwidth -> out.println(Json.line("memory_bandwidth", bandwidth)));
                all.refused().forEach(refusal -> out.println(Json.line("refused", refusal)));
                out.println(Json.line("environment", all.environment()));
            }
            default -> {
                // CSV is a table of products only.
            }
        }
        out.flush();
    }

    private void begin() {
        if (!begun) {
            begun = true;
            if (format == Format.MD) {
                table.head(out);
            } else if (format == Format.CSV) {
                out.println(CSV_HEADER);
            }
        }
    }

    private void legend(KernelResults all) {
        out.println();
        out.println("n: columns. GOP/s: 2 * rows * k * n / time, median ± standard deviation; Gw/s: rows * k / time. ratio: "
                + engine + " / llama.cpp.");
        out.println("cold: products take turns among copies of the weights, which come from memory; hot: one again and again.");
        out.println("bandwidth: packed weights that " + engine + " reads, as part of what as many threads can read from memory.");
        out.println("NMSE: against the unpacked weights in double precision, with normal activations.");
        out.println();
        for (KernelResults.Bandwidth b : all.memoryBandwidth()) {
            out.println(String.format(Locale.ROOT, "memory: %.1f GB/s on %d threads, %s", b.gbs(), b.threads(), b.method()));
        }
        MarkdownWriter.environment(out, all.environment());
        if (!all.refused().isEmpty() || !all.notes().isEmpty()) {
            out.println();
        }
        all.refused().forEach(r -> out.println("note: " + engine + " does not take " + r.type() + " " + r.rows() + "x" + r.k()
                + ": " + r.reason()));
        all.notes().forEach(note -> out.println("note: " + note));
    }

    private static String spread(double rate, double deviation) {
        return rate(rate) + " ± " + rate(deviation);
    }

    private static String rate(double rate) {
        return String.format(Locale.ROOT, "%.1f", rate);
    }

    private static String small(double value) {
        return String.format(Locale.ROOT, "%.1e", value);
    }

    /** Enough digits for numbers of any size. */
    private static String exact(double value) {
        return String.format(Locale.ROOT, "%.6e", value);
    }
}
