package io.tmac4j.comparison;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SynthTest {

    @TempDir
    private Path folder;

    @Test
    void writesAModelAndNamesIt() {
        Path file = folder.resolve("a.gguf");
        CommandRun run = CommandRun.of("synth", "--preset", "moe-tiny", "--type", "q4_0", "--layers", "1", "-o", file.toString());
        assertThat(run.err()).isEmpty();
        assertThat(run.exitCode()).isZero();
        assertThat(run.out()).contains(file.toString(), "bytes");
        assertThat(file).isNotEmptyFile();
    }

    @ParameterizedTest
    @CsvSource({"Q4_0, q4_0 .* 3/16", "Q2_0, q2_0 .* 3/4"})
    void ternaryWeightsOfLargerTypesUseThreeCodes(String type, String used) {
        Path file = folder.resolve(type + "-ternary.gguf");
        CommandRun written = CommandRun.of("synth", "--preset", "bitnet-3b", "--type", type, "--ternary", "--layers", "1",
                "--vocab", "1024", "-o", file.toString());
        assertThat(written.exitCode()).isZero();
        assertThat(CommandRun.of("inspect", file.toString()).out()).containsPattern("ffn_down.weight .* " + used + " ");
    }

    @Test
    void impossibleWishesAreOneSentenceWithWhatThereIsAndExitCodeTwo() {
        assertUsage("'q9' is no type that weights can be drawn in", "--preset", "llama2-7b", "--type", "q9");
        assertUsage("'iq1_s' is no type that weights can be drawn in", "--preset", "llama2-7b", "--type", "iq1_s");
        assertUsage("there is no preset 'gpt'", "--preset", "gpt", "--type", "q4_0");
        assertUsage("3200 weights", "--preset", "bitnet-3b", "--type", "TQ2_0");
        assertUsage("ternary weights can be drawn in Q4_0 and Q2_0, not in Q4_1", "--preset", "bitnet-3b", "--type", "Q4_1",
                "--ternary");
        assertUsage("0 layers", "--preset", "llama2-7b", "--type", "q4_0", "--layers", "0");
        assertUsage("--preset", "--type", "q4_0");
    }

    @Test
    void placesThatCannotBeWrittenAreOneSentenceAndExitCodeOne() {
        CommandRun run = CommandRun.of("synth", "--preset", "moe-tiny", "--type", "q4_0", "-o", folder.toString());
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).hasLineCount(1).contains("it is a folder");
    }

    private static void assertUsage(String said, String... arguments) {
        String[] line = new String[arguments.length + 1];
        line[0] = "synth";
        System.arraycopy(arguments, 0, line, 1, arguments.length);
        CommandRun run = CommandRun.of(line);
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.out()).isEmpty();
        assertThat(run.err()).hasLineCount(1).contains(said);
    }
}
