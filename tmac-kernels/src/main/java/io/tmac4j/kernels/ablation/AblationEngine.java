package io.tmac4j.kernels.ablation;

import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.spi.EngineVariant;
import io.tmac4j.bindings.spi.MatMulBatch;
import io.tmac4j.bindings.spi.MatMulEngine;
import io.tmac4j.bindings.spi.PackedWeights;
import io.tmac4j.bindings.spi.WeightTensor;
import io.tmac4j.bindings.spi.WorkerPool;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Multiplies dense matrices of Q1_0, Q2_0 and Q4_0 with some of the {@link Optimisation optimisations} on: 1, 2 and 4 bits a
 * weight, with a scale for each 128, 64 and 32 weights.
 */
public final class AblationEngine implements MatMulEngine {

    /** Rows and blocks are counted in ints, and so are rows padded to whole tiles. */
    private static final long MAX_DIMENSION = 1 << 28;

    private final Set<Optimisation> on;

    /**
     * An engine with these optimisations.
     *
     * @throws IllegalArgumentException if one needs another that is not on
     */
    public AblationEngine(Set<Optimisation> on) {
        Optimisation.check(on);
        this.on = on.isEmpty() ? EnumSet.noneOf(Optimisation.class) : EnumSet.copyOf(on);
    }

    /** From no optimisation to all, each with those before it. */
    public static List<EngineVariant> steps() {
        List<EngineVariant> steps = new ArrayList<>();
        steps.add(new EngineVariant("lookup", "tables of floats in memory, row by row, in plain Java",
                new AblationEngine(Set.of())));
        for (Optimisation last : Optimisation.values()) {
            steps.add(new EngineVariant("+ " + last.title(), last.sentence(), new AblationEngine(last.upToHere())));
        }
        return List.copyOf(steps);
    }

    @Override
    public String description() {
        return "ablation with " + on;
    }

    @Override
    public Optional<String> refusal(GgmlType type, long k, long rows) {
        if (PlaneForm.of(type).isEmpty()) {
            return Optional.of("the ablation has bit planes of Q1_0, Q2_0 and Q4_0 only, not of " + type.ggmlName());
        }
        if (k <= 0 || rows <= 0 || k % type.blockSize() != 0) {
            return Optional.of("rows of " + k + " weights are not whole blocks of " + type.blockSize());
        }
        return k > MAX_DIMENSION || rows > MAX_DIMENSION ? Optional.of("a matrix of " + rows + " x " + k + " is too large")
                : Optional.empty();
    }

    /**
     * {@inheritDoc}
     *
     * @throws IllegalArgumentException if the weights belong to several experts
     */
    @Override
    public PackedWeights pack(WeightTensor source, WorkerPool pool) {
        if (source.experts() != 1) {
            throw new IllegalArgumentException("the ablation multiplies dense matrices, not " + source.experts() + " experts");
        }
        PlaneForm form = PlaneForm.of(source.type()).orElseThrow();
        int blocks = Math.toIntExact(source.k() / form.blockWeights());
        return PlaneMatrix.pack(form, new PlaneLayout(on, Math.toIntExact(source.rows()), blocks), source, pool);
    }

    @Override
    public void multiply(MatMulBatch batch) {
        if (batch.engineState() == null) {
            batch.engineState(new PlaneProduct(on));
        }
        ((PlaneProduct) batch.engineState()).multiply(batch);
    }
}
