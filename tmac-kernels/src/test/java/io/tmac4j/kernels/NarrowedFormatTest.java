package io.tmac4j.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import io.tmac4j.bindings.LlamaCppLibrary;
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
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Tensors that use few of their type's codes. */
@Tag("processors")
class NarrowedFormatTest {

    private static final BlockFormat Q4_0 = new BlockFormat.Q4_0();
    private static final BlockFormat Q4_1 = new BlockFormat.Q4_1();
    private static final BlockFormat Q2_0 = new BlockFormat.Q2_0();

    /** Two codes of 0 to 2 as the four bits of one. */
    private static final int[] TERNARY_PAIRS = {0, 1, 2, 4, 5, 6, 8, 9, 10};

    /** A format, and the codes that a tensor of it uses. */
    private record Case(BlockFormat format, int... codes) {
    }

    /** Ternary weights around 8, as importance-weighted quantising writes them, signs, least and greatest ones, four codes. */
    static Stream<Case> cases() {
        return Stream.of(Q4_0, Q4_1).flatMap(format -> Stream.of(new Case(format, 7, 8, 9), new Case(format, 1, 8, 15),
                new Case(format, 0, 8), new Case(format, 0, 15), new Case(format, 0), new Case(format, 15),
                new Case(format, 12, 13, 14, 15), new Case(format, 0, 1, 2, 3), new Case(format, 0, 5, 10, 15)));
    }

