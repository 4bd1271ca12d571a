package io.tmac4j.comparison;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.tmac4j.bindings.spi.MatMulEngineProvider;
import io.tmac4j.comparison.naive.NaiveEngineProvider;
import io.tmac4j.comparison.synth.DemoModel;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The program in a VM of its own, as a shell sees it: exit code, bytes on standard output, bytes on standard error. */
class ChildProcessTest {

    private static final String INCUBATOR = "WARNING: Using incubator modules";

    @TempDir
    private static Path folder;

    private record Finished(int exitCode, byte[] out, String err) {
    }

    @Test
    void resultsAloneAreOnStandardOutputAndNoProgressIsDrawnForAFile() throws Exception {
        Finished run = run("compare", "-m", DemoModel.file().toString(), "-p", "8", "-n", "4", "-t", "1", "-r", "1",
                "--no-startup", "-o", "json");
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(new ObjectMapper().readTree(run.out()).get("results")).isNotEmpty();
        assertThat(run.err().lines().filter(line -> !line.startsWith(INCUBATOR))).isEmpty();
    }

    @Test
    void textIsUtf8WhateverTheLocale() throws Exception {
        Finished run = run("compare", "-m", DemoModel.file().toString(), "-p", "8", "-n", "0", "-t", "1", "-r", "2",
                "--no-startup");
        assertThat(new String(run.out(), StandardCharsets.UTF_8)).contains(" ± ");
    }

    @Test
    void mistakesAndFailuresHaveTheirExitCodesAndOneSentence() throws Exception {
        Finished mistake = run("compare", "-t", "0");
        assertThat(mistake.exitCode()).isEqualTo(2);
        assertThat(mistake.out()).isEmpty();
        assertThat(mistake.err().lines().filter(line -> !line.startsWith(INCUBATOR))).hasSize(1);
        Finished failure = run("compare", "-m", folder.resolve("missing.gguf").toString());
        assertThat(failure.exitCode()).isEqualTo(1);
        assertThat(failure.out()).isEmpty();
        assertThat(failure.err().lines().filter(line -> !line.startsWith(INCUBATOR))).hasSize(1)
                .first().asString().contains("missing.gguf");
    }

    @Test
    void anEngineOfSomebodyElseIsFoundOnTheClassPathAndMeasuredAndAgrees() throws Exception {
        String file = "/" + NaiveEngineProvider.class.getName().replace('.', '/') + ".class";
        Path classes = Path.of(NaiveEngineProvider.class.getResource(file).toURI());
        for (int i = file.split("/").length; i > 1; i--) {
            classes = classes.getParent();
        }
        Path services = Files.createDirectories(folder.resolve("META-INF").resolve("services"));
        Files.writeString(services.resolve(MatMulEngineProvider.class.getName()), NaiveEngineProvider.class.getName());
        Finished run = runWith(folder + File.pathSeparator + classes,
                "compare", "-m", DemoModel.file().toString(), "-e", "llama.cpp,naive", "-p", "8", "-n", "4", "-t", "1", "-r", "1",
                "--no-warmup", "--agreement", "16", "-o", "json");
        assertThat(run.exitCode()).as(run.err()).isZero();
        JsonNode json = new ObjectMapper().readTree(run.out());
        assertThat(json.get("results")).extracting(result -> result.get("engine").asText()).contains("llama.cpp", "naive");
        assertThat(json.get("agreement")).hasSize(1).allSatisfy(agreement -> {
            assertThat(agreement.get("engine").asText()).isEqualTo("naive");
            assertThat(agreement.get("logit_nmse").asDouble()).isLessThan(0.01);
        });
    }

    @Test
    void aThousandTokensAfterTheWarmUpNeedNoCollectionAndNextToNoMemory() throws Exception {
        Finished run = run("generate", "-m", DemoModel.file().toString(), "-e", "tmac", "-n", "1000", "-c", "1100", "-t", "2",
                "--temp", "0", "--stats", "ROMEO:");
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.err()).contains("1000 tokens generated");
        Matcher stats = Pattern.compile("(?m)^(\\d+) collections of the heap, (\\d+) bytes allocated a token; "
                + "\\d+ collections and \\d+ MB in .* s of warm-up before$").matcher(run.err());
        assertThat(stats.find()).as(run.err()).isTrue();
        assertThat(stats.group(1)).isEqualTo("0");
        // all of it is text: bytes and characters of a token, and their way to the terminal; one vector kept as an object would
        // be 64 bytes and more for each of the thousands of vectors in a product
        assertThat(Integer.parseInt(stats.group(2))).isLessThan(1024);
    }

    private static Finished run(String... arguments) throws IOException, InterruptedException {
        return runWith(null, arguments);
    }

    /** @param more the beginning of the class path, or null */
    private static Finished runWith(String more, String... arguments) throws IOException, InterruptedException {
        Path out = Files.createTempFile(folder, "out", "");
        Path err = Files.createTempFile(folder, "err", "");
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--module-path", System.getProperty("jdk.module.path"), "--class-path",
                (more == null ? "" : more + File.pathSeparator) + System.getProperty("java.class.path"),
                "--add-modules", "jdk.incubator.vector", "--enable-native-access=io.tmac4j.bindings,io.tmac4j.kernels",
                "--module", "io.tmac4j.comparison/io.tmac4j.comparison.Tmac"));
        for (String property : List.of("tmac.llama.path", "tmac.cache", "tmac.tune")) {
            if (System.getProperty(property) != null) {
                command.add(1, "-D" + property + "=" + System.getProperty(property));
            }
        }
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile());
        builder.environment().put("LC_ALL", "C");
        Process process = builder.start();
        assertThat(process.waitFor(4, TimeUnit.MINUTES)).as("ends in time").isTrue();
        return new Finished(process.exitValue(), Files.readAllBytes(out), Files.readString(err));
    }
}
