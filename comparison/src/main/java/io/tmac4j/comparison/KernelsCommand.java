package io.tmac4j.comparison;

import io.tmac4j.bindings.Engine;
import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.LlamaCppLibrary;
import io.tmac4j.bindings.MatrixProduct;
import io.tmac4j.bindings.spi.EngineVariant;
import io.tmac4j.comparison.bench.Plan;
import io.tmac4j.comparison.environment.EnergyMeter;
import io.tmac4j.comparison.environment.Environment;
import io.tmac4j.comparison.environment.Machine;
import io.tmac4j.comparison.environment.Priority;
import io.tmac4j.comparison.kernels.AblationRun;
import io.tmac4j.comparison.kernels.KernelRun;
import io.tmac4j.comparison.kernels.KernelSweep;
import io.tmac4j.comparison.kernels.Shape;
import io.tmac4j.comparison.kernels.WorkingSet;
import io.tmac4j.comparison.output.AblationStep;
import io.tmac4j.comparison.output.AblationWriter;
import io.tmac4j.comparison.output.Format;
import io.tmac4j.comparison.output.KernelResult;
import io.tmac4j.comparison.output.KernelResults;
import io.tmac4j.comparison.output.KernelResults.Bandwidth;
import io.tmac4j.comparison.output.KernelResults.Refusal;
import io.tmac4j.comparison.output.KernelWriter;
import io.tmac4j.comparison.output.Progress;
import io.tmac4j.comparison.synth.SyntheticModel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.BiPredicate;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

@Command(name = "kernels", header = "Measure single matrix products of an engine beside llama.cpp's own.",
        description = {
            "For each type, shape and number of columns: the rates of both with the same random weights, the engines taking turns"
                    + " after a warm-up, the share of the memory's read bandwidth that the engine uses, and the error of both."
                    + " llama.cpp runs its operation MUL_MAT in a graph of its CPU backend, with a thread pool attached and"
                    + " weights repacked where it would do so itself. All of the default takes hours; --quick a minute or two.",
            "",
            "With --ablation: one matrix by lookup tables as plainly as can be, then with one optimisation of the T-MAC paper"
                    + " (arXiv 2407.00088) more in each step, then by the engine and by llama.cpp. 'tmac report'"
                    + " draws the result.",
            "",
            "Examples:",
            "  tmac kernels --quick",
            "  tmac kernels --types Q2_0,Q4_0 --shapes 4096x4096 --columns 1,8,512",
            "  tmac kernels -t 1,2 --columns 1 -o json > kernels.json",
            "  tmac kernels --ablation -o json > ablation.json"})
final class KernelsCommand implements Callable<Integer> {

    private static final List<Integer> COLUMNS = List.of(1, 2, 4, 8, 16, 32, 128, 512);
    private static final List<Integer> QUICK_COLUMNS = List.of(1, 32);
    private static final int REPETITIONS = 5;
    private static final int QUICK_REPETITIONS = 3;
    private static final int WARM_UP_SECONDS = 5;
    private static final int QUICK_WARM_UP_SECONDS = 1;
    /** Threads of llama.cpp poll for work for about a tenth of a second before they sleep; one thread leaves nobody polling. */
    private static final Duration PAUSE = Duration.ofMillis(200);
    /** Floats that all columns of activations, or of results, may have: one GiB. */
    private static final long MOST_FLOATS = 1L << 28;

    @Spec
    private CommandSpec spec;

    @ParentCommand
    private Tmac root;

    @Option(names = "--types", paramLabel = "TYPE", split = ",", converter = Options.DrawnType.class,
            description = "Types of the weights (default: all that the engine takes).")
    private List<GgmlType> types = List.of();

    @Option(names = "--shapes", paramLabel = "ROWSxK", split = ",", converter = Options.MatrixShape.class,
            description = "Shapes of the weights, rows x weights a row (default: the six of the T-MAC paper: 4096x4096, "
                    + "11008x4096, 4096x11008, 5120x5120, 13824x5120, 5120x13824; the first with --ablation).")
    private List<Shape> shapes = List.of();

    @Option(names = "--columns", paramLabel = "N", converter = IntRanges.FromOne.class,
            description = "Columns of activations (default: 1,2,4,8,16,32,128,512).")
    private List<IntRanges> columns = List.of();

    @Option(names = {"-t", "--threads"}, paramLabel = "N", converter = IntRanges.FromOne.class,
            description = "Threads (default: one for each physical core; 1 with --ablation).")
    private List<IntRanges> threads = List.of();