    @BeforeAll
    static void thereAreVectors() {
        TestVm.assumeVectors();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void fewCodesArePackedWithTwoBitsAndGiveTheSameNumbers(Case few) {
        // two bits are looked up for fewer columns than four are multiplied for; below that both go column by column
        for (int columns : new int[] {1, Math.min(7, Gemm.TABLES_CROSSOVER - 1), 40}) {
            for (int k : new int[] {32, 96, 128, 2176}) {
                int rows = 77;
                try (Arena arena = Arena.ofShared()) {
                    WeightTensor tensor = tensor(few, k, rows, 2, arena);
                    MemorySegment input = gaussian(columns * k, arena);
                    try (PackedMatrix narrowed = Packer.pack(few.format, tensor, TypeTuning.standard(few.format),
                            WorkerPool.shared(), 2);
                            PackedMatrix wide = wide(few.format, tensor)) {
                        assertThat(narrowed.byteSize()).isLessThan(wide.byteSize());
                        assertThat(multiply(narrowed, columns, input, arena)).as("%d columns, k %d", columns, k)
                                .isEqualTo(multiply(wide, columns, input, arena));
                    }
                }
            }
        }
    }

    @Test
    void oneOtherCodeAnywhereKeepsAllBits() {
        int k = 3200;
        int rows = 700;
        for (int place : new int[] {0, 40, 35_000, k / 32 * rows * 2 - 1}) {
            try (Arena arena = Arena.ofShared()) {
                WeightTensor tensor = tensor(new Case(Q4_0, 7, 8, 9), k, rows, 2, arena);
                OffHeap.ALL.asSlice(tensor.address(), tensor.byteSize())
                        .set(ValueLayout.JAVA_BYTE, place * 18L + 2 + place % 16, (byte) 0x3c);
                MemorySegment input = gaussian(k, arena);
                try (PackedMatrix packed = Packer.pack(Q4_0, tensor, TypeTuning.standard(Q4_0), WorkerPool.shared(), 2);
                        PackedMatrix wide = wide(Q4_0, tensor)) {
                    assertThat(packed.byteSize()).isEqualTo(wide.byteSize());
                    assertThat(multiply(packed, 1, input, arena)).isEqualTo(multiply(wide, 1, input, arena));
                }
            }
        }
    }

    /** Sums of prompts are the same integers; entries of single products are rounded. */
    @Test
    void twoBitsWithoutAWeightOfTwoAreTernaryAndGiveTheSameNumbersInPrompts() {
        for (int k : new int[] {64, 192, 2112}) {
            int rows = 77;
            int columns = 2 * WideSpecies.COLUMNS;
            try (Arena arena = Arena.ofShared()) {
                WeightTensor tensor = tensor(new Case(Q2_0, TERNARY_PAIRS), k, rows, 2, arena);
                MemorySegment input = gaussian(columns * k, arena);
                try (PackedMatrix ternary = Packer.pack(Q2_0, tensor, TypeTuning.standard(Q2_0), WorkerPool.shared(), 2);
                        PackedMatrix any = unnarrowed(tensor)) {
                    assertThat(ternary.format().lookupForm()).contains(LookupForm.Q2_0_TERNARY);
                    assertThat(ternary.byteSize()).isEqualTo(any.byteSize());
                    float[] exact = multiply(any, columns, input, arena);
                    assertThat(multiply(ternary, columns, input, arena)).as("k %d", k).isEqualTo(exact);
                    float[] single = multiply(ternary, 1, input, arena);
                    assertThat(error(single, exact)).isLessThan(rows * k > 100_000 ? 2e-4 : 1e-3);
                }
            }
        }
    }

    @Test
    void oneWeightOfTwoAnywhereIsNotTernary() {
        int k = 3200;
        int rows = 1400;
        for (int place : new int[] {0, 20, 35_000, k / 64 * rows * 2 - 1}) {
            try (Arena arena = Arena.ofShared()) {
                WeightTensor tensor = tensor(new Case(Q2_0, TERNARY_PAIRS), k, rows, 2, arena);
                OffHeap.ALL.asSlice(tensor.address(), tensor.byteSize())
                        .set(ValueLayout.JAVA_BYTE, place * 18L + 2 + place % 16, (byte) 0x30);
                assertThat(NarrowedFormat.of(Q2_0, tensor, true, WorkerPool.shared(), 2)).isSameAs(Q2_0);
            }
        }
    }

    @Test
    void whatLlamaCppQuantisesToTwoBitsIsTernary() throws Throwable {
        int k = 6400;
        try (Arena arena = Arena.ofShared()) {
            MemorySegment blocks = arena.allocate(Q2_0.type().rowBytes(k), 64);
            quantise("quantize_q2_0", gaussian(k, arena), blocks, k, MemorySegment.NULL);
            WeightTensor tensor = new WeightTensor("test", Q2_0.type(), k, 1, 1, blocks.address());
            assertThat(NarrowedFormat.of(Q2_0, tensor, true, WorkerPool.shared(), 1).lookupForm())
                    .contains(LookupForm.Q2_0_TERNARY);
            assertThat(NarrowedFormat.of(Q2_0, tensor, false, WorkerPool.shared(), 1)).isSameAs(Q2_0);
        }
    }

    /** Normalised mean square error of the first results. */
    private static double error(float[] results, float[] exact) {
        double noise = 0;
        double signal = 0;
        for (int i = 0; i < results.length; i++) {
            noise += Math.pow(results[i] - exact[i], 2);
            signal += Math.pow(exact[i], 2);
        }
        return noise / signal;
    }

    private static PackedMatrix unnarrowed(WeightTensor tensor) {
        PackedMatrix matrix = Packer.unpacked(Q2_0, TypeTuning.standard(Q2_0), (int) tensor.rows(), (int) tensor.k(),
                tensor.experts());
        Packer.fill(matrix, tensor, WorkerPool.shared(), 2);
        return matrix;
    }

    @Test
    void codesThatAreNotEvenlySpacedOrTooManyAreLeft() {
        assertThat(NarrowedFormat.of(Q4_0, 0b0011_1000_0000_0001)).isEmpty();
        assertThat(NarrowedFormat.of(Q4_0, 0b0000_0001_1111_0000)).isEmpty();
        assertThat(NarrowedFormat.of(Q4_0, 0xffff)).isEmpty();
    }

    /** Without an importance matrix llama.cpp gives the sign of the greatest weight 8 steps and the other 7: no even spacing. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void ternaryWeightsThatLlamaCppQuantisesByImportanceAreNarrowed(boolean importance) throws Throwable {
        int k = 3200;
        try (Arena arena = Arena.ofShared()) {
            Random random = new Random(5);
            MemorySegment weights = arena.allocate(4L * k, 64);
            MemorySegment importances = arena.allocate(4L * k, 64);
            for (int i = 0; i < k; i++) {
                weights.setAtIndex(ValueLayout.JAVA_FLOAT, i, (random.nextInt(3) - 1) * 0.0173f);
                importances.setAtIndex(ValueLayout.JAVA_FLOAT, i, 0.5f + random.nextFloat());
            }
            MemorySegment blocks = arena.allocate(Q4_0.type().rowBytes(k), 64);
            quantise("quantize_q4_0", weights, blocks, k, importance ? importances : MemorySegment.NULL);
            WeightTensor tensor = new WeightTensor("test", Q4_0.type(), k, 1, 1, blocks.address());
            BlockFormat packed = NarrowedFormat.of(Q4_0, tensor, true, WorkerPool.shared(), 1);
            assertThat(packed.wordForm().orElseThrow().bits()).isEqualTo(importance ? 2 : 4);
        }
    }

    @SuppressWarnings("restricted")
    private static void quantise(String function, MemorySegment weights, MemorySegment blocks, long k,
            MemorySegment importances) throws Throwable {
        Path library = LlamaCppLibrary.load().folder().resolve(System.mapLibraryName("ggml-base"));
        MethodHandle quantise = Linker.nativeLinker().downcallHandle(
                SymbolLookup.libraryLookup(library, Arena.global()).find(function).orElseThrow(),
                FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG, ValueLayout.ADDRESS));
        assertThat((long) quantise.invokeExact(weights, blocks, 1L, k, importances)).isEqualTo(blocks.byteSize());
    }

    private static WeightTensor tensor(Case few, int k, int rows, int experts, Arena arena) {
        WeightTensor tensor = RandomBlocks.tensor(few.format, k, rows, experts, k, arena);
        RandomBlocks.useOnly(few.codes, tensor);
        return tensor;
    }

    private static MemorySegment gaussian(int count, Arena arena) {
        Random random = new Random(4);
        MemorySegment numbers = arena.allocate(4L * count, 64);
        for (int i = 0; i < count; i++) {
            numbers.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextGaussian());
        }
        return numbers;
    }

    private static PackedMatrix wide(BlockFormat format, WeightTensor tensor) {
        PackedMatrix matrix = new WordMatrix(format, format.wordForm().orElseThrow(), (int) tensor.k(), (int) tensor.rows(),
                tensor.experts());
        Packer.fill(matrix, tensor, WorkerPool.shared(), 2);
        return matrix;
    }

    /** Products of the second expert. */
    private static float[] multiply(PackedMatrix matrix, int columns, MemorySegment input, Arena arena) {
        MemorySegment output = arena.allocate(4L * columns * matrix.rows(), 64);
        MatMulBatch batch = new MatMulBatch(WorkerPool.shared(), () -> false);
        batch.clear(2);
        batch.add().routed(matrix, columns);
        for (int column = 0; column < columns; column++) {
            batch.product(0).route(column, 1, input.address() + 4L * column * matrix.k(),
                    output.address() + 4L * column * matrix.rows());
        }
        try (Session session = new Session()) {
            session.multiply(batch);
        }
        return output.toArray(ValueLayout.JAVA_FLOAT);
    }
}
