package io.tmac4j.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import io.tmac4j.bindings.spi.AttentionPart;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Random;
import java.util.function.IntToDoubleFunction;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Against the formula in doubles. */
@Tag("processors")
class VectorAttentionTest {

    private static final float NONE = Float.NEGATIVE_INFINITY;

    /** One key head's attention, its memory, and what the results shall be. */
    private static final class Case {

        final int tokens;
        final int heads;
        final int length;
        final int valueLength;
        /** Those of the heads of the first token, then of the next. */
        final float[][] queries;
        final float[][] keys;
        final float[][] values;
        /** One for each token, and that of the first. */
        final float[][] masks;
        final float[] mask;
        final float[] sinks;
        final float scale;

        Case(int heads, int length, int positions, long seed) {
            this(1, heads, length, length, positions, seed);
        }

        Case(int tokens, int heads, int length, int valueLength, int positions, long seed) {
            Random random = new Random(seed);
            this.tokens = tokens;
            this.heads = heads;
            this.length = length;
            this.valueLength = valueLength;
            queries = gaussian(tokens * heads, length, random);
            keys = gaussian(positions, length, random);
            values = gaussian(positions, valueLength, random);
            masks = new float[tokens][positions];
            mask = masks[0];
            sinks = new float[heads];
            Arrays.fill(sinks, NONE);
            scale = (float) (1 / Math.sqrt(length));
        }

        private static float[][] gaussian(int rows, int length, Random random) {
            float[][] numbers = new float[rows][length];
            for (float[] row : numbers) {
                for (int i = 0; i < length; i++) {
                    row[i] = Float.float16ToFloat(Float.floatToFloat16((float) random.nextGaussian()));
                }
            }
            return numbers;
        }

        double[][] expected() {
            double[][] results = new double[tokens * heads][valueLength];
            for (int head = 0; head < tokens * heads; head++) {
                double[] weights = new double[mask.length];
                double sink = sinks[head % heads];
                double most = sink;
                for (int p = 0; p < mask.length; p++) {
                    double product = 0;
                    for (int d = 0; d < length; d++) {
                        product += (double) queries[head][d] * keys[p][d];
                    }
                    float masked = masks[head / heads][p];
                    weights[p] = masked == NONE ? NONE : scale * product + masked;
                    most = Math.max(most, weights[p]);
                }
                double sum = sink == NONE ? 0 : Math.exp(sink - most);
                for (int p = 0; p < mask.length; p++) {
                    weights[p] = weights[p] == NONE ? 0 : Math.exp(weights[p] - most);
                    sum += weights[p];
                }
                for (int d = 0; d < valueLength; d++) {
                    for (int p = 0; p < mask.length; p++) {
                        results[head][d] += weights[p] == 0 ? 0 : weights[p] / sum * values[p][d];
                    }
                }
            }
            return results;
        }

        /** The results, or null if the kernel gave up. */
        float[][] results() {
            VectorAttention kernel = new VectorAttention();
            assertThat(kernel.takes(length, valueLength)).isTrue();
            try (Arena arena = Arena.ofConfined()) {
                long cacheStride = 2L * Math.max(length, valueLength) + 32;
                long stride = 4L * Math.max(length, valueLength) + 16;
                long tokenStride = heads * stride + 32;
                long maskStride = 2L * mask.length + 6;
                long query = arena.allocate(tokens * tokenStride, 64).address();
                long key = arena.allocate(mask.length * cacheStride + 64, 64).address();
                long value = arena.allocate(mask.length * cacheStride + 64, 64).address();
                long maskRows = arena.allocate(tokens * maskStride + 64, 64).address();
                long sink = arena.allocate(4L * heads, 64).address();
                long result = arena.allocate(tokens * tokenStride, 64).address();
                for (int p = 0; p < mask.length; p++) {
                    for (int d = 0; d < length; d++) {
                        Memory.i16(key + p * cacheStride + 2L * d, Float.floatToFloat16(keys[p][d]));
                    }
                    for (int d = 0; d < valueLength; d++) {
                        Memory.i16(value + p * cacheStride + 2L * d, Float.floatToFloat16(values[p][d]));
                    }
                    for (int token = 0; token < tokens; token++) {
                        Memory.i16(maskRows + token * maskStride + 2L * p, Float.floatToFloat16(masks[token][p]));
                    }
                }
                for (int i = 0; i < tokens * heads; i++) {
                    Memory.f32(sink + 4L * (i % heads), sinks[i % heads]);
                    long row = i / heads * tokenStride + i % heads * stride;
                    Memory.f32(result + row + 4L * valueLength, 42);
                    for (int d = 0; d < length; d++) {
                        Memory.f32(query + row + 4L * d, queries[i][d]);
                    }
                }
                AttentionPart part = new AttentionPart().queries(query, stride, heads).keys(key, cacheStride, length)
                        .values(value, cacheStride, valueLength).mask(isMasked() ? maskRows : 0, mask.length)
                        .sinks(sinks[0] == NONE ? 0 : sink).scale(scale).results(result, stride);
                if (tokens > 1) {
                    part.tokens(tokens, tokenStride, maskStride, tokenStride);
                }
                if (!kernel.attend(part, arena.allocate(kernel.scratchBytes(length, valueLength), 64).address())) {
                    return null;
                }
                float[][] results = new float[tokens * heads][valueLength];
                for (int i = 0; i < tokens * heads; i++) {
                    long row = i / heads * tokenStride + i % heads * stride;
                    for (int d = 0; d < valueLength; d++) {
                        results[i][d] = Memory.f32(result + row + 4L * d);
                    }
                    assertThat(Memory.f32(result + row + 4L * valueLength)).as("behind a result").isEqualTo(42);
                }
                return results;
            }
        }

