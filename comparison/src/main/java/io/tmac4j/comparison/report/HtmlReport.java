package io.tmac4j.comparison.report;

import io.tmac4j.comparison.environment.Environment;
import io.tmac4j.comparison.output.Agreement;
import io.tmac4j.comparison.output.Json;
import io.tmac4j.comparison.output.Startup;
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

    private static final double MIB = 1024.0 * 1024.0;

    private HtmlReport() {
    }

    /** The page's text. */
    public static String page(List<Machines.Entry> machines) {
        Map<String, String> parts = new LinkedHashMap<>();
        parts.put("@TITLE@", escape(machines.stream().map(Machines.Entry::name).distinct().collect(Collectors.joining(", "))));
        parts.put("@MACHINES@", machines.stream().map(HtmlReport::machine).collect(Collectors.joining()));
        parts.put("@TABLE@", table(Summary.COLUMNS, Summary.rows(machines)));
        parts.put("@STARTUP@", startup(machines));
        parts.put("@KERNELS@", kernels(machines));
        parts.put("@AGREEMENT@", agreement(machines));
        parts.put("@DATA@", Json.pretty(Figures.of(machines)).replace("</", "<\\/"));
        parts.put("@CHART_LIBRARY@", resource("chartjs/chart.umd.js").replace("</script", "<\\/script"));
        String page = resource("report.html");
        for (Map.Entry<String, String> part : parts.entrySet()) {
            page = page.replace(part.getKey(), part.getValue());
        }
        return page;
    }

    private static String machine(Machines.Entry machine) {
        Environment e = machine.results().environment();
        StringBuilder html = new StringBuilder("<section><h3>").append(escape(machine.name())).append("</h3><dl>");
        if (e != null) {
            definition(html, "system", e.os());
            definition(html, "processors", Integer.toString(e.processors()));
            definition(html, "Java", e.jvm() + " " + String.join(" ", e.jvmFlags()));
            definition(html, "energy", e.energy() == null ? "not measured" : e.energy());
            e.engines().forEach((name, description) -> definition(html, name, description));
            definition(html, "tmac4j", e.version() + ", " + e.date());
        }
        machine.results().notes().forEach(note -> definition(html, "note", note));
        return html.append("</dl></section>").toString();
    }

    private static void definition(StringBuilder html, String term, String value) {
        html.append("<dt>").append(escape(term)).append("</dt><dd>").append(escape(value)).append("</dd>");
    }

    private static String startup(List<Machines.Entry> machines) {
        List<List<String>> rows = new ArrayList<>();
        for (Machines.Entry machine : machines) {
            for (Startup s : machine.results().startup()) {
                rows.add(List.of(machine.name(), s.model(), s.engine(), Integer.toString(s.threads()), number(s.loadSeconds()),
                        Integer.toString(s.promptTokens()), number(s.firstTokenSeconds()), number(s.warmFirstTokenSeconds()),
                        (s.steady() ? "" : "> ") + number(s.warmupSeconds()),
                        s.peakRssBytes() == null ? "unknown" : number(s.peakRssBytes() / MIB), number(s.packedBytes() / MIB)));
            }
        }
        List<String> columns = List.of("machine", "model", "engine", "threads", "load, s", "prompt", "first token, s",
                "when warm, s",
                "JIT warm-up, s", "peak memory, MiB", "packed, MiB");
        return rows.isEmpty() ? "<p>Not measured.</p>" : table(columns, rows);
    }

    private static String kernels(List<Machines.Entry> machines) {
        List<List<String>> rows = new ArrayList<>();
        for (Machines.Entry machine : machines) {
            for (KernelFile.Kernel k : machine.kernels()) {
                rows.add(List.of(machine.name(), k.type(), k.rows() + " x " + k.k(), Integer.toString(k.columns()),
                        Integer.toString(k.threads()), number(k.llamaGops()), number(k.tmacGops()), number(k.ratio()),
                        k.bandwidthShare() == null ? "" : String.format(Locale.ROOT, "%.0f %%", 100 * k.bandwidthShare()),
                        error(k.nmseLlama()), error(k.nmseTmac())));
            }
        }
        List<String> columns = List.of("machine", "type", "weights", "columns", "threads", "llama.cpp, Gop/s", "tmac, Gop/s",
                "ratio",
                "of bandwidth", "NMSE llama.cpp", "NMSE tmac");
        return rows.isEmpty() ? "" : "<h2>Single products</h2>" + table(columns, rows);
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.2f", value);
    }

    private static String error(Double nmse) {
        return nmse == null ? "" : String.format(Locale.ROOT, "%.1e", nmse);
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
