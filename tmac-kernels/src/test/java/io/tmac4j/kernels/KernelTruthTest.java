package io.tmac4j.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import io.tmac4j.bindings.spi.MatMulEngine;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The engine as its users see it, with weights and activations that no well-behaved model has, on any processor. */
@Tag("processors")
class KernelTruthTest {

    /** Random products a type. Vectors that the processor does not have are slow: then fewer are asked for. */
    private static final int CASES = Integer.getInteger("tmac.test.cases", 200);

    private static final int ROUNDS = Math.min(CASES, 20);

    /** Normalised mean square error between two ways of rounding Gaussian activations to eight bits. */
    private static final double NMSE_TO_LLAMA_CPP = 3e-4;

    private static final int[] COLUMNS = {1, 2, 3, 7, 8, 31, 32, 33, 512};

    private static final int F16_SUBNORMAL = 0x0001;
    private static final int F16_GREATEST_SUBNORMAL = 0x03ff;
    private static final int F16_GREATEST = 0x7bff;
    private static final int F16_INFINITY = 0x7c00;
    private static final int F16_NAN = 0x7e00;
    private static final int F16_NEGATIVE = 0x8000;
    private static final int LEAVE = -1;

    private static final MatMulEngine ENGINE = new TmacEngineProvider().open();

    /** A type of weights, and how exactly it is looked up. */
    record Looked(BlockFormat format, TableMode mode) {

        /** Tables of seven bits: a step is twice as large. */
        int bound() {
            return mode == TableMode.FAST ? 2 : 1;
        }

        /** Fewer where the mode changes one of the two ways of multiplying only. */
        int cases() {
            return mode == TableMode.DEFAULT ? CASES : Math.min(CASES, Math.max(10, CASES / 4));
        }

        /** As a user chooses the mode. */
        void multiply(TestProduct product, int threads) {
            System.setProperty(TableMode.PROPERTY, mode.name().toLowerCase(Locale.ROOT));
            product.multiply(ENGINE, threads);
        }

        @Override
        public String toString() {
            return format.type() + (mode == TableMode.DEFAULT ? "" : " " + mode);
        }
    }

    static BlockFormat[] formats() {
        return BlockFormat.ALL;
    }

    /** All types as is usual, and those that are looked up in the other modes too, where there are vectors. */
    static Stream<Looked> inAllModes() {
        return Arrays.stream(TableMode.values()).flatMap(mode -> Stream.concat(Arrays.stream(BlockFormat.ALL),
                        Stream.of(new BlockFormat.Q2_0(true)))
                .filter(format -> mode == TableMode.DEFAULT
                        || format.lookupForm().isPresent() && TmacEngineProvider.obstacle().isEmpty())
                .map(format -> new Looked(format, mode)));
    }

    static Stream<Looked> withF16NumbersInAllModes() {
        return inAllModes().filter(looked -> looked.format.f16Numbers() > 0);
    }

    @AfterEach
    void modeIsAsUsual() {
        System.clearProperty(TableMode.PROPERTY);
    }

    @ParameterizedTest
    @MethodSource("inAllModes")
    void productsOfAnyShapeScaleAndActivationAreWithinTheirBound(Looked looked) {
        BlockFormat format = looked.format;
        for (int seed = 0; seed < looked.cases(); seed++) {
            Random random = new Random(seed);
            int columns = seed % 20 == 19 ? 512 : COLUMNS[random.nextInt(COLUMNS.length - 1)];
            int rows = 1 + random.nextInt(columns > 8 ? 40 : 140);
            int k = format.type().blockSize() * (1 + random.nextInt(columns > 8 ? 5 : 11));
            try (TestProduct product = new TestProduct(format, k, rows, columns, seed)) {
                product.scales((row, block, half) -> scale(random));
                ActivationKind[] kinds = new ActivationKind[columns];
                Arrays.setAll(kinds, column -> ActivationKind.values()[random.nextInt(ActivationKind.values().length)]);
                product.activations((column, i) -> kinds[column].at(i, k, random));
                looked.multiply(product, 1 + random.nextInt(3));
                assertThat(product.error()).as("seed %d: %d rows of %d, %d columns", seed, rows, k, columns)
                        .isLessThanOrEqualTo(looked.bound());
            }
        }
    }