        /** Without anything that is masked there is no mask. */
        private boolean isMasked() {
            for (float[] row : masks) {
                for (float number : row) {
                    if (number != 0) {
                        return true;
                    }
                }
            }
            return false;
        }

        void holds(double bound) {
            float[][] results = results();
            double[][] expected = expected();
            assertThat(results).isNotNull();
            for (int head = 0; head < tokens * heads; head++) {
                for (int d = 0; d < valueLength; d++) {
                    assertThat((double) results[head][d]).as("query %d, number %d", head, d)
                            .isCloseTo(expected[head][d], offset(bound));
                }
            }
        }
    }

    static LongStream seeds() {
        return LongStream.range(0, 60);
    }

    @BeforeAll
    static void thereAreVectors() {
        TestVm.assumeVectors();
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void resultsAreThoseOfTheFormula(long seed) {
        Random random = new Random(seed);
        int heads = 1 + random.nextInt(9);
        int positions = 1 + random.nextInt(400);
        int masked = random.nextInt(4);
        boolean sinks = random.nextBoolean();
        Case attention = new Case(heads, 32 * (1 + random.nextInt(8)), positions, seed);
        for (int p = 0; p < positions; p++) {
            attention.mask[p] = random.nextInt(4) < masked ? NONE : random.nextInt(8) == 0 ? -1.5f : 0;
        }
        for (int head = 0; head < heads && sinks; head++) {
            attention.sinks[head] = (float) random.nextGaussian() * 3;
        }
        attention.holds(2e-6);
    }

    /** Prompts: each token sees those before it, some of what it sees is masked or has a bias, and some texts begin later. */
    @ParameterizedTest
    @MethodSource("seeds")
    void resultsOfSeveralTokensAreThoseOfTheFormula(long seed) {
        Random random = new Random(seed);
        int tokens = 2 + random.nextInt(TiledAttention.TOKENS - 1);
        int heads = 1 + random.nextInt(6);
        int positions = tokens + random.nextInt(300);
        Case attention = new Case(tokens, heads, 32 * (1 + random.nextInt(5)), 32 * (1 + random.nextInt(4)), positions, seed);
        int first = random.nextInt(3) * positions / 4;
        int masked = random.nextInt(3);
        for (int token = 0; token < tokens; token++) {
            for (int p = 0; p < positions; p++) {
                boolean sees = p >= first && p <= positions - tokens + token && random.nextInt(4) >= masked;
                float bias = masked == 0 || random.nextInt(8) > 0 ? 0 : -1.5f;
                attention.masks[token][p] = seed % 7 == 0 ? 0 : sees ? bias : NONE;
            }
        }
        boolean sinks = random.nextBoolean();
        for (int head = 0; head < heads && sinks; head++) {
            attention.sinks[head] = (float) random.nextGaussian() * 3;
        }
        attention.holds(3e-6);
    }

    @Test
    void severalTokensWithoutAPositionFarOnesAndNoNumbers() {
        Case attention = new Case(20, 3, 64, 64, 130, 1);
        Arrays.fill(attention.masks[7], NONE);
        attention.keys[77] = attention.queries[1].clone();
        for (int d = 0; d < 64; d++) {
            attention.keys[77][d] *= 1000;
        }
        attention.holds(2e-5);
        attention.values[100][9] = Float.POSITIVE_INFINITY;
        assertThat(attention.results()).isNull();
        attention.values[100][9] = 1;
        for (float number : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 3e38f}) {
            attention.queries[4][3] = number;
            for (float[] key : attention.keys) {
                key[3] = Math.abs(key[3]);
            }
            float[][] results = attention.results();
            assertThat(results[4]).containsOnly(Float.NaN);
            double[][] expected = attention.expected();
            for (int query : new int[] {3, 5, 59}) {
                assertThat((double) results[query][5]).isCloseTo(expected[query][5], offset(2e-5));
            }
        }
    }

