package io.tmac4j.comparison;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.networknt.schema.InputFormat;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import io.tmac4j.comparison.output.KernelResults;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class KernelsCommandTest {

    @TempDir
    private Path folder;

    @Test
    void jsonHoldsToItsSchemaAndToItself() throws IOException {
        CommandRun run = kernels("--types", "Q2_0,F32", "--shapes", "32x256", "--columns", "1,5", "-t", "1", "-o", "json");
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.err()).isEmpty();
        assertHoldsToSchema(run.out());
        JsonNode json = JsonMapper.builder().build().readTree(run.out());
        assertThat(json.get("environment").get("engines").get("tmac").textValue()).isNotBlank();
        assertThat(json.get("memory_bandwidth").findValuesAsText("threads")).containsExactly("1");
        assertThat(json.get("refused")).singleElement().satisfies(refused -> {
            assertThat(refused.get("type").textValue()).isEqualTo("F32");
            assertThat(refused.get("reason").textValue()).isNotBlank();
        });
        assertThat(json.get("notes")).first()
                .satisfies(note -> assertThat(note.textValue()).startsWith("Q2_0 32x256: 256 copies"));
        assertThat(json.get("kernels")).hasSize(2).allSatisfy(KernelsCommandTest::assertConsistent);
    }

    private static void assertHoldsToSchema(String json) throws IOException {
        try (InputStream schema = KernelResults.class.getResourceAsStream("kernels.schema.json")) {
            assertThat(JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012).getSchema(schema)
                    .validate(json, InputFormat.JSON)).isEmpty();
        }
    }

    private static void assertConsistent(JsonNode kernel) {
        double gops = kernel.get("tmac_gops").doubleValue();
        double llama = kernel.get("llama_gops").doubleValue();
        assertThat(gops).isPositive();
        assertThat(kernel.get("ratio").doubleValue()).isCloseTo(gops / llama, within(1e-9 * gops / llama));
        assertThat(kernel.get("tmac_gweights").doubleValue() * 2 * kernel.get("columns").intValue())
                .isCloseTo(gops, within(1e-9 * gops));
        assertThat(kernel.get("ratio_low").doubleValue()).isLessThanOrEqualTo(kernel.get("ratio_high").doubleValue());
        boolean cold = kernel.get("columns").intValue() == 1;
        assertThat(kernel.get("working_set").textValue()).isEqualTo(cold ? "cold" : "hot");
        assertThat(kernel.get("bandwidth_share").isNumber()).isEqualTo(cold);
        assertThat(kernel.get("nmse_tmac").doubleValue()).isBetween(0.0, 1e-3);
        assertThat(kernel.get("nmse_llama").doubleValue()).isBetween(0.0, 1e-3);
    }

    @Test
    void theTableNamesBothEnginesAndSaysHowBandwidthWasMeasured() {
        CommandRun run = kernels("--types", "TQ2_0,Q6_K", "--shapes", "64x256", "--columns", "1", "-t", "1", "--hot");
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out().lines().findFirst().orElseThrow()).contains("| type ", " rows x k ", " tmac GOP/s ",
                " llama.cpp GOP/s ", " ratio ", " bandwidth ", " NMSE tmac ", " NMSE llama.cpp ");
        assertThat(run.out()).containsPattern("\\| TQ2_0  \\| 64 x 256 +\\| +1 \\| +1 \\| hot +\\| +[\\d.]+ ± [\\d.]+ \\|")
                .containsPattern("memory: [\\d.]+ GB/s on 1 threads, best of ")
                .containsPattern("note: tmac does not take Q6_K 64x256: .+");
    }

    @Test
    void csvHasALineForEachProduct() {
        List<String> lines = kernels("--types", "TQ2_0", "--shapes", "512x1024", "--columns", "3", "-t", "1,2", "-o", "csv").out()
                .lines().toList();
        assertThat(lines).hasSize(3);
        int columns = lines.getFirst().split(",").length;
        assertThat(lines).allSatisfy(line -> assertThat(line.split(",", -1)).hasSize(columns));
        assertThat(lines.getLast()).startsWith("tmac,TQ2_0,512,1024,3,2,hot,");
    }

    @Test
    void jsonLinesAreObjectsOfANamedKind() {
        String out = kernels("--types", "TQ2_0,Q6_K", "--shapes", "64x256", "--columns", "2", "-t", "1", "-o", "jsonl").out();
        assertThat(out.lines().map(KernelsCommandTest::kind)).containsExactly("kernel", "memory_bandwidth", "refused",
                "environment");
    }

    private static String kind(String line) {
        try {
            return JsonMapper.builder().build().readTree(line).get("kind").textValue();
        } catch (IOException broken) {
            throw new AssertionError(line, broken);
        }
    }

    @Test
    void anAblationHoldsToTheSchemaAndIsDrawnByReport() throws IOException {
        CommandRun run = kernels("--ablation", "--types", "Q1_0,Q4_0", "--shapes", "70x256", "--hot", "-o", "json");
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertHoldsToSchema(run.out());
        JsonNode json = JsonMapper.builder().build().readTree(run.out());
        assertThat(json.get("kernels")).isEmpty();
        List<String> steps = List.of("lookup", "+ quantised tables", "+ axis order", "+ tables in registers", "+ tiling",
                "+ permuted layout", "+ interleaved nibbles", "+ mirrored tables", "+ byte aggregation",
                "+ byte aggregation of four", "+ averages of four", "tmac", "llama.cpp");
        assertThat(json.get("ablation").findValuesAsText("step")).containsExactlyElementsOf(
                Stream.concat(steps.stream(), steps.stream()).toList());
        JsonNode previous = null;
        for (JsonNode step : json.get("ablation")) {
            double gops = step.get("gops").doubleValue();
            assertThat(gops).isPositive();
            assertThat(step.get("gweights").doubleValue()).isCloseTo(gops / 2, within(1e-9 * gops));
            assertThat(step.get("nmse").doubleValue()).isBetween(0.0, 2e-3);
            if (step.get("gain").isNumber()) {
                assertThat(step.get("gain").doubleValue() * previous.get("gops").doubleValue())
                        .isCloseTo(gops, within(1e-9 * gops));
            }
            previous = step;
        }
        Path file = Files.writeString(folder.resolve("ablation.json"), run.out());
        Path page = folder.resolve("ablation.html");
        CommandRun report = CommandRun.of("report", file.toString(), "--html", page.toString());
        assertThat(report.exitCode()).as(report.err()).isZero();
        assertThat(Files.readString(page)).contains("What each step brings", "Q1_0", "Q4_0", "+ interleaved nibbles");
    }

    @Test
    void anAblationAsTableTellsItsStepsAndWhatTheyAre() {
        CommandRun table = kernels("--ablation", "--types", "Q2_0", "--shapes", "64x256", "--hot");
        assertThat(table.exitCode()).as(table.err()).isZero();
        assertThat(table.out()).containsPattern("\\| Q2_0 +\\| \\+ tiling +\\| +[\\d.]+ ± [\\d.]+ \\|")
                .contains("64 x 256, one column, 1 thread(s), weights used again and again (hot).", "- **+ tiling**: ");
    }

    @ParameterizedTest
    @CsvSource({"--types,Q4_K,Q4_K", "--columns,'1,2',--columns", "--columns,8,--columns", "--shapes,'64x256,64x512',--shapes",
        "-t,'1,2',--threads", "--shapes,64x100,64x100"})
    void anAblationIsOfOneColumnShapeAndNumberOfThreads(String option, String value, String mentioned) {
        assertUsage(kernels("--ablation", option, value), mentioned);
    }

    @ParameterizedTest
    @CsvSource({"--types,Q9_9", "--types,I32", "--shapes,10x", "--shapes,0x256", "--shapes,axb", "--columns,0", "--columns,x",
        "-t,0", "-r,0", "-b,warp", "-b,llama.cpp", "-o,xml", "--columns,999999999", "--shapes,64x100",
        "--shapes,9999999x9999872"})
    void anImpossibleOptionIsOneSentenceAndExitCodeTwo(String option, String value) {
        assertUsage(kernels(option, value), value);
    }

    @Test
    void rowsThatAreNoWholeNumberOfBlocksAreRefusedWithTheBlocksSize() {
        CommandRun run = kernels("--types", "Q2_0,Q2_K", "--shapes", "64x192");
        assertUsage(run, "64x192");
        assertThat(run.err()).contains("rows of 192 weights cannot be stored as Q2_K, whose blocks hold 256");
    }

    @ParameterizedTest
    @ValueSource(strings = {"--quick", "-t1"})
    void coldAndHotExcludeOneAnother(String other) {
        assertUsage(kernels("--cold", "--hot", other), "--cold and --hot");
    }

    private static void assertUsage(CommandRun run, String mentioned) {
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.out()).isEmpty();
        assertThat(run.err()).hasLineCount(1).startsWith("tmac kernels: ").contains(mentioned).doesNotContain("\tat ");
    }

    private static CommandRun kernels(String... options) {
        return CommandRun.of(Stream.concat(Stream.of("kernels", "-r", "2", "--warmup", "0"), Stream.of(options))
                .toArray(String[]::new));
    }
}
