package io.tmac4j.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.spi.MatMul;
import io.tmac4j.bindings.spi.MatMulBatch;
import io.tmac4j.bindings.spi.OffHeap;
import io.tmac4j.bindings.spi.WeightTensor;
import io.tmac4j.bindings.spi.WorkerPool;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Tag("processors")
@Tag("vectors")
class GemmTest {

    /** Bound of the normalised mean square error of a product on Gaussian activations. */
    private static final double GAUSSIAN_BOUND = 2e-4;

    private static final int FULL = WideSpecies.COLUMNS;

    /** Columns from which the products here are computed at once. */
    private static final int CROSSOVER = FULL / 2;

    static Stream<BlockFormat> formats() {
        return Stream.concat(Stream.of(BlockFormat.ALL), Stream.of(new BlockFormat.Q2_0(true)));
    }

    @ParameterizedTest
    @MethodSource("formats")
    void productsAreWithinTheErrorBoundForAllColumnCounts(BlockFormat format) {
        int size = format.type().blockSize();
        for (int columns : new int[] {CROSSOVER, FULL - 1, FULL, FULL + 1, 2 * FULL + CROSSOVER, 3 * FULL, 9 * FULL}) {
            for (int rows : new int[] {1, 7, 64, 65, 131}) {
                try (Product product = new Product(format, 5 * size, rows, 1, columns)) {
                    product.gaussian().multiply(2);
                    // the mean of a few results scatters
                    double bound = rows < 64 ? 5 * GAUSSIAN_BOUND : GAUSSIAN_BOUND;
                    assertThat(product.error()).as("%d rows, %d columns", rows, columns).isLessThan(bound);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("formats")
    void productsAreWithinTheErrorBoundForAllLengthsOfTheInnerProduct(BlockFormat format) {
        int size = format.type().blockSize();
        for (int blocks : new int[] {1, 2, 3, 4, 7, 16, 33}) {
            try (Product product = new Product(format, blocks * size, 33, 1, FULL)) {
                product.gaussian().multiply(1);
                assertThat(product.error()).as("%d blocks", blocks).isLessThan(GAUSSIAN_BOUND);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("formats")
    void manyColumnsAndRowsInSeveralRegions(BlockFormat format) {
        try (Product product = new Product(format, 512, 700, 1, 513 + FULL)) {
            product.gaussian().multiply(2);
            assertThat(product.error()).isLessThan(GAUSSIAN_BOUND);
        }
    }

    @ParameterizedTest
    @MethodSource("formats")
    void extremeActivationsAndCodesDoNotOverflow(BlockFormat format) {
        int size = format.type().blockSize();
        for (byte code : new byte[] {0, -1, 0x55, (byte) 0xaa}) {
            if (code == -1 && RandomBlocks.hasNoCodeThree(format)) {
                // 3 is no ternary code
                continue;
            }
            for (float sign : new float[] {1, -1}) {
                try (Product product = new Product(format, 2 * size, 16, 1, FULL)) {
                    product.fillCodes(code);
                    product.fill((column, i) -> sign);
                    product.multiply(1);
                    product.assertCloseTo(TestProduct.roundsScales(format) ? 2 * 0x1p-8 : 2e-3);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("formats")
    void columnsOfZerosGiveZeros(BlockFormat format) {
        try (Product product = new Product(format, 512, 70, 1, FULL)) {
            product.fill((column, i) -> column % 2 == 0 ? 0 : i % 3 - 1);
            product.multiply(1);
            for (int row = 0; row < 70; row++) {
                assertThat(product.result(0, row)).isZero();
                assertThat(product.result(FULL - 2, row)).isZero();
            }
            assertThat(product.error()).isLessThan(GAUSSIAN_BOUND);
        }
    }

    @ParameterizedTest
    @MethodSource("formats")
    void activationsTooSmallToDivideByCountAsZero(BlockFormat format) {
        try (Product product = new Product(format, 256, 3, 1, FULL)) {
            product.fill((column, i) -> Float.MIN_VALUE);
            product.multiply(1);
            for (int row = 0; row < 3; row++) {
                assertThat(product.result(1, row)).isCloseTo(0, within(1e-30f));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("formats")
    void activationsThatAreNoNumbersSpoilTheirOwnColumnOnly(BlockFormat format) {
        for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
            try (Product product = new Product(format, 512, 9, 1, FULL)) {
                Random random = new Random(5);
                product.fill((column, i) -> column == 3 && i == 300 ? bad : (float) random.nextGaussian());
                product.multiply(1);
                for (int row = 0; row < 9; row++) {
                    assertThat(product.result(3, row)).isNaN();
                    assertThat(product.result(2, row)).isFinite();
                    assertThat(product.result(4, row)).isFinite();
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("formats")
    void routedColumnsAreMultipliedWithTheirExpert(BlockFormat format) {
        int experts = 3;
        int columns = 3 * FULL + 5;
        try (Product product = new Product(format, 512, 37, experts, columns)) {
            product.gaussian();
            // expert 0 gets a few columns, expert 2 most of them
            product.route(column -> column % 17 == 0 ? 0 : column % 5 == 0 ? 1 : 2);
            product.multiply(2);
            assertThat(product.error()).isLessThan(GAUSSIAN_BOUND);
        }
    }

    @Test
    void productsOfOneInputShareItsQuantisedActivations() {
        try (Product first = new Product(new BlockFormat.Q4_K(), 512, 64, 1, 2 * FULL);
                Product second = new Product(new BlockFormat.Q4_K(), 512, 128, 1, 2 * FULL)) {
            first.gaussian();
            MatMulBatch batch = new MatMulBatch(WorkerPool.shared(), () -> false);
            batch.clear(2);
            first.addTo(batch);
            batch.add().dense(second.packed, 2 * FULL, first.input.address(), 4L * 512, second.output.address(), 4L * 128);
            second.input.copyFrom(first.input);
            try (Gemm gemm = new Gemm()) {
                gemm.multiply(batch);
                assertThat(gemm.left(0)).isZero();
                assertThat(gemm.left(1)).isZero();
            }
            assertThat(first.error()).isLessThan(GAUSSIAN_BOUND);
            assertThat(second.error()).isLessThan(GAUSSIAN_BOUND);
        }
    }

    @Test
    void aCancelledBatchComputesNothing() {
        try (Product product = new Product(new BlockFormat.TQ2_0(), 256, 64, 1, FULL); Gemm gemm = new Gemm()) {
            product.gaussian();
            MatMulBatch batch = new MatMulBatch(WorkerPool.shared(), () -> true);
            batch.clear(1);
            product.addTo(batch);
            gemm.multiply(batch);
            assertThat(product.result(0, 0)).isZero();
        }
    }

    @Test
    void fewColumnsAreLeftToShuffles() {
        assertThat(Gemm.taken(1, CROSSOVER)).isZero();
        assertThat(Gemm.taken(CROSSOVER - 1, CROSSOVER)).isZero();
        assertThat(Gemm.taken(CROSSOVER, CROSSOVER)).isEqualTo(CROSSOVER);
        assertThat(Gemm.taken(FULL, CROSSOVER)).isEqualTo(FULL);
        assertThat(Gemm.taken(FULL + 1, CROSSOVER)).isEqualTo(FULL);
        assertThat(Gemm.taken(2 * FULL - 1, CROSSOVER)).isEqualTo(2 * FULL - 1);
        assertThat(Gemm.taken(2 * FULL - 1, FULL)).isEqualTo(FULL);
    }

    /** Where activations are quantised as llama.cpp does it, only the order of float additions differs. */
    @SuppressWarnings("restricted")
    @ParameterizedTest
    @MethodSource("formats")
    @EnabledIfSystemProperty(named = "tmac.llama.path", matches = ".+")
    void agreesWithLlamaCppsDotProduct(BlockFormat format) throws Throwable {
        Optional<Path> library = cpuLibrary(Path.of(System.getProperty("tmac.llama.path")));
        if (library.isEmpty()) {
            return;
        }
        String activationType = switch (format.type()) {
            case Q4_1 -> "q8_1";
            case Q1_0, Q2_0, Q4_0, IQ4_NL, MXFP4 -> "q8_0";
            default -> "q8_K";
        };
        boolean sameArithmetic = !EnumSet.of(GgmlType.Q1_0, GgmlType.Q2_0, GgmlType.Q4_1).contains(format.type());
        int k = 1024;
        int rows = 40;
        try (Arena arena = Arena.ofConfined(); Product product = new Product(format, k, rows, 1, FULL)) {
            product.gaussian().multiply(1);
            SymbolLookup symbols = SymbolLookup.libraryLookup(library.get(), arena);
            Linker linker = Linker.nativeLinker();
            linker.downcallHandle(symbols.find("ggml_cpu_init").orElseThrow(), FunctionDescriptor.ofVoid()).invokeExact();
            MethodHandle quantise = linker.downcallHandle(symbols.find("quantize_row_" + activationType).orElseThrow(),
                    FunctionDescriptor.ofVoid(ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));
            MethodHandle dot = linker.downcallHandle(
                    symbols.find("ggml_vec_dot_" + format.type().ggmlName() + "_" + activationType).orElseThrow(),
                    FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG,
                            ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG,
                            ValueLayout.JAVA_INT));
            MemorySegment quantised = arena.allocate(8L * k, 64);
            MemorySegment sum = arena.allocate(ValueLayout.JAVA_FLOAT);
            double noise = 0;
            double signal = 0;
            for (int column = 0; column < FULL; column++) {
                quantise.invokeExact(MemorySegment.ofAddress(product.input.address() + 4L * k * column), quantised, (long) k);
                for (int row = 0; row < rows; row++) {
                    MemorySegment weights = MemorySegment.ofAddress(product.tensor.address() + row * product.tensor.rowBytes());
                    dot.invokeExact(k, sum, 0L, weights, 0L, quantised, 0L, 1);
                    double expected = sum.get(ValueLayout.JAVA_FLOAT, 0);
                    double difference = product.result(column, row) - expected;
                    noise += difference * difference;
                    signal += expected * expected;
                }
            }
            assertThat(noise / signal).isLessThan(sameArithmetic ? 1e-11 : GAUSSIAN_BOUND);
        }
    }

    private static Optional<Path> cpuLibrary(Path folder) {
        return Stream.of("ggml-cpu-haswell", "ggml-cpu-x64", "ggml-cpu-apple_m1", "ggml-cpu-armv8.0_1", "ggml-cpu")
                .map(name -> folder.resolve(System.mapLibraryName(name))).filter(Files::exists).findFirst();
    }

    @FunctionalInterface
    private interface Activation {

        float at(int column, int i);
    }

    @FunctionalInterface
    private interface Route {

        int expert(int column);
    }

    /** One product with its memory. */
    private static final class Product implements AutoCloseable {

        private final Arena arena = Arena.ofShared();
        private final BlockFormat format;
        private final int k;
        private final int rows;
        private final int experts;
        private final int columns;
        private final WeightTensor tensor;
        private final MemorySegment input;
        private final MemorySegment output;
        private PackedMatrix packed;
        private Route route;

        Product(BlockFormat format, int k, int rows, int experts, int columns) {
            this.format = format;
            this.k = k;
            this.rows = rows;
            this.experts = experts;
            this.columns = columns;
            tensor = RandomBlocks.tensor(format, k, rows, experts, 17 + k + rows, arena);
            input = arena.allocate(4L * columns * k, 64);
            output = arena.allocate(4L * columns * rows, 64);
            pack();
        }

        private void pack() {
            if (packed != null) {
                packed.close();
            }
            packed = (PackedMatrix) new TmacEngine().pack(tensor, WorkerPool.shared());
            packed.tuning(new TypeTuning(packed instanceof LookupMatrix,
                    List.of(new TypeTuning.Work(1, CROSSOVER, Session.CHUNK_BYTES))));
        }

        /** Sets every byte of every block but its scales. */
        void fillCodes(byte code) {
            MemorySegment blocks = OffHeap.ALL.asSlice(tensor.address(), tensor.byteSize());
            int size = format.type().blockBytes();
            for (long block = 0; block < blocks.byteSize(); block += size) {
                for (int i = 0; i < size; i++) {
                    if (!RandomBlocks.isHalf(format, i)) {
                        blocks.set(ValueLayout.JAVA_BYTE, block + i, code);
                    }
                }
            }
            pack();
        }

        Product gaussian() {
            Random random = new Random(23);
            fill((column, i) -> (float) random.nextGaussian());
            return this;
        }

        void fill(Activation activation) {
            for (int column = 0; column < columns; column++) {
                for (int i = 0; i < k; i++) {
                    input.setAtIndex(ValueLayout.JAVA_FLOAT, (long) column * k + i, activation.at(column, i));
                }
            }
        }

        void route(Route newRoute) {
            route = newRoute;
        }

        void addTo(MatMulBatch batch) {
            MatMul product = batch.add();
            if (route == null) {
                product.dense(packed, columns, input.address(), 4L * k, output.address(), 4L * rows);
                return;
            }
            product.routed(packed, columns);
            for (int column = 0; column < columns; column++) {
                product.route(column, route.expert(column), input.address() + 4L * k * column,
                        output.address() + 4L * rows * column);
            }
        }

        void multiply(int threads) {
            MatMulBatch batch = new MatMulBatch(WorkerPool.shared(), () -> false);
            batch.clear(threads);
            addTo(batch);
            try (Session session = new Session()) {
                session.multiply(batch);
            }
        }

        float result(int column, int row) {
            return output.getAtIndex(ValueLayout.JAVA_FLOAT, (long) column * rows + row);
        }

        private double expected(int column, int row) {
            int expert = route == null ? 0 : route.expert(column);
            long weights = tensor.address() + (expert * (long) rows + row) * tensor.rowBytes();
            return ScalarReference.dot(format, weights, input.address() + 4L * k * column, k);
        }

        /** Normalised mean square error; of many results a sample. */
        double error() {
            int every = Math.max(1, columns * rows / 4000);
            double noise = 0;
            double signal = 0;
            for (int i = 0; i < columns * rows; i += every) {
                double expected = expected(i / rows, i % rows);
                double difference = result(i / rows, i % rows) - expected;
                noise += difference * difference;
                signal += expected * expected;
            }
            return noise / signal;
        }

        void assertCloseTo(double relative) {
            for (int row = 0; row < rows; row++) {
                double expected = expected(0, row);
                assertThat((double) result(0, row)).isCloseTo(expected, within(relative * Math.abs(expected) + 1e-6));
            }
        }

        @Override
        public void close() {
            packed.close();
            arena.close();
        }
    }
}
