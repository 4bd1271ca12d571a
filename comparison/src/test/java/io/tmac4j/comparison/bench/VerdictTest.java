package io.tmac4j.comparison.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.tmac4j.comparison.output.Comparison;
import io.tmac4j.comparison.output.Result;
import io.tmac4j.comparison.stats.Sample;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class VerdictTest {

    private static final List<Double> QUIET = List.of(0.0, 0.01, 0.0, 0.02, 0.0);
    private static final List<Double> BUSY = List.of(0.9, 1.1, 0.0, 0.8, 1.0);
    private static final List<Double> EVEN = List.of(1.0, 1.0, 1.0, 1.0, 1.0);
    private static final List<Double> RATES = List.of(10.0, 10.1, 9.9, 10.0, 10.2);
    private static final List<Double> TWICE = RATES.stream().map(rate -> 2 * rate).toList();

    @Test
    void aQuietMachineGivesAVerdictWithoutNotes() {
        Comparison comparison = Verdict.of(result("a", RATES, QUIET, EVEN), result("b", TWICE, QUIET, EVEN), false);
        assertThat(comparison.verdict()).isEqualTo("faster");
        assertThat(comparison.notes()).isEmpty();
    }

    @Test
    void aBusyMachineGivesNoVerdictUnlessOneIsForced() {
        Result disturbed = result("b", TWICE, BUSY, EVEN);
        Comparison refused = Verdict.of(result("a", RATES, QUIET, EVEN), disturbed, false);
        assertThat(refused.verdict()).isEqualTo("busy machine");
        assertThat(refused.notes()).singleElement().asString().contains("b: other programs used 0.90 cores", "4 of 5 runs");
        assertThat(Verdict.of(result("a", RATES, QUIET, EVEN), disturbed, true).verdict()).isEqualTo("faster");
    }

    @Test
    void aClockThatMovesIsNoted() {
        List<Double> falling = List.of(1.0, 0.97, 0.94, 0.91, 0.88);
        assertThat(Verdict.of(result("a", RATES, QUIET, EVEN), result("b", TWICE, QUIET, falling), false).notes())
                .anyMatch(note -> note.startsWith("b: the processor's clock moved by -1"))
                .anyMatch(note -> note.contains("6 % slower after runs of b than after runs of a"));
    }

    @Test
    void aRateThatFallsIsNoted() {
        List<Double> falling = List.of(10.0, 9.5, 9.0, 8.5, 8.0);
        assertThat(Verdict.of(result("a", RATES, QUIET, EVEN), result("b", falling, QUIET, EVEN), false).notes())
                .singleElement().asString().contains("b: the rate fell by 22 %");
    }

    private static Result result(String engine, List<Double> rates, List<Double> others, List<Double> clock) {
        Sample sample = Sample.of(rates);
        return new Result(engine, "m.gguf", "m", "Q4_0", 1, 1, 2, "tg32", 0, 32, 0, 1, 2048, 512, "f16", "f16", "auto",
                sample.mean(), sample.standardDeviation(), rates, sample.median(), sample.minimum(), sample.maximum(), 1, true,
                others, 1.0, 1L, clock, Collections.nCopies(rates.size(), null), null, null, List.of(), null, 1L, null);
    }
}