    @Option(names = {"-e", "-b", "--engine"}, paramLabel = "NAME", converter = Options.EngineName.class,
            description = "The engine to measure beside llama.cpp (default: ${DEFAULT-VALUE}).")
    private Engine engine = Engine.available().contains(Engine.TMAC) ? Engine.TMAC : Engine.LLAMA_CPP;

    @Option(names = "--cold",
            description = "Take turns among copies of the weights, which then come from memory (default for one column).")
    private boolean cold;

    @Option(names = "--hot", description = "Use one matrix again and again (default for several columns).")
    private boolean hot;

    @Option(names = {"-r", "--repetitions"}, paramLabel = "N", converter = Options.AtLeastOne.class,
            description = "Measured repetitions of each engine and product (default: 5).")
    private Integer repetitions;

    @Option(names = "--warmup", paramLabel = "SECONDS", converter = Options.AtLeastZero.class,
            description = "Longest warm-up of an engine and product (default: 5); it ends when the rate is steady.")
    private Integer warmUp;

    @Option(names = "--seed", paramLabel = "N",
            description = "Seed of weights, activations and the order of turns (default: ${DEFAULT-VALUE}).")
    private long seed = 1;

    @Option(names = {"-o", "--output"}, paramLabel = "md|csv|json|jsonl", description = "Form of the results (default: md).")
    private Format format = Format.MD;

    @Option(names = "--quick", description = "A first look: one shape, 1 and 32 columns, 3 repetitions, short warm-up.")
    private boolean quick;

    @Option(names = "--ablation", description = "Measure what each optimisation of the engine's kernels brings: one shape, one "
            + "column, one number of threads.")
    private boolean ablation;

    @Mixin
    private final EngineOptions engineOptions = new EngineOptions();

    @Override
    public Integer call() {
        if (engine.isLlamaCpp()) {
            String others = Engine.available().stream().filter(other -> !other.isLlamaCpp()).map(Engine::name)
                    .collect(Collectors.joining(", "));
            throw usage("llama.cpp is what engines are measured against; "
                    + (others.isEmpty() ? "put another engine's module on the module path" : "choose -b " + others));
        }
        if (cold && hot) {
            throw usage("--cold and --hot exclude one another");
        }
        LlamaCppLibrary library = LlamaCppLibrary.load();
        KernelSweep sweep = ablation ? ablationSweep() : sweep(this::takes);
        check(sweep);
        try (Progress progress = new Progress(spec.commandLine().getErr(), root.showsProgress());
             EnergyMeter meter = EnergyMeter.here()) {
            Environment environment = Environment.here(library, Map.of(engine.name(), MatrixProduct.description(engine)),
                    meter.description(), Priority.NORMAL);
            if (ablation) {
                takeApart(sweep, progress, meter, environment);
            } else {
                Found found = new Found(new KernelWriter(format, spec.commandLine().getOut(), engine.name()), progress);
                new KernelRun(sweep, found, progress, meter).run();
                found.end(environment);
            }
        }
        return 0;
    }

    private void takeApart(KernelSweep sweep, Progress progress, EnergyMeter meter, Environment environment) {
        AblationWriter writer = new AblationWriter(format, spec.commandLine().getOut());
        List<AblationStep> steps = new ArrayList<>();
        List<String> notes = new ArrayList<>();
        new AblationRun(sweep, step -> {
            steps.add(step);
            progress.clear();
            writer.row(step);
        }, notes::add, progress, meter).run();
        progress.clear();
        writer.end(new KernelResults(KernelResults.VERSION, environment, List.of(), List.of(), steps, List.of(), notes));
    }

    /** The sweep of an ablation, which is one column of a single shape, or a usage error. */
    private KernelSweep ablationSweep() {
        List<EngineVariant> variants = MatrixProduct.variants(engine);
        if (variants.isEmpty()) {
            throw new Failure("--ablation: the engine " + engine + " has no kernels here that can be taken apart; 'tmac doctor' "
                    + "says whether this Java has vectors");
        }
        one("--shapes", shapes);
        one("--threads", IntRanges.all(threads));
        List<Integer> columnCounts = IntRanges.all(columns);
        if (!columnCounts.isEmpty() && !columnCounts.equals(List.of(1))) {
            throw usage("--columns " + columnCounts.getFirst() + ": with --ablation there is one column");
        }
        for (GgmlType type : types) {
            for (Shape shape : shapes.isEmpty() ? List.of(Shape.PAPER.getFirst()) : shapes) {
                variants.getFirst().engine().refusal(type, shape.k(), shape.rows()).ifPresent(reason -> {
                    throw usage("--types " + type + ": " + reason);
                });
            }
        }
        return sweep((type, wanted) -> variants.getFirst().engine()
                .refusal(type, wanted.getFirst().k(), wanted.getFirst().rows()).isEmpty());
    }

