package io.tmac4j.comparison.output;

import io.tmac4j.comparison.environment.Environment;
import io.tmac4j.comparison.stats.TokenTimes;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** A table like llama-bench's with the engine and the ratio beside the rates; agreement, environment and notes below. */
final class MarkdownWriter implements ResultWriter {

    private static final Table RATES = new Table(
            new Column("model", -34), new Column("size", 10), new Column("params", 10), new Column("engine", -10),
            new Column("threads", 7), new Column("test", 15), new Column("t/s", 20), new Column("ratio", 7),
            new Column("95 % interval", 14), new Column("verdict", -12));
    private static final Table AGREEMENT = new Table(
            new Column("model", -34), new Column("engine", -10), new Column("greedy equal", 12), new Column("same top", 8),
            new Column("NMSE decode", 11), new Column("NMSE prompt", 11), new Column("KL mean", 9), new Column("KL max", 9));

    private static final Table STARTUP = new Table(
            new Column("model", -34), new Column("engine", -10), new Column("load", 8), new Column("first token", 11),
            new Column("when warm", 9), new Column("JIT warm-up", 11), new Column("peak memory", 11), new Column("packed", 10));
    private static final Table ENERGY = new Table(
            new Column("model", -34), new Column("engine", -10), new Column("threads", 7), new Column("test", 15),
            new Column("J/token", 9));

    private static final Table TIMES = new Table(
            new Column("model", -34), new Column("engine", -10), new Column("threads", 7), new Column("test", 15),
            new Column("p50", 9), new Column("p99", 9), new Column("max", 9));
    private static final Table BUSY = new Table(
            new Column("model", -34), new Column("engine", -10), new Column("threads", 7), new Column("test", 15),
            new Column("beside", 6), new Column("t/s", 9), new Column("kept", 5), new Column("p50", 9), new Column("p99", 9),
            new Column("max", 9));

    private static final Table PARALLEL = new Table(
            new Column("model", -34), new Column("engine", -10), new Column("threads", 7), new Column("test", 15),
            new Column("texts", 5), new Column("t/s", 9), new Column("t/s a text", 10), new Column("step", 9),
            new Column("to single steps", 15));

