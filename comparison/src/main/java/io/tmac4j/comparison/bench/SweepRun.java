package io.tmac4j.comparison.bench;

import io.tmac4j.bindings.ContextOptions;
import io.tmac4j.bindings.Engine;
import io.tmac4j.bindings.GgufFile;
import io.tmac4j.bindings.LlamaContext;
import io.tmac4j.bindings.LlamaModel;
import io.tmac4j.bindings.Sampler;
import io.tmac4j.bindings.SamplerOptions;
import io.tmac4j.comparison.Failure;
import io.tmac4j.comparison.environment.EnergyMeter;
import io.tmac4j.comparison.environment.Machine;
import io.tmac4j.comparison.kernels.ReadBandwidth;
import io.tmac4j.comparison.output.Agreement;
import io.tmac4j.comparison.output.Busy;
import io.tmac4j.comparison.output.Comparison;
import io.tmac4j.comparison.output.Pieces;
import io.tmac4j.comparison.output.Progress;
import io.tmac4j.comparison.output.Result;
import io.tmac4j.comparison.output.Startup;
import io.tmac4j.comparison.output.Text;
import io.tmac4j.comparison.stats.Sample;
import io.tmac4j.comparison.stats.TokenTimes;
import io.tmac4j.comparison.text.Generation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Measures a sweep: loads each model into all engines, runs the cells, hands each finished one on. */
public final class SweepRun {

    private static final String TEXT_PROMPT = "KING HENRY:\n";
    private static final int TEXT_TOKENS = 60;
    private static final long TEXT_SEED = 4;

    /** Memory to leave to caches of keys and values, graphs and the rest of the system. */
    private static final long SPARE_BYTES = 768L << 20;

    /** Is handed each finished cell. */
    public interface Sink {
        /** All engines' results in one cell, and each one's comparison with the baseline. */
        void finished(List<Result> results, List<Comparison> comparisons);

        /** Results of an earlier run for this cell and engine, so that it need not run again. */
        Optional<Result> known(Cell cell, Engine engine);

        /** Whether two engines agree on a model. */
        void agreement(Agreement agreement);

        /** How an engine starts. */
        void startup(Startup startup);

        /** Whether an earlier run has measured all engines' starts on a model already. */
        boolean startupKnown(Path model, List<Engine> engines);

        /** What an engine wrote. */
        void text(Text text);

        /** Whether an earlier run has found already how far all engines agree on a model. */
        boolean agreementKnown(Path model, List<Engine> engines);

        /** Something the reader must know. */
        void note(String sentence);

        /** What an engine says of itself. */
        void engine(String name, String description);
    }

    private final Sweep sweep;
    private final Sink sink;
    private final Progress progress;
    private final boolean conclude;
    private final EnergyMeter meter;
    private final Map<Integer, Double> bandwidths = new HashMap<>();
    private double totalWeight;
    private double doneWeight;

    /**
     * A run.
     *
     * @param conclude conclude even on a busy machine
     * @param meter    tells the energy that the computer uses
     */
    public SweepRun(Sweep sweep, Sink sink, Progress progress, boolean conclude, EnergyMeter meter) {
        this.sweep = sweep;
        this.sink = sink;
        this.progress = progress;
        this.conclude = conclude;
        this.meter = meter;
        this.totalWeight = sweep.weight() * sweep.engines().size();
    }

    /** Runs all cells. */
    public void run() throws IOException {
        measureBandwidths();
        for (Path model : sweep.agreeing()) {
            runModel(model, List.of());
        }
        for (Path model : sweep.models()) {
            runModel(model, sweep.cells(model));
        }
    }

    private void runModel(Path file, List<Cell> cells) throws IOException {
        Map<Cell, Map<Engine, Result>> finished = new LinkedHashMap<>();
        for (Cell cell : cells) {
            Map<Engine, Result> known = new LinkedHashMap<>();
            sweep.engines().forEach(engine -> sink.known(cell, engine).filter(this::isWholeKnown)
                    .ifPresent(result -> known.put(engine, result)));
            // Engines are only comparable when they ran side by side: a cell is known as a whole or not at all.
            finished.put(cell, known.size() == sweep.engines().size() ? known : new LinkedHashMap<>());
        }
        List<Cell> open = cells.stream().filter(cell -> finished.get(cell).isEmpty()).toList();
        finished.forEach((cell, results) -> {
            if (!results.isEmpty()) {
                // Not done in this run: it would promise an end too soon.
                totalWeight -= cell.weight() * sweep.engines().size();
                report(results);
            }
        });
        boolean wantsAgreement = sweep.agreementTokens() > 0 && sweep.engines().size() > 1
                && !sink.agreementKnown(file, sweep.engines());
        Agreeing agreeing = wantsAgreement
                ? new Agreeing(sweep.agreementTokens(), sweep.settings().getLast().contextOptions())
                : null;
        if (sweep.models().contains(file)) {
            startups(file);
        }
        if (open.isEmpty() && agreeing == null) {
            return;
        }
        if (sweep.engines().size() == 1 || fitTogether(Files.size(file))) {
            runShift(file, sweep.engines(), open, finished, agreeing);
            return;
        }
        sink.note(file.getFileName() + ": the memory does not hold the model once for each engine, so the engines ran one "
                + "after the other, not interleaved");
        for (Engine engine : sweep.engines()) {
            runShift(file, List.of(engine), open, finished, agreeing);
        }
    }