    private void one(String option, List<?> values) {
        if (values.size() > 1) {
            throw usage(option + ": with --ablation there is one, not " + values.size());
        }
    }

    private KernelSweep sweep(BiPredicate<GgmlType, List<Shape>> takes) {
        List<Shape> wanted = !shapes.isEmpty() ? shapes.stream().distinct().toList()
                : quick || ablation ? List.of(Shape.PAPER.getFirst()) : Shape.PAPER;
        List<GgmlType> wantedTypes = !types.isEmpty() ? types.stream().distinct().toList()
                : SyntheticModel.types().stream().filter(type -> takes.test(type, wanted)).toList();
        List<Integer> counts = IntRanges.all(threads);
        List<Integer> threadCounts = !counts.isEmpty() ? counts : List.of(ablation ? 1 : Machine.mathThreads());
        List<Integer> columnCounts = IntRanges.all(columns);
        Plan plan = new Plan(repetitions != null ? repetitions : quick ? QUICK_REPETITIONS : REPETITIONS,
                Duration.ofSeconds(warmUp != null ? warmUp : quick ? QUICK_WARM_UP_SECONDS : WARM_UP_SECONDS),
                threadCounts.equals(List.of(1)) ? Duration.ZERO : PAUSE, Duration.ZERO, seed);
        return new KernelSweep(engine, wantedTypes, wanted,
                ablation ? List.of(1) : !columnCounts.isEmpty() ? columnCounts : quick ? QUICK_COLUMNS : COLUMNS, threadCounts,
                cold ? WorkingSet.COLD : hot ? WorkingSet.HOT : null, plan);
    }

    /** Whether the engine takes a type in any of the shapes. */
    private boolean takes(GgmlType type, List<Shape> wanted) {
        return wanted.stream().anyMatch(shape -> shape.k() % type.blockSize() == 0
                && MatrixProduct.refusal(engine, type, shape.rows(), shape.k()).isEmpty());
    }

    private void check(KernelSweep sweep) {
        for (Shape shape : sweep.shapes()) {
            for (GgmlType type : sweep.types()) {
                if (shape.k() % type.blockSize() != 0) {
                    throw usage("--shapes " + shape + ": rows of " + shape.k() + " weights cannot be stored as " + type
                            + ", whose blocks hold " + type.blockSize() + "; choose a multiple of that, or other --types");
                }
                if (type.rowBytes(shape.k()) * shape.rows() > Integer.MAX_VALUE - Long.BYTES) {
                    throw usage("--shapes " + shape + ": a matrix of " + type + " may take 2 GiB at most");
                }
            }
            for (int count : sweep.columns()) {
                if ((long) count * Math.max(shape.rows(), shape.k()) > MOST_FLOATS) {
                    throw usage("--columns " + count + ": the columns of " + shape + " may have " + MOST_FLOATS
                            + " numbers at most");
                }
            }
        }
        if (sweep.types().isEmpty()) {
            throw usage("--shapes " + sweep.shapes().stream().map(Shape::toString).collect(Collectors.joining(",")) + ": "
                    + engine + " takes no type of weights in these shapes; choose one whose rows are a multiple of 256 long");
        }
    }

    private ParameterException usage(String sentence) {
        return new ParameterException(spec.commandLine(), sentence);
    }

    /** Collects what is found and writes it as it comes. */
    private static final class Found implements KernelRun.Sink {

        private final KernelWriter writer;
        private final Progress progress;
        private final List<Bandwidth> bandwidths = new ArrayList<>();
        private final List<KernelResult> results = new ArrayList<>();
        private final List<Refusal> refusals = new ArrayList<>();
        private final List<String> notes = new ArrayList<>();

        Found(KernelWriter writer, Progress progress) {
            this.writer = writer;
            this.progress = progress;
        }

        @Override
        public void finished(KernelResult result) {
            results.add(result);
            progress.clear();
            writer.row(result);
        }

        @Override
        public void refused(Refusal refusal) {
            refusals.add(refusal);
        }

        @Override
        public void bandwidth(Bandwidth bandwidth) {
            bandwidths.add(bandwidth);
        }

        @Override
        public void note(String sentence) {
            notes.add(sentence);
        }

        void end(Environment environment) {
            progress.clear();
            writer.end(new KernelResults(KernelResults.VERSION, environment, bandwidths, results, List.of(), refusals, notes));
        }
    }
}