    private static final Table BANDWIDTH = new Table(
            new Column("model", -34), new Column("engine", -10), new Column("threads", 7), new Column("test", 15),
            new Column("a step", 10), new Column("weights/s", 10), new Column("memory/s", 10), new Column("share", 6));
    private static final Table PIECES = new Table(
            new Column("model", -34), new Column("engine", -10), new Column("threads", 7), new Column("test", 15),
            new Column("time", 9), new Column("engine's", 9), new Column("between", 9), new Column("share", 6),
            new Column("caller's CPU", 12), new Column("workers' CPU", 12), new Column("llama.cpp's CPU", 15),
            new Column("taken", 6), new Column("slept", 6));
    private static final Table PLACES = new Table(
            new Column("test", -15), new Column("threads", 7), new Column("after", -24), new Column("before", -24),
            new Column("times", 6), new Column("between", 10), new Column("then engine's", 13), new Column("share", 7));

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
                    Integer.toString(r.threads()), r.label(), rate(r.medianTs()) + " ± " + rate(r.stddevTs())));
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
        parallel(all.results());
        bandwidth(all.results());
        pieces(all.results());
        tokenTimes(all.results());
        busy(all.results());
        startup(all.startup());
        energy(all);
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

    private void parallel(List<Result> results) {
        if (results.stream().noneMatch(result -> result.nParallel() > 1)) {
            return;
        }
        out.println();
        out.println("Texts continued together, a token of each in a step; to single steps: time of as many steps with one text,");
        out.println("measured in the same run, over that of the step; below 1 one text after the other would be faster:");
        out.println();
        PARALLEL.head(out);
        for (Result r : results) {
            List<Result> single = results.stream().filter(r::isSteppedSinglyBy).toList();
            if (r.nParallel() > 1 || results.stream().anyMatch(other -> other.isSteppedSinglyBy(r))) {
                PARALLEL.row(out, row(r, Stream.of(Integer.toString(r.nParallel()), rate(r.medianTs()),
                        rate(r.medianTs() / r.nParallel()), TokenTimes.milliseconds(r.stepMs()),
                        single.isEmpty() ? ""
                                : String.format(Locale.ROOT, "%.2fx", r.medianTs() / single.getFirst().medianTs()))));
            }
        }
    }

    private void bandwidth(List<Result> results) {
        List<Result> known = results.stream().filter(result -> result.bandwidthShare() != null).toList();
        if (known.isEmpty()) {
            return;
        }
        out.println();
        out.println("Bytes of the file's weights that generation reads, beside what as many threads read from memory in a plain");
        out.println("Java loop; an engine's own form of them may be larger or smaller, and cached keys and values come on top:");
        out.println();
        BANDWIDTH.head(out);
        for (Result r : known) {
            BANDWIDTH.row(out, row(r, Stream.of(size(r.stepBytes()), gigabytes(r.bandwidthShare() * r.readBandwidth()),
                    gigabytes(r.readBandwidth()), String.format(Locale.ROOT, "%.0f %%", 100 * r.bandwidthShare()))));
        }
    }

    private static String gigabytes(double bytes) {
        return String.format(Locale.ROOT, "%.2f GB", bytes * 1e-9);
    }

    private void pieces(List<Result> results) {
        List<Result> known = results.stream().filter(result -> result.pieces() != null).toList();
        if (known.isEmpty()) {
            return;
        }
        out.println();
        out.println("Where the time of one run goes: the engine's pieces of the graph, and between them llama.cpp's own");
        out.println("operations. Processor time of the thread that decodes, of the engine's workers, waiting included, and");
        out.println("of llama.cpp's own threads with the JVM's. taken: times that the system took a processor from a thread");
        out.println("that wanted to go on; slept: times that a thread went to sleep, to be woken again:");
        out.println();
        PIECES.head(out);
        for (Result r : known) {
            Pieces p = r.pieces();
            PIECES.row(out, row(r, Stream.concat(Stream.of(p.totalMs(), p.engineMs(), p.betweenMs()).map(MarkdownWriter::millis),
                    Stream.of(percent(p.betweenMs() / p.totalMs()), millis(p.callerCpuMs()), millis(p.workersCpuMs()),
                            millis(p.othersCpuMs()), orEmpty(p.switches()), orEmpty(p.sleeps())))));
        }
        out.println();
        PLACES.head(out);
        for (Result r : known) {
            for (Pieces.Place p : r.pieces().places()) {
                PLACES.row(out, List.of(r.label(), Integer.toString(r.threads()), p.after(), p.before(),
                        Integer.toString(p.count()), micros(p.betweenUs()), micros(p.engineUs()),
                        percent(p.count() * p.betweenUs() * 1e-3 / r.pieces().totalMs())));
            }
        }
    }

    private static String orEmpty(Long count) {
        return count == null ? "" : count.toString();
    }

    private static String millis(double time) {
        return String.format(Locale.ROOT, "%.1f ms", time);
    }

    private static String micros(double time) {
        return String.format(Locale.ROOT, "%.1f us", time);
    }

    private static String percent(double share) {
        return String.format(Locale.ROOT, "%.1f %%", 100 * share);
    }

    private void tokenTimes(List<Result> results) {
        List<Result> known = results.stream().filter(result -> result.tokenMs() != null).toList();
        if (known.isEmpty()) {
            return;
        }
        out.println();
        out.println("Time of single generated tokens: median, 99 of 100, longest:");
        out.println();
        TIMES.head(out);
        for (Result r : known) {
            TIMES.row(out, row(r, times(r.tokenMs())));
        }
    }

    private void busy(List<Result> results) {
        if (results.stream().allMatch(result -> result.busy().isEmpty())) {
            return;
        }
        out.println();
        out.println("Beside processes that keep a core each busy; kept: share of the undisturbed rate:");
        out.println();
        BUSY.head(out);
        for (Result r : results) {
            for (Busy b : r.busy()) {
                BUSY.row(out, row(r, Stream.concat(Stream.of(Integer.toString(b.processes()), rate(b.medianTs()),
                        String.format(Locale.ROOT, "%.0f %%", 100 * b.kept())), times(b.tokenMs()))));
            }
        }
    }

    /** A row that begins with what was measured. */
    private static List<String> row(Result r, Stream<String> figures) {
        return Stream.concat(Stream.of(r.description(), r.engine(), Integer.toString(r.threads()), r.label()), figures).toList();
    }

    private static Stream<String> times(TokenTimes times) {
        return times == null ? Stream.of("", "", "")
                : Stream.of(times.p50(), times.p99(), times.max()).map(TokenTimes::milliseconds);
    }

    private void startup(List<Startup> startups) {
        if (startups.isEmpty()) {
            return;
        }
        out.println();
        out.println("Start of each engine in a process of its own, prompt of " + startups.getFirst().promptTokens() + " tokens, "
                + startups.getFirst().threads() + " threads:");
        out.println();
        STARTUP.head(out);
        for (Startup s : startups) {
            STARTUP.row(out, List.of(s.model(), s.engine(), seconds(s.loadSeconds()), seconds(s.firstTokenSeconds()),
                    seconds(s.warmFirstTokenSeconds()), (s.steady() ? "" : "> ") + seconds(s.warmupSeconds()),
                    s.peakRssBytes() == null ? "unknown" : size(s.peakRssBytes()),
                    s.packedBytes() == 0 ? "" : size(s.packedBytes())));
        }
        out.println();
        out.println("peak memory: greatest resident set, the Java VM and mapped pages of the file included; packed: the "
                + "engine's own");
        out.println("form of the weights; JIT warm-up: decoding until the rate is steady.");
    }

    private void energy(Results all) {
        List<Result> known = all.results().stream().filter(result -> result.joulesPerToken() != null).toList();
        if (known.isEmpty()) {
            return;
        }
        out.println();
        out.println("Energy by " + all.environment().energy() + "; everything else that runs is in it too:");
        out.println();
        ENERGY.head(out);
        known.forEach(r -> ENERGY.row(out, List.of(r.description(), r.engine(), Integer.toString(r.threads()), r.label(),
                String.format(Locale.ROOT, "%.3f", r.joulesPerToken()))));
    }

    private static String seconds(double value) {
        return String.format(Locale.ROOT, "%.2f s", value);
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
                + (e.governor() == null ? "" : ", governor " + e.governor())
                + (e.priority() == 0 ? "" : ", priority " + e.priority()));
        line(out, "system", e.os() + ", " + size(e.memoryBytes()) + " memory");
        line(out, "java", e.jvm() + (e.jvmFlags().isEmpty() ? "" : " " + String.join(" ", e.jvmFlags())));
        e.engines().forEach((name, description) -> line(out, name, description));
        line(out, "energy", e.energy());
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