    /** Mostly what a model has; sometimes the ends of what an f16 number can be. */
    private static int scale(Random random) {
        return switch (random.nextInt(16)) {
            case 0 -> 0;
            case 1 -> F16_SUBNORMAL;
            case 2 -> F16_GREATEST_SUBNORMAL;
            case 3 -> F16_GREATEST;
            case 4 -> F16_GREATEST | F16_NEGATIVE;
            case 5 -> F16_NEGATIVE;
            default -> LEAVE;
        };
    }

    /** What a column of activations looks like. */
    private enum ActivationKind {
        GAUSSIAN {
            @Override
            float at(int i, int k, Random random) {
                return (float) random.nextGaussian();
            }
        },
        CONSTANT {
            @Override
            float at(int i, int k, Random random) {
                return -0.7f;
            }
        },
        ONE_HOT {
            @Override
            float at(int i, int k, Random random) {
                return i == k / 3 ? 5 : 0;
            }
        },
        ALTERNATING_EXTREMES {
            @Override
            float at(int i, int k, Random random) {
                return i % 2 == 0 ? 3e4f : -3e4f;
            }
        },
        ZERO {
            @Override
            float at(int i, int k, Random random) {
                return 0;
            }
        },
        SUBNORMAL {
            @Override
            float at(int i, int k, Random random) {
                return random.nextBoolean() ? Float.MIN_VALUE : -1e-40f;
            }
        },
        /** As great as the f16 steps allow to which llama.cpp, and prefill of some types, round. */
        HUGE {
            @Override
            float at(int i, int k, Random random) {
                return (random.nextFloat() - 0.5f) * 0x1p23f;
            }
        },
        OUTLIERS {
            @Override
            float at(int i, int k, Random random) {
                return (float) random.nextGaussian() * (random.nextInt(64) == 0 ? 1000 : 1);
            }
        };

        abstract float at(int i, int k, Random random);
    }

    @ParameterizedTest
    @MethodSource("inAllModes")
    void sumsOfTheGreatestCodesAndActivationsDoNotOverflow(Looked looked) {
        BlockFormat format = looked.format;
        int block = format.type().blockSize();
        int[] columnCounts = CASES < 100 ? new int[] {1, 33} : COLUMNS;
        for (int columns : columnCounts) {
            int k = block * (columns > 100 ? 2 : columns > 8 ? 9 : Math.max(1, 8192 / block));
            for (int codes : codeBytes(format)) {
                for (int subScales : new int[] {0x00, 0xff, 0x0f, 0xf0, 0x11}) {
                    if (subScales > 0 && format.subWeights() == format.type().blockSize()) {
                        continue;
                    }
                    try (TestProduct product = new TestProduct(format, k, 3, columns, 1)) {
                        product.fill(codes, subScales);
                        // + and - in turn by column, and both signs in the order of the codes' bits
                        product.activations((column, i) -> switch (column % 4) {
                            case 0 -> 127;
                            case 1 -> -127;
                            case 2 -> i % 2 == 0 ? 127 : -127;
                            default -> i / 32 % 2 == 0 ? -127 : 127;
                        });
                        looked.multiply(product, 1);
                        assertThat(product.error()).as("codes %02x, sub-scales %02x, %d columns", codes, subScales, columns)
                                .isLessThanOrEqualTo(looked.bound());
                        if (columns == 1) {
                            looked.multiply(product.activations((column, i) -> -127), 1);
                            assertThat(product.error()).as("codes %02x, sub-scales %02x, all negative", codes, subScales)
                                    .isLessThanOrEqualTo(looked.bound());
                        }
                    }
                }
            }
        }
    }

