package io.tmac4j.comparison.output;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.Collectors;

/** Comma separated values (RFC 4180), a line for each engine and test; the baseline's lines have no ratio. */
final class CsvWriter implements ResultWriter {

    private static final String HEADER = "engine,model,type,size,params,threads,test,n_prompt,n_gen,n_depth,n_batch,n_ubatch,"
            + "type_k,type_v,flash_attn,avg_ts,stddev_ts,median_ts,min_ts,max_ts,"
            + "baseline_ts,ratio,ratio_low,ratio_high,within_noise,conclusive,joules_per_token,"
            + "token_p50_ms,token_p99_ms,token_max_ms,n_parallel";

    private final PrintWriter out;
    private boolean begun;

    CsvWriter(PrintWriter out) {
        this.out = out;
    }

    @Override
    public void test(List<Result> results, List<Comparison> comparisons) {
        begin();
        for (Result r : results) {
            List<Object> fields = new ArrayList<>(Arrays.asList(r.engine(), r.model(), r.type(), r.size(), r.params(),
                    r.threads(), r.test(), r.nPrompt(), r.nGen(), r.nDepth(), r.nBatch(), r.nUbatch(),
                    r.typeK(), r.typeV(), r.flashAttn(), r.avgTs(), r.stddevTs(), r.medianTs(), r.minTs(), r.maxTs()));
            comparisons.stream().filter(c -> c.engine().equals(r.engine())).findFirst().ifPresentOrElse(
                    c -> fields.addAll(List.of(c.baselineTs(), c.ratio(), c.ratioLow(), c.ratioHigh(), c.withinNoise(),
                            c.conclusive())),
                    () -> fields.addAll(List.of("", "", "", "", "", "")));
            fields.add(r.joulesPerToken());
            fields.addAll(r.tokenMs() == null ? Arrays.asList("", "", "")
                    : List.of(r.tokenMs().p50(), r.tokenMs().p99(), r.tokenMs().max()));
            fields.add(r.nParallel());
            out.println(fields.stream().map(CsvWriter::field).collect(Collectors.joining(",")));
        }
        out.flush();
    }

    @Override
    public void end(Results all) {
        begin();
        out.flush();
    }

    private void begin() {
        if (!begun) {
            out.println(HEADER);
            begun = true;
        }
    }

    /** Numbers with a point whatever the locale; text in quotation marks where it needs them. */
    static String field(Object value) {
        String text = value instanceof Double number ? String.format(Locale.ROOT, "%.6f", number) : Objects.toString(value, "");
        return text.matches("(?s).*[\",\r\n].*") ? '"' + text.replace("\"", "\"\"") + '"' : text;
    }
}
