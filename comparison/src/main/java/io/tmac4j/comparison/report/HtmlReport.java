package io.tmac4j.comparison.report;

import io.tmac4j.bindings.GgmlType;
import io.tmac4j.comparison.environment.Environment;
import io.tmac4j.comparison.output.Agreement;
import io.tmac4j.comparison.output.Comparison;
import io.tmac4j.comparison.output.Json;
import io.tmac4j.comparison.output.Result;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * A page with all figures and tables of some results. Everything is in the one file: styles, data, and the chart library
 * (Chart.js). Tables are written here, so that they can be read without scripts; figures are drawn by the page itself.
 */
public final class HtmlReport {

    private HtmlReport() {
    }

    /** A figure: one line for each engine. */
    record Figure(String title, String x, String y, String kind, List<Series> series) {
    }

    /** A line or a group of bars. Published numbers are marked as such and drawn dashed. */
    record Series(String name, String role, List<Point> points) {
    }

    /** A point; {@code note} is shown beside its value. */
    record Point(Object x, double y, String note) {
    }

    /** The page's text. */
    public static String page(List<Machines.Entry> machines) {
        List<Figure> figures = new ArrayList<>();
        for (Machines.Entry machine : machines) {
            overThreads(machine, true, figures);
            overThreads(machine, false, figures);
        }
        overBits(machines, figures);
        ratios(machines, figures);
        published(machines, figures);
        Map<String, String> parts = new LinkedHashMap<>();
        parts.put("@TITLE@", escape(machines.stream().map(Machines.Entry::name).distinct().collect(Collectors.joining(", "))));
        parts.put("@MACHINES@", machines.stream().map(HtmlReport::machine).collect(Collectors.joining()));
        parts.put("@TABLE@", table(Summary.COLUMNS, Summary.rows(machines)));
        parts.put("@AGREEMENT@", agreement(machines));
        parts.put("@DATA@", Json.pretty(figures).replace("</", "<\\/"));
        parts.put("@CHART_LIBRARY@", resource("chartjs/chart.umd.js").replace("</script", "<\\/script"));
        String page = resource("report.html");
        for (Map.Entry<String, String> part : parts.entrySet()) {
            page = page.replace(part.getKey(), part.getValue());
        }
        return page;
    }

    /** Token rates over threads, a figure for each model and test that was run with several thread counts. */
    private static void overThreads(Machines.Entry machine, boolean generation, List<Figure> figures) {
        Map<String, List<Result>> groups = machine.results().results().stream()
                .filter(result -> generation ? result.nPrompt() == 0 : result.nGen() == 0)
                .collect(Collectors.groupingBy(r -> r.model() + ", " + r.test(), LinkedHashMap::new, Collectors.toList()));
        groups.forEach((what, results) -> {
            if (results.stream().map(Result::threads).distinct().count() < 2) {
                return;
            }
            List<Series> series = new ArrayList<>();
            Map<String, List<Result>> engines = results.stream()
                    .collect(Collectors.groupingBy(Result::engine, LinkedHashMap::new, Collectors.toList()));
            engines.forEach((engine, own) -> series.add(new Series(engine, "measured", own.stream()
                    .map(r -> new Point(r.threads(), r.medianTs(),
                            Summary.comparison(machine, r).map(HtmlReport::ratio).orElse("")))
                    .toList())));
            figures.add(new Figure((generation ? "Generation: " : "Prompt processing: ") + what + " on " + machine.name(),
                    "threads", "tokens per second", "line", series));
        });
    }

    /** The paper's figure of speed-up over bits: one thread, generation, each weight type. */
    private static void overBits(List<Machines.Entry> machines, List<Figure> figures) {
        List<Series> series = new ArrayList<>();
        for (Machines.Entry machine : machines) {
            List<Point> points = machine.results().comparisons().stream()
                    .filter(c -> c.threads() == 1 && c.test().matches("tg\\d+"))
                    .map(c -> new Point(bits(c.type()), c.ratio(), c.type() + ", " + c.model() + ": " + ratio(c)))
                    .sorted((a, b) -> Double.compare((Double) a.x(), (Double) b.x()))
                    .toList();
            if (points.stream().map(Point::x).distinct().count() > 1) {
                series.add(new Series(machine.name(), "measured", points));
            }
        }
        if (!series.isEmpty()) {
            figures.add(new Figure("Speed-up over bits a weight: one thread, generation", "bits a weight", "tmac / llama.cpp",
                    "scatter", series));
        }
    }

