package io.tmac4j.comparison.report;

import io.tmac4j.comparison.output.Comparison;
import io.tmac4j.comparison.output.Result;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** All machines' results as one table. */
public final class Summary {

    static final List<String> COLUMNS = List.of("machine", "model", "type", "engine", "threads", "test", "t/s", "stddev", "ratio",
            "interval", "verdict");

    private Summary() {
    }

    /** One row a result, by {@link #COLUMNS}. */
    static List<List<String>> rows(List<Machines.Entry> machines) {
        return machines.stream()
                .flatMap(machine -> machine.results().results().stream().map(result -> row(machine, result)))
                .toList();
    }

    private static List<String> row(Machines.Entry machine, Result r) {
        Optional<Comparison> comparison = comparison(machine, r);
        return List.of(machine.name(), r.model(), r.type(), r.engine(), Integer.toString(r.threads()), r.label(),
                number(r.medianTs()), number(r.stddevTs()), comparison.map(c -> number(c.ratio())).orElse(""),
                comparison.map(c -> number(c.ratioLow()) + ".." + number(c.ratioHigh())).orElse(""),
                comparison.map(Comparison::verdict).orElse(""));
    }

    /** The comparison that a result belongs to: same model, threads, test and settings, and its engine is the compared one. */
    static Optional<Comparison> comparison(Machines.Entry machine, Result r) {
        return machine.results().comparisons().stream()
                .filter(c -> c.engine().equals(r.engine()) && Objects.equals(c.model(), r.model()) && c.threads() == r.threads()
                        && Objects.equals(c.test(), r.label()) && Math.abs(c.tmacTs() - r.medianTs()) <= 1e-9 * r.medianTs())
                .findFirst();
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.2f", value);
    }

    /** Writes a Markdown table. */
    public static void markdown(List<Machines.Entry> machines, PrintWriter out) {
        print(out, COLUMNS);
        print(out, COLUMNS.stream().map(column -> "---").toList());
        rows(machines).forEach(row -> print(out, row));
    }

    private static void print(PrintWriter out, List<String> cells) {
        out.println(cells.stream().map(cell -> cell.replace("|", "\\|")).collect(Collectors.joining(" | ", "| ", " |")));
    }

    /** Writes comma separated values (RFC 4180). */
    public static void csv(List<Machines.Entry> machines, PrintWriter out) {
        Stream.concat(Stream.of(COLUMNS), rows(machines).stream()).forEach(row -> out.println(row.stream()
                .map(cell -> cell.matches("(?s).*[\",\r\n].*") ? '"' + cell.replace("\"", "\"\"") + '"' : cell)
                .collect(Collectors.joining(","))));
    }
}
