import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Measures how long an image of {@code tmac} takes from the start of its process to the first token, on both engines, with and
 * without its AOT cache: in turns, after one round that does not count. Started by
 * {@code java comparison/src/image/java/StartUp.java IMAGE [RUNS [MODEL]]}; without a model it is the one in the image. Prints a
 * Markdown table of medians and ranges in milliseconds.
 */
public final class StartUp {

    private static final String PROMPT = "ROMEO:\n";

    private record Way(String engine, boolean cache) {
    }

    private StartUp() {
    }

    public static void main(String[] args) throws IOException, InterruptedException {
        if (args.length < 1 || args.length > 3) {
            System.err.println("arguments: IMAGE [RUNS [MODEL]]");
            System.exit(2);
        }
        boolean windows = System.getProperty("os.name").toLowerCase(Locale.ROOT).startsWith("windows");
        Path launcher = Path.of(args[0], "bin", windows ? "tmac.cmd" : "tmac").toAbsolutePath();
        int runs = args.length > 1 ? Integer.parseInt(args[1]) : 5;
        Map<Way, double[]> times = new LinkedHashMap<>();
        for (String engine : List.of("llama.cpp", "tmac")) {
            times.put(new Way(engine, false), new double[runs]);
            times.put(new Way(engine, true), new double[runs]);
        }
        for (int run = -1; run < runs; run++) {
            for (Map.Entry<Way, double[]> way : times.entrySet()) {
                double time = firstToken(launcher, way.getKey(), args.length > 2 ? args[2] : null);
                if (run >= 0) {
                    way.getValue()[run] = time;
                }
            }
        }
        System.out.println("| engine | AOT cache | start to first token, ms | range |");
        System.out.println("| --- | --- | ---: | --- |");
        times.forEach((way, measured) -> {
            Arrays.sort(measured);
            double median = (measured[(runs - 1) / 2] + measured[runs / 2]) / 2;
            System.out.printf(Locale.ROOT, "| %s | %s | %.0f | %.0f .. %.0f |%n", way.engine, way.cache ? "yes" : "no", median,
                    measured[0], measured[runs - 1]);
        });
    }

    /** Milliseconds from the start of a process to the first byte of text after the prompt. */
    private static double firstToken(Path launcher, Way way, String model) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(launcher.toString(), "generate", "--temp", "0", "-n", "1", "-q", "-t", "2",
                "-e", way.engine));
        if (model != null) {
            command.addAll(List.of("-m", model));
        }
        Path prompt = Files.writeString(Files.createTempFile("prompt", ".txt"), PROMPT);
        command.addAll(List.of("-f", prompt.toString()));
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD);
        builder.environment().put("TMAC_JAVA_OPTS", way.cache ? "" : "-XX:AOTMode=off");
        long start = System.nanoTime();
        Process process = builder.start();
        int seen = 0;
        long first = 0;
        byte[] buffer = new byte[1024];
        try (InputStream out = process.getInputStream()) {
            for (int got = out.read(buffer); got >= 0; got = out.read(buffer)) {
                seen += got;
                if (first == 0 && seen > PROMPT.getBytes(StandardCharsets.UTF_8).length) {
                    first = System.nanoTime();
                }
            }
        }
        int exitCode = process.waitFor();
        Files.delete(prompt);
        if (exitCode != 0 || first == 0) {
            throw new IllegalStateException(String.join(" ", command) + " ended with " + exitCode + " and " + seen + " bytes");
        }
        return (first - start) * 1e-6;
    }
}
