package io.tmac4j.comparison.output;

import io.tmac4j.comparison.environment.Environment;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A table like llama-bench's with the engine and the ratio beside the rates; agreement, environment and notes below. */
final class MarkdownWriter implements ResultWriter {

    private static final Table RATES = new Table(
            new Column("model", -30), new Column("size", 10), new Column("params", 10), new Column("engine", -10),
            new Column("threads", 7), new Column("test", 15), new Column("t/s", 20), new Column("ratio", 7),
            new Column("95 % interval", 14), new Column("verdict", -12));
    private static final Table AGREEMENT = new Table(
            new Column("model", -30), new Column("engine", -10), new Column("greedy equal", 12), new Column("same top", 8),
            new Column("NMSE decode", 11), new Column("NMSE prompt", 11), new Column("KL mean", 9), new Column("KL max", 9));

    private final PrintWriter out;
    private boolean begun;

    MarkdownWriter(PrintWriter out) {
        this.out = out;
    }

    @Override
    public void test(List<Result> results, List<Comparison> comparisons) {
        if (!begun) {
            RATES.head(out);
            begun = true;
        }
        for (Result r : results) {
            List<String> row = new ArrayList<>(List.of(r.description(), size(r.size()), count(r.params()), r.engine(),
                    Integer.toString(r.threads()), r.test(), rate(r.medianTs()) + " ± " + rate(r.stddevTs())));
            comparisons.stream().filter(c -> c.engine().equals(r.engine())).findFirst().ifPresentOrElse(
                    c -> row.addAll(List.of(String.format(Locale.ROOT, "%.2fx", c.ratio()),
                            String.format(Locale.ROOT, "%.2f .. %.2f", c.ratioLow(), c.ratioHigh()), c.verdict())),
                    () -> row.addAll(List.of("", "", results.size() > 1 ? "baseline" : "")));
            RATES.row(out, row);
        }
        out.flush();
    }

    @Override
    public void end(Results all) {
        if (begun) {
            out.println();
            out.println("t/s: median ± standard deviation of the repetitions. ratio: engine / baseline, by medians, with its");
            out.println("95 % bootstrap interval; \"within noise\": that interval holds 1.");
        }
        agreement(all.agreement());
        texts(all.texts());
        out.println();
        environment(out, all.environment());
        if (!all.notes().isEmpty()) {
            out.println();
            all.notes().forEach(note -> out.println("note: " + note));
        }
        out.flush();
    }

    private void agreement(List<Agreement> agreement) {
        if (agreement.isEmpty()) {
            return;
        }
        out.println();
        out.println("Agreement with " + agreement.getFirst().baseline() + " on the same tokens:");
        out.println();
        AGREEMENT.head(out);
        for (Agreement a : agreement) {
            AGREEMENT.row(out, List.of(a.model(), a.engine(), a.greedyEqual() + "/" + a.tokens(),
                    String.format(Locale.ROOT, "%.1f %%", 100 * a.sameTop()), small(a.logitNmse()), small(a.promptLogitNmse()),
                    small(a.klDivergence()), small(a.klMaximum())));
        }
        agreement.stream().filter(a -> a.greedyGap() != null).forEach(a -> out.printf(Locale.ROOT,
                "%n%s: greedy texts part after %d tokens, where %s sets %.4f between its logits of the two tokens.%n",
                a.model(), a.greedyEqual(), a.baseline(), a.greedyGap()));
    }

    private void texts(List<Text> texts) {
        for (Text t : texts) {
            out.println();
            out.println(t.model() + " on " + t.engine() + ":");
            (t.prompt() + t.text()).lines().forEach(line -> out.println(line.isBlank() ? ">" : "> " + line));
        }
    }

    /** What the figures belong to, a line for each part. */
    static void environment(PrintWriter out, Environment e) {
        line(out, "cpu", e.cpu() + ", " + e.processors() + " processors"
                + (e.governor() == null ? "" : ", governor " + e.governor()));
        line(out, "system", e.os() + ", " + size(e.memoryBytes()) + " memory");
        line(out, "java", e.jvm() + (e.jvmFlags().isEmpty() ? "" : " " + String.join(" ", e.jvmFlags())));
        e.engines().forEach((name, description) -> line(out, name, description));
        line(out, "tmac4j", e.version() + ", " + e.date());
    }

    private static void line(PrintWriter out, String key, String value) {
        out.printf("%-10s %s%n", key, value);
    }

    private static String rate(double tokensASecond) {
        return String.format(Locale.ROOT, "%.2f", tokensASecond);
    }

    private static String small(double value) {
        return value == 0 ? "0" : String.format(Locale.ROOT, "%.1e", value);
    }

    /** Bytes as llama-bench prints them. */
    static String size(long bytes) {
        double mib = bytes / 1024.0 / 1024.0;
        return mib < 1024 ? String.format(Locale.ROOT, "%.2f MiB", mib) : String.format(Locale.ROOT, "%.2f GiB", mib / 1024);
    }

    /** A number of weights as llama-bench prints it. */
    static String count(long weights) {
        return weights < 1_000_000_000L
                ? String.format(Locale.ROOT, "%.2f M", weights / 1e6)
                : String.format(Locale.ROOT, "%.2f B", weights / 1e9);
    }
}
