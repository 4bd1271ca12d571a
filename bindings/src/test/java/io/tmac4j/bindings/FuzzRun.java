package io.tmac4j.bindings;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Has {@link HostileProbe} try mutated models in JVMs of their own, and goes on after one that ended. How far it has come, what
 * came of the files and what went wrong is in its folder, so that a run that was stopped can be gone on with.
 */
final class FuzzRun {

    /** Mutations a JVM: what llama.cpp leaves behind when it is stopped from giving up stays until the JVM ends. */
    private static final int CHUNK = 1000;

    /** Processor time on one file that is taken for an endless loop, and time without an end that is taken for a deadlock. */
    private static final Duration LOOP = Duration.ofSeconds(30);
    private static final Duration DEADLOCK = Duration.ofMinutes(15);

    private final Path folder;
    private final Path seeds;
    private final Path failures;
    private final Path progress;
    private final FuzzCounts counts = new FuzzCounts();
    private List<String> mutations = List.of();

    /**
     * A run.
     *
     * @param folder to work in; files that ended a JVM are left there
     */
    FuzzRun(Path folder) throws IOException {
        this.folder = folder;
        this.seeds = Files.createDirectories(folder.resolve("seeds"));
        this.failures = folder.resolve("failures.txt");
        this.progress = folder.resolve("progress.properties");
    }

    /** Writes the tiny models of these names, or all, as seeds; the demo model is one more. */
    void seed(String... names) throws IOException, InterruptedException {
        Files.copy(Models.demo(), seeds.resolve("demo.gguf"), StandardCopyOption.REPLACE_EXISTING);
        List<String> arguments = new ArrayList<>(List.of(seeds.toString()));
        arguments.addAll(List.of(names));
        Path output = folder.resolve("seeds.txt");
        Process process = java(TinyModels.class, arguments).redirectErrorStream(true).redirectOutput(output.toFile()).start();
        if (!process.waitFor(DEADLOCK.toSeconds(), TimeUnit.SECONDS) || process.exitValue() != 0) {
            process.destroyForcibly();
            throw new IllegalStateException("no seeds: " + Files.readString(output));
        }
    }

    /** Tries the mutations from {@code first} to before {@code last}, less those that were tried in this folder before. */
    void run(int first, int last) throws IOException, InterruptedException {
        int next = first;
        if (Files.exists(progress) && counts.read(progress, first)) {
            next = counts.next();
        } else {
            Files.deleteIfExists(failures);
        }
        go(first, next, last);
    }

    /** Tries every seed with every number that llama.cpp may divide by set to 0. */
    void runZeros() throws IOException, InterruptedException {
        mutations = List.of("zeros");
        try (Stream<Path> files = Files.list(seeds)) {
            go(0, 0, HostileProbe.ZEROS.size() * (int) files.filter(file -> file.toString().endsWith(".gguf")).count());
        }
    }

    private void go(int first, int begin, int last) throws IOException, InterruptedException {
        int next = begin;
        while (next < last) {
            next = chunk(next, Math.min(last, next + CHUNK));
            counts.write(progress, first, next);
            System.out.println(next - first + " of " + (last - first) + " files: " + counts + ", " + failures().size()
                    + " failures");
        }
    }

    /** What went wrong, one line for each file. */
    List<String> failures() throws IOException {
        return Files.exists(failures) ? Files.readAllLines(failures) : List.of();
    }

    /** What came of the files. */
    FuzzCounts counts() {
        return counts;
    }

    /** Returns the mutation to go on with. */
    private int chunk(int first, int last) throws IOException, InterruptedException {
        Path output = folder.resolve("output.txt");
        Path current = folder.resolve("current");
        Files.writeString(current, "" + first);
        List<String> arguments = new ArrayList<>(List.of(folder.toString(), seeds.toString(), "" + first, "" + last));
        arguments.addAll(mutations);
        Process process = java(HostileProbe.class, arguments)
                .redirectErrorStream(true).redirectOutput(output.toFile()).start();
        String fault = watch(process, current);
        List<String> lines = Files.readAllLines(output, StandardCharsets.ISO_8859_1);
        counts.add(lines);
        fail(lines.stream().filter(line -> line.startsWith(HostileProbe.TOO_MUCH_MEMORY)).toList());
        if (fault == null && process.exitValue() == 0) {
            return last;
        }
        String number = Files.readString(current).strip();
        Files.copy(folder.resolve("mutated.gguf"), folder.resolve("failed-" + number + ".gguf"),
                StandardCopyOption.REPLACE_EXISTING);
        fail(List.of(number + ": " + (fault == null ? "exit code " + process.exitValue() : fault) + ": "
                + lines.stream().filter(line -> !line.isBlank() && !FuzzCounts.isCount(line)).limit(12).toList()));
        return Integer.parseInt(number) + 1;
    }

    private void fail(List<String> lines) throws IOException {
        Files.write(failures, lines, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    /** Waits for the end of a JVM; what is wrong, or null. */
    private static String watch(Process process, Path current) throws IOException, InterruptedException {
        String at = "";
        Duration since = Duration.ZERO;
        long sinceTime = System.nanoTime();
        while (!process.waitFor(200, TimeUnit.MILLISECONDS)) {
            String now = Files.readString(current);
            Duration used = process.info().totalCpuDuration().orElse(Duration.ZERO);
            if (!now.equals(at)) {
                at = now;
                since = used;
                sinceTime = System.nanoTime();
            } else if (used.minus(since).compareTo(LOOP) > 0 || System.nanoTime() - sinceTime > DEADLOCK.toNanos()) {
                process.destroyForcibly().waitFor();
                return "it does not end";
            }
        }
        return null;
    }

    private ProcessBuilder java(Class<?> program, List<String> arguments) {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xms96m", "-Xmx96m", "-XX:+AlwaysPreTouch", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
                "-XX:-CreateCoredumpOnCrash", "-XX:ErrorFile=" + folder.resolve("crash.txt"), "-Dslf4j.internal.verbosity=ERROR",
                "--enable-native-access=ALL-UNNAMED", "-D" + CacheFolder.PROPERTY + "=" + CacheFolder.path(), "-cp",
                System.getProperty("java.class.path"), program.getName()));
        command.addAll(arguments);
        return new ProcessBuilder(command);
    }
}
