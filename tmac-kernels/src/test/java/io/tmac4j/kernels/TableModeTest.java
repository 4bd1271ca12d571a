package io.tmac4j.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.tmac4j.bindings.GgmlType;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Products in every mode of the tables. */
@Tag("processors")
@Tag("vectors")
class TableModeTest {

    private static final int[] COLUMNS = {1, 2, 5, 33};

    static BlockFormat[] formats() {
        return BlockFormat.ALL;
    }

    static BlockFormat[] lookedUp() {
        return List.of(BlockFormat.ALL).stream().filter(format -> format.lookupForm().isPresent()).toArray(BlockFormat[]::new);
    }

    /**
     * Activations that are whole numbers up to 127, with 127 among those of each block, are what 8 bits hold: a product of exact
     * integers is the product itself but for the rounding of floats. Words of Q2_0 have 9 bits of an activation.
     */
    @ParameterizedTest
    @MethodSource("formats")
    void exactIsIntegerArithmeticOnActivationsOfEightBits(BlockFormat format) {
        TypeTuning exact = TypeTuning.standard(format).in(TableMode.EXACT, format);
        int k = 2048;
        int limit = format.wordForm().map(WordForm::activationLimit).orElse(127);
        for (int columns : COLUMNS) {
            for (int rows : new int[] {1, 70, 300}) {
                try (TestProduct product = new TestProduct(format, k, rows, columns, 5)) {
                    Random random = new Random(columns);
                    product.activations((column,
                            i) -> i % 32 == 7 ? limit : random.nextInt(2 * limit + 1) - limit).multiply(exact, 2);
                    for (int column = 0; column < columns; column++) {
                        for (int row = 0; row < rows; row += 1 + rows / 20) {
                            double size = size(product, column, row, k);
                            assertThat((double) product.result(column, row)).as("%d columns, row %d of %d", columns, row, rows)
                                    .isCloseTo(product.expected(column, row), within(2e-6 * size));
                        }
                    }
                }
            }
        }
    }

    /** Sum of the sizes of the terms of a product: what rounding of floats is in proportion to. */
    private static double size(TestProduct product, int column, int row, int k) {
        double[] weights = product.new Row(row).all();
        double size = 0;
        for (int i = 0; i < k; i++) {
            size += Math.abs(weights[i] * Memory.f32(product.activations(column) + 4L * i));
        }
        return size;
    }

    @ParameterizedTest
    @MethodSource("lookedUp")
    void everyModeIsAsExactAsItsEntries(BlockFormat format) {
        double usual = error(format, TableMode.DEFAULT);
        double fast = error(format, TableMode.FAST);
        double exact = error(format, TableMode.EXACT);
        assertThat(usual).isLessThan(2e-4);
        assertThat(exact).isLessThan(2e-4);
        if (format.lookupForm().orElseThrow().nested()) {
            assertThat(fast).as("there is no faster way").isEqualTo(usual);
            return;
        }
        assertThat(fast).as("four times the error, for a step is twice as large").isBetween(2 * usual, 6 * usual);
    }

    private static double error(BlockFormat format, TableMode mode) {
        TypeTuning tuning = new TypeTuning(true, TypeTuning.standard(format, true).work()).in(mode, format);
        try (TestProduct product = new TestProduct(format, 2048, 300, 3, 6)) {
            Random random = new Random(1);
            product.activations((column, i) -> (float) random.nextGaussian()).multiply(tuning, 1);
            double noise = 0;
            double signal = 0;
            for (int column = 0; column < 3; column++) {
                for (int row = 0; row < 300; row++) {
                    double expected = product.expected(column, row);
                    noise += Math.pow(product.result(column, row) - expected, 2);
                    signal += Math.pow(expected, 2);
                }
            }
            return noise / signal;
        }
    }

