package io.tmac4j.comparison.output;

import java.io.PrintWriter;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** A Markdown table that reads well as plain text too. */
public record Table(List<Column> columns) {

    /** A table of these columns. */
    public Table(Column... columns) {
        this(List.of(columns));
    }

    /** Prints titles and rule. */
    public void head(PrintWriter out) {
        print(out, columns.stream().map(column -> column.cell(column.title())).toList());
        print(out, columns.stream().map(Column::rule).toList());
    }

    /** Prints a row, one value for each column. */
    public void row(PrintWriter out, List<String> values) {
        print(out, IntStream.range(0, columns.size())
                .mapToObj(i -> columns.get(i).cell(values.get(i).replace("|", "\\|")))
                .toList());
    }

    private static void print(PrintWriter out, List<String> cells) {
        out.println(cells.stream().collect(Collectors.joining(" | ", "| ", " |")));
    }
}
