package io.tmac4j.comparison;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.tmac4j.bindings.Engine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PerplexityCommandTest {

    private static Path text;

    @BeforeAll
    static void writeText(@TempDir Path folder) throws IOException {
        CommandRun run = CommandRun.of("generate", "-e", "llama.cpp", "-n", "250", "--seed", "3", "KING HENRY:");
        text = Files.writeString(folder.resolve("text.txt"), run.out());
    }

    @Test
    void enginesPredictTheSameAndTextOfTheModelsOwnIsLikely() throws IOException {
        CommandRun run = CommandRun.of("perplexity", "-f", text.toString(), "-c", "64", "-o", "json");
        assertThat(run.exitCode()).as(run.err()).isZero();
        JsonNode json = new ObjectMapper().readTree(run.out());
        double first = json.get("results").get(0).get("perplexity").doubleValue();
        assertThat(first).isBetween(1.5, 60.0);
        for (JsonNode result : json.get("results")) {
            assertThat(result.get("perplexity").doubleValue()).isCloseTo(first, within(0.01 * first));
            assertThat(result.get("stderr").doubleValue()).isBetween(0.0, first);
            assertThat(result.get("tokens")).isEqualTo(json.get("results").get(0).get("tokens"));
        }
        if (Engine.available().size() > 1) {
            assertThat(json.get("kl").get("mean").doubleValue()).isBetween(0.0, 0.01);
            assertThat(json.get("kl").get("same_top").doubleValue()).isGreaterThan(0.95);
        }
    }

    @Test
    void productsOfSingleTensorsAgreeOnTheSameActivations() throws IOException {
        CommandRun run = CommandRun.of("perplexity", "-f", text.toString(), "-c", "32", "--chunks", "1", "--layers", "-o",
                "json");
        assertThat(run.exitCode()).as(run.err()).isZero();
        JsonNode layers = new ObjectMapper().readTree(run.out()).get("layers");
        assertThat(layers.findValuesAsText("tensor")).contains("blk.0.attn_q.weight",
                "blk.3.ffn_down.weight").doesNotHaveDuplicates();
        for (JsonNode product : layers) {
            for (String error : new String[] {"nmse_llama", "nmse_tmac", "nmse_tmac_single", "nmse_apart"}) {
                assertThat(product.get(error).doubleValue()).as(product.toString()).isBetween(0.0, 1e-3);
            }
            assertThat(product.get("nmse_llama").doubleValue()).as("activations are rounded").isPositive();
        }
        CommandRun alone = CommandRun.of("perplexity", "-f", text.toString(), "-e", "llama.cpp", "--layers");
        assertThat(alone.exitCode()).isEqualTo(2);
        assertThat(alone.err()).hasLineCount(1).contains("--layers");
    }

    @Test
    void theBatchSizeDoesNotChangeTheResult() throws IOException {
        double whole = perplexity("-b", "2048");
        // llama.cpp itself: its AVX2 variant moves by 0.212 % here, others by less than 0.2 %
        assertThat(perplexity("-b", "24")).isCloseTo(whole, within(0.0025 * whole));
    }

    @Test
    void tokenByTokenTheKernelsThatGeneratePredictAsThoseOfBatches() throws IOException {
        CommandRun run = CommandRun.of("perplexity", "-f", text.toString(), "-c", "64", "-ub", "1", "-o", "json");
        assertThat(run.exitCode()).as(run.err()).isZero();
        JsonNode results = new ObjectMapper().readTree(run.out()).get("results");
        double batches = perplexity("-ub", "512");
        for (JsonNode result : results) {
            assertThat(result.get("perplexity").doubleValue()).isCloseTo(batches, within(0.01 * batches));
        }
    }

    @Test
    void fewerChunksCountFewerTokens() throws IOException {
        CommandRun run = CommandRun.of("perplexity", "-f", text.toString(), "-e", "llama.cpp", "-c", "64", "--chunks", "2",
                "-o", "json");
        assertThat(new ObjectMapper().readTree(run.out()).get("results").get(0).get("tokens").intValue()).isEqualTo(2 * 31);
    }

    @Test
    void aTextShorterThanTwoChunksIsRefused(@TempDir Path folder) throws IOException {
        Path tiny = Files.writeString(folder.resolve("tiny.txt"), "To be.");
        CommandRun run = CommandRun.of("perplexity", "-f", tiny.toString());
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).hasLineCount(1).contains("1024");
    }

    @Test
    void aMissingTextIsOneSentence() {
        CommandRun run = CommandRun.of("perplexity", "-f", "no-such.txt");
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).hasLineCount(1).contains("no-such.txt");
        assertThat(CommandRun.of("perplexity").exitCode()).isEqualTo(2);
    }

    private static double perplexity(String... options) throws IOException {
        CommandRun run = CommandRun.of("perplexity", "-f", text.toString(), "-e", "llama.cpp", "-c", "64", "-o", "json",
                options[0], options[1]);
        return new ObjectMapper().readTree(run.out()).get("results").get(0).get("perplexity").doubleValue();
    }
}
