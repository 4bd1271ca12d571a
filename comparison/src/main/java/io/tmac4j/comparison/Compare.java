package io.tmac4j.comparison;

import io.tmac4j.bindings.ContextOptions;
import io.tmac4j.bindings.Engine;
import io.tmac4j.bindings.FlashAttention;
import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.GgufFile;
import io.tmac4j.bindings.LlamaCppLibrary;
import io.tmac4j.comparison.bench.Plan;
import io.tmac4j.comparison.bench.Settings;
import io.tmac4j.comparison.bench.Sweep;
import io.tmac4j.comparison.bench.SweepRun;
import io.tmac4j.comparison.bench.TestCase;
import io.tmac4j.comparison.bench.TestCase.PromptAndGeneration;
import io.tmac4j.comparison.environment.Device;
import io.tmac4j.comparison.environment.EnergyMeter;
import io.tmac4j.comparison.environment.Machine;
import io.tmac4j.comparison.environment.Priority;
import io.tmac4j.comparison.output.Format;
import io.tmac4j.comparison.output.Progress;
import io.tmac4j.comparison.output.WholeFile;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

@Command(name = "compare",
        header = "Measure token rates of all engines on the same models, and whether the engines agree.",
        description = {
            "Options, notation and test names are llama-bench's: values may be lists and ranges (1,2  1-4  1-8*2  0-4096+1024),"
                    + " every combination is measured. The engines take turns, after a warm-up until their rate is steady; the"
                    + " ratio is that of the medians, with a 95 %% bootstrap interval. Without -m: the bundled demo model for"
                    + " agreement, and random weights in the shape of BitNet-b1.58-0.7B (TQ2_0, made on first use) for"
                    + " the rates.",
            "",
            "Examples:",
            "  tmac compare --quick                     a first look, about a minute",
            "  tmac compare -m model.gguf -t 1,2,4      threads side by side",
            "  tmac compare -m a.gguf -m b.gguf -p 0    two models, generation only",
            "  tmac compare -m model.gguf -p 0 --parallel 1-16*2    texts continued together",
            "  tmac compare -m model.gguf -d 0-8192+4096 -o json > results.json",
        })
final class Compare implements Callable<Integer> {

    private static final int QUICK_PROMPT = 128;
    private static final int QUICK_GENERATE = 32;
    private static final int QUICK_REPETITIONS = 3;
    private static final int QUICK_AGREEMENT = 16;
    /** Threads of the engine that ran before poll for work for about a tenth of a second before they sleep. */
    private static final Duration PAUSE = Duration.ofMillis(200);

    @Spec
    private CommandSpec spec;

    @ParentCommand
    private Tmac root;

    @Option(names = {"-m", "--model"}, paramLabel = "FILE", description = "GGUF model; may be given several times.")
    private List<Path> models = List.of();

    @Option(names = {"-e", "--engine"}, paramLabel = "NAME", split = ",", converter = Options.EngineName.class,
            description = "Engines to measure, the first is the baseline (default: all of this program, llama.cpp first).")
    private List<Engine> engines = List.of();

    @Option(names = {"-p", "--n-prompt"}, paramLabel = "N", converter = IntRanges.FromZero.class,
            description = "Prompt tokens read in batches, tests pp<N> (default: 512); 0 leaves them out.")
    private List<IntRanges> prompts = List.of();

    @Option(names = {"-n", "--n-gen"}, paramLabel = "N", converter = IntRanges.FromZero.class,
            description = "Tokens generated one by one, tests tg<N> (default: 128); 0 leaves them out.")
    private List<IntRanges> generations = List.of();

    @Option(names = "-pg", paramLabel = "PP,TG", converter = Options.Pair.class,
            description = "A prompt and a generation in one test.")
    private List<PromptAndGeneration> pairs = List.of();

    @Option(names = {"-d", "--n-depth"}, paramLabel = "N", converter = IntRanges.FromZero.class,
            description = "Tokens in the cache before the test begins (default: 0).")
    private List<IntRanges> depths = List.of();

    @Option(names = "--parallel", paramLabel = "N", converter = IntRanges.FromOne.class,
            description = "Texts continued together in the tests tg<N>, a token of each in a step: tests tg<N> x<texts> (default:"
                    + " 1). The rate is that of all of them. One text is always measured too, to compare with.")
    private List<IntRanges> parallel = List.of();

    @Option(names = {"-t", "--threads"}, paramLabel = "N", converter = IntRanges.FromOne.class,
            description = "Threads (default: one for each physical core).")
    private List<IntRanges> threads = List.of();

