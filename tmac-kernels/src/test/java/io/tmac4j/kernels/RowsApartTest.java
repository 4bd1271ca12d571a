package io.tmac4j.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import io.tmac4j.bindings.spi.MatMul;
import io.tmac4j.bindings.spi.MatMulBatch;
import io.tmac4j.bindings.spi.MatMulEngine;
import io.tmac4j.bindings.spi.WeightTensor;
import io.tmac4j.bindings.spi.WorkerPool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Tag("processors")
@Tag("vectors")
class RowsApartTest {

    /** Not what the provider opens, which has no packed rows in a VM without AVX. */
    private static final MatMulEngine ENGINE = new TmacEngine();
    private static final int ROWS = 20;
    private static final int EXPERTS = 3;
    private static final short INFINITY = 0x7c00;

    static BlockFormat[] formats() {
        return BlockFormat.ALL;
    }

    static Stream<BlockFormat> formatsOfF16Numbers() {
        return Arrays.stream(BlockFormat.ALL).filter(format -> format.f16Numbers() > 0);
    }

    @ParameterizedTest
    @MethodSource("formats")
    void weightsAsQuantisersWriteThemHaveNoRowsApart(BlockFormat format) {
        int k = 3 * format.type().blockSize();
        try (Arena arena = Arena.ofShared();
                PackedMatrix matrix = (PackedMatrix) ENGINE.pack(RandomBlocks.tensor(format, k, ROWS, EXPERTS, 1, arena),
                        WorkerPool.shared())) {
            assertThat(matrix.rowsApart()).isNull();
        }
    }

    @ParameterizedTest
    @MethodSource("formatsOfF16Numbers")
    void rowsApartAreThoseOfTheirExpert(BlockFormat format) {
        int k = format.type().blockSize() * 2;
        int columns = 40;
        try (Arena arena = Arena.ofShared()) {
            WeightTensor tensor = RandomBlocks.tensor(format, k, ROWS, EXPERTS, 1, arena);
            // rows 0 and 19 of expert 1, in the second block
            for (int row : new int[] {ROWS, 2 * ROWS - 1}) {
                long block = tensor.address() + row * tensor.rowBytes() + format.type().blockBytes();
                Memory.i16(block + format.halfOffset(0), INFINITY);
            }
            MemorySegment input = arena.allocate(ValueLayout.JAVA_FLOAT, (long) columns * k);
            Random random = new Random(1);
            for (long i = 0; i < (long) columns * k; i++) {
                input.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextGaussian());
            }
            MemorySegment output = arena.allocate(ValueLayout.JAVA_FLOAT, (long) columns * ROWS);
            MatMulBatch batch = new MatMulBatch(WorkerPool.shared(), () -> false);
            try (PackedMatrix packed = (PackedMatrix) ENGINE.pack(tensor, WorkerPool.shared())) {
                assertThat(packed.rowsApart().places()).containsExactly(ROWS, 2 * ROWS - 1);
                batch.clear(2);
                MatMul product = batch.add().routed(packed, columns);
                for (int c = 0; c < columns; c++) {
                    product.route(c, expert(c), input.address() + 4L * c * k, output.address() + 4L * c * ROWS);
                }
                ENGINE.multiply(batch);
            } finally {
                TestProduct.close(batch.engineState());
            }
            for (int c = 0; c < columns; c++) {
                for (int row = 0; row < ROWS; row++) {
                    boolean apart = expert(c) == 1 && (row == 0 || row == ROWS - 1);
                    assertThat(Float.isFinite(output.getAtIndex(ValueLayout.JAVA_FLOAT, (long) c * ROWS + row)))
                            .as("column %d, row %d", c, row).isEqualTo(!apart);
                }
            }
        }
    }

    /** Most columns choose expert 1 or 2, so that some are multiplied together and some alone. */
    private static int expert(int column) {
        return column % 13 == 0 ? 0 : 1 + column % 2;
    }

    @Test
    void onlyScalesOfTheGreatestExponentAreNoNumbers() {
        for (int bits = 0; bits <= 0xffff; bits++) {
            assertThat(RowsApart.isNoNumber((short) bits)).as("%04x", bits)
                    .isEqualTo(!Float.isFinite(Float.float16ToFloat((short) bits)));
        }
    }
}
