package io.tmac4j.comparison.output;

import java.io.PrintWriter;
import java.util.List;

/** One JSON object, written when all is measured. */
final class JsonWriter implements ResultWriter {

    private final PrintWriter out;

    JsonWriter(PrintWriter out) {
        this.out = out;
    }

    @Override
    public void test(List<Result> results, List<Comparison> comparisons) {
        // The object holds everything: nothing can be written before the end.
    }

    @Override
    public void end(Results all) {
        out.println(Json.pretty(all));
        out.flush();
    }
}
