package io.tmac4j.kernels;

import io.tmac4j.bindings.spi.MatMulBatch;
import io.tmac4j.bindings.spi.MatMulEngine;
import io.tmac4j.bindings.spi.PackedWeights;
import io.tmac4j.bindings.spi.WeightTensor;
import io.tmac4j.bindings.spi.WorkerPool;
import java.lang.foreign.Arena;
import java.util.Arrays;

/**
 * Multiplies with one column and with many, type by type, until C2 has compiled the kernels of all: for looking at their machine
 * code. {@code HotKernels [PRODUCTS [TYPE...]]}
 */
final class HotKernels {

    private static final int K = 2048;
    private static final int ROWS = 256;
    private static final int[] COLUMNS = {1, 32};

    private HotKernels() {
    }

    public static void main(String[] arguments) {
        int products = arguments.length == 0 ? 200 : Integer.parseInt(arguments[0]);
        MatMulEngine engine = new TmacEngineProvider().open();
        for (BlockFormat format : BlockFormat.ALL) {
            if (arguments.length < 2 || Arrays.asList(arguments).contains(format.type().name())) {
                for (int columns : COLUMNS) {
                    multiply(engine, format, columns, products);
                }
            }
        }
    }

    private static void multiply(MatMulEngine engine, BlockFormat format, int columns, int products) {
        try (Arena arena = Arena.ofShared()) {
            WeightTensor tensor = RandomBlocks.tensor(format, K, ROWS, 1, 1, arena);
            long input = arena.allocate(4L * columns * K, 64).fill((byte) 0x3f).address();
            long output = arena.allocate(4L * columns * ROWS, 64).address();
            MatMulBatch batch = new MatMulBatch(WorkerPool.shared(), () -> false);
            try (PackedWeights packed = engine.pack(tensor, WorkerPool.shared())) {
                for (int i = 0; i < products; i++) {
                    batch.clear(1);
                    batch.add().dense(packed, columns, input, 4L * K, output, 4L * ROWS);
                    engine.multiply(batch);
                }
            } finally {
                TestProduct.close(batch.engineState());
            }
        }
    }
}
