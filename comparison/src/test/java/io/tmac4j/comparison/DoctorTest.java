package io.tmac4j.comparison;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class DoctorTest {

    @Test
    void thisComputerRunsTheTestsSoNothingMustBeFixed() {
        CommandRun run = CommandRun.of("doctor");
        assertThat(run.exitCode()).as(run.out()).isZero();
        assertThat(run.out().lines().filter(line -> !line.isBlank() && !line.startsWith(" ")).toList())
                .hasSizeGreaterThan(12)
                .allSatisfy(line -> assertThat(line).matches("(ok|warning) .*|It works; .*|All is well\\."))
                .anySatisfy(line -> assertThat(line).contains("llama.cpp", "0.4.0"))
                .anySatisfy(line -> assertThat(line).contains("tmac engine"));
        assertThat(run.err()).isEmpty();
    }

    @Test
    void jsonHoldsTheSame() throws IOException {
        JsonNode json = JsonMapper.builder().build().readTree(CommandRun.of("doctor", "-o", "json").out());
        assertThat(json.get("version").intValue()).isEqualTo(1);
        assertThat(json.get("fixes").intValue()).isZero();
        assertThat(json.get("checks")).allSatisfy(check -> {
            assertThat(check.get("status").textValue()).isIn("ok", "warning");
            assertThat(check.get("topic").textValue()).isNotBlank();
            assertThat(check.get("found").textValue()).isNotBlank();
        });
    }

    @Test
    void theTroubleshootingPageSaysMoreOfEveryCheckThatMayFail() throws IOException {
        Set<String> topics = new TreeSet<>();
        try (Stream<Path> sources = Files.list(Path.of("src/main/java/io/tmac4j/comparison/doctor"))) {
            for (Path source : sources.toList()) {
                Pattern.compile("Finding\\.(?:warning|fix)\\(\\s*\"([^\"]+)\"").matcher(Files.readString(source)).results()
                        .forEach(match -> topics.add(match.group(1)));
            }
        }
        assertThat(topics).contains("native access", "load", "tmac engine");
        List<String> said = Files.readAllLines(Path.of("../docs/troubleshooting.md")).stream()
                .filter(line -> line.startsWith("| ")).map(line -> line.split("\\|")[1]).toList();
        assertThat(topics).allSatisfy(topic -> assertThat(said).as(topic).anyMatch(cell -> cell.contains(topic)));
    }

    @Test
    void theLastLineSumsUp() {
        assertThat(Doctor.summary(0, 0)).isEqualTo("All is well.");
        assertThat(Doctor.summary(0, 2)).isEqualTo("It works; 2 things could be better.");
        assertThat(Doctor.summary(1, 0)).isEqualTo("1 thing must be fixed.");
        assertThat(Doctor.summary(2, 3)).isEqualTo("2 things must be fixed, 3 could be better.");
    }
}
