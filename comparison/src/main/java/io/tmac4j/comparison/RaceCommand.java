package io.tmac4j.comparison;

import io.tmac4j.bindings.ContextOptions;
import io.tmac4j.bindings.Engine;
import io.tmac4j.bindings.LlamaModel;
import io.tmac4j.bindings.ModelOptions;
import io.tmac4j.bindings.SamplerOptions;
import io.tmac4j.comparison.bench.TestCase;
import io.tmac4j.comparison.bench.TokenTest;
import io.tmac4j.comparison.bench.WarmUp;
import io.tmac4j.comparison.environment.CpuClock;
import io.tmac4j.comparison.environment.Machine;
import io.tmac4j.comparison.output.Progress;
import io.tmac4j.comparison.output.Terminal;
import io.tmac4j.comparison.output.WholeFile;
import io.tmac4j.comparison.race.LaneView;
import io.tmac4j.comparison.race.Race;
import io.tmac4j.comparison.race.RaceShow;
import io.tmac4j.comparison.race.Recording;
import io.tmac4j.comparison.race.Screen;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

@Command(name = "race",
        header = "Let all engines generate the same text side by side, live, and watch who is faster.",
        description = {
            "The engines take turns, so that none takes another's cores, and each has a clock that runs in its own turns only:"
                    + " a picture of the difference, while 'tmac compare' is its measurement. On a narrow terminal the "
                            + "panes stand"
                    + " one below the other; without a terminal each turn is a line. Without -m: the bundled demo model, which is"
                    + " so small that its turns should be short.",
            "",
            "Examples:",
            "  tmac race --slice 50",
            "  tmac race -m model.gguf -n 200 \"The capital of France is\"",
            "  tmac race -m model.gguf --record race.svg    a moving picture, e.g. for a web page",
            "  tmac race -m model.gguf --record race.cast   for asciinema",
        })
final class RaceCommand implements Callable<Integer> {

    private static final long SPARE_BYTES = 768L << 20;
    private static final long SEED = 3;
    private static final int PIECE = 16;
    private static final String DEMO_PROMPT = "ROMEO:\n";
    private static final int RECORDED_COLUMNS = 100;
    private static final int RECORDED_ROWS = 16;

    @Spec
    private CommandSpec spec;

    @ParentCommand
    private Tmac root;

    @Parameters(paramLabel = "PROMPT", arity = "0..*", description = "Text to continue; several words are joined by spaces.")
    private List<String> words = List.of();

    @Option(names = {"-m", "--model"}, paramLabel = "FILE", description = "GGUF model (default: the demo model).")
    private Path model;

    @Option(names = {"-e", "--engine"}, paramLabel = "NAME", split = ",", converter = Options.EngineName.class,
            description = "Engines (default: all, llama.cpp first).")
    private List<Engine> engines = List.of();

    @Option(names = {"-n", "--n-predict"}, paramLabel = "N", converter = Options.AtLeastOne.class,
            description = "Tokens to generate (default: ${DEFAULT-VALUE}).")
    private int limit = 128;

    @Option(names = {"-t", "--threads"}, paramLabel = "N", converter = Options.AtLeastOne.class,
            description = "Threads (default: one for each physical core).")
    private int threads = Machine.mathThreads();

    @Mixin
    private final Sampling sampling = new Sampling(0, 1);

    @Option(names = "--slice", paramLabel = "MILLISECONDS", converter = Options.AtLeastOne.class,
            description = "Length of a turn (default: ${DEFAULT-VALUE}).")
    private int slice = 400;

    @Option(names = "--warmup", paramLabel = "SECONDS", converter = Options.AtLeastZero.class,
            description = "Longest warm-up of an engine before the start; it ends when the rate is steady (default: "
                    + "${DEFAULT-VALUE}).")
    private int warmUp = 5;

    @Option(names = "--record", paramLabel = "FILE.svg|FILE.cast", description = "Keep the race as a moving picture or an "
            + "asciicast.")
    private Path record;

    @Mixin
    private final EngineOptions engineOptions = new EngineOptions();

