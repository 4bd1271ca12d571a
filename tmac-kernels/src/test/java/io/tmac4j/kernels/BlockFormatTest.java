package io.tmac4j.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tmac4j.bindings.spi.MatMulBatch;
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
    void packedWeightsAreReadBackByActivationsWithOneNumber(BlockFormat format) {
        int k = 3 * format.type().blockSize();
        int experts = 2;
        for (int rows : new int[] {1, 7, 33, 100}) {
            try (Arena arena = Arena.ofShared()) {
                WeightTensor tensor = RandomBlocks.tensor(format, k, rows, experts, 11, arena);
                MemorySegment column = arena.allocate(4L * k, 64);
                MemorySegment result = arena.allocate(4L * rows, 64);
                MatMulBatch batch = new MatMulBatch(WorkerPool.shared(), () -> false);
                try (PackedMatrix matrix = Packer.pack(format, tensor, TypeTuning.standard(format), WorkerPool.shared(), 2);
                        Session session = new Session()) {
                    for (int i = 0; i < k; i++) {
                        column.fill((byte) 0).setAtIndex(ValueLayout.JAVA_FLOAT, i, -3);
                        int expert = i % experts;
                        batch.clear(2);
                        batch.add().routed(matrix, 1).route(0, expert, column.address(), result.address());
                        session.multiply(batch);
                        assertColumn(format, tensor, expert, i, result);
                    }
                }
            }
        }
    }

    private static void assertColumn(BlockFormat format, WeightTensor tensor, int expert, int i, MemorySegment result) {
        Block block = new Block();
        int size = format.type().blockSize();
        for (int row = 0; row < tensor.rows(); row++) {
            long address = tensor.address() + (expert * tensor.rows() + row) * tensor.rowBytes()
                    + (long) (i / size) * format.type().blockBytes();
            format.read(address, block);
            double expected = -3.0 * block.weight(i % size, format.subWeights());
            // half a step of tables whose greatest entry is that of one activation and the farthest code from the centre; with
            // sub-blocks another half for what is left out by centring, and two for a third bit, whose entries are doubled
            int subScale = Math.abs(block.scales[i % size / format.subWeights()]);
            int halfSteps = format.lookupForm().map(form -> !form.nested() ? 1 : (form.highBits() ? 4 : 2) * subScale).orElse(0);
            double halfStep = 3 * 1.5 / 254;
            double rounding = halfSteps * halfStep * Math.abs(block.scale);
            if (format.lookupForm().filter(form -> form.scales() == LookupForm.Scales.NIBBLES).isPresent()) {
                // up to seven steps are dropped of a product with a scale and of one with a min, whose steps are smaller
                rounding += 14 * halfStep * (Math.abs(block.scale) + Math.abs(block.min) / 1.5);
            }
            if (TestProduct.roundsScales(format)) {
                // codes count from 8, and what is left out by that, less the min, is rounded like the scale
                double min = block.min * block.mins[i % size / format.subWeights()];
                rounding += 3 * 0x1p-8 * (23.1 * subScale * Math.abs(block.scale) + Math.abs(min));
            }
            // the step of an activation may be an f16 number; weights are at most about 100 scales
            assertThat((double) result.getAtIndex(ValueLayout.JAVA_FLOAT, row)).as("row %d, weight %d", row, i)
                    .isCloseTo(expected, within(1e-3 * Math.abs(expected) + 1e-5 + rounding));
        }
    }
}
