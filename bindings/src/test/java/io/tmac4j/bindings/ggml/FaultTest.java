package io.tmac4j.bindings.ggml;

import static org.assertj.core.api.Assertions.assertThat;

import io.tmac4j.bindings.CacheFolder;
import io.tmac4j.bindings.LlamaModel;
import io.tmac4j.bindings.Models;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Faults in every method that native code calls: each becomes one error or none, and the JVM and later models are unharmed. */
class FaultTest {

    private static final List<Upcalls> INJECTED = List.of(new Upcalls(JavaDevice.class, "compute"), new Upcalls(ProductTap.class),
            new Upcalls(LlamaModel.class), new Upcalls(named("NativeLog")));

    /** {@code -Psoak}: before each call that an upcall makes; else before the first one. */
    private static final boolean EVERYWHERE = Boolean.getBoolean("tmac.soak.faults");

    /** {@code -Psoak}: so many loads and closes with a fault in each. */
    private static final int FAULTY_CYCLES = Integer.getInteger(FaultProbe.CYCLES, 0);

    /** What is called when llama.cpp gives up: nothing is left to fall back to if that fails. */
    private static final Upcalls LAST_RESORT = new Upcalls(named("NativeGuard"), "onAbort", "onTerminate");

    @TempDir
    private Path folder;

    private static Class<?> named(String name) {
        try {
            return Class.forName("io.tmac4j.bindings." + name);
        } catch (ClassNotFoundException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void everyUpcallCatchesEverythingOrCannotThrow() {
        assertThat(Stream.concat(INJECTED.stream(), Stream.of(LAST_RESORT)).flatMap(upcalls -> upcalls.unguarded().stream()))
                .isEmpty();
        assertThat(INJECTED.getFirst().guarded()).contains("compute", "setTensor", "freeBackend")
                .hasSizeGreaterThanOrEqualTo(16);
        assertThat(INJECTED).allSatisfy(upcalls -> assertThat(upcalls.guarded()).isNotEmpty());
        assertThat(LAST_RESORT.guarded()).hasSize(2);
    }

    @Test
    void aFaultInAnyUpcallIsOneErrorOrNoneAndTheNextModelWorks() throws IOException, InterruptedException {
        Models.assumeLibraries();
        List<String> points = new ArrayList<>();
        for (Upcalls each : INJECTED) {
            Path file = folder.resolve(each.path());
            Files.createDirectories(file.getParent());
            Files.write(file, each.withFaults());
            each.points().stream().filter(point -> EVERYWHERE || point.contains(" 1 ")).forEach(points::add);
        }
        List<String> lines = run(points);
        System.out.println(String.join("\n", lines));
        assertThat(lines).last().isEqualTo("end");
        List<String[]> results = lines.stream().map(line -> line.split(FaultProbe.FIELD)).filter(line -> line.length == 3)
                .toList();
        assertThat(results).filteredOn(result -> result[1].equals(FaultProbe.AFTERWARDS)).extracting(result -> result[0])
                .containsExactlyElementsOf(points);
        assertThat(results).allSatisfy(result -> {
            // every upcall happens; what it calls later may be on a way that only failures or adapters take
            if (result[0].contains(" 1 ")) {
                assertThat(result[1]).as("%s: calls", result[0]).doesNotEndWith(" of 0");
            }
            assertThat(result[2]).as("%s, %s", result[0], result[1]).isNotEqualTo(FaultProbe.WRONG).doesNotContain("null");
            if (result[1].equals(FaultProbe.AFTERWARDS)) {
                assertThat(result[2]).as("a model after %s", result[0]).isEqualTo(FaultProbe.SAME);
            }
        });
    }

    private List<String> run(List<String> points) throws IOException, InterruptedException {
        Path output = folder.resolve("output.txt");
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:-CreateCoredumpOnCrash", "-XX:ErrorFile=" + folder.resolve("crash.txt"), "-Dslf4j.internal.verbosity=ERROR",
                "--enable-native-access=ALL-UNNAMED", "-D" + CacheFolder.PROPERTY + "=" + CacheFolder.path(),
                "-D" + FaultProbe.CYCLES + "=" + FAULTY_CYCLES, "-XX:NativeMemoryTracking=summary", "-Xms512m", "-Xmx512m",
                "-XX:+AlwaysPreTouch",
                "-cp", folder + File.pathSeparator + System.getProperty("java.class.path"), FaultProbe.class.getName()));
        command.addAll(points);
        Process process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile()).start();
        boolean ended = process.waitFor(600 + 10L * FAULTY_CYCLES, TimeUnit.SECONDS);
        process.destroyForcibly();
        assertThat(ended).as("ended in time: %s", Files.readString(output)).isTrue();
        assertThat(process.waitFor()).as(Files.readString(output)).isZero();
        return Files.readAllLines(output);
    }
}
