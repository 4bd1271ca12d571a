package io.tmac4j.bindings;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Mutated models are refused or run; they do not end the process. */
class HostileGgufTest {

    @TempDir
    private Path folder;

    private String run(int from, int to) throws IOException, InterruptedException {
        Path model = Models.demo();
        Path output = folder.resolve("output");
        Process process = new ProcessBuilder(List.of(Path.of(System.getProperty("java.home"), "bin", "java")
                .toString(), "-Xmx256m",
                "-XX:-CreateCoredumpOnCrash", "-XX:ErrorFile=" + folder.resolve("crash"), "--enable-native-access=ALL-UNNAMED",
                "-D" + CacheFolder.PROPERTY + "=" + CacheFolder.path(), "-cp", System.getProperty("java.class.path"),
                HostileProbe.class.getName(), model.toString(), folder.toString(), "" + from, "" + to))
                .redirectErrorStream(true).redirectOutput(output.toFile()).start();
        assertThat(process.waitFor(300, TimeUnit.SECONDS)).isTrue();
        String text = Files.readString(output);
        assertThat(process.exitValue()).as("mutation %s: %s", Files.readString(folder.resolve("current")), text).isZero();
        return text;
    }

    @Test
    void threeHundredMutationsAreSurvived() throws IOException, InterruptedException {
        assertThat(run(0, 300)).contains("refused");
    }

    /**
     * Vocabularies without all byte tokens, which llama.cpp's tokenizer does not survive (328, 608, 1226), and a number of heads
     * that is right in its lowest 32 bits only after a multiplication (3400).
     */
    @ParameterizedTest
    @ValueSource(ints = {328, 608, 1226, 3400})
    void mutationsThatOnceEndedTheProcessAreSurvived(int number) throws IOException, InterruptedException {
        assertThat(run(number, number + 1)).contains("1 refused, 0 loaded");
    }
}
