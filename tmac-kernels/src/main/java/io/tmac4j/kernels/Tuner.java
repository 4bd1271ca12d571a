package io.tmac4j.kernels;

import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.LlamaCppLibrary;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decides by measurement what the tmac engine can do in more than one way: whether weights of two bits are looked up or
 * multiplied, from how many columns on a product is computed at once, how many bytes of weights a thread takes at a time. What
 * was measured is kept in the cache folder, for each machine, Java VM and state of the kernels.
 *
 * <p>{@link #tune} measures everything. With the system property {@value #PROPERTY} at {@code auto}, the default, a model that is
 * loaded uses what is kept and is as shipped where nothing is; at {@code off} it is as shipped. At {@code first} the two forms of
 * a type that nothing is kept for are measured when its first model is loaded; all of this takes less than two seconds. That is
 * enough in a VM that has been computing; in a new one C2 needs about four seconds for the kernels of both forms, and then
 * nothing is chosen. Another way than the shipped one is chosen only where it is faster beyond the noise of the measurement.
 */
public final class Tuner {

    /** System property: {@code off}, {@code auto} or {@code first}. Read whenever weights are packed. */
    public static final String PROPERTY = "tmac.tune";

    /** What the property may say. */
    enum Mode {
        /** As shipped. */
        OFF,
        /** What is kept. */
        AUTO,
        /** What is kept, else what a short measurement says. */
        FIRST
    }

    private static final Logger LOG = LoggerFactory.getLogger(Tuner.class);

    /** What all measurements while models are loaded may take together, in one Java VM. */
    private static final long FIRST_LOADS_NANOS = 1_800_000_000L;
    private static final long FIRST_LOADS_BYTES = 64L << 20;
    private static final int FIRST_LOADS_ROUNDS = 15;
    private static final long FIRST_LOADS_ROUND_NANOS = 8_000_000L;

    /**
     * How much is done to find out.
     *
     * @param shapes       matrices to be timed with
     * @param coldBytes    memory of their copies, where weights shall come from memory
     * @param rounds       rounds of a comparison
     * @param roundNanos   shortest time of one side in a round
     * @param longestNanos longest time of a comparison, warm-up included
     */
    record Effort(List<TrialShape> shapes, long coldBytes, int rounds, long roundNanos, long longestNanos) {

        /** Some seconds for each type and number of threads; more memory than nearly all caches hold. */
        static final Effort THOROUGH = new Effort(TrialShape.ALL, 128L << 20, 15, 20_000_000L, 8_000_000_000L);
    }

    /** By how much another way must be faster. */
    private static final double MARGIN = 1.03;

    /** What may be slower in one respect when the whole is faster. */
    private static final double TOLERANCE = 0.98;

    /** A product at once has a fixed cost for a column tile, so this decides less often and by more. */
    private static final double COLUMNS_MARGIN = 1.1;

    private static final int[] CHUNK_BYTES = {96 << 10, 384 << 10, 768 << 10};

    private static final int PROMPT_COLUMNS = 2 * WideSpecies.COLUMNS;

    private final KeptTunings store;
    private Map<GgmlType, TypeTuning> kept;
    private long left = FIRST_LOADS_NANOS;

    Tuner(KeptTunings store) {
        this.store = store;
    }

    /** The one of this JVM, made when first needed. */
    private static final class Shared {
        private static final Tuner TUNER = new Tuner(KeptTunings.here());
    }

    /** What is chosen for weights of a format, as the system property has it. */
    static TypeTuning chosen(BlockFormat format) {
        Mode mode = mode(System.getProperty(PROPERTY));
        return mode == Mode.OFF ? TypeTuning.standard(format) : Shared.TUNER.of(format, mode);
    }

    static Mode mode(String property) {
        return switch (property) {
            case null -> Mode.AUTO;
            case "off" -> Mode.OFF;
            case "auto" -> Mode.AUTO;
            case "first" -> Mode.FIRST;
            default -> throw new IllegalStateException("the property " + PROPERTY + " is " + property
                    + "; give off, auto or first");
        };
    }

    /** What is kept for a format, else as shipped or, if the mode says so, what a short measurement finds. */
    synchronized TypeTuning of(BlockFormat format, Mode mode) {
        TypeTuning tuning = kept().get(format.type());
        if (tuning != null) {
            return tuning;
        }
        if (mode != Mode.FIRST || !hasBothForms(format) || left <= 0) {
            return TypeTuning.standard(format);
        }
        long begin = System.nanoTime();
        Optional<TypeTuning> measured = measureShortly(format, begin + left);
        left -= System.nanoTime() - begin;
        if (measured.isEmpty()) {
            LOG.info("{}: as shipped, for there was no time to measure; `tmac tune` takes more", format.type());
            return TypeTuning.standard(format);
        }
        kept.put(format.type(), measured.get());
        store.write(kept);
        return measured.get();
    }

    private Map<GgmlType, TypeTuning> kept() {
        if (kept == null) {
            kept = store.read();
        }
        return kept;
    }

    static boolean hasBothForms(BlockFormat format) {
        return format.lookupForm().isPresent() && format.wordForm().isPresent();
    }

    private static TypeTuning other(BlockFormat format, TypeTuning standard) {
        return TypeTuning.standard(format, !standard.lookups());
    }

    /**
     * Compares the forms in a decode step, on half of the processors: one for each core where two processors share one. Empty if
     * there is not time enough.
     */
    private static Optional<TypeTuning> measureShortly(BlockFormat format, long end) {
        TypeTuning standard = TypeTuning.standard(format);
        TypeTuning other = other(format, standard);
        int threads = Math.max(1, Runtime.getRuntime().availableProcessors() / 2);
        Duel.Limits limits = new Duel.Limits(FIRST_LOADS_ROUNDS, FIRST_LOADS_ROUND_NANOS, end);
        try (TrialProduct one = new TrialProduct(format, standard, TrialShape.SMALL, 0, 1);
                TrialProduct two = new TrialProduct(format, other, TrialShape.SMALL, 0, 1)) {
            if (!Duel.warm(() -> one.multiply(1, 1, standard), () -> two.multiply(1, 1, other), TrialShape.SMALL.weights(),
                    limits)) {
                return Optional.empty();
            }
        }
        TrialShape shape = TrialShape.ALL.getFirst();
        try (TrialProduct one = new TrialProduct(format, standard, shape, FIRST_LOADS_BYTES, 1);
                TrialProduct two = new TrialProduct(format, other, shape, FIRST_LOADS_BYTES, 1)) {
            return Duel.between(() -> one.multiply(1, threads, standard), () -> two.multiply(1, threads, other), shape.weights(),
                    limits).map(duel -> {
                        TypeTuning chosen = isBetter(List.of(duel), List.of()) ? other : standard;
                        LOG.info("{}: {}, since {} reach {} and {} {} x 10^9 weights/s", format.type(), form(chosen),
                                form(standard),
                                Math.round(duel.standard()), form(other), Math.round(duel.other()));
                        return chosen;
                    });
        } catch (OutOfMemoryError e) {
            return Optional.empty();
        }
    }

    /**
     * Whether the other form is better: single columns count twice, and prompts once; neither may be much slower, and the worse
     * quarter of the measurements must not say otherwise.
     */
    static boolean isBetter(List<Duel.Result> single, List<Duel.Result> prompts) {
        double decode = mean(single, false);
        double prompt = prompts.isEmpty() ? 1 : mean(prompts, false);
        double pessimistic = Math.pow(mean(single, true), 2) * (prompts.isEmpty() ? 1 : mean(prompts, true));
        return decode * decode * prompt > Math.pow(MARGIN, prompts.isEmpty() ? 2 : 3) && decode > TOLERANCE && pessimistic > 1;
    }

    /** Geometric mean of ratios. */
    private static double mean(List<Duel.Result> results, boolean low) {
        return Math.exp(results.stream().mapToDouble(result -> Math.log(low ? result.low() : result.ratio())).average()
                .orElse(0));
    }

    /** The name of the form. */
    static String form(TypeTuning tuning) {
        return tuning.lookups() ? "tables" : "words";
    }

    /**
     * Measures everything that can be chosen and keeps what comes of it: some five seconds for each type and number of threads.
     *
     * @param types    types of weights that the engine takes; what is kept for others stays
     * @param threads  numbers of threads, at least one
     * @param progress told what is being measured
     * @throws IllegalStateException    if the engine has no kernels to tune in this VM; the message says why
     * @throws IllegalArgumentException if it does not take one of the types, or a number of threads is not positive
     */
    public static TuningReport tune(List<GgmlType> types, List<Integer> threads, Consumer<String> progress) {
        LlamaCppLibrary.load();
        TmacEngineProvider.obstacle().ifPresent(obstacle -> {
            throw new IllegalStateException("there are no kernels to tune: the tmac engine computes in plain Java, " + obstacle);
        });
        if (threads.isEmpty() || threads.stream().anyMatch(count -> count < 1)) {
            throw new IllegalArgumentException("threads are " + threads + "; give numbers from 1 on");
        }
        List<BlockFormat> formats = types.stream().map(type -> BlockFormat.of(type).orElseThrow(() ->
                new IllegalArgumentException("the tmac engine does not take " + type + "; it takes " + types()))).toList();
        return Shared.TUNER.measure(formats, threads.stream().distinct().sorted().toList(), Effort.THOROUGH, progress);
    }

    /** The types that can be tuned. */
    public static List<GgmlType> types() {
        return Arrays.stream(BlockFormat.ALL).map(BlockFormat::type).toList();
    }

    /** How many comparisons {@link #tune} makes. */
    public static int trials(List<GgmlType> types, List<Integer> threads) {
        int both = (int) types.stream().flatMap(type -> BlockFormat.of(type).stream()).filter(Tuner::hasBothForms).count();
        int several = (int) threads.stream().filter(count -> count > 1).count();
        return both * threads.size() * (Effort.THOROUGH.shapes().size() + 1) + types.size() * (threads.size()
                + several * CHUNK_BYTES.length);
    }

    synchronized TuningReport measure(List<BlockFormat> formats, List<Integer> threads, Effort effort,
            Consumer<String> progress) {
        long begin = System.nanoTime();
        List<TuningReport.Trial> trials = new ArrayList<>();
        List<TuningReport.Choice> choices = new ArrayList<>();
        Map<GgmlType, TypeTuning> all = new EnumMap<>(GgmlType.class);
        all.putAll(kept());
        for (BlockFormat format : formats) {
            TypeTuning tuning = new Trials(format, effort, trials, progress).choose(threads);
            all.put(format.type(), tuning);
            for (TypeTuning.Work work : tuning.work()) {
                TypeTuning shipped = TypeTuning.standard(format);
                choices.add(new TuningReport.Choice(format.type(), work.threads(), form(tuning), work.crossover(),
                        work.chunkBytes(), tuning.lookups() == shipped.lookups()
                        && work.crossover() == shipped.work(work.threads()).crossover()
                        && work.chunkBytes() == Session.CHUNK_BYTES));
            }
        }
        kept = all;
        store.write(all);
        return new TuningReport(store.machine(), store.file(), (System.nanoTime() - begin) * 1e-9, trials, choices);
    }

    /** The trials of one type. */
    private record Trials(BlockFormat format, Effort effort, List<TuningReport.Trial> trials, Consumer<String> progress) {

        TypeTuning choose(List<Integer> threads) {
            TypeTuning standard = TypeTuning.standard(format);
            TypeTuning form = hasBothForms(format) && isOtherFormBetter(threads, standard) ? other(format, standard) : standard;
            List<TypeTuning.Work> work = new ArrayList<>();
            for (int count : threads) {
                work.add(new TypeTuning.Work(count, crossover(count, form), chunkBytes(count, form)));
            }
            return new TypeTuning(form.lookups(), work);
        }

        private boolean isOtherFormBetter(List<Integer> threads, TypeTuning standard) {
            List<Duel.Result> single = new ArrayList<>();
            List<Duel.Result> prompts = new ArrayList<>();
            for (TrialShape shape : effort.shapes()) {
                single.addAll(forms(shape, threads, standard, effort.coldBytes(), 1));
            }
            prompts.addAll(forms(effort.shapes().getFirst(), threads, standard, 0, PROMPT_COLUMNS));
            return isBetter(single, prompts);
        }

        private List<Duel.Result> forms(TrialShape shape, List<Integer> threads, TypeTuning standard, long bytes, int columns) {
            List<Duel.Result> results = new ArrayList<>();
            TypeTuning other = other(format, standard);
            try (TrialProduct one = new TrialProduct(format, standard, shape, bytes, columns);
                    TrialProduct two = new TrialProduct(format, other, shape, bytes, columns)) {
                for (int count : threads) {
                    duel(shape, columns, count, form(standard), () -> one.multiply(columns, count, standard), form(other),
                            () -> two.multiply(columns, count, other)).ifPresent(results::add);
                }
            }
            return results;
        }

        /** From the times of as many columns as half a tile has, at once and one by one. */
        private int crossover(int threads, TypeTuning form) {
            int columns = WideSpecies.COLUMNS / 2;
            TypeTuning single = with(form, WideSpecies.COLUMNS, Session.CHUNK_BYTES);
            TypeTuning together = with(form, 1, Session.CHUNK_BYTES);
            TrialShape shape = effort.shapes().getFirst();
            try (TrialProduct product = new TrialProduct(format, form, shape, 0, columns)) {
                return duel(shape, columns, threads, "columns one by one", () -> product.multiply(columns, threads, single),
                        "columns at once", () -> product.multiply(columns, threads, together))
                        .map(result -> Tuner.crossover(columns, result, form.work(threads).crossover()))
                        .orElse(form.work(threads).crossover());
            }
        }

        private int chunkBytes(int threads, TypeTuning form) {
            if (threads == 1) {
                return Session.CHUNK_BYTES;
            }
            int best = Session.CHUNK_BYTES;
            double bestRatio = MARGIN;
            TrialShape shape = effort.shapes().getFirst();
            try (TrialProduct product = new TrialProduct(format, form, shape, effort.coldBytes(), 1)) {
                for (int bytes : CHUNK_BYTES) {
                    TypeTuning other = with(form, form.work(threads).crossover(), bytes);
                    Optional<Duel.Result> result = duel(shape, 1, threads, chunks(Session.CHUNK_BYTES),
                            () -> product.multiply(1, threads, form), chunks(bytes), () -> product.multiply(1, threads, other));
                    if (result.isPresent() && result.get().low() > 1 && result.get().ratio() > bestRatio) {
                        best = bytes;
                        bestRatio = result.get().ratio();
                    }
                }
            }
            return best;
        }

        private static String chunks(int bytes) {
            return "chunks of " + (bytes >> 10) + " KiB";
        }

        private static TypeTuning with(TypeTuning form, int crossover, int chunkBytes) {
            return new TypeTuning(form.lookups(), List.of(new TypeTuning.Work(1, crossover, chunkBytes)));
        }

        private Optional<Duel.Result> duel(TrialShape shape, int columns, int threads, String standard, Runnable one,
                String other,
                Runnable two) {
            progress.accept(format.type() + " " + shape + " n" + columns + " t" + threads + ": " + standard + ", " + other);
            Optional<Duel.Result> result = Duel.between(one, two, (double) shape.weights() * columns,
                    new Duel.Limits(effort.rounds(), effort.roundNanos(), System.nanoTime() + effort.longestNanos()));
            result.ifPresent(duel -> trials.add(new TuningReport.Trial(format.type(), threads, shape.rows(), shape.k(), columns,
                    standard, other, duel.standard(), duel.other(), duel.ratio(), duel.low(), duel.high())));
            return result;
        }
    }

    /**
     * The fewest columns that are faster at once, if one by one they take time in proportion and at once the same time for any
     * number. The shipped number stays unless this one saves enough somewhere in between.
     *
     * @param columns columns of the products that were timed
     * @param result  one by one, at once
     * @param shipped the shipped number
     */
    static int crossover(int columns, Duel.Result result, int shipped) {
        double equal = columns / result.ratio();
        int measured = Math.clamp((long) Math.ceil(equal), 1, WideSpecies.COLUMNS);
        // the most that the shipped number costs: one column less is done one by one, or that many are done at once
        double loss = measured < shipped ? (shipped - 1) / equal : equal / shipped;
        return loss > COLUMNS_MARGIN ? measured : shipped;
    }
}
