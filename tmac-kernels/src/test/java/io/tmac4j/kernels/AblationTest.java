package io.tmac4j.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.spi.EngineVariant;
import io.tmac4j.bindings.spi.MatMulEngine;
import io.tmac4j.bindings.spi.WeightTensor;
import io.tmac4j.bindings.spi.WorkerPool;
import io.tmac4j.kernels.ablation.AblationEngine;
import io.tmac4j.kernels.ablation.Optimisation;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Every variant of the ablation multiplies rightly, whatever is on. */
@Tag("vectors")
class AblationTest {

    private static final List<GgmlType> TYPES = List.of(GgmlType.Q1_0, GgmlType.Q2_0, GgmlType.Q4_0);

    private static final int F16_GREATEST = 0x7bff;
    private static final int LEAVE = -1;

    /** Every set of optimisations in which each has what it needs. */
    static List<Set<Optimisation>> sets() {
        Optimisation[] all = Optimisation.values();
        List<Set<Optimisation>> sets = new ArrayList<>();
        for (int bits = 0; bits < 1 << all.length; bits++) {
            Set<Optimisation> set = EnumSet.noneOf(Optimisation.class);
            for (Optimisation one : all) {
                if ((bits >> one.ordinal() & 1) == 1) {
                    set.add(one);
                }
            }
            if (set.stream().allMatch(one -> set.containsAll(one.needed()))) {
                sets.add(set);
            }
        }
        return sets;
    }

    /**
     * How far a result may be off, as part of what {@link TestProduct} allows. An entry of eight bits is rounded by half a 127th
     * of at most twice the greatest activation and serves four weights: a half. A seventh bit less doubles that, a
     * rounded average adds as much as it had.
     */
    private static double bound(Set<Optimisation> on) {
        if (!on.contains(Optimisation.QUANTISED_TABLES)) {
            return 0.02;
        }
        if (on.contains(Optimisation.AVERAGING)) {
            return 1.02;
        }
        double steps = on.contains(Optimisation.BYTE_SUMS_OF_FOUR) ? 31 : on.contains(Optimisation.BYTE_SUMS) ? 63 : 127;
        return 0.5 * 127 / steps + 0.02;
    }

    @ParameterizedTest
    @MethodSource("sets")
    void productsOfAnyShapeAreWithinTheBoundOfTheirTables(Set<Optimisation> on) {
        MatMulEngine engine = new AblationEngine(on);
        for (GgmlType type : TYPES) {
            for (int seed = 0; seed < 2; seed++) {
                Random random = new Random(seed);
                int rows = 1 + random.nextInt(100);
                int k = type.blockSize() * (1 + random.nextInt(18));
                try (TestProduct product = product(type, k, rows, 1 + seed % 2, seed)) {
                    product.activations((column, i) -> (float) random.nextGaussian() * (random.nextInt(64) == 0 ? 100 : 1));
                    product.multiply(engine, 1 + seed);
                    assertThat(product.error()).as("%s, %d rows of %d, seed %d", type, rows, k, seed).isLessThan(bound(on));
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("sets")
    void sumsOfTheGreatestCodesScalesAndActivationsDoNotOverflow(Set<Optimisation> on) {
        MatMulEngine engine = new AblationEngine(on);
        for (GgmlType type : TYPES) {
            for (int codes : new int[] {0x00, 0xff, 0xa5}) {
                for (float activation : new float[] {0x1p22f, 1e-20f}) {
                    try (TestProduct product = product(type, 17 * type.blockSize(), 33, 1, 1)) {
                        product.scales((row, block, half) -> row % 2 == 0 ? F16_GREATEST : LEAVE).fill(codes, 0)
                                .activations((column, i) -> i % 3 == 0 ? activation / 2 : activation);
                        product.multiply(engine, 1);
                        assertThat(product.error()).as("%s, codes %x", type, codes).isLessThan(bound(on));
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("sets")
    void activationsOfZeroGiveZeroAndScalesOfZeroTakeARowAway(Set<Optimisation> on) {
        MatMulEngine engine = new AblationEngine(on);
        for (GgmlType type : TYPES) {
            try (TestProduct product = product(type, 3 * type.blockSize(), 70, 1, 2)) {
                product.activations((column, i) -> 0).multiply(engine, 2);
                assertThat(product.results()).containsOnly(0f);
                product.scales((row, block, half) -> row == 1 ? 0 : LEAVE).activations((column, i) -> i + 1).multiply(engine, 1);
                assertThat(product.result(0, 1)).isZero();
                assertThat(product.result(0, 2)).isNotZero();
            }
        }
    }

    @Test
    void layoutsChangeNoBitOfAResult() {
        for (GgmlType type : TYPES) {
            try (TestProduct product = product(type, 11 * type.blockSize(), 100, 1, 3)) {
                Random random = new Random(4);
                product.activations((column, i) -> random.nextInt(-100, 100));
                product.multiply(new AblationEngine(upTo(Optimisation.TILES)), 1);
                float[] tiled = product.results();
                for (Optimisation last : EnumSet.range(Optimisation.LAYOUT, Optimisation.NIBBLES)) {
                    product.multiply(new AblationEngine(upTo(last)), 1);
                    assertThat(product.results()).as("%s up to %s", type, last).containsExactly(tiled);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Optimisation.class)
    void anOptimisationAloneIsRefusedWithWhatItNeeds(Optimisation optimisation) {
        if (optimisation.needed().isEmpty()) {
            assertThat(new AblationEngine(EnumSet.of(optimisation)).description()).contains(optimisation.name());
        } else {
            assertThatThrownBy(() -> new AblationEngine(EnumSet.of(optimisation))).isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("needs");
        }
    }

    @Test
    void stepsBeginWithTheBareLookupAndAddOneOptimisationEach() {
        List<EngineVariant> steps = new TmacEngineProvider().variants();
        assertThat(steps).hasSize(1 + Optimisation.values().length);
        assertThat(steps.getFirst().engine().description()).contains("[]");
        for (int i = 1; i < steps.size(); i++) {
            String last = Optimisation.values()[i - 1].name();
            assertThat(steps.get(i).engine().description()).contains(last);
            assertThat(steps.get(i - 1).engine().description()).doesNotContain(last + "]", last + ",");
        }
    }

    @Test
    void whatItDoesNotTakeIsRefusedWithAReason() {
        MatMulEngine engine = new AblationEngine(Set.of());
        assertThat(engine.refusal(GgmlType.Q4_K, 256, 1)).hasValueSatisfying(reason -> assertThat(reason).contains("q4_K"));
        assertThat(engine.refusal(GgmlType.Q2_0, 100, 1)).hasValueSatisfying(reason -> assertThat(reason).contains("64"));
        assertThat(engine.refusal(GgmlType.Q2_0, 1L << 40, 1)).isPresent();
        assertThat(engine.refusal(GgmlType.Q2_0, 64, 1)).isEmpty();
        try (Arena arena = Arena.ofConfined()) {
            WeightTensor experts = new WeightTensor("experts", GgmlType.Q2_0, 64, 1, 2, arena.allocate(36).address());
            assertThatThrownBy(() -> engine.pack(experts, WorkerPool.shared())).isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("2 experts");
        }
    }

    private static Set<Optimisation> upTo(Optimisation last) {
        return EnumSet.range(Optimisation.QUANTISED_TABLES, last);
    }

    private static TestProduct product(GgmlType type, int k, int rows, int columns, long seed) {
        return new TestProduct(BlockFormat.of(type).orElseThrow(), k, rows, columns, seed);
    }
}
