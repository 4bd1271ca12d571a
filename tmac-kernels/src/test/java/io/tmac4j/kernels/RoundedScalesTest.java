package io.tmac4j.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import io.tmac4j.bindings.GgmlType;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Two numbers of 8 significant bits a sub-block of Q4_K: what is rounded, and that nothing else is. */
class RoundedScalesTest {

    private static final BlockFormat Q4_K = BlockFormat.of(GgmlType.Q4_K).orElseThrow();
    private static final int ROWS = 43;
    private static final int K = 11 * 256;

    /** Half a unit in the last of 8 places. */
    private static final double ROUNDING = 0x1p-8;

    @Test
    void scalesAndWhatIsMoreAreWithinHalfAUnitOfTheirLastPlace() {
        Random random = new Random(1);
        for (int i = 0; i < 100_000; i++) {
            float scale = (float) Math.scalb(random.nextGaussian(), random.nextInt(40) - 30);
            float min = (float) Math.scalb(random.nextGaussian(), random.nextInt(40) - 30);
            int word = RoundedScales.word(scale, min);
            double more = 8.0 * scale(word) - min;
            assertThat(scale(word)).as("scale %s", scale).isCloseTo(scale, Offset.offset((float) (Math.abs(scale) * ROUNDING)));
            assertThat((double) more(word)).as("8 * %s - %s", scale(word), min)
                    .isCloseTo(more, Offset.offset(Math.abs(more) * ROUNDING * 1.01 + 0x1p-126));
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "-0.0, 0", "0, -0.0", "0, 1e-3", "1e-3, 0", "-1e-3, 1e-4", "1e-3, 8e-3", "0.0625, 0.5",
        "-0.0625, -0.5", "4.1e6, 0", "0, 4.1e6", "5e-8, 3e-6", "3e-6, 5e-8"})
    void wordsAreOrdinaryNumbers(float scale, float min) {
        int word = RoundedScales.word(scale, min);
        assertThat(more(word)).isFinite();
        assertThat(word == 0 || Math.abs(more(word)) >= Float.MIN_NORMAL).as("%08x", word).isTrue();
        double more = 8.0 * scale(word) - min;
        assertThat((double) more(word)).isCloseTo(more, Offset.offset(Math.abs(more) * ROUNDING * 1.01 + 0x1.1p-126));
    }

    /** 1 and 7 columns one by one, 64 at once; 43 rows are no whole number of tiles, 11 blocks no whole number of groups. */
    @ParameterizedTest
    @ValueSource(ints = {1, 7, 64})
    void productsDifferFromExactOnesByTheRoundingsOnly(int columns) {
        try (TestProduct product = product(columns)) {
            Random random = new Random(3);
            product.activations((column, i) -> (float) random.nextGaussian());
            product.multiply(WordForm.Q4_K, 2);
            float[] exact = product.results();
            product.multiply(WordForm.Q4_K_ROUNDED, 2);
            float[] rounded = product.results();
            double error = 0;
            double size = 0;
            for (int i = 0; i < exact.length; i++) {
                error += Math.pow((double) rounded[i] - exact[i], 2);
                size += Math.pow(exact[i], 2);
            }
            assertThat(error / size).isBetween(1e-8, 4e-5);
        }
    }

    /** Weights of one sub-block count alone, so the result is that of its one word, of a column by itself and of many. */
    @ParameterizedTest
    @ValueSource(ints = {1, 64})
    void aSubBlockIsMultipliedWithItsOwnWord(int columns) {
        try (TestProduct product = product(columns)) {
            for (int sub = 0; sub < K / 32; sub++) {
                int first = 32 * sub;
                product.activations((column, i) -> i >= first && i < first + 32 ? 127 - (i - first) : 0);
                product.multiply(WordForm.Q4_K_ROUNDED, 2);
                Block block = new Block();
                for (int row = 0; row < ROWS; row++) {
                    Q4_K.read(product.weights(row) + (long) sub / 8 * GgmlType.Q4_K.blockBytes(), block);
                    int word = RoundedScales.word(block.scale * block.scales[sub % 8], -block.min * block.mins[sub % 8]);
                    double expected = 0;
                    for (int i = 0; i < 32; i++) {
                        double weight = (double) scale(word) * (block.codes[sub % 8 * 32 + i] - 8) + more(word);
                        expected += weight * (127 - i);
                    }
                    double size = 32 * 127 * (8 * Math.abs(scale(word)) + Math.abs(more(word)));
                    for (int column = 0; column < columns; column += 9) {
                        assertThat((double) product.result(column, row)).as("row %d, sub-block %d, column %d", row, sub, column)
                                .isCloseTo(expected, Offset.offset(1e-6 * size));
                    }
                }
            }
        }
    }

    @Test
    void scalesAreRoundedWhereMultiplicationIsSlowUnlessAllShallBeExact() {
        for (TableMode mode : TableMode.values()) {
            TypeTuning tuning = TypeTuning.standard(Q4_K).in(mode, Q4_K);
            try (PackedMatrix matrix = Packer.unpacked(Q4_K, tuning, ROWS, K, 1)) {
                boolean rounded = VectorWidth.chosen().multipliesSlowly() && mode != TableMode.EXACT;
                assertThat(((WordMatrix) matrix).layout().form()).as("%s", mode)
                        .isSameAs(rounded ? WordForm.Q4_K_ROUNDED : WordForm.Q4_K);
            }
        }
    }

    private static TestProduct product(int columns) {
        return new TestProduct(Q4_K, K, ROWS, columns, 2);
    }

    private static float scale(int word) {
        return Float.intBitsToFloat(word << 16);
    }

    private static float more(int word) {
        return Float.intBitsToFloat(word);
    }
}
