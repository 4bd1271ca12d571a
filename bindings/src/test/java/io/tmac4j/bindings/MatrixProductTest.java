package io.tmac4j.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tmac4j.bindings.generated.LlamaCpp;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class MatrixProductTest {

    private static final int ROWS = 64;
    private static final int K = 512;
    /** Of activations in eight bits, one scale for 256 of them in some types. */
    private static final double ROUNDING = 2e-4;
    private static final Engine NAIVE = new Engine("naive");

    private final Random random = new Random(1);

    @BeforeAll
    static void libraries() {
        Models.assumeLibraries();
        LlamaCppLibrary.load();
    }

    @ParameterizedTest
    @EnumSource(value = GgmlType.class, names = {"F32", "F16", "Q1_0", "Q2_0", "TQ1_0", "TQ2_0", "Q2_K", "Q3_K", "Q4_0", "Q4_1",
            "Q4_K", "IQ4_NL", "MXFP4", "Q6_K", "Q8_0"})
    void llamaCppMultipliesWithWhatTheBlocksHold(GgmlType type) {
        WeightMatrix weights = weights(type);
        for (int columns : new int[] {1, 3, 33}) {
            float[] activations = gaussians(columns * K);
            assertThat(error(Engine.LLAMA_CPP, weights, 2, activations, 2)).as("%d columns", columns).isLessThan(ROUNDING);
        }
    }

    @Test
    void anEngineMultipliesWithTheSameWeights() {
        WeightMatrix weights = weights(GgmlType.Q4_0);
        assertThat(error(NAIVE, weights, 3, gaussians(5 * K), 1)).isLessThan(1e-10);
        assertThat(MatrixProduct.description(NAIVE)).isEqualTo("naive f32");
    }

    @Test
    void llamaCppRepacksWhatItWouldRepackInAModel() {
        Set<String> features = Set.copyOf(LlamaCppLibrary.load().cpuFeatures());
        Assumptions.assumeTrue(features.contains("AVX2"), "repacking depends on the processor");
        try (MatrixProduct four = MatrixProduct.open(Engine.LLAMA_CPP, weights(GgmlType.Q4_0), 1);
             MatrixProduct full = MatrixProduct.open(Engine.LLAMA_CPP, weights(GgmlType.F32), 1)) {
            assertThat(four.form()).isEqualTo(features.contains("AMX_INT8") ? "AMX" : "CPU_REPACK");
            assertThat(four.weightBytes()).isEqualTo(ROWS * GgmlType.Q4_0.rowBytes(K));
            assertThat(full.form()).isEqualTo("CPU");
        }
    }

    @Test
    void whatIsMultipliedWithAndOnHowManyThreadsCanChange() {
        WeightMatrix weights = weights(GgmlType.TQ2_0);
        for (Engine engine : new Engine[] {Engine.LLAMA_CPP, NAIVE}) {
            try (MatrixProduct product = MatrixProduct.open(engine, weights, 1)) {
                for (int threads : new int[] {1, 2, 1}) {
                    float[] activations = gaussians(threads * K);
                    product.prepare(activations, 1, threads);
                    product.run();
                    product.run();
                    assertThat(error(weights, activations, product.results())).isLessThan(ROUNDING);
                }
            }
        }
    }

    @Test
    void whatDoesNotFitIsRefused() {
        WeightMatrix weights = weights(GgmlType.Q8_0);
        assertThatThrownBy(() -> MatrixProduct.open(NAIVE, weights, 1)).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("naive does not take 64 x 512 weights of q8_0: q8_0 is no low-bit type");
        assertThatThrownBy(() -> new WeightMatrix(GgmlType.Q4_0, 1, 48, new byte[27])).hasMessageContaining("48 weights");
        assertThatThrownBy(() -> new WeightMatrix(GgmlType.Q4_0, 2, 32, new byte[18])).hasMessageContaining("take 36 bytes");
        assertThatThrownBy(() -> MatrixProduct.open(Engine.LLAMA_CPP, weights, 0)).hasMessageContaining("at least one copy");
        MatrixProduct product = MatrixProduct.open(Engine.LLAMA_CPP, weights, 1);
        assertThatThrownBy(product::run).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> product.prepare(new float[K + 1], 1, 1)).hasMessage("513 activations are no columns of 512");
        assertThatThrownBy(() -> product.prepare(new float[K], 0, 1)).hasMessageContaining("not 0 and 1");
        product.close();
        product.close();
        assertThatThrownBy(product::run).isInstanceOf(IllegalStateException.class);
    }

    private static double error(Engine engine, WeightMatrix weights, int copies, float[] activations, int threads) {
        try (MatrixProduct product = MatrixProduct.open(engine, weights, copies)) {
            product.prepare(activations, 2, threads);
            product.run();
            return error(weights, activations, product.results());
        }
    }

    /** Normalised mean square error against the product of the unpacked weights in double precision. */
    private static double error(WeightMatrix weights, float[] activations, float[] results) {
        double difference = 0;
        double size = 0;
        for (int row = 0; row < ROWS; row++) {
            float[] unpacked = weights.row(row);
            for (int column = 0; column < activations.length / K; column++) {
                double expected = 0;
                for (int i = 0; i < K; i++) {
                    expected += (double) unpacked[i] * activations[column * K + i];
                }
                difference += Math.pow(results[column * ROWS + row] - expected, 2);
                size += expected * expected;
            }
        }
        return difference / size;
    }

    private WeightMatrix weights(GgmlType type) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment floats = arena.allocateFrom(ValueLayout.JAVA_FLOAT, gaussians(ROWS * K));
            MemorySegment blocks = arena.allocate(ROWS * type.rowBytes(K), 64);
            if (type == GgmlType.F32) {
                blocks.copyFrom(floats);
            } else {
                LlamaCpp.ggml_quantize_chunk(type.id(), floats, blocks, 0, ROWS, K, MemorySegment.NULL);
            }
            return new WeightMatrix(type, ROWS, K, blocks.toArray(ValueLayout.JAVA_BYTE));
        }
    }

    private float[] gaussians(int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }
}
