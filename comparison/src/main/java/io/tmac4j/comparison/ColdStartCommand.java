package io.tmac4j.comparison;

import io.tmac4j.bindings.Engine;
import io.tmac4j.bindings.FlashAttention;
import io.tmac4j.bindings.GgmlType;
import io.tmac4j.comparison.bench.ColdStart;
import io.tmac4j.comparison.bench.Settings;
import io.tmac4j.comparison.environment.Machine;
import io.tmac4j.comparison.output.Json;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(name = "cold-start", hidden = true,
        header = "Measure the start of one engine in this process; 'tmac compare' runs it for each engine.",
        description = {
            "Prints one JSON object: load time, time to the first token cold and warm, warm-up, peak memory.",
            "",
            "Examples:",
            "  tmac cold-start -m model.gguf -e tmac -t 4",
        })
final class ColdStartCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Option(names = {"-m", "--model"}, paramLabel = "FILE", required = true, description = "GGUF model.")
    private Path model;

    @Option(names = {"-e", "--engine"}, paramLabel = "NAME", required = true, converter = Options.EngineName.class,
            description = "The engine.")
    private Engine engine;

    @Option(names = {"-t", "--threads"}, paramLabel = "N", converter = Options.AtLeastOne.class,
            description = "Threads (default: one for each physical core).")
    private int threads = Machine.mathThreads();

    @Option(names = {"-p", "--n-prompt"}, paramLabel = "N", converter = Options.AtLeastOne.class,
            description = "Tokens of the prompt (default: ${DEFAULT-VALUE}).")
    private int prompt = 128;

    @Option(names = "--warmup", paramLabel = "SECONDS", converter = Options.AtLeastZero.class,
            description = "Longest warm-up (default: ${DEFAULT-VALUE}).")
    private int warmUp = 10;

    @Mixin
    private final EngineOptions engineOptions = new EngineOptions();

    @Override
    public Integer call() {
        long entered = System.currentTimeMillis();
        Settings settings = new Settings(threads, 2048, 512, GgmlType.F16, GgmlType.F16, FlashAttention.AUTO);
        spec.commandLine().getOut().println(Json.pretty(
                ColdStart.measure(entered, model, engine, settings, prompt, Duration.ofSeconds(warmUp))));
        return 0;
    }
}
