package io.tmac4j.comparison.kernels;

import io.tmac4j.bindings.Engine;
import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.MatrixProduct;
import io.tmac4j.bindings.WeightMatrix;
import io.tmac4j.bindings.spi.EngineVariant;
import io.tmac4j.comparison.bench.Measured;
import io.tmac4j.comparison.bench.Measurement;
import io.tmac4j.comparison.environment.EnergyMeter;
import io.tmac4j.comparison.output.AblationStep;
import io.tmac4j.comparison.output.Progress;
import io.tmac4j.comparison.stats.Ratio;
import io.tmac4j.comparison.stats.Sample;
import io.tmac4j.comparison.synth.RandomMatrix;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;

/**
 * Measures what each optimisation of an engine's kernels brings: its variants, the engine itself and llama.cpp against one
 * another, with the same weights and one column of activations.
 */
public final class AblationRun {

    private final KernelSweep sweep;
    private final Consumer<AblationStep> sink;
    private final Consumer<String> notes;
    private final Progress progress;
    private final EnergyMeter meter;
    private final List<EngineVariant> variants;

    /**
     * Prepares a run.
     *
     * @param sweep of one shape and one number of threads; its number of columns does not count
     * @param sink  is handed each step
     * @param notes is handed what the reader must know
     */
    public AblationRun(KernelSweep sweep, Consumer<AblationStep> sink, Consumer<String> notes, Progress progress,
            EnergyMeter meter) {
        this.sweep = sweep;
        this.sink = sink;
        this.notes = notes;
        this.progress = progress;
        this.meter = meter;
        this.variants = MatrixProduct.variants(sweep.engine());
    }

    /** One row of the table: the kernel, and what it is called. */
    private record Step(String name, String description, MatrixProduct product) {
    }

    /** Measures everything. */
    public void run() {
        int done = 0;
        for (GgmlType type : sweep.types()) {
            double share = (double) done++ / sweep.types().size();
            measure(type, share);
        }
    }

    private void measure(GgmlType type, double share) {
        Shape shape = sweep.shapes().getFirst();
        progress.show(share, type + " " + shape + " weights");
        WeightMatrix weights = RandomMatrix.of(type, shape.rows(), shape.k(), sweep.plan().seed());
        WorkingSet set = sweep.workingSet(1);
        int copies = set.copies(weights.blocks().length, variants.size() + 2);
        if (set == WorkingSet.COLD && (long) copies * weights.blocks().length < WorkingSet.COLD_BYTES) {
            notes.accept(String.format(Locale.ROOT, "%s %s: %d copies of the weights make %.1f MiB only, which caches may hold",
                    type, shape, copies, copies * weights.blocks().length / (double) (1 << 20)));
        }
        List<Step> steps = new ArrayList<>();
        try {
            for (EngineVariant variant : variants) {
                progress.show(share, type + " " + shape + " packing for " + variant.name());
                steps.add(new Step(variant.name(), variant.description(), MatrixProduct.open(variant, weights, copies)));
            }
            steps.add(new Step(sweep.engine().name(), "the engine's own kernel for this type",
                    MatrixProduct.open(sweep.engine(), weights, copies)));
            steps.add(new Step(Engine.LLAMA_CPP.name(), "llama.cpp's MUL_MAT",
                    MatrixProduct.open(Engine.LLAMA_CPP, weights, copies)));
            measure(weights, shape, set, copies, steps, share);
        } finally {
            steps.forEach(step -> step.product().close());
        }
    }

    private void measure(WeightMatrix weights, Shape shape, WorkingSet set, int copies, List<Step> steps, double share) {
        int threads = sweep.threads().getFirst();
        float[] activations = KernelRun.gaussians(shape.k(), sweep.plan().seed());
        steps.forEach(step -> step.product().prepare(activations, 1, threads));
        // what first loads the classes of vectors makes the VM drop much of its compiled code, so that goes first
        steps.reversed().forEach(step -> {
            progress.show(share, weights.type() + " " + shape + " " + step.name() + " first run");
            step.product().run();
        });
        Measurement measurement = new Measurement(sweep.plan(),
                (name, stage) -> progress.show(share, weights.type() + " " + shape + " " + name + " " + stage), meter);
        List<Measured> measured = measurement.run(steps.stream()
                .map(step -> new ProductContestant(step.name(), step.product())).toList());
        Reference reference = new Reference(weights, activations);
        Sample previous = null;
        for (int i = 0; i < steps.size(); i++) {
            Step step = steps.get(i);
            double operations = 2.0 * shape.weights() * copies;
            Sample rates = Sample.of(measured.get(i).nanos().stream().map(nanos -> operations / nanos).toList());
            Ratio gain = i == 0 || i == steps.size() - 1 ? null : Ratio.of(rates, previous);
            previous = rates;
            noteOf(weights.type() + " " + step.name(), measured.get(i));
            sink.accept(new AblationStep(step.name(), weights.type().name(), shape.rows(), shape.k(), threads,
                    set.name().toLowerCase(Locale.ROOT), rates.median(), rates.standardDeviation(), rates.median() / 2,
                    gain == null ? null : gain.value(), gain == null ? null : gain.interval().low(),
                    gain == null ? null : gain.interval().high(),
                    KernelRun.nmse(weights.type() + " " + step.name(), reference, step.product()), step.description()));
        }
    }

    private void noteOf(String what, Measured measured) {
        if (measured.disturbed()) {
            notes.accept(what + ": other programs kept the machine busy while this was measured");
        }
        if (!sweep.plan().warmUp().isZero() && !measured.steady()) {
            notes.accept(what + ": not steady yet when the time for warm-up was up");
        }
    }
}
