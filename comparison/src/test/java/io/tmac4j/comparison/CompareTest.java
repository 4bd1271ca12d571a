package io.tmac4j.comparison;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.InputFormat;
import io.tmac4j.comparison.synth.DemoModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CompareTest {

    private static String model;

    @BeforeAll
    static void findModel() throws IOException {
        model = DemoModel.file().toString();
    }

    @Test
    void jsonHoldsEnvironmentResultsComparisonsAndAgreement() throws IOException {
        CommandRun run = compare("-p", "16", "-n", "4", "-t", "1,2", "-o", "json", "--agreement", "8");
        assertThat(run.exitCode()).as(run.err()).isZero();
        JsonNode json = new ObjectMapper().readTree(run.out());
        assertThat(json.get("version").intValue()).isEqualTo(1);
        assertThat(json.get("environment").get("cpu").asText()).isNotBlank();
        assertThat(json.get("environment").get("llama_cpp").get("version").asText()).startsWith("0.4.0");
        int engines = json.get("environment").get("engines").size();
        assertThat(json.get("results")).hasSize(4 * engines);
        for (JsonNode result : json.get("results")) {
            assertThat(result.get("model").asText()).endsWith(".gguf");
            assertThat(result.get("type").asText()).contains("TQ2_0");
            assertThat(result.get("size").longValue()).isPositive();
            assertThat(result.get("params").longValue()).isPositive();
            assertThat(result.get("samples_ts")).hasSize(2);
            double mean = (result.get("samples_ts").get(0).doubleValue() + result.get("samples_ts").get(1).doubleValue()) / 2;
            assertThat(result.get("avg_ts").doubleValue()).isCloseTo(mean, within(1e-6 * mean));
            assertThat(result.get("stddev_ts").doubleValue()).isNotNegative();
        }
        assertThat(json.get("results").findValuesAsText("test")).containsOnly("pp16", "tg4");
        assertThat(json.get("comparisons")).hasSize(4 * (engines - 1));
        for (JsonNode comparison : json.get("comparisons")) {
            double ratio = comparison.get("ratio").doubleValue();
            assertThat(comparison.get("tmac_ts").doubleValue() / comparison.get("baseline_ts").doubleValue())
                    .isCloseTo(ratio, within(1e-9 * ratio));
            assertThat(comparison.get("within_noise").isBoolean()).isTrue();
        }
        assertThat(json.get("agreement")).hasSize(engines - 1);
    }

    @Test
    void theTableLooksLikeLlamaBenchsAndNothingElseIsOnStandardError() {
        CommandRun run = compare("-p", "16", "-n", "4", "-t", "1");
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.err()).isEmpty();
        assertThat(run.out().lines().findFirst().orElseThrow()).startsWith("| model ")
                .contains(" engine ", " test ", " t/s ", " ratio ");
        assertThat(run.out()).contains("| llama.cpp ", " pp16 ", " tg4 ", " ± ", "java ", "CPU backend");
    }

    @Test
    void zeroLeavesATestOut() {
        assertThat(compare("-p", "0", "-n", "4", "-t", "1").out()).contains(" tg4 ").doesNotContain(" pp");
        assertThat(compare("-p", "8", "-n", "0", "-t", "1").out()).contains(" pp8 ").doesNotContain(" tg");
    }

    @Test
    void depthAndPairsHaveTheirOwnTests() {
        assertThat(compare("-p", "8", "-n", "0", "-pg", "8,4", "-d", "0,16", "-t", "1").out())
                .contains(" pp8 |", " pp8+tg4 |", " pp8 @ d16 |", " pp8+tg4 @ d16 |");
    }

    @Test
    void textsContinuedTogetherAreComparedWithSingleSteps(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("results.json");
        CommandRun run = compare("-p", "8", "-n", "4", "-t", "1", "-d", "0,8", "--parallel", "3", "--agreement", "0", "-o",
                "json",
                "--resume", file.toString());
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(ReportCommandTest.resultsSchema().validate(run.out(), InputFormat.JSON)).isEmpty();
        JsonNode results = new ObjectMapper().readTree(run.out()).get("results");
        assertThat(results.findValuesAsText("test")).containsOnly("pp8", "tg4", "tg4 x3", "pp8 @ d8", "tg4 @ d8", "tg4 x3 @ d8");
        for (JsonNode result : results) {
            assertThat(result.get("n_parallel").intValue()).isEqualTo(result.get("test").asText().contains(" x3") ? 3 : 1);
        }
        long engines = results.findValuesAsText("engine").stream().distinct().count();
        CommandRun again = compare("-p", "0", "-n", "4", "-t", "1", "--parallel", "3,1", "--agreement", "0", "--resume",
                file.toString());
        assertThat(again.out().lines().filter(line -> line.matches(".*\\| +tg4 x3 \\| +3 \\|.* ms \\| +\\d+\\.\\d\\dx \\|")))
                .as("a row for each engine, from the file").hasSize((int) engines);
        assertThat(again.out().lines().filter(line -> line.matches(".*\\| +tg4 \\| +1 \\|.* ms \\| +\\|")))
                .hasSize((int) engines);
        assertThat(new ObjectMapper().readTree(Files.readString(file)).get("results").findValuesAsText("samples_ts"))
                .isEqualTo(results.findValuesAsText("samples_ts"));
    }

    @Test
    void generationIsSetBesideTheMemoryBandwidth() throws IOException {
        CommandRun run = withStartup("-p", "8", "-n", "4", "-t", "1,2", "--no-startup", "--agreement", "0", "-o", "json");
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(ReportCommandTest.resultsSchema().validate(run.out(), InputFormat.JSON)).isEmpty();
        for (JsonNode result : new ObjectMapper().readTree(run.out()).get("results")) {
            assertThat(result.get("step_bytes").longValue()).isPositive().isLessThanOrEqualTo(result.get("size").longValue());
            assertThat(result.get("read_bandwidth").doubleValue()).isGreaterThan(1e8);
        }
        CommandRun table = withStartup("-p", "8", "-n", "4", "-t", "1", "--no-startup", "--agreement", "0", "-e", "tmac");
        assertThat(table.out().lines().filter(line -> line.matches(".*\\| tmac .* tg4 \\|.*iB \\|.* GB \\|.* GB \\| .* % \\|")))
                .hasSize(1);
    }

    @Test
    void piecesTellWhereTheTimeGoes() throws IOException {
        CommandRun run = compare("-p", "16", "-n", "4", "-t", "2", "--pieces", "--agreement", "0", "-o", "json");
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(ReportCommandTest.resultsSchema().validate(run.out(), InputFormat.JSON)).isEmpty();
        for (JsonNode result : new ObjectMapper().readTree(run.out()).get("results")) {
            JsonNode pieces = result.get("pieces");
            if (result.get("engine").asText().equals("llama.cpp")) {
                assertThat(pieces.isNull()).as("llama.cpp computes alone").isTrue();
            } else {
                assertThat(pieces.get("engine_ms").doubleValue() + pieces.get("between_ms").doubleValue())
                        .isCloseTo(pieces.get("total_ms").doubleValue(), within(1e-6));
                assertThat(pieces.get("caller_cpu_ms").doubleValue()).isPositive();
                assertThat(pieces.get("places").findValuesAsText("after")).contains("blk.*.attn_output.weight");
                assertThat(pieces.get("places").findValues("count")).allMatch(count -> count.intValue() > 0);
            }
        }
        assertThat(compare("-p", "0", "-n", "4", "-t", "1", "--pieces", "--agreement", "0").out())
                .contains("Where the time of one run goes", "| blk.*.attn_output.weight | blk.*.ffn_gate.weight    |");
    }

    @Test
    void asManyTextsAsABatchHoldsCanBeContinued() {
        CommandRun run = compare("-p", "0", "-b", "4", "--parallel", "8");
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).hasLineCount(1).contains("--parallel 8: a batch of -b 4 tokens has no room");
        assertThat(compare("--parallel", "257").err()).contains("--parallel 257: llama.cpp continues at most 256 texts");
    }

    @Test
    void everySizeOfUbatchReadsAPromptLongerThanIt() {
        CommandRun run = compare("-p", "70", "-n", "0", "-t", "1", "-ub", "1,7,64,2048", "--agreement", "0", "--no-warmup");
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).contains(" pp70 -ub 1 |", " pp70 -ub 7 |", " pp70 -ub 64 |", " pp70 -ub 2048 |");
    }

    @Test
    void unusualSettingsAreToldApart(@TempDir Path folder) throws IOException {
        CommandRun run = compare("-p", "8", "-n", "0", "-t", "1", "-b", "8,2048", "-ctk", "f16,q8_0", "-fa", "on",
                "--no-warmup", "--agreement", "0", "-o", "json");
        assertThat(run.exitCode()).as(run.err()).isZero();
        JsonNode json = new ObjectMapper().readTree(run.out());
        assertThat(json.get("comparisons").findValuesAsText("test")).containsExactlyInAnyOrder("pp8 -b 8 -fa on",
                "pp8 -b 8 -ctk q8_0 -fa on", "pp8 -fa on", "pp8 -ctk q8_0 -fa on");
        Path file = Files.writeString(folder.resolve("sweep.json"), run.out());
        assertThat(CommandRun.of("report", file.toString()).out().lines().filter(line -> line.contains("| tmac |")))
                .hasSize(4).allMatch(line -> line.matches(".*\\| \\d+\\.\\d\\d\\.\\..*")).doesNotHaveDuplicates();
    }

    @Test
    void csvHasALineForEachEngineAndTest() {
        List<String> lines = compare("-p", "8", "-n", "4", "-t", "1", "-o", "csv").out().lines().toList();
        assertThat(lines.getFirst()).startsWith("engine,model,type,size,params,threads,test,");
        int columns = lines.getFirst().split(",").length;
        assertThat(lines).hasSizeGreaterThanOrEqualTo(3).allSatisfy(line -> assertThat(line.split(",", -1)).hasSize(columns));
    }

    @Test
    void jsonLinesAreObjectsOfANamedKind() {
        CommandRun run = compare("-p", "8", "-n", "0", "-t", "1", "-o", "jsonl");
        assertThat(run.out().lines()).allSatisfy(line -> assertThat(new ObjectMapper().readTree(line).get("kind").asText())
                .isIn("result", "comparison", "agreement", "startup", "environment"));
    }

    @ParameterizedTest
    @CsvSource({"cpu,a Z80,of another machine", "jvm,HotSpot 1.3,of another Java", "priority,3,measured with another --prio"})
    void resumeRefusesResultsThatWereMeasuredInAnotherWay(String key, String value, String difference, @TempDir Path folder)
            throws IOException {
        Path file = folder.resolve("results.json");
        compare("-p", "8", "-n", "0", "-t", "1", "--resume", file.toString());
        ObjectMapper mapper = new ObjectMapper();
        JsonNode json = mapper.readTree(Files.readString(file));
        ((ObjectNode) json.get("environment")).put(key, value);
        Files.writeString(file, json.toString());
        CommandRun run = compare("-p", "8", "-n", "0", "-t", "1", "--resume", file.toString());
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).contains("results " + difference + ", " + value, "give --resume another file");
        assertThat(file).hasContent(json.toString());
    }

    @Test
    void resumeWantsAPlaceToWriteBeforeAnythingIsMeasured(@TempDir Path folder) {
        Path file = folder.resolve("missing").resolve("results.json");
        CommandRun run = compare("-p", "8", "-n", "0", "-t", "1", "--resume", file.toString());
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.out()).isEmpty();
        assertThat(run.err()).hasLineCount(1).contains("cannot write " + file + ": there is no folder " + folder);
    }

    @Test
    void resumeDoesNotMeasureAgainWhatTheFileHolds(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("results.json");
        compare("-p", "8", "-n", "0", "-t", "1", "--resume", file.toString());
        JsonNode first = new ObjectMapper().readTree(Files.readString(file)).get("results").get(0);
        CommandRun second = compare("-p", "8", "-n", "4", "-t", "1", "-o", "json", "--resume", file.toString());
        JsonNode all = new ObjectMapper().readTree(second.out());
        assertThat(all.get("results").get(0).get("samples_ts")).isEqualTo(first.get("samples_ts"));
        assertThat(all.get("results").findValuesAsText("test")).contains("pp8", "tg4");
        assertThat(new ObjectMapper().readTree(Files.readString(file)).get("results")).isEqualTo(all.get("results"));
        assertThat(folder.toFile().list()).as("no unfinished files").containsExactly("results.json");
    }

    @Test
    void resumeKeepsWhatAnotherSweepHasMeasured(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("results.json");
        compare("-p", "8", "-n", "0", "-t", "1", "--resume", file.toString());
        JsonNode first = new ObjectMapper().readTree(Files.readString(file));
        CommandRun run = compare("-p", "0", "-n", "4", "-t", "1", "--agreement", "0", "-o", "json", "--resume", file.toString());
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(new ObjectMapper().readTree(run.out()).get("results").findValuesAsText("test")).containsOnly("tg4");
        JsonNode both = new ObjectMapper().readTree(Files.readString(file));
        assertThat(both.get("results").findValuesAsText("test")).contains("pp8", "tg4");
        assertThat(both.get("comparisons").findValuesAsText("test")).contains("pp8", "tg4").doesNotHaveDuplicates();
        assertThat(both.get("agreement")).isEqualTo(first.get("agreement")).isNotEmpty();
    }

    @Test
    void resultsOfAnotherMachineAreNotResumed(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("results.json");
        compare("-p", "8", "-n", "0", "-t", "1", "--agreement", "0", "--resume", file.toString());
        String other = Files.readString(file).replaceFirst("\"cpu\" : \"[^\"]*\"", "\"cpu\" : \"Apple M2\"");
        Files.writeString(file, other);
        CommandRun run = compare("-p", "8", "-n", "0", "-t", "1", "--resume", file.toString());
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).hasLineCount(1).contains("results.json", "Apple M2", "--resume");
        assertThat(file).hasContent(other);
    }

    @Test
    void eachEnginesStartIsMeasuredInAProcessOfItsOwn() throws IOException {
        CommandRun run = withStartup("-p", "16", "-n", "0", "-t", "1", "--warmup", "1", "--agreement", "0", "-o", "json");
        assertThat(run.exitCode()).as(run.err()).isZero();
        JsonNode json = new ObjectMapper().readTree(run.out());
        assertThat(json.get("notes")).noneMatch(note -> note.asText().contains("cold start"));
        assertThat(json.get("startup")).hasSameSizeAs(json.get("results"));
        for (JsonNode startup : json.get("startup")) {
            assertThat(startup.get("prompt_tokens").intValue()).isEqualTo(16);
            assertThat(startup.get("load_seconds").doubleValue()).isPositive();
            assertThat(startup.get("first_token_seconds").doubleValue()).isPositive();
            assertThat(startup.get("peak_rss_bytes").longValue()).isGreaterThan(json.get("results").get(0)
                    .get("size").longValue());
        }
        assertThat(json.get("startup").get(1).get("packed_bytes").longValue()).isPositive();
    }

    @Test
    void energyIsEitherMeasuredOrSaidNotToBeReadableAndNeverZero() throws IOException {
        JsonNode json = new ObjectMapper().readTree(compare("-p", "16", "-n", "0", "-t", "1", "-o", "json").out());
        boolean readable = !json.get("environment").get("energy").asText().startsWith("not readable, because ");
        for (JsonNode result : json.get("results")) {
            assertThat(readable ? result.get("joules_per_token").doubleValue() > 0 : result.get("joules_per_token").isNull())
                    .as(result.toString()).isTrue();
            assertThat(result.get("clock_speed")).hasSize(2).allMatch(speed -> speed.doubleValue() > 0.01);
        }
    }

    @Test
    void besideBusyProcessesEachEngineKeepsAShareAndNoProcessIsLeft() throws IOException {
        CommandRun run = compare("-p", "8", "-n", "6", "-t", "1", "--busy", "1", "--agreement", "0", "-o", "json");
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(ReportCommandTest.resultsSchema().validate(run.out(), InputFormat.JSON)).isEmpty();
        JsonNode results = new ObjectMapper().readTree(run.out()).get("results");
        assertThat(results).hasSizeGreaterThanOrEqualTo(4);
        for (JsonNode result : results) {
            JsonNode busy = result.get("busy").get(0);
            assertThat(busy.get("processes").intValue()).isOne();
            assertThat(busy.get("samples_ts")).hasSize(2);
            assertThat(busy.get("kept").doubleValue()).isCloseTo(
                    busy.get("median_ts").doubleValue() / result.get("median_ts").doubleValue(), within(1e-9));
            for (JsonNode times : List.of(result.get("token_ms"), busy.get("token_ms"))) {
                if (result.get("n_gen").intValue() == 0) {
                    assertThat(times.isNull()).isTrue();
                } else {
                    assertThat(times.get("tokens").intValue()).isEqualTo(2 * 6);
                    assertThat(times.get("p50").doubleValue()).isPositive().isLessThanOrEqualTo(times.get("p99").doubleValue());
                    assertThat(times.get("p99").doubleValue()).isLessThanOrEqualTo(times.get("max").doubleValue());
                }
            }
        }
        assertThat(ProcessHandle.current().descendants().map(process -> process.info().commandLine().orElse("")))
                .noneMatch(command -> command.contains("Burner"));
        CommandRun table = compare("-p", "0", "-n", "6", "-t", "1", "--busy", "1,2", "--agreement", "0");
        assertThat(table.out()).contains("Beside processes that keep a core each busy", "| beside ", " kept ", " p99 ");
        assertThat(table.out().lines().filter(line -> line.matches(".* tg6 \\| +[12] \\|.* % \\|.* ms \\|"))).hasSize(4);
    }

    @Test
    void aLowerPriorityNeedsNoRightsAndStandsInTheResults() {
        CommandRun run = compare("-p", "8", "-n", "0", "-t", "1", "--prio", "-1", "--agreement", "0");
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).contains(", priority -1");
    }

    @ParameterizedTest
    @CsvSource({"-t,0", "-t,x", "-n,-1", "-p,-5", "-r,0", "-e,warp", "-fa,maybe", "-ctk,q9", "-o,xml", "-pg,5", "-t,4-1",
        "--flap,1", "-b,0", "--delay,-3", "--busy,0", "--parallel,0", "--parallel,x",
        "--prio,4", "--prio,high"})
    void anImpossibleOptionIsOneSentenceAndExitCodeTwo(String option, String value) {
        CommandRun run = compare(option, value);
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.out()).isEmpty();
        assertThat(run.err()).hasLineCount(1).startsWith("tmac compare: ").doesNotContain("\tat ");
    }

    @Test
    void aFileThatIsNoModelIsOneSentenceAndExitCodeOne(@TempDir Path folder) throws IOException {
        Path text = Files.writeString(folder.resolve("text.gguf"), "this is no model\n".repeat(100));
        Path empty = Files.createFile(folder.resolve("empty.gguf"));
        for (Path file : List.of(folder.resolve("missing.gguf"), folder, text, empty)) {
            CommandRun run = CommandRun.of("compare", "-m", file.toString(), "-t", "1");
            assertThat(run.exitCode()).isEqualTo(1);
            assertThat(run.out()).isEmpty();
            assertThat(run.err()).hasLineCount(1).startsWith("tmac compare: ").contains(file.getFileName().toString());
        }
    }

    @Test
    void aResumeFileThatHoldsNoResultsIsLeftAlone(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("notes.json"), "{\"mine\":true}");
        CommandRun run = compare("--resume", file.toString());
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).hasLineCount(1).contains("notes.json");
        assertThat(file).hasContent("{\"mine\":true}");
    }

    private static CommandRun compare(String... options) {
        return withStartup(Stream.concat(Stream.of("--no-startup", "--no-bandwidth"), Stream.of(options)).toArray(String[]::new));
    }

    private static CommandRun withStartup(String... options) {
        return CommandRun.of(Stream.concat(Stream.of("compare", "-m", model, "-r", "2"), Stream.of(options))
                .toArray(String[]::new));
    }
}
