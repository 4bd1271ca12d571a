package io.tmac4j.comparison.bench;

import io.tmac4j.comparison.EngineOptions;
import io.tmac4j.comparison.Failure;
import io.tmac4j.comparison.Tmac;
import io.tmac4j.comparison.environment.Environment;
import io.tmac4j.comparison.environment.PeakMemory;
import io.tmac4j.comparison.output.Json;
import io.tmac4j.comparison.output.Startup;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Runs {@code tmac cold-start} in a Java VM of its own, started as this one was. */
final class ColdProcess {

    private static final long LONGEST_MINUTES = 30;

    private ColdProcess() {
    }

    /**
     * Measures one engine's start.
     *
     * @throws Failure if it cannot be done; the message says why
     */
    static Startup run(Path model, String engine, int threads, int promptTokens, long warmUpSeconds) {
        Path out = null;
        Path err = null;
        Process process = null;
        try {
            out = Files.createTempFile("tmac", ".json");
            err = Files.createTempFile("tmac", ".txt");
            process = new ProcessBuilder(command(model, engine, threads, promptTokens, warmUpSeconds))
                    .redirectOutput(out.toFile()).redirectError(err.toFile()).start();
            boolean ended = process.waitFor(LONGEST_MINUTES, TimeUnit.MINUTES);
            String said = Files.readString(err, StandardCharsets.UTF_8);
            if (!ended || process.exitValue() != 0) {
                throw new Failure(ended ? lastLine(said) : "it took more than " + LONGEST_MINUTES + " minutes");
            }
            Startup startup = Json.startup(Files.readString(out, StandardCharsets.UTF_8));
            return PeakMemory.inWrapperOutput(said).stream().mapToObj(startup::withPeak).findFirst().orElse(startup);
        } catch (IOException impossible) {
            throw new Failure("no process could be started: " + impossible.getMessage(), impossible);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new Failure("it was interrupted", interrupted);
        } finally {
            if (process != null) {
                process.destroyForcibly();
            }
            delete(out);
            delete(err);
        }
    }

    private static List<String> command(Path model, String engine, int threads, int promptTokens, long warmUpSeconds) {
        List<String> command = new ArrayList<>(PeakMemory.wrapper());
        List<String> options = new ArrayList<>(
                Environment.flagsOfThisVm(ManagementFactory.getRuntimeMXBean().getInputArguments()));
        // what an option of this program set
        options.addAll(EngineOptions.asProperties());
        command.addAll(ChildVm.command(Tmac.class, options, List.of("cold-start", "-m", model.toString(), "-e", engine, "-t",
                Integer.toString(threads),
                "-p", Integer.toString(promptTokens), "--warmup", Long.toString(warmUpSeconds))));
        return command;
    }

    private static String lastLine(String text) {
        return text.lines().filter(line -> line.startsWith("tmac ")).reduce((first, second) -> second)
                .map(line -> line.replaceFirst("^tmac[a-z -]*: ", "")).orElse("it failed without a word");
    }

    private static void delete(Path file) {
        try {
            if (file != null) {
                Files.deleteIfExists(file);
            }
        } catch (IOException kept) {
            // A file left in the system's folder for such files does no harm.
        }
    }
}
