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
import java.util.Random;
import java.util.function.DoubleSupplier;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Tag("processors")
@Tag("vectors")
class TmacEngineTest {

    /** Bound of the normalised mean square error of a product on Gaussian activations. */
    private static final double GAUSSIAN_BOUND = 2e-4;

    private static final MatMulEngine ENGINE = new TmacEngineProvider().open();

    static BlockFormat[] formats() {
        return BlockFormat.ALL;
    }

    @ParameterizedTest
    @MethodSource("formats")
    void productsOfGaussianActivationsAreWithinTheErrorBound(BlockFormat format) {
        Random random = new Random(3);
        double error = error(ENGINE, format, 2048, 320, 2, random::nextGaussian);
        assertThat(error).isLessThan(GAUSSIAN_BOUND);
    }

    @ParameterizedTest
    @MethodSource("formats")
    void oddSizesAreWithinTheErrorBound(BlockFormat format) {
        Random random = new Random(4);
        int size = format.type().blockSize();
        for (int rows : new int[] {1, 7, 33, 63, 64, 65, 1000}) {
            for (int k : new int[] {size, 3 * size, 11 * size}) {
                for (int columns : new int[] {1, 2, 3, 7, 8, 31}) {
                    if (rows < 100 || columns < 4) {
                        assertThat(error(ENGINE, format, k, rows, columns, random::nextGaussian))
                                .as("%d x %d x %d", rows, k, columns).isLessThan(2 * GAUSSIAN_BOUND);
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("formats")
    void plainJavaGivesTheProductItself(BlockFormat format) {
        Random random = new Random(5);
        assertThat(error(new ScalarEngine("test"), format, 512, 37, 3, random::nextGaussian)).isLessThan(1e-10);
    }

    /** Normalised mean square error of products of random weights. */
    static double error(MatMulEngine engine, BlockFormat format, int k, int rows, int columns, DoubleSupplier activation) {
        try (Arena arena = Arena.ofShared()) {
            WeightTensor tensor = RandomBlocks.tensor(format, k, rows, 1, 99 + k + rows, arena);
            MemorySegment input = arena.allocate(ValueLayout.JAVA_FLOAT, (long) columns * k);
            for (long i = 0; i < (long) columns * k; i++) {
                input.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) activation.getAsDouble());
            }
            MemorySegment output = arena.allocate(ValueLayout.JAVA_FLOAT, (long) columns * rows);
            MatMulBatch batch = new MatMulBatch(WorkerPool.shared(), () -> false);
            try (PackedWeights packed = engine.pack(tensor, WorkerPool.shared())) {
                batch.clear(2);
                batch.add().dense(packed, columns, input.address(), 4L * k, output.address(), 4L * rows);
                engine.multiply(batch);
            }
            double noise = 0;
            double signal = 0;
            for (int c = 0; c < columns; c++) {
                for (int row = 0; row < rows; row++) {
                    long weights = tensor.address() + row * tensor.rowBytes();
                    double expected = ScalarReference.dot(format, weights, input.address() + 4L * c * k, k);
                    double difference = output.getAtIndex(ValueLayout.JAVA_FLOAT, (long) c * rows + row) - expected;
                    noise += difference * difference;
                    // a single product may be near zero by chance: then count what it is the sum of
                    signal += Math.max(expected * expected, energy(format, weights, input.address() + 4L * c * k, k));
                }
            }
            if (batch.engineState() instanceof Session session) {
                session.close();
            }
            return noise / signal;
        }
    }

    /** Sum of the squared terms of an inner product. */
    private static double energy(BlockFormat format, long row, long activations, int k) {
        Block block = new Block();
        int size = format.type().blockSize();
        double sum = 0;
        for (int at = 0; at < k; at += size) {
            format.read(row + format.type().rowBytes(at), block);
            for (int i = 0; i < size; i++) {
                double term = (double) block.weight(i, format.subWeights()) * Memory.f32(activations + 4L * (at + i));
                sum += term * term;
            }
        }
        return sum;
    }
}
