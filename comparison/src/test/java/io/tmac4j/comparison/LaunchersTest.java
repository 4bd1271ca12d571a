package io.tmac4j.comparison;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The scripts that start the program: in a checkout and in an image, for a POSIX shell and for Windows. */
class LaunchersTest {

    private static final Path ROOT = Path.of("..");
    private static final Path IMAGE = Path.of("src", "image");
    private static final Pattern JVM_ARGUMENT = Pattern.compile(
            "--add-modules jdk\\S+|--enable-native-access=\\S+|-XX:\\+Use\\S+|--module \\S+|-Xlog:\\S+");

    @TempDir
    private Path folder;

    private record Finished(int exitCode, String out, String err) {
    }

    @Test
    void allStartTheSameProgramWithTheSameArguments() throws IOException {
        List<String> checkout = arguments(ROOT.resolve("tmac"));
        assertThat(checkout).containsExactly("--add-modules jdk.incubator.vector",
                "--enable-native-access=io.tmac4j.bindings,io.tmac4j.kernels,org.jline.terminal.ffm", "-XX:+UseSerialGC",
                "--module io.tmac4j.comparison/io.tmac4j.comparison.Tmac");
        assertThat(arguments(ROOT.resolve("tmac.cmd"))).isEqualTo(checkout);
        List<String> image = arguments(IMAGE.resolve("bin").resolve("tmac"));
        assertThat(image).containsAll(checkout);
        assertThat(arguments(IMAGE.resolve("bin").resolve("tmac.cmd"))).isEqualTo(image);
        // a JVM takes an AOT cache only if it was recorded with the same modules and collector
        String training = Files.readString(IMAGE.resolve("java").resolve("MakeImage.java"));
        assertThat(training).contains("\"--add-modules\", \"jdk.incubator.vector\"", '"' + checkout.get(1) + '"',
                '"' + checkout.get(2) + '"');
    }

    private static List<String> arguments(Path script) throws IOException {
        String text = Files.readString(script);
        int start = Math.max(text.lastIndexOf("bin/java"), text.lastIndexOf("bin\\java.exe"));
        int end = text.indexOf(".Tmac", start) + ".Tmac".length();
        return JVM_ARGUMENT.matcher(text.substring(start, end)).results().map(match -> match.group()).toList();
    }

    @Test
    void endTheirLinesAsTheirShellsWant() throws IOException {
        for (Path script : List.of(ROOT.resolve("tmac"), IMAGE.resolve("bin").resolve("tmac"))) {
            assertThat(Files.readString(script)).startsWith("#!/bin/sh\n").doesNotContain("\r");
        }
        for (Path script : List.of(ROOT.resolve("tmac.cmd"), IMAGE.resolve("bin").resolve("tmac.cmd"))) {
            String text = Files.readString(script, StandardCharsets.US_ASCII);
            assertThat(text).startsWith("@echo off\r\n");
            assertThat(text.replace("\r\n", "")).doesNotContain("\n", "\r");
        }
    }

    @DisabledOnOs(OS.WINDOWS)
    @ParameterizedTest
    @ValueSource(strings = {"plain", "with spaces", "Größe 測試", "it's $HOME; `x` & \"y\""})
    void theImageStartsFromAnyFolderAndPassesArgumentsOn(String name) throws Exception {
        Path bin = Files.createDirectories(folder.resolve(name).resolve("tmac").resolve("bin"));
        Path script = Files.copy(IMAGE.resolve("bin").resolve("tmac"), bin.resolve("tmac"));
        executable(bin.resolve("java"), "#!/bin/sh\nprintf '%s\\n' \"$TMAC_LLAMA_PATH\" \"$@\"\n");
        Path link = Files.createSymbolicLink(folder.resolve("link to " + name), script);
        String home = folder.toRealPath().resolve(name).resolve("tmac").toString();
        for (Path start : List.of(script, link)) {
            Finished run = run(start, List.of("generate", "two words", "", "ü"), "TMAC_JAVA_OPTS=-Da=1 -Db=2");
            assertThat(run.exitCode()).as(run.err()).isZero();
            assertThat(run.out().lines()).startsWith(home + "/natives", "-XX:AOTCache=" + home + "/lib/tmac.aot")
                    .containsSequence("-Da=1", "-Db=2").endsWith("generate", "two words", "", "ü");
        }
    }

    @Test
    @DisabledOnOs(OS.WINDOWS)
    void aWrongJdkIsRefusedInOneSentence() throws Exception {
        Finished none = run(ROOT.resolve("tmac"), List.of("version"), "TMAC_JAVA_HOME=" + folder);
        assertThat(none.exitCode()).isEqualTo(1);
        assertThat(none.err()).isEqualTo("tmac: TMAC_JAVA_HOME is " + folder
                + ", which is no JDK; point it to a JDK 25 or leave it unset.\n");
        Path bin = Files.createDirectories(folder.resolve("bin"));
        executable(bin.resolve("java"), "#!/bin/sh\n");
        executable(bin.resolve("javac"), "#!/bin/sh\n");
        Files.writeString(folder.resolve("release"), "JAVA_VERSION=\"21.0.4\"\n");
        Finished old = run(ROOT.resolve("tmac"), List.of("version"), "TMAC_JAVA_HOME=" + folder);
        assertThat(old.exitCode()).isEqualTo(1);
        assertThat(old.err()).isEqualTo("tmac: TMAC_JAVA_HOME is " + folder + ", a JDK 21; tmac needs 25 or newer.\n");
    }

    private static void executable(Path file, String text) throws IOException {
        assertThat(Files.writeString(file, text).toFile().setExecutable(true)).isTrue();
    }

    private Finished run(Path script, List<String> arguments, String variable) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("sh", script.toString()));
        command.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(command).redirectOutput(folder.resolve("out").toFile())
                .redirectError(folder.resolve("err").toFile());
        builder.environment().remove("TMAC_LLAMA_PATH");
        builder.environment().put(variable.substring(0, variable.indexOf('=')), variable.substring(variable.indexOf('=') + 1));
        Process process = builder.start();
        assertThat(process.waitFor(1, TimeUnit.MINUTES)).as("ends in time").isTrue();
        return new Finished(process.exitValue(), Files.readString(folder.resolve("out")),
                Files.readString(folder.resolve("err")));
    }
}