    @Option(names = "--device", paramLabel = "NAME", converter = Options.DeviceName.class,
            description = "Thread counts worth measuring on this kind of machine, in place of -t; see 'tmac devices'.")
    private Device device;

    @Option(names = {"-b", "--batch-size"}, paramLabel = "N", converter = IntRanges.FromOne.class,
            description = "Tokens given to one call of decode (default: 2048).")
    private List<IntRanges> batches = List.of();

    @Option(names = {"-ub", "--ubatch-size"}, paramLabel = "N", converter = IntRanges.FromOne.class,
            description = "Tokens computed at once (default: 512).")
    private List<IntRanges> ubatches = List.of();

    @Option(names = {"-ctk", "--cache-type-k"}, paramLabel = "TYPE", split = ",", converter = Options.CacheType.class,
            description = "Type of the cached keys (default: f16).")
    private List<GgmlType> keyTypes = List.of();

    @Option(names = {"-ctv", "--cache-type-v"}, paramLabel = "TYPE", split = ",", converter = Options.CacheType.class,
            description = "Type of the cached values (default: f16).")
    private List<GgmlType> valueTypes = List.of();

    @Option(names = {"-fa", "--flash-attn"}, paramLabel = "on|off|auto", split = ",", converter = Options.Attention.class,
            description = "Flash attention (default: auto).")
    private List<FlashAttention> attention = List.of();

    @Option(names = {"-r", "--repetitions"}, paramLabel = "N", converter = Options.AtLeastOne.class,
            description = "Measured runs of each engine and test (default: 5).")
    private Integer repetitions;

    @Option(names = "--delay", paramLabel = "SECONDS", converter = Options.AtLeastZero.class,
            description = "Rest before each test, for machines that get hot.")
    private int delay;

    @Option(names = "--prio", paramLabel = "-1|0|1|2|3", converter = Options.PriorityLevel.class,
            description = "Priority of the whole program, so of all engines: low, normal, medium, high, real time (default: 0);"
                    + " above 0 it needs an administrator.")
    private Priority priority = Priority.NORMAL;

    @Option(names = "--no-warmup", description = "Measure at once; the first runs are then slower, above all those of "
            + "Java. No cold starts either.")
    private boolean noWarmUp;

    @Option(names = "--warmup", paramLabel = "SECONDS", converter = Options.AtLeastZero.class,
            description = "Longest warm-up of an engine in a test (default: 10); it ends when the rate is steady.")
    private Integer warmUp;

    @Option(names = "--no-startup",
            description = "Do not measure each engine's start (load time, first token, memory) in a process of its own.")
    private boolean noStartup;

    @Option(names = "--agreement", paramLabel = "N", converter = Options.AtLeastZero.class,
            description = "Tokens on which the engines' agreement is checked (default: 64); 0 leaves it out.")
    private Integer agreement;

    @Option(names = "--busy", paramLabel = "N", converter = IntRanges.FromOne.class,
            description = "Measure each test again beside N processes that keep a core each busy: the share of the rate that"
                    + " each engine keeps, and how long single tokens take.")
    private List<IntRanges> busy = List.of();

    @Option(names = "--no-bandwidth",
            description = "Do not measure how fast memory is read, to give generation's share of it.")
    private boolean noBandwidth;

    @Option(names = "--pieces",
            description = "Tell where the time of one more run of each test goes: into the engine's pieces of the graph, or"
                    + " between them, where llama.cpp computes; and how often a processor was taken from a thread.")
    private boolean pieces;

    @Option(names = {"-o", "--output"}, paramLabel = "md|csv|json|jsonl", description = "Form of the results (default: md).")
    private Format format = Format.MD;

    @Option(names = "--resume", paramLabel = "FILE",
            description = "Keep results in this JSON file as they come, and do not measure again what it holds already.")
    private Path resume;

    @Option(names = "--seed", paramLabel = "N",
            description = "Seed of tokens and of the order of turns (default: ${DEFAULT-VALUE}).")
    private long seed = 1;

    @Option(names = "--force", description = "Draw conclusions even if other programs kept the machine busy.")
    private boolean force;

    @Option(names = "--quick", description = "A first look in about a minute: pp128, tg32, 3 runs, short warm-up.")
    private boolean quick;

    @Mixin
    private final EngineOptions engineOptions = new EngineOptions();