    /** All ratios as bars, for a quick look. */
    private static void ratios(List<Machines.Entry> machines, List<Figure> figures) {
        List<Series> series = new ArrayList<>();
        for (Machines.Entry machine : machines) {
            List<Point> points = machine.results().comparisons().stream()
                    .map(c -> new Point(c.model().replace(".gguf", "") + " " + c.test() + " t" + c.threads(), c.ratio(),
                            ratio(c)))
                    .toList();
            if (!points.isEmpty()) {
                series.add(new Series(machine.name(), "measured", points));
            }
        }
        if (!series.isEmpty()) {
            figures.add(new Figure("Speed-up in every test", "", "tmac / llama.cpp", "bar", series));
        }
    }

    /** What others published for the C++ T-MAC on the machines of this report: to look at, not measured here. */
    private static void published(List<Machines.Entry> machines, List<Figure> figures) {
        for (Published reference : Published.ALL) {
            if (machines.stream().anyMatch(machine -> reference.isOf(machine.name()))) {
                figures.add(reference.figure());
            }
        }
    }

    private static String ratio(Comparison c) {
        return String.format(Locale.ROOT, "%.2fx (%.2f to %.2f), %s", c.ratio(), c.ratioLow(), c.ratioHigh(), c.verdict());
    }

    /** Bits a weight of a type's name such as {@code TQ2_0 - 2.06 bpw ternary}; NaN if there is no such type. */
    static double bits(String type) {
        return GgmlType.ofName(type.split("[ -]")[0]).map(GgmlType::bitsPerWeight).orElse(Double.NaN);
    }

    private static String machine(Machines.Entry machine) {
        Environment e = machine.results().environment();
        StringBuilder html = new StringBuilder("<section><h3>").append(escape(machine.name())).append("</h3><dl>");
        if (e != null) {
            definition(html, "system", e.os());
            definition(html, "processors", Integer.toString(e.processors()));
            definition(html, "Java", e.jvm() + " " + String.join(" ", e.jvmFlags()));
            e.engines().forEach((name, description) -> definition(html, name, description));
            definition(html, "tmac4j", e.version() + ", " + e.date());
        }
        machine.results().notes().forEach(note -> definition(html, "note", note));
        return html.append("</dl></section>").toString();
    }

    private static void definition(StringBuilder html, String term, String value) {
        html.append("<dt>").append(escape(term)).append("</dt><dd>").append(escape(value)).append("</dd>");
    }

    private static String agreement(List<Machines.Entry> machines) {
        List<List<String>> rows = new ArrayList<>();
        for (Machines.Entry machine : machines) {
            for (Agreement a : machine.results().agreement()) {
                rows.add(List.of(machine.name(), a.model(), a.engine(), a.greedyEqual() + "/" + a.tokens(),
                        String.format(Locale.ROOT, "%.1f %%", 100 * a.sameTop()),
                        String.format(Locale.ROOT, "%.1e", a.logitNmse()), String.format(Locale.ROOT, "%.1e", a.klDivergence())));
            }
        }
        List<String> columns = List.of("machine", "model", "engine", "greedy equal", "same top token", "logit NMSE",
                "KL divergence");
        return rows.isEmpty() ? "<p>Not measured.</p>" : table(columns, rows);
    }

    private static String table(List<String> columns, List<List<String>> rows) {
        StringBuilder html = new StringBuilder("<div class=\"wide\"><table><thead><tr>");
        columns.forEach(column -> html.append("<th scope=\"col\">").append(escape(column)).append("</th>"));
        html.append("</tr></thead><tbody>\n");
        for (List<String> row : rows) {
            html.append("<tr>");
            row.forEach(cell -> html.append(cell.matches("[-\\d.]+") ? "<td class=\"number\">" : "<td>").append(escape(cell))
                    .append("</td>"));
            html.append("</tr>\n");
        }
        return html.append("</tbody></table></div>").toString();
    }

    static String escape(String text) {
        return text == null ? "" : text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;")
                .replace("'", "&#39;");
    }

    private static String resource(String name) {
        try (InputStream in = HtmlReport.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException("this build of tmac4j lacks its resource " + name + "; build it again");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
