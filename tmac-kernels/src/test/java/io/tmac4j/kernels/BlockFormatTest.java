package io.tmac4j.kernels;

import static org.assertj.core.api.Assertions.assertThat;

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
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class BlockFormatTest {

    static BlockFormat[] formats() {
        return BlockFormat.ALL;
    }

    @SuppressWarnings("restricted")
    @ParameterizedTest
    @MethodSource("formats")
    @EnabledIfSystemProperty(named = "tmac.llama.path", matches = ".+")
    void readsWeightsExactlyAsLlamaCppDequantisesThem(BlockFormat format) throws Throwable {
        try (Arena arena = Arena.ofConfined()) {
            int k = 4 * format.type().blockSize() * (256 / Math.min(256, format.type().blockSize()));
            WeightTensor tensor = RandomBlocks.tensor(format, k, 1, 1, 7, arena);
            String library = System.mapLibraryName("ggml-base");
            SymbolLookup symbols = SymbolLookup.libraryLookup(Path.of(System.getProperty("tmac.llama.path"), library), arena);
            MethodHandle dequantise = Linker.nativeLinker().downcallHandle(
                    symbols.find("dequantize_row_" + format.type().ggmlName()).orElseThrow(),
                    FunctionDescriptor.ofVoid(ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));
            MemorySegment expected = arena.allocate(ValueLayout.JAVA_FLOAT, k);
            dequantise.invokeExact(MemorySegment.ofAddress(tensor.address()), expected, (long) k);

            Block block = new Block();
            float[] weights = new float[k];
            int size = format.type().blockSize();
            for (int i = 0; i < k; i++) {
                format.read(tensor.address() + (long) (i / size) * format.type().blockBytes(), block);
                weights[i] = block.weight(i % size, format.subWeights());
            }
            assertThat(weights).usingComparatorWithPrecision(1e-7f).containsExactly(expected.toArray(ValueLayout.JAVA_FLOAT));
        }
    }

    @ParameterizedTest
    @MethodSource("formats")
    void packingKeepsEveryCodeAndScale(BlockFormat format) {
        int size = format.form().blockWeights();
        for (int lanes : new int[] {16, 32, 64}) {
            for (int rows : new int[] {1, 7, 33, 100, 128}) {
                packAndCompare(format, 3 * size, rows, lanes);
            }
        }
    }

    private static void packAndCompare(BlockFormat format, int k, int rows, int lanes) {
        int experts = 2;
        try (Arena arena = Arena.ofConfined()) {
            WeightTensor tensor = RandomBlocks.tensor(format, k, rows, experts, 11, arena);
            try (PackedMatrix matrix = Packer.pack(format, tensor, lanes, lanes == 16 ? 2 : 1, WorkerPool.shared(), 2)) {
                Block expected = new Block();
                Block actual = new Block();
                for (int row = 0; row < rows * experts; row++) {
                    for (int b = 0; b < matrix.layout().blocks(); b++) {
                        format.read(tensor.address() + row * tensor.rowBytes() + (long) b * format.type().blockBytes(), expected);
                        ScalarReference.readPacked(matrix, row / rows, row % rows, b, actual);
                        assertThat(actual.codes).isEqualTo(expected.codes);
                        assertThat(actual.scales).isEqualTo(expected.scales);
                        assertThat(actual.mins).isEqualTo(expected.mins);
                        assertThat(actual.scale).isEqualTo(expected.scale);
                        assertThat(actual.min).isEqualTo(expected.min);
                    }
                }
            }
        }
    }
}
