package io.tmac4j.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import io.tmac4j.bindings.spi.MatMulBatch;
import io.tmac4j.bindings.spi.MatMulEngine;
import io.tmac4j.bindings.spi.PackedWeights;
import io.tmac4j.bindings.spi.WeightTensor;
import io.tmac4j.bindings.spi.WorkerPool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A product is given up between its pieces, not only when it is done. */
class CancellationTest {

    private static final MatMulEngine ENGINE = new TmacEngineProvider().open();
    private static final int K = 512;
    private static final int ROWS = 2048;
    private static final float UNWRITTEN = 0x1.23456p78f;

    private final Arena arena = Arena.ofAuto();
    private final AtomicInteger asked = new AtomicInteger();
    private int patience = Integer.MAX_VALUE;

    @ParameterizedTest
    @ValueSource(strings = {"Q1_0", "TQ2_0", "Q3_K", "Q4_0"})
    void aLongPromptsProductStopsWithTheNextTile(String type) {
        stopsHalfWay(type, 512, 0.05);
    }

    @ParameterizedTest
    @ValueSource(strings = {"Q1_0", "TQ2_0", "Q3_K", "Q4_0"})
    void aTokensProductStopsWithTheNextTile(String type) {
        stopsHalfWay(type, 1, 0.25);
    }

    private void stopsHalfWay(String type, int columns, double piece) {
        BlockFormat format = format(type);
        WeightTensor tensor = RandomBlocks.tensor(format, K, ROWS, 1, 5, arena);
        MemorySegment input = arena.allocate(ValueLayout.JAVA_FLOAT, (long) columns * K);
        for (long i = 0; i < (long) columns * K; i++) {
            input.setAtIndex(ValueLayout.JAVA_FLOAT, i, i % 7 - 3);
        }
        MemorySegment output = arena.allocate(ValueLayout.JAVA_FLOAT, (long) columns * ROWS);
        MatMulBatch batch = new MatMulBatch(WorkerPool.shared(), () -> asked.incrementAndGet() > patience);
        try (PackedWeights packed = ENGINE.pack(tensor, WorkerPool.shared())) {
            assertThat(writtenShare(batch, packed, input, output, columns)).isEqualTo(1);
            int all = asked.getAndSet(0);
            assertThat(all).as("pieces of the product").isGreaterThan((int) (1 / piece));
            patience = all / 2;
            double half = writtenShare(batch, packed, input, output, columns);
            assertThat(half).as("share of the results written when the %d. of %d askings said stop", patience + 1, all)
                    .isLessThan(0.5 + 2 * piece);
            asked.set(0);
            patience = 0;
            assertThat(writtenShare(batch, packed, input, output, columns)).isZero();
        } finally {
            batch.closeEngineState();
        }
    }

    private static double writtenShare(MatMulBatch batch, PackedWeights packed, MemorySegment input, MemorySegment output,
            int columns) {
        long count = (long) columns * ROWS;
        for (long i = 0; i < count; i++) {
            output.setAtIndex(ValueLayout.JAVA_FLOAT, i, UNWRITTEN);
        }
        batch.clear(1);
        batch.add().dense(packed, columns, input.address(), (long) Float.BYTES * K, output.address(), (long) Float.BYTES * ROWS);
        ENGINE.multiply(batch);
        long written = 0;
        for (long i = 0; i < count; i++) {
            written += output.getAtIndex(ValueLayout.JAVA_FLOAT, i) != UNWRITTEN ? 1 : 0;
        }
        return written / (double) count;
    }

    private static BlockFormat format(String type) {
        for (BlockFormat format : BlockFormat.ALL) {
            if (format.type().name().equals(type)) {
                return format;
            }
        }
        throw new IllegalArgumentException(type);
    }
}
