package io.tmac4j.comparison.kernels;

import io.tmac4j.bindings.Engine;
import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.MatrixProduct;
import io.tmac4j.bindings.WeightMatrix;
import io.tmac4j.comparison.Failure;
import io.tmac4j.comparison.bench.Measured;
import io.tmac4j.comparison.bench.Measurement;
import io.tmac4j.comparison.environment.EnergyMeter;
import io.tmac4j.comparison.output.KernelResult;
import io.tmac4j.comparison.output.KernelResults.Bandwidth;
import io.tmac4j.comparison.output.KernelResults.Refusal;
import io.tmac4j.comparison.output.Progress;
import io.tmac4j.comparison.stats.Ratio;
import io.tmac4j.comparison.stats.Sample;
import io.tmac4j.comparison.synth.RandomMatrix;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Measures single products of an engine and of llama.cpp against one another, with the same weights and activations. */
public final class KernelRun {

    /** Shortest run of a product, by the nominal rate: a run is a piece of warm-up. */
    private static final double RUN_SECONDS = 0.02;
    private static final double NOMINAL_OPERATIONS = 20e9;
    private static final long MOST_PRODUCTS = 512;

    /** Is handed what was found. */
    public interface Sink {
        /** One row of the table. */
        void finished(KernelResult result);

        /** A type and shape that the engine does not take. */
        void refused(Refusal refusal);

        /** How fast this machine reads its memory. */
        void bandwidth(Bandwidth bandwidth);

        /** Something the reader must know. */
        void note(String sentence);
    }

    private final KernelSweep sweep;
    private final Sink sink;
    private final Progress progress;
    private final EnergyMeter meter;
    private final Map<Integer, Double> bandwidths = new HashMap<>();
    private int done;

    public KernelRun(KernelSweep sweep, Sink sink, Progress progress, EnergyMeter meter) {
        this.meter = meter;
        this.sweep = sweep;
        this.sink = sink;
        this.progress = progress;
    }

    /** Measures everything. */
    public void run() {
        measureBandwidth();
        for (GgmlType type : sweep.types()) {
            for (Shape shape : sweep.shapes()) {
                Optional<String> refusal = MatrixProduct.refusal(sweep.engine(), type, shape.rows(), shape.k());
                if (refusal.isPresent()) {
                    done += sweep.size() / sweep.types().size() / sweep.shapes().size();
                    sink.refused(new Refusal(type.name(), shape.rows(), shape.k(), refusal.get()));
                } else {
                    measure(type, shape);
                }
            }
        }
    }

    private void measureBandwidth() {
        ReadBandwidth memory = new ReadBandwidth();
        for (int threads : sweep.threads()) {
            progress.show(0, "reading memory on " + threads + " threads");
            bandwidths.put(threads, memory.measure(threads));
            sink.bandwidth(new Bandwidth(threads, bandwidths.get(threads) * 1e-9, ReadBandwidth.METHOD));
        }
    }

    private void measure(GgmlType type, Shape shape) {
        progress.show(share(), type + " " + shape + " weights");
        WeightMatrix weights = RandomMatrix.of(type, shape.rows(), shape.k(), sweep.plan().seed());
        for (WorkingSet set : WorkingSet.values()) {
            List<Integer> columns = sweep.columns(set);
            if (!columns.isEmpty()) {
                measure(weights, shape, set, columns);
            }
        }
    }

    private void measure(WeightMatrix weights, Shape shape, WorkingSet set, List<Integer> columns) {
        int copies = set.copies(weights.blocks().length, 2);
        if (set == WorkingSet.COLD && (long) copies * weights.blocks().length < WorkingSet.COLD_BYTES) {
            sink.note(String.format(Locale.ROOT, "%s %s: %d copies of the weights make %.1f MiB only, which caches may hold",
                    weights.type(), shape, copies, copies * weights.blocks().length / (double) (1 << 20)));
        }
        try (MatrixProduct llama = MatrixProduct.open(Engine.LLAMA_CPP, weights, copies);
             MatrixProduct engine = MatrixProduct.open(sweep.engine(), weights, copies)) {
            for (int threads : sweep.threads()) {
                for (int count : columns) {
                    measure(new Case(weights, shape, set, copies, count, threads), engine, llama);
                    done++;
                }
            }
        }
    }

