package io.tmac4j.comparison;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.tmac4j.bindings.Engine;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.xml.sax.InputSource;

class RaceCommandTest {

    @TempDir
    private Path folder;

    @Test
    void withoutATerminalEachTurnIsALineAndThePictureIsWellFormed() throws Exception {
        Path picture = folder.resolve("race.svg");
        CommandRun run = CommandRun.of("race", "-n", "24", "-t", "1", "--warmup", "0", "--slice", "20", "--record",
                picture.toString());
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.err()).isEmpty();
        assertThat(run.out()).doesNotContain("\u001b");
        for (Engine engine : Engine.available()) {
            assertThat(run.out().lines()).anyMatch(line -> line.matches(
                    engine.name().replace(".", "\\.") + " +24/24 tokens in .* t/s  done"));
        }
        String svg = Files.readString(picture);
        assertThat(DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new InputSource(new StringReader(svg)))
                .getDocumentElement().getTagName()).isEqualTo("svg");
        assertThat(svg).contains("24/24", "<animate ").doesNotContain("<script");
    }

    /** By llama.cpp's own draw these seeds part after 13 and 0 tokens, although the engines' logits nearly agree. */
    @Test
    void sampledTextsOfTheSameSeedAreMostlyTheSame() {
        int equal = 0;
        // where texts part is chance, another one for each kind of vectors: 242 and 410 of 512 with lookups of 128 and 256 bits
        List<String> seeds = List.of("1", "2", "3", "5", "8", "21", "33", "40");
        for (String seed : seeds) {
            CommandRun run = CommandRun.of("race", "-n", "64", "-t", "1", "--warmup", "0", "--slice", "5000", "--temp", "0.8",
                    "--seed", seed);
            assertThat(run.exitCode()).as(run.err()).isZero();
            Matcher all = Pattern.compile("(?:All|The first) (\\d+) ").matcher(run.out());
            assertThat(all.find()).as(run.out()).isTrue();
            equal += Integer.parseInt(all.group(1));
        }
        assertThat(equal).isGreaterThan(seeds.size() * 64 * 3 / 8);
    }

    @Test
    void anAsciicastHasAHeadAndEventsInOrder() throws IOException {
        Path cast = folder.resolve("race.cast");
        CommandRun run = CommandRun.of("race", "-n", "8", "-t", "1", "--warmup", "0", "--record", cast.toString(), "ROMEO:");
        assertThat(run.exitCode()).as(run.err()).isZero();
        List<String> lines = Files.readAllLines(cast);
        ObjectMapper mapper = new ObjectMapper();
        assertThat(mapper.readTree(lines.getFirst()).get("version").intValue()).isEqualTo(2);
        double before = 0;
        for (String line : lines.subList(1, lines.size())) {
            JsonNode event = mapper.readTree(line);
            assertThat(event.get(0).doubleValue()).isGreaterThanOrEqualTo(before);
            assertThat(event.get(1).asText()).isEqualTo("o");
            assertThat(event.get(2).asText()).startsWith("\u001b[H");
            before = event.get(0).doubleValue();
        }
    }

    @Test
    void impossibleRacesAreOneSentence() {
        CommandRun form = CommandRun.of("race", "--record", "race.gif");
        assertThat(form.exitCode()).isEqualTo(2);
        assertThat(form.err()).hasLineCount(1).contains(".svg", ".cast", "race.gif");
        assertThat(CommandRun.of("race", "-m", "missing.gguf", "Hello").err()).hasLineCount(1).contains("missing.gguf");
        assertThat(CommandRun.of("race", "-m", "missing.gguf").exitCode()).isEqualTo(2);
        assertThat(CommandRun.of("race", "--slice", "0").exitCode()).isEqualTo(2);
        assertThat(CommandRun.of("race", "-m", "missing.gguf", "--temp", "-1", "Hello").exitCode()).isEqualTo(2);
    }
}