    /** Bytes that stand for valid codes: all least, all greatest, and in turn. */
    private static List<Integer> codeBytes(BlockFormat format) {
        List<Integer> bytes = new ArrayList<>(List.of(0x00, 0x55, 0xaa));
        switch (format.type()) {
            // 3 is no ternary code, and is multiplied in plain Java
            case TQ2_0 -> bytes.addAll(List.of(0x88, 0x22, 0xff));
            default -> bytes.addAll(List.of(0xff, 0xf0, 0x0f));
        }
        return bytes;
    }

    /** llama.cpp rounds activations too, in its own way: the two may be apart by what both may be off. */
    @ParameterizedTest
    @MethodSource("inAllModes")
    void productsAreThoseOfLlamaCpp(Looked looked) {
        BlockFormat format = looked.format;
        LlamaDot llama = new LlamaDot(format.type());
        int k = 2048;
        int rows = 40;
        for (int columns : new int[] {1, 3, 33}) {
            try (TestProduct product = new TestProduct(format, k, rows, columns, 11)) {
                Random random = new Random(11);
                product.activations((column, i) -> (float) random.nextGaussian());
                looked.multiply(product, 2);
                double noise = 0;
                double signal = 0;
                for (int column = 0; column < columns; column++) {
                    for (int row = 0; row < rows; row++) {
                        float expected = llama.product(product.weights(row), product.activations(column), k);
                        noise += Math.pow(product.result(column, row) - expected, 2);
                        signal += Math.pow(expected, 2);
                    }
                }
                assertThat(noise / signal).as("%d columns", columns)
                        .isLessThan(looked.bound() * looked.bound() * NMSE_TO_LLAMA_CPP);
            }
        }
    }

