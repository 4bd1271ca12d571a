package io.tmac4j.comparison;

import static org.assertj.core.api.Assertions.assertThat;

import io.tmac4j.comparison.synth.DemoModel;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The examples as a user runs them: on the class path, with the JVM arguments that each of them names. */
class ExamplesTest {

    private static final Path SOURCES = Path.of("src", "examples", "java");
    private static final Path CLASSES = Path.of("target", "examples");
    private static final Pattern RUNTIME_OPTIONS = Pattern.compile("(?m)^//RUNTIME_OPTIONS (.*)$");

    @TempDir
    private Path folder;

    @Test
    void chatAnswersAndChangesItsEngine() throws Exception {
        String out = run("Chat", "Speak, Romeo.\n/llama.cpp\nSpeak on.\n\n");
        assertThat(out).contains("(llama.cpp)");
        String[] parts = out.split("> ", -1);
        assertThat(parts).as("nothing, answer, engine, answer, nothing").hasSize(5);
        assertThat(parts[1]).isNotBlank();
        assertThat(parts[3]).isNotBlank();
    }

    @Test
    void batchesContinueEveryText() throws Exception {
        List<String> lines = run("Batches", "", "8", "ROMEO:", "JULIET: I", "NURSE:").lines().toList();
        assertThat(lines).hasSize(3).allMatch(line -> line.length() > "- JULIET: I".length());
        assertThat(lines.get(0)).startsWith("- ROMEO:");
        assertThat(lines.get(1)).startsWith("- JULIET: I");
        assertThat(run("Batches", "", "8", "JULIET: I").strip()).as("alone as in a batch").isEqualTo(lines.get(1));
    }

    @Test
    void embeddingsOfTheSameTextAreTheSame() throws Exception {
        List<String> lines = run("Embeddings", "", "my lord", "my lord", "the sea").lines().toList();
        assertThat(lines).hasSize(2);
        assertThat(lines.get(0)).isEqualTo("1.0000  my lord");
        assertThat(lines.get(1)).doesNotStartWith("1.0000").endsWith("  the sea");
    }

    @Test
    void everyEngineIsAsked() throws Exception {
        assertThat(run("CompareEngines", "", "ROMEO:").lines()).hasSize(2)
                .anyMatch(line -> line.startsWith("llama.cpp")).anyMatch(line -> line.startsWith("tmac"))
                .allMatch(line -> line.contains(" t/s  "));
    }

    @Test
    void everyExampleIsRunHere() throws IOException {
        try (Stream<Path> files = Files.list(SOURCES)) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrder("Chat.java", "Batches.java", "Embeddings.java", "CompareEngines.java");
        }
    }

    @Test
    void theReadmesProgramsRunAsTheyStandThere() throws Exception {
        List<String> programs = Pattern.compile("(?s)```java\\R(.*?)```").matcher(Files.readString(Path.of("..", "README.md")))
                .results().map(match -> match.group(1)).toList();
        assertThat(programs).hasSize(2);
        for (int i = 0; i < programs.size(); i++) {
            Path source = Files.writeString(folder.resolve("Readme" + i + ".java"), "import io.tmac4j.bindings.*;\n"
                    + "import java.nio.file.Path;\nclass Readme" + i + " { public static void main(String[] arguments) {\n"
                    // short answers: the demo model goes on as long as there is room
                    + programs.get(i).replace("Path.of(\"model.gguf\")", "Path.of(arguments[0])").replace("2048", "64")
                    .replace("SessionOptions.defaults()", "SessionOptions.defaults().withMaxTokens(16)") + "\n} }\n");
            assertThat(java(List.of("--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"),
                    source.toString(), "")).as("program %d", i).hasSizeGreaterThan(16);
        }
    }

    /** Runs an example on the demo model, as {@link #java} does. */
    private String run(String name, String input, String... arguments) throws IOException, InterruptedException {
        var options = RUNTIME_OPTIONS.matcher(Files.readString(SOURCES.resolve(name + ".java")));
        assertThat(options.find()).as("%s names its JVM arguments", name).isTrue();
        return java(List.of(options.group(1).split(" ")), name, input, arguments);
    }

    /**
     * Runs a class or a source file on the demo model; gives its standard output and holds its standard error to the incubator's
     * line.
     */
    private String java(List<String> options, String name, String input, String... arguments)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(options);
        for (String property : List.of("tmac.llama.path", "tmac.cache", "tmac.tune")) {
            if (System.getProperty(property) != null) {
                command.add("-D" + property + "=" + System.getProperty(property));
            }
        }
        command.addAll(List.of("--class-path", String.join(File.pathSeparator, CLASSES.toString(),
                System.getProperty("jdk.module.path"), System.getProperty("java.class.path")), name,
                DemoModel.file().toString()));
        command.addAll(List.of(arguments));
        Path in = Files.writeString(folder.resolve("in"), input);
        Path out = folder.resolve("out");
        Path err = folder.resolve("err");
        Process process = new ProcessBuilder(command).redirectInput(in.toFile()).redirectOutput(out.toFile())
                .redirectError(err.toFile()).start();
        assertThat(process.waitFor(4, TimeUnit.MINUTES)).as("ends in time").isTrue();
        assertThat(process.exitValue()).as(Files.readString(err)).isZero();
        assertThat(Files.readString(err).lines().filter(line -> !line.startsWith("WARNING: Using incubator modules"))).isEmpty();
        return Files.readString(out);
    }
}