    @Override
    public Integer call() throws IOException {
        requireRecordable();
        SamplerOptions choice = sampling.options();
        if (model != null && words.isEmpty()) {
            throw new ParameterException(spec.commandLine(), "there is no prompt to continue");
        }
        List<Engine> chosen = engines.isEmpty() ? Engine.available() : engines.stream().distinct().toList();
        Path path = model != null ? model : DefaultModels.demo();
        if (Files.isRegularFile(path) && Files.size(path) * chosen.size() + SPARE_BYTES > Machine.availableMemory()) {
            throw new Failure("the memory does not hold " + path.getFileName() + " once for each engine, so they cannot race");
        }
        List<LlamaModel> models = new ArrayList<>();
        try (Progress progress = new Progress(spec.commandLine().getErr(), root.showsProgress())) {
            for (Engine engine : chosen) {
                progress.show(0, "loading " + path.getFileName() + " into " + engine.name());
                models.add(LlamaModel.load(path, ModelOptions.defaults().withEngine(engine)));
            }
            int[] prompt = models.getFirst().tokenize(words.isEmpty() ? DEMO_PROMPT : String.join(" ", words), true, true);
            if (prompt.length == 0) {
                throw new Failure("the prompt has no tokens, so there is nothing to continue");
            }
            ContextOptions options = ContextOptions.defaults().withThreads(threads).withBatchThreads(threads);
            warmUp(models, options, progress);
            progress.clear();
            race(models, prompt, options, choice);
        } finally {
            models.forEach(LlamaModel::close);
        }
        return 0;
    }

    private void warmUp(List<LlamaModel> models, ContextOptions options, Progress progress) {
        CpuClock clock = new CpuClock();
        for (LlamaModel loaded : models) {
            try (TokenTest test = new TokenTest(loaded, new TestCase(0, PIECE, 0), options, SEED)) {
                WarmUp.of(test, Duration.ofSeconds(warmUp), clock,
                        () -> progress.show(0, "warming up " + loaded.engine().name()));
            }
        }
    }

    private void race(List<LlamaModel> models, int[] prompt, ContextOptions options, SamplerOptions choice)
            throws IOException {
        int trained = models.getFirst().trainedContext();
        int size = trained > 0 ? Math.min(trained, prompt.length + limit) : prompt.length + limit;
        if (prompt.length >= size) {
            throw new Failure("the prompt has " + prompt.length + " tokens and leaves no room in a context of " + size
                    + "; shorten it");
        }
        int tokens = Math.min(limit, size - prompt.length);
        String title = String.format(Locale.ROOT, "tmac race: %s, %d threads, turns of %d ms", models.getFirst().description(),
                threads, slice);
        Race race = new Race(prompt, tokens, Duration.ofMillis(slice), options.withContextSize(size), choice);
        Recording recording = record == null ? null : new Recording(RECORDED_COLUMNS, RECORDED_ROWS);
        PrintWriter out = spec.commandLine().getOut();
        Race.Outcome outcome;
        if (Terminal.isInteractive() && Terminal.drawsScreens()) {
            try (Screen screen = Screen.open(Terminal.wantsColour())) {
                outcome = race.run(models, new RaceShow(title, screen, recording, out));
            }
        } else {
            outcome = race.run(models, new RaceShow(title, null, recording, out));
        }
        summary(out, title, outcome);
        if (recording != null) {
            WholeFile.write(record, isCast() ? recording.cast(title) : recording.svg(title));
        }
    }

    private void summary(PrintWriter out, String title, Race.Outcome outcome) {
        List<LaneView> lanes = outcome.lanes();
        out.println();
        out.println(title);
        lanes.forEach(lane -> out.println(RaceShow.line(lane)));
        out.println();
        List<String> texts = lanes.stream().map(LaneView::text).distinct().toList();
        for (int i = 0; i < texts.size(); i++) {
            out.println((texts.size() == 1 ? "The text" : lanes.get(i).engine()) + ":");
            texts.get(i).lines().forEach(line -> out.println(line.isBlank() ? ">" : "> " + line));
        }
        if (lanes.size() > 1) {
            int most = lanes.stream().mapToInt(LaneView::tokens).max().orElse(0);
            out.println(outcome.equal() == most ? "All " + most + " tokens are equal."
                    : "The first " + outcome.equal() + " of " + most + " tokens are equal.");
        }
        out.flush();
    }

    private void requireRecordable() {
        if (record != null && !isCast() && !record.toString().endsWith(".svg")) {
            throw new ParameterException(spec.commandLine(), "--record writes FILE.svg or FILE.cast, not "
                    + record.getFileName());
        }
        if (record != null) {
            WholeFile.requireWritable(record);
        }
    }

    private boolean isCast() {
        return record.toString().endsWith(".cast");
    }
}