    @Override
    public Integer call() throws IOException {
        List<Engine> chosen = engines.isEmpty() ? Engine.available() : engines.stream().distinct().toList();
        List<TestCase> tests = TestCase.sweep(orElse(IntRanges.all(prompts), quick ? QUICK_PROMPT : 512),
                orElse(IntRanges.all(generations), quick ? QUICK_GENERATE : 128), pairs, orElse(IntRanges.all(depths), 0),
                sequences());
        if (tests.isEmpty() && agreementTokens() == 0) {
            throw new ParameterException(spec.commandLine(), "-p 0, -n 0 and --agreement 0 leave nothing to do");
        }
        for (Path model : models) {
            requireModel(model);
        }
        if (resume != null) {
            WholeFile.requireWritable(resume);
        }
        priority.apply();
        LlamaCppLibrary library = LlamaCppLibrary.load();
        try (Progress progress = new Progress(spec.commandLine().getErr(), root.showsProgress());
             EnergyMeter meter = EnergyMeter.here()) {
            Collected collected = new Collected(library, format, spec.commandLine().getOut(), meter.description(), priority,
                    resume, progress);
            Sweep sweep = sweep(chosen, tests, progress);
            new SweepRun(sweep, collected, progress, force, meter).run();
            collected.end();
        }
        return 0;
    }

    private Sweep sweep(List<Engine> chosen, List<TestCase> tests, Progress progress) throws IOException {
        List<Path> measured = models;
        List<Path> agreeing = List.of();
        if (models.isEmpty()) {
            measured = List.of(DefaultModels.synthetic(progress));
            agreeing = List.of(DefaultModels.demo());
        }
        Plan plan = new Plan(repetitions != null ? repetitions : quick ? QUICK_REPETITIONS : 5, warmUpTime(), PAUSE,
                Duration.ofSeconds(delay), seed);
        int startupPrompt = noStartup ? 0
                : tests.stream().mapToInt(TestCase::prompt).filter(prompt -> prompt > 0).findFirst().orElse(QUICK_PROMPT);
        return new Sweep(measured, chosen, settings(), tests, plan, IntRanges.all(busy), pieces, !noBandwidth, startupPrompt,
                agreeing, agreementTokens());
    }

    private Duration warmUpTime() {
        return noWarmUp ? Duration.ZERO : Duration.ofSeconds(warmUp != null ? warmUp : quick ? 3 : 10);
    }

    private int agreementTokens() {
        return agreement != null ? agreement : quick ? QUICK_AGREEMENT : 64;
    }

    private List<Settings> settings() {
        List<Settings> settings = new ArrayList<>();
        for (int batch : orElse(IntRanges.all(batches), 2048)) {
            for (int ubatch : orElse(IntRanges.all(ubatches), 512)) {
                for (GgmlType keyType : orElse(keyTypes, GgmlType.F16)) {
                    for (GgmlType valueType : orElse(valueTypes, GgmlType.F16)) {
                        for (FlashAttention flash : orElse(attention, FlashAttention.AUTO)) {
                            for (int count : threadCounts()) {
                                settings.add(new Settings(count, batch, ubatch, keyType, valueType, flash));
                            }
                        }
                    }
                }
            }
        }
        return settings;
    }

    private List<Integer> threadCounts() {
        if (device != null && !threads.isEmpty()) {
            throw new ParameterException(spec.commandLine(), "--device chooses the thread counts, so -t cannot be given too");
        }
        return device != null ? device.threads() : orElse(IntRanges.all(threads), Machine.mathThreads());
    }

    /** Numbers of texts continued together: one first, since the others are compared with it. */
    private List<Integer> sequences() {
        List<Integer> wanted = IntRanges.all(parallel);
        int batch = orElse(IntRanges.all(batches), 2048).stream().min(Integer::compare).orElseThrow();
        for (int count : wanted) {
            if (count > ContextOptions.MAX_SEQUENCES || count > batch) {
                throw new ParameterException(spec.commandLine(), "--parallel " + count + ": "
                        + (count > batch ? "a batch of -b " + batch + " tokens has no room for one of each text"
                        : "llama.cpp continues at most " + ContextOptions.MAX_SEQUENCES + " texts together"));
            }
        }
        return Stream.concat(Stream.of(1), wanted.stream()).distinct().toList();
    }

    private static <T> List<T> orElse(List<T> given, T standard) {
        return given.isEmpty() ? List.of(standard) : given;
    }

    /** Finds a file that is no model before minutes of measuring have gone into the models before it. */
    private static void requireModel(Path model) {
        GgufFile.read(model);
    }
}