    /**
     * llama.cpp gives no number for an infinite activation either; for one that is no number it gives what the processor's
     * conversion to integers makes of it, often a number. The engine never does.
     */
    @ParameterizedTest
    @MethodSource("inAllModes")
    void activationsThatAreNoNumbersSpoilTheirOwnColumnAndNoOther(Looked looked) {
        BlockFormat format = looked.format;
        LlamaDot llama = new LlamaDot(format.type());
        int k = 512;
        int rows = 5;
        for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
            for (int columns : new int[] {1, 2, 3, 7, 8, 31, 32, 33}) {
                int spoiled = columns / 2;
                try (TestProduct product = new TestProduct(format, k, rows, columns, 7)) {
                    Random random = new Random(7);
                    product.activations((column, i) -> column == spoiled && i == 300 ? bad : (float) random.nextGaussian());
                    looked.multiply(product, 1);
                    for (int row = 0; row < rows; row++) {
                        assertThat(Float.isFinite(product.result(spoiled, row))).as("%s, row %d", bad, row).isFalse();
                        assertThat(Float.isFinite(llama.product(product.weights(row), product.activations(spoiled), k))
                                && Float.isInfinite(bad)).as("llama.cpp finite, %s, row %d", bad, row).isFalse();
                        TestProduct.Row weights = product.new Row(row);
                        for (int column = 0; column < columns; column++) {
                            if (column != spoiled) {
                                assertThat(weights.error(column)).as("%s beside column %d of %d", bad, column, columns)
                                        .isLessThanOrEqualTo(looked.bound());
                            }
                        }
                    }
                }
            }
        }
    }

    /** As in llama.cpp: a block whose scale is no number spoils its row and no other. */
    @ParameterizedTest
    @MethodSource("withF16NumbersInAllModes")
    void scalesThatAreNoNumbersSpoilTheirRowAndNoOther(Looked looked) {
        BlockFormat format = looked.format;
        LlamaDot llama = new LlamaDot(format.type());
        int k = 512;
        int rows = 5;
        for (int bits : new int[] {F16_INFINITY, F16_INFINITY | F16_NEGATIVE, F16_NAN, F16_NAN | F16_NEGATIVE}) {
            for (int columns : new int[] {1, 3, 33}) {
                for (int spoiledHalf = 0; spoiledHalf < format.halves(); spoiledHalf++) {
                    int bad = spoiledHalf;
                    try (TestProduct product = new TestProduct(format, k, rows, columns, 7)) {
                        Random random = new Random(7);
                        product.activations((column, i) -> (float) random.nextGaussian());
                        product.scales((row, block, half) -> row == 2 && block == 1 && half == bad ? bits : LEAVE);
                        looked.multiply(product, 1);
                        for (int column = 0; column < columns; column++) {
                            assertThat(Float.isFinite(product.result(column, 2))).as("%x, half %d", bits, bad).isFalse();
                            assertThat(Float.isFinite(llama.product(product.weights(2), product.activations(column), k)))
                                    .as("llama.cpp, %x, half %d", bits, bad).isFalse();
                            for (int row : new int[] {0, 1, 3, 4}) {
                                assertThat(product.new Row(row).error(column)).as("row %d", row)
                                        .isLessThanOrEqualTo(looked.bound());
                            }
                        }
                    }
                }
            }
        }
    }

    /** Whatever the scales are, there is a number where llama.cpp has one, and none where it has none. */
    @ParameterizedTest
    @MethodSource("withF16NumbersInAllModes")
    void numbersAreWhereLlamaCppHasThem(Looked looked) {
        BlockFormat format = looked.format;
        LlamaDot llama = new LlamaDot(format.type());
        int noNumbers = 0;
        int numbers = 0;
        for (int seed = 0; seed < looked.cases(); seed++) {
            Random random = new Random(seed);
            int columns = COLUMNS[random.nextInt(COLUMNS.length - 1)];
            int rows = 1 + random.nextInt(70);
            int k = format.type().blockSize() * (1 + random.nextInt(5));
            try (TestProduct product = new TestProduct(format, k, rows, columns, seed)) {
                int rarity = 2 + random.nextInt(600);
                product.scales((row, block, half) -> random.nextInt(rarity) == 0
                        ? (random.nextBoolean() ? F16_INFINITY : F16_NAN) | (random.nextBoolean() ? F16_NEGATIVE : 0)
                        : scale(random));
                ActivationKind[] kinds = {ActivationKind.GAUSSIAN, ActivationKind.ONE_HOT, ActivationKind.ZERO};
                product.activations((column, i) -> kinds[column % 3].at(i, k, random));
                looked.multiply(product, 1 + random.nextInt(3));
                for (int column = 0; column < columns; column++) {
                    for (int row = 0; row < rows; row++) {
                        boolean number = Float.isFinite(llama.product(product.weights(row), product.activations(column), k));
                        assertThat(Float.isFinite(product.result(column, row)))
                                .as("seed %d: row %d of %d, k %d, column %d of %d", seed, row, rows, k, column, columns)
                                .isEqualTo(number);
                        numbers += number ? 1 : 0;
                        noNumbers += number ? 0 : 1;
                    }
                }
            }
        }
        assertThat(List.of(numbers, noNumbers)).as("numbers, and none").allMatch(count -> count > looked.cases());
    }

    @ParameterizedTest
    @MethodSource("formats")
    void twoContextsAtOnceGiveWhatEachGivesAlone(BlockFormat format) throws InterruptedException, ExecutionException {
        try (TestProduct one = new TestProduct(format, 1024, 200, 1, 1);
                TestProduct other = new TestProduct(format, 512, 90, 33, 2)) {
            List<TestProduct> products = List.of(one, other);
            List<float[]> alone = new ArrayList<>();
            for (TestProduct product : products) {
                Random random = new Random(8);
                product.activations((column, i) -> (float) random.nextGaussian());
                product.multiply(ENGINE, 2);
                alone.add(product.results());
            }
            try (ExecutorService threads = Executors.newFixedThreadPool(products.size())) {
                for (int round = 0; round < ROUNDS; round++) {
                    List<Future<?>> running = new ArrayList<>();
                    for (TestProduct product : products) {
                        running.add(threads.submit(() -> product.multiply(ENGINE, 2)));
                    }
                    for (int i = 0; i < products.size(); i++) {
                        running.get(i).get();
                        assertThat(products.get(i).results()).as("round %d", round).isEqualTo(alone.get(i));
                    }
                }
            }
        }
    }
}