    /** Measures each engine's start, before this process takes memory for the model itself. */
    private void startups(Path file) {
        if (sweep.startupPrompt() == 0 || sweep.plan().warmUp().isZero() || sink.startupKnown(file, sweep.engines())) {
            return;
        }
        for (Engine engine : sweep.engines()) {
            progress.show(done(), "cold start of " + engine.name() + " with " + file.getFileName());
            try {
                sink.startup(ColdProcess.run(file, engine.name(), sweep.settings().getLast().threads(), sweep.startupPrompt(),
                        sweep.plan().warmUp().toSeconds()));
            } catch (Failure why) {
                sink.note(file.getFileName() + ": the cold start of " + engine.name() + " could not be measured: "
                        + why.getMessage());
            }
        }
    }

    /** Bytes a second that each number of threads reads, before this process takes memory for models. */
    private void measureBandwidths() {
        boolean generates = sweep.tests().stream().anyMatch(test -> test.prompt() == 0);
        if (!sweep.bandwidth() || !generates || sweep.models().isEmpty()) {
            return;
        }
        progress.show(done(), "reading memory");
        ReadBandwidth memory = new ReadBandwidth();
        sweep.settings().stream().map(Settings::threads).distinct()
                .forEach(threads -> bandwidths.put(threads, memory.measure(threads)));
    }

    private double done() {
        return totalWeight == 0 ? 1 : doneWeight / totalWeight;
    }

    private boolean fitTogether(long fileBytes) {
        return fileBytes * sweep.engines().size() + SPARE_BYTES < Machine.availableMemory();
    }

    private void runShift(Path file, List<Engine> engines, List<Cell> cells, Map<Cell, Map<Engine, Result>> finished,
                          Agreeing agreeing) {
        List<LoadedModel> models = new ArrayList<>();
        try {
            for (Engine engine : engines) {
                progress.show(done(), "loading " + file.getFileName() + " into " + engine.name());
                LoadedModel loaded = LoadedModel.load(file, engine);
                models.add(loaded);
                sink.engine(engine.name(), loaded.model().engineReport().description());
            }
            for (Cell cell : cells) {
                List<Result> results = measure(cell, models);
                Map<Engine, Result> ofCell = finished.get(cell);
                for (int i = 0; i < engines.size(); i++) {
                    ofCell.put(engines.get(i), results.get(i));
                }
                if (ofCell.size() == sweep.engines().size()) {
                    report(ofCell);
                }
            }
            if (agreeing != null) {
                for (LoadedModel loaded : models) {
                    progress.show(done(), "agreement on " + file.getFileName() + " " + loaded.model().engine());
                    agreeing.hear(loaded.model()).ifPresent(sink::agreement);
                    if (sweep.agreeing().contains(file)) {
                        sink.text(write(loaded.model()));
                    }
                }
            }
        } finally {
            models.forEach(LoadedModel::close);
        }
    }

    /** Lets a model write a few lines, for readers to see that it can. */
    private Text write(LlamaModel model) {
        ContextOptions options = sweep.settings().getLast().contextOptions().withContextSize(2 * TEXT_TOKENS);
        StringBuilder text = new StringBuilder();
        try (LlamaContext context = model.newContext(options);
             Sampler sampler = Sampler.coupled(SamplerOptions.defaults().withSeed(TEXT_SEED))) {
            Generation.run(context, sampler, model.tokenize(TEXT_PROMPT, true, false), TEXT_TOKENS, context.contextSize(),
                    text::append);
        }
        return new Text(model.file().getFileName().toString(), model.engine().name(), TEXT_PROMPT, text.toString());
    }