    /** One row of the table. */
    private record Case(WeightMatrix weights, Shape shape, WorkingSet set, int copies, int columns, int threads) {

        /** Operations of one product: a multiplication and an addition for each weight and column. */
        double operations() {
            return 2.0 * shape.weights() * columns;
        }

        /** Products with each copy in one run. */
        int repeats() {
            double wanted = RUN_SECONDS * NOMINAL_OPERATIONS * threads / operations() / copies;
            return (int) Math.clamp((long) Math.ceil(wanted), 1, Math.max(1, MOST_PRODUCTS / copies));
        }

        int products() {
            return copies * repeats();
        }

        @Override
        public String toString() {
            return weights.type() + " " + shape + " n" + columns + " t" + threads;
        }
    }

    private void measure(Case of, MatrixProduct engine, MatrixProduct llama) {
        progress.show(share(), of.toString());
        float[] activations = gaussians(of.columns() * of.weights().k(), sweep.plan().seed());
        engine.prepare(activations, of.repeats(), of.threads());
        llama.prepare(activations, of.repeats(), of.threads());
        Measurement measurement = new Measurement(sweep.plan(),
                (name, stage) -> progress.show(share(), of + " " + name + " " + stage), meter);
        List<Measured> measured = measurement.run(List.of(new ProductContestant(sweep.engine().name(), engine),
                new ProductContestant(Engine.LLAMA_CPP.name(), llama)));
        notes(of, measured);
        Reference reference = new Reference(of.weights(), activations);
        sink.finished(result(of, rates(of, measured.getFirst()), rates(of, measured.getLast()),
                nmse(of + ": " + sweep.engine(), reference, engine), nmse(of + ": " + Engine.LLAMA_CPP, reference, llama),
                engine.weightBytes(), llama.form()));
    }

    private void notes(Case of, List<Measured> measured) {
        note(of, measured.stream().filter(Measured::disturbed), "other programs kept the machine busy while this was measured: ");
        if (!sweep.plan().warmUp().isZero()) {
            note(of, measured.stream().filter(m -> !m.steady()), "not steady yet when the time for warm-up was up: ");
        }
    }

    private void note(Case of, Stream<Measured> which, String sentence) {
        String names = which.map(Measured::name).collect(Collectors.joining(", "));
        if (!names.isEmpty()) {
            sink.note(of + ": " + sentence + names);
        }
    }

    private KernelResult result(Case of, Sample engine, Sample llama, double nmseEngine, double nmseLlama, long bytes,
            String buffer) {
        Ratio ratio = Ratio.of(engine, llama);
        double products = engine.median() * 1e9 / of.operations();
        Double share = of.set() == WorkingSet.HOT ? null : bytes * products / bandwidths.get(of.threads());
        double weightsAnOperation = 0.5 / of.columns();
        return new KernelResult(of.weights().type().name(), of.shape().rows(), of.shape().k(), of.columns(), of.threads(),
                of.set().name().toLowerCase(Locale.ROOT), of.copies() * bytes, sweep.engine().name(),
                engine.median(), engine.standardDeviation(), engine.median() * weightsAnOperation,
                llama.median(), llama.standardDeviation(), llama.median() * weightsAnOperation, buffer,
                ratio.value(), ratio.interval().low(), ratio.interval().high(), share, nmseEngine, nmseLlama);
    }

    /** Error of a product's last results; {@code what} names it if these are no numbers. */
    static double nmse(String what, Reference reference, MatrixProduct product) {
        double nmse = reference.nmse(product.results());
        if (!Double.isFinite(nmse)) {
            throw new Failure(what + " computed numbers that are not finite");
        }
        return nmse;
    }

    /** Operations a second in 10^9. */
    private static Sample rates(Case of, Measured measured) {
        return Sample.of(measured.nanos().stream().map(nanos -> of.operations() * of.products() / nanos).toList());
    }

    /** Standard normal activations. */
    static float[] gaussians(int count, long seed) {
        Random random = new Random(seed);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    private double share() {
        return (double) done / sweep.size();
    }
}