    @Test
    void withoutAPositionTheResultIsZero() {
        Case attention = new Case(5, 64, 130, 1);
        Arrays.fill(attention.mask, NONE);
        attention.holds(0);
        Arrays.fill(attention.sinks, 1);
        attention.holds(0);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 128, 129, 256, 5000})
    void aPositionFarAheadOfAllOthersDecides(int positions) {
        for (int chosen : new int[] {0, positions / 2, positions - 1}) {
            Case attention = new Case(4, 64, positions, 2);
            for (int d = 0; d < 64; d++) {
                attention.keys[chosen][d] = attention.queries[1][d] * 1000;
                attention.values[chosen][d] = 3 + d;
            }
            attention.holds(2e-5);
            assertThat(attention.results()[1][7]).isEqualTo(10);
        }
    }

    @Test
    void numbersAtTheEndsOfTheirRangesKeepTheirValues() {
        for (IntToDoubleFunction extreme : new IntToDoubleFunction[] {
            i -> i % 2 == 0 ? 65504 : -65504, i -> i % 3 == 0 ? 0x1p-24 : -0x1p-20, i -> 0, i -> i % 5 == 0 ? -0.0 : 0x1p-14}) {
            Case attention = new Case(6, 96, 200, 3);
            double most = 0;
            for (int p = 0; p < 200; p++) {
                for (int d = 0; d < 96; d++) {
                    attention.keys[p][d] = (float) extreme.applyAsDouble(p + d);
                    attention.values[p][d] = (float) extreme.applyAsDouble(p * d);
                    most = Math.max(most, Math.abs(attention.values[p][d]));
                }
            }
            for (float[] query : attention.queries) {
                for (int d = 0; d < 96; d++) {
                    query[d] *= 1e-5f;
                }
            }
            attention.holds(most * 4e-6);
        }
    }

    @Test
    void itGivesUpOnKeysAndValuesThatAreNoFiniteNumbers() {
        for (float number : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
            for (int heads : new int[] {1, 4, 6}) {
                for (int place : new int[] {0, 200, 299}) {
                    Case keys = new Case(heads, 64, 300, 4);
                    keys.keys[place][63] = number;
                    assertThat(keys.results()).as("key %s at %d", number, place).isNull();
                    keys.mask[place] = NONE;
                    assertThat(keys.results()).as("masked key").isNotNull();
                    Case values = new Case(heads, 64, 300, 4);
                    values.values[place][0] = number;
                    assertThat(values.results()).as("value %s at %d", number, place).isNull();
                }
            }
        }
    }

    @Test
    void aQueryThatIsNoNumberSpoilsItsOwnHeadOnly() {
        for (float number : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
            Case attention = new Case(5, 64, 150, 5);
            double[][] expected = attention.expected();
            attention.queries[2][10] = number;
            float[][] results = attention.results();
            assertThat(results[2]).contains(Float.NaN);
            for (int head : new int[] {0, 1, 3, 4}) {
                assertThat((double) results[head][5]).isCloseTo(expected[head][5], offset(2e-6));
            }
        }
    }

    @Test
    void lengthsThatAreNoWholeVectorsAreNotTaken() {
        VectorAttention kernel = new VectorAttention();
        assertThat(kernel.takes(64, 64)).isTrue();
        assertThat(kernel.takes(192, 128)).isTrue();
        assertThat(kernel.takes(0, 64)).isFalse();
        assertThat(kernel.takes(63, 64)).isFalse();
        assertThat(kernel.takes(64, 66)).isFalse();
    }
}