    private List<Result> measure(Cell cell, List<LoadedModel> models) {
        List<TokenTest> tests = new ArrayList<>();
        try {
            for (LoadedModel loaded : models) {
                tests.add(new TokenTest(loaded.model(), cell.test(), cell.settings().contextOptions(), sweep.plan().seed()));
            }
            String what = cell.model().getFileName() + " " + cell.test().name() + " t" + cell.settings().threads() + " ";
            double start = doneWeight;
            double step = cell.weight() / (sweep.plan().repetitions() * (1 + sweep.busy().size()) + 1);
            Measurement.Listener listener = (engine, stage) -> {
                if (stage.startsWith(Measurement.RUN)) {
                    doneWeight += step;
                }
                progress.show(done(), what + engine + " " + stage);
            };
            progress.show(done(), what);
            List<Measured> measured = new Measurement(sweep.plan(), listener, meter).run(tests);
            List<TokenTimes> times = tests.stream().map(TokenTest::takeTokenTimes).toList();
            List<Pieces> pieces = new ArrayList<>();
            for (TokenTest test : tests) {
                pieces.add(sweep.pieces() ? test.pieces() : null);
            }
            List<List<Busy>> busy = beside(cell, tests, measured, listener);
            doneWeight = start + cell.weight() * models.size();
            List<Result> results = new ArrayList<>();
            for (int i = 0; i < models.size(); i++) {
                results.add(result(cell, models.get(i), measured.get(i), times.get(i), busy.get(i),
                        pieces.get(i)));
            }
            return results;
        } finally {
            tests.forEach(TokenTest::close);
        }
    }

    /** Measures the warm tests again beside other processes; a list for each test. */
    private List<List<Busy>> beside(Cell cell, List<TokenTest> tests, List<Measured> alone, Measurement.Listener listener) {
        List<List<Busy>> all = tests.stream().<List<Busy>>map(test -> new ArrayList<>()).toList();
        for (int processes : sweep.busy()) {
            try (Neighbours neighbours = Neighbours.start(processes)) {
                List<Measured> measured = new Measurement(sweep.plan().whenWarm(), (engine, stage) -> listener.progressed(engine,
                        stage + " beside " + processes), meter).run(tests);
                if (neighbours.count() < processes) {
                    throw new Failure("a process that was to keep a core busy has ended");
                }
                for (int i = 0; i < tests.size(); i++) {
                    List<Double> rates = rates(cell, measured.get(i));
                    double median = Sample.of(rates).median();
                    all.get(i).add(new Busy(processes, median, rates, median / Sample.of(rates(cell, alone.get(i))).median(),
                            tests.get(i).takeTokenTimes()));
                }
            }
        }
        return all;
    }

    /** Whether a result of an earlier run has all that is asked for besides its rate. */
    private boolean isWholeKnown(Result result) {
        boolean pieces = !sweep.pieces() || result.pieces() != null || result.engine().equals(Engine.LLAMA_CPP.name());
        return pieces && result.busy().stream().map(Busy::processes).toList().containsAll(sweep.busy());
    }

    private static List<Double> rates(Cell cell, Measured measured) {
        return measured.nanos().stream().map(nanos -> cell.test().tokens() * 1e9 / nanos).toList();
    }

    private void report(Map<Engine, Result> ofCell) {
        List<Result> results = sweep.engines().stream().map(ofCell::get).toList();
        Result baseline = results.getFirst();
        List<Comparison> comparisons = results.stream().skip(1).map(other -> Verdict.of(baseline, other, conclude)).toList();
        progress.clear();
        sink.finished(results, comparisons);
    }

    private static List<Double> nullable(List<Double> values) {
        return values.stream().map(value -> value.isNaN() ? null : value).toList();
    }

    /** The median energy of a token; null unless every repetition was measured. */
    private static Double perToken(List<Double> joules, int tokens) {
        return joules.stream().anyMatch(value -> value.isNaN()) ? null : (Double) (Sample.of(joules).median() / tokens);
    }

    private Result result(Cell cell, LoadedModel loaded, Measured measured, TokenTimes times, List<Busy> busy,
                                 Pieces pieces) {
        LlamaModel model = loaded.model();
        Settings settings = cell.settings();
        TestCase test = cell.test();
        List<Double> rates = rates(cell, measured);
        Sample sample = Sample.of(rates);
        return new Result(measured.name(), cell.model().getFileName().toString(), model.description(), model.typeName(),
                model.sizeBytes(), model.parameterCount(), settings.threads(), test.name(), test.prompt(), test.generate(),
                test.depth(), test.sequences(), settings.batch(), settings.ubatch(),
                settings.keyType().ggmlName(), settings.valueType().ggmlName(),
                settings.flashAttention().name().toLowerCase(Locale.ROOT), sample.mean(), sample.standardDeviation(), rates,
                sample.median(), sample.minimum(), sample.maximum(), measured.warmUpNanos() * 1e-9, measured.steady(),
                nullable(measured.othersCores()), loaded.loadSeconds(), model.engineReport().packedBytes(),
                measured.clockSpeeds(), nullable(measured.joules()), perToken(measured.joules(), test.tokens()), times, busy,
                pieces, StepBytes.of(GgufFile.read(cell.model())), bandwidths.get(settings.threads()));
    }
}
