package io.tmac4j.comparison.output;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;

class AblationWriterTest {

    private static final AblationStep FIRST = new AblationStep("lookup", "Q2_0", 64, 256, 1, "hot", 2.5, 0.25, 1.25, null, null,
            null, 1e-9, "tables of floats, row by row");
    private static final AblationStep NEXT = new AblationStep("+ tiling", "Q2_0", 64, 256, 1, "hot", 5, 0.5, 2.5, 2.0, 1.75, 2.25,
            2e-5, "32 rows at a time");

    @Test
    void csvHasALineForEachStepAndEmptyFieldsWhereThereIsNoGain() {
        assertThat(written(Format.CSV)).containsExactly(
                "step,type,rows,k,threads,working_set,gops,gops_stddev,gweights,gain,gain_low,gain_high,nmse,description",
                "lookup,Q2_0,64,256,1,hot,2.500000,0.250000,1.250000,,,,1.000000e-09,\"tables of floats, row by row\"",
                "+ tiling,Q2_0,64,256,1,hot,5.000000,0.500000,2.500000,2.000000,1.750000,2.250000,2.000000e-05,"
                        + "32 rows at a time");
    }

    @Test
    void tableShowsGainsWithTheirIntervals() {
        List<String> lines = written(Format.MD);
        assertThat(lines).hasSize(4);
        assertThat(lines.get(2)).contains("| lookup ", " 2.50 ± 0.25 |").doesNotContain("x |");
        assertThat(lines.get(3)).contains("| + tiling ", " 5.00 ± 0.50 |", " 2.00x |", " 1.75 .. 2.25 |", " 2.0e-05 |");
    }

    @Test
    void jsonLinesAreObjectsOfTheirKind() {
        assertThat(written(Format.JSONL)).hasSize(2)
                .allSatisfy(line -> assertThat(line).startsWith("{").contains("\"kind\":\"ablation\"", "\"type\":\"Q2_0\""));
    }

    private static List<String> written(Format format) {
        StringWriter text = new StringWriter();
        AblationWriter writer = new AblationWriter(format, new PrintWriter(text));
        writer.row(FIRST);
        writer.row(NEXT);
        return text.toString().lines().toList();
    }
}