    @ParameterizedTest
    @MethodSource("lookedUp")
    void sumsOfTheGreatestEntriesDoNotOverflowInAnyMode(BlockFormat format) {
        for (TableMode mode : TableMode.values()) {
            TypeTuning tuning = new TypeTuning(true, TypeTuning.standard(format, true).work()).in(mode, format);
            for (int codes : new int[] {0x00, 0x55, 0xaa, 0x88}) {
                for (int sign : new int[] {1, -1}) {
                    try (TestProduct product = new TestProduct(format, 1024, 3, 1, 1)) {
                        product.fill(codes, 0).activations((column, i) -> sign * 127).multiply(tuning, 1);
                        assertThat(product.error()).as("%s, codes %02x, sign %d", mode, codes, sign)
                                .isLessThanOrEqualTo(mode == TableMode.FAST ? 2 : 1);
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"Q2_K", "Q3_K"})
    void sumsOfTheGreatestScalesAndMinsDoNotOverflow(GgmlType type) {
        for (int columns : new int[] {1, 16}) {
            for (int codes : new int[] {0x00, 0xff, 0x33}) {
                for (int scales : new int[] {0x00, 0x0f, 0xf0, 0xff}) {
                    for (int period : new int[] {1, 2, 16, 32, 1024}) {
                        assertThat(greatestError(type, columns, codes, scales, period))
                                .as("%d columns, codes %02x, scales %02x, period %d", columns, codes, scales, period)
                                .isLessThanOrEqualTo(1);
                    }
                }
            }
        }
    }

    /** The error with activations of one size that change their sign after each {@code period}, and with the others. */
    private static double greatestError(GgmlType type, int columns, int codes, int scales, int period) {
        BlockFormat format = BlockFormat.of(type).orElseThrow();
        double greatest = 0;
        for (int first = 0; first < 2; first++) {
            int odd = first;
            try (TestProduct product = new TestProduct(format, 1024, 70, columns, 1)) {
                product.fill(codes, scales).activations((column, i) -> i / period % 2 == odd ? 127 : -127)
                        .multiply(TypeTuning.standard(format, true), 1);
                greatest = Math.max(greatest, product.error());
            }
        }
        return greatest;
    }

    @ParameterizedTest
    @MethodSource("lookedUp")
    void activationsThatAreNoNumbersSpoilTheColumnInAnyMode(BlockFormat format) {
        for (TableMode mode : TableMode.values()) {
            TypeTuning tuning = new TypeTuning(true, TypeTuning.standard(format, true).work()).in(mode, format);
            for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
                try (TestProduct product = new TestProduct(format, 512, 40, 2, 1)) {
                    product.activations((column, i) -> column == 1 && i == 300 ? bad : i % 5 - 2).multiply(tuning, 1);
                    for (int row = 0; row < 40; row++) {
                        assertThat(product.result(1, row)).as("%s, %s", mode, bad).isNaN();
                        assertThat(product.result(0, row)).isFinite();
                    }
                }
            }
        }
    }

    @Test
    void whatIsExactAnywayIsTheSameInEveryMode() {
        BlockFormat format = BlockFormat.of(GgmlType.Q4_1).orElseThrow();
        for (TableMode mode : TableMode.values()) {
            assertThat(TypeTuning.standard(format).in(mode, format)).isEqualTo(TypeTuning.standard(format));
        }
    }

    @Test
    void thePropertyIsExactDefaultOrFast() {
        assertThat(TableMode.of(null)).isEqualTo(TableMode.DEFAULT);
        assertThat(TableMode.of("exact")).isEqualTo(TableMode.EXACT);
        assertThat(TableMode.of("default")).isEqualTo(TableMode.DEFAULT);
        assertThat(TableMode.of("fast")).isEqualTo(TableMode.FAST);
        assertThatThrownBy(() -> TableMode.of("best")).isInstanceOf(IllegalStateException.class)
                .hasMessage("the property tmac.mode is best; give exact, default or fast");
    }
}
