package io.tmac4j.comparison;

import static org.assertj.core.api.Assertions.assertThat;

import io.tmac4j.bindings.Engine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GenerateTest {

    @Test
    void everyEngineContinuesThePromptOnStandardOutputAndGivesRatesOnStandardError() {
        for (Engine engine : Engine.available()) {
            CommandRun run = CommandRun.of("generate", "-b", engine.name(), "-n", "12", "--temp", "0", "-t", "1",
                    "KING", "HENRY:");
            assertThat(run.exitCode()).as(run.err()).isZero();
            assertThat(run.out()).startsWith("KING HENRY:").hasSizeGreaterThan(20).doesNotContain("t/s");
            assertThat(run.err()).contains(engine.name(), "prompt tokens at", "tokens generated at", "t/s");
        }
    }

    @Test
    void theSameSeedWritesTheSameText() {
        String[] command = {"generate", "-e", "llama.cpp", "-n", "16", "--seed", "7", "-q", "ROMEO:"};
        CommandRun first = CommandRun.of(command);
        assertThat(CommandRun.of(command)).isEqualTo(first);
        assertThat(first.err()).as("quiet").isEmpty();
    }

    @Test
    void aFullContextEndsTheTextAndSaysSo() {
        CommandRun run = CommandRun.of("generate", "-e", "llama.cpp", "-c", "16", "-n", "100", "--temp", "0", "My lord");
        assertThat(run.exitCode()).isZero();
        assertThat(run.err()).contains("the context was full");
    }

    @Test
    void thePromptMayComeFromAFile(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("prompt.txt"), "What ho, Zoë — ");
        CommandRun run = CommandRun.of("generate", "-e", "llama.cpp", "-n", "4", "-f", file.toString());
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).startsWith("What ho, Zoë — ");
    }

    @ParameterizedTest
    @CsvSource({"-n,-1", "-t,0", "-e,warp", "--temp,-1", "--top-p,2", "--top-k,many", "-c,0"})
    void anImpossibleOptionIsOneSentenceAndExitCodeTwo(String option, String value) {
        CommandRun run = CommandRun.of("generate", option, value, "text");
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).hasLineCount(1).startsWith("tmac generate: ");
    }

    @Test
    void aPromptThatFillsTheContextIsRefused() {
        CommandRun run = CommandRun.of("generate", "-c", "4", "one two three four five six seven eight");
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).hasLineCount(1).contains("leaves no room");
    }

    @Test
    void aMissingFileIsOneSentence() {
        CommandRun run = CommandRun.of("generate", "-f", "no-such-prompt.txt");
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).hasLineCount(1).contains("no-such-prompt.txt");
    }
}
