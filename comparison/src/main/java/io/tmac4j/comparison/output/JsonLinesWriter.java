package io.tmac4j.comparison.output;

import java.io.PrintWriter;
import java.util.List;

/**
 * One JSON object a line, each with a field {@code kind}: {@code result}, {@code comparison}, {@code agreement},
 * {@code startup}, {@code environment}.
 */
final class JsonLinesWriter implements ResultWriter {

    private final PrintWriter out;

    JsonLinesWriter(PrintWriter out) {
        this.out = out;
    }

    @Override
    public void test(List<Result> results, List<Comparison> comparisons) {
        results.forEach(result -> line("result", result));
        comparisons.forEach(comparison -> line("comparison", comparison));
    }

    @Override
    public void end(Results all) {
        all.agreement().forEach(agreement -> line("agreement", agreement));
        all.startup().forEach(startup -> line("startup", startup));
        line("environment", all.environment());
    }

    private void line(String kind, Object value) {
        out.println(Json.line(kind, value));
        out.flush();
    }
}
