package io.tmac4j.comparison.output;

import java.io.PrintWriter;
import java.util.List;

/** Writes results to standard output in one of the forms, each test as soon as it is measured where the form allows. */
public sealed interface ResultWriter permits MarkdownWriter, CsvWriter, JsonWriter, JsonLinesWriter {

    /** A writer of that form. */
    static ResultWriter of(Format format, PrintWriter out) {
        return switch (format) {
            case MD -> new MarkdownWriter(out);
            case CSV -> new CsvWriter(out);
            case JSON -> new JsonWriter(out);
            case JSONL -> new JsonLinesWriter(out);
        };
    }

    /** One test is measured: the results of all engines, and each engine's comparison with the baseline. */
    void test(List<Result> results, List<Comparison> comparisons);

    /** All is measured. */
    void end(Results all);
}
