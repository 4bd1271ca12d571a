package io.tmac4j.comparison;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.tmac4j.bindings.Engine;
import io.tmac4j.bindings.LoraAdapter;
import io.tmac4j.comparison.synth.DemoModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GenerateTest {

    @Test
    void anUnknownModeIsAnsweredWithThoseThatThereAre() {
        CommandRun run = CommandRun.of("generate", "--mode", "slow", "ROMEO:");
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).hasLineCount(1).contains("expected one of exact, default, fast but was 'slow'");
    }

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

    @Test
    void theTextFollowsAGrammarOnBothEngines(@TempDir Path folder) throws IOException {
        Path grammar = Files.writeString(folder.resolve("yes or no.gbnf"), "root ::= \"yes\" | \"no\"\n");
        for (Engine engine : Engine.available()) {
            CommandRun run = CommandRun.of("generate", "-e", engine.name(), "-q", "--grammar", grammar.toString(),
                    "Art thou merry? ");
            assertThat(run.exitCode()).as(run.err()).isZero();
            assertThat(run.out().strip()).isIn("Art thou merry? yes", "Art thou merry? no");
        }
    }

    @Test
    void theTextIsJsonThatFitsASchema(@TempDir Path folder) throws IOException {
        Path schema = Files.writeString(folder.resolve("schema.json"), """
                {"type": "object", "additionalProperties": false, "required": ["mood", "age"],
                 "properties": {"mood": {"enum": ["merry", "sad"]}, "age": {"type": "integer", "minimum": 1, "maximum": 9}}}
                """);
        CommandRun run = CommandRun.of("generate", "-q", "--json-schema", schema.toString(), "x");
        assertThat(run.exitCode()).as(run.err()).isZero();
        JsonNode json = new ObjectMapper().readTree(run.out().substring(1));
        assertThat(json.get("mood").asText()).isIn("merry", "sad");
        assertThat(json.get("age").asInt()).isBetween(1, 9);
    }

    @Test
    void anAdapterChangesTheTextAsMuchAsItsScaleSays(@TempDir Path folder) throws IOException {
        Path adapter = LoraEnginesTest.adapter(folder.resolve("a.gguf"), DemoModel.file(), 1);
        String[] command = {"generate", "-q", "-n", "16", "--temp", "0", "ROMEO:"};
        String plain = CommandRun.of(command).out();
        assertThat(adapted(command, adapter + ":0").out()).isEqualTo(plain);
        assertThat(adapted(command, adapter.toString())).isEqualTo(adapted(command, adapter + ":1"))
                .satisfies(run -> assertThat(run.out()).isNotEqualTo(plain));
    }

    private static CommandRun adapted(String[] command, String adapter) {
        String[] more = Arrays.copyOf(command, command.length + 2);
        more[command.length] = "--lora";
        more[command.length + 1] = adapter;
        return CommandRun.of(more);
    }

    @Test
    void aFormOrAnAdapterThatCannotBeUsedIsOneSentence(@TempDir Path folder) throws IOException {
        Path grammar = Files.writeString(folder.resolve("bad.gbnf"), "root ::= \"yes\" | missing\n");
        Path schema = Files.writeString(folder.resolve("bad.json"), "{\"type\": \"giraffe\"}");
        Path binary = Files.write(folder.resolve("binary.gbnf"), new byte[] {'r', (byte) 0xff, (byte) 0xfe});
        Path other = LoraEnginesTest.adapter(folder.resolve("other.gguf"), DemoModel.file(), 2);
        failure("uses the rule \"missing\"", "--grammar", grammar.toString());
        failure("giraffe", "--json-schema", schema.toString());
        failure("no text in UTF-8", "--grammar", binary.toString());
        failure("there is no file", "--grammar", folder.resolve("none.gbnf").toString());
        failure("choose the adapter of this model", "--lora", other.toString());
        failure("none.gguf", "--lora", folder.resolve("none.gguf") + ":0.5");
        CommandRun both = CommandRun.of("generate", "--grammar", grammar.toString(), "--json-schema", schema.toString(), "text");
        assertThat(both.exitCode()).isEqualTo(2);
        assertThat(both.err()).hasLineCount(1).contains("not both");
    }

    private static void failure(String part, String option, String value) {
        CommandRun run = CommandRun.of("generate", option, value, "text");
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.out()).isEmpty();
        assertThat(run.err()).hasLineCount(1).startsWith("tmac generate: ").contains(part, Path.of(value).getFileName().toString()
                .replaceFirst(":[0-9.]+$", ""));
    }

    @Test
    void anAdapterIsAFileAndPerhapsAScale() {
        Options.Adapter reader = new Options.Adapter();
        assertThat(reader.convert("a.gguf")).isEqualTo(new LoraAdapter(Path.of("a.gguf"), 1));
        assertThat(reader.convert("a b/ü.gguf:-0.5")).isEqualTo(new LoraAdapter(Path.of("a b/ü.gguf"), -0.5f));
        assertThat(reader.convert("a.gguf:1e-1").scale()).isEqualTo(0.1f);
        assertThat(reader.convert("c:1")).as("a drive letter").isEqualTo(new LoraAdapter(Path.of("c:1"), 1));
    }

    @ParameterizedTest
    @CsvSource({"-n,-1", "-t,0", "-e,warp", "--temp,-1", "--top-p,2", "--top-k,many", "-c,0", "--lora,a.gguf:1.2.3",
        "--lora,a.gguf:1e99"})
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
