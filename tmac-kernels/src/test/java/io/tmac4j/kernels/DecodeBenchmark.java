package io.tmac4j.kernels;

import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.spi.MatMulBatch;
import io.tmac4j.bindings.spi.MatMulEngine;
import io.tmac4j.bindings.spi.PackedWeights;
import io.tmac4j.bindings.spi.WeightTensor;
import io.tmac4j.bindings.spi.WorkerPool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;

/**
 * Measures products: {@code TYPES ROWSxK[,ROWSxK..] MEGABYTES [THREADS [COLUMNS,..]]}. With more megabytes than the caches hold
 * the matrices come from memory, as in a decode step; with 0 one matrix is used again and again. Prints 10^9 weights/s and the
 * packed bytes read, for the whole product with its tables; {@code tables} is the time of table building alone. A type with
 * codes, {@code Q4_0:7:8:9}, uses only these.
 */
final class DecodeBenchmark {

    private static final int ROUNDS = 5;
    private static final long MAX_WARM_UP_NANOS = 10_000_000_000L;
    /** What 100 products may allocate when warm: asking for it allocates too. */
    private static final long MAX_REST = 20_000;
    private static final long ROUND_NANOS = 150_000_000L;

    private DecodeBenchmark() {
    }

    public static void main(String[] arguments) {
        String[] types = arguments[0].equals("all") ? Arrays.stream(BlockFormat.ALL).map(f -> f.type().name()).toArray(
                String[]::new)
                : arguments[0].split(",");
        long bytes = Long.parseLong(arguments[2]) << 20;
        int threads = arguments.length > 3 ? Integer.parseInt(arguments[3]) : 1;
        MatMulEngine engine = new TmacEngineProvider().open();
        System.out.println(engine.description() + ", " + threads + " thread(s)");
        for (String type : types) {
            for (String shape : arguments[1].split(",")) {
                int rows = Integer.parseInt(shape.substring(0, shape.indexOf('x')));
                int k = Integer.parseInt(shape.substring(shape.indexOf('x') + 1));
                for (String columns : (arguments.length > 4 ? arguments[4] : "1").split(",")) {
                    String[] codes = type.split(":");
                    measure(engine, BlockFormat.of(GgmlType.valueOf(codes[0])).orElseThrow(),
                            Arrays.stream(codes).skip(1).mapToInt(Integer::parseInt).toArray(), rows, k,
                            Integer.parseInt(columns), bytes, threads);
                }
            }
        }
    }

    private static void measure(MatMulEngine engine, BlockFormat format, int[] codes, int rows, int k, int columns,
            long bytes, int threads) {
        try (Arena arena = Arena.ofShared()) {
            WeightTensor tensor = RandomBlocks.tensor(format, k, rows, 1, 1, arena);
            if (codes.length > 0) {
                RandomBlocks.useOnly(codes, tensor);
            }
            int copies = (int) Math.max(1, bytes / tensor.byteSize());
            PackedWeights[] packed = new PackedWeights[copies];
            long start = System.nanoTime();
            for (int i = 0; i < copies; i++) {
                packed[i] = engine.pack(tensor, WorkerPool.shared());
            }
            double packing = tensor.byteSize() * (double) copies / (System.nanoTime() - start);
            Random random = new Random(2);
            MemorySegment input = arena.allocate(4L * k * columns, 64);
            for (int i = 0; i < k * columns; i++) {
                input.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextGaussian());
            }
            MemorySegment output = arena.allocate(4L * rows * columns, 64);
            MatMulBatch batch = new MatMulBatch(WorkerPool.shared(), () -> false);
            long warm = System.nanoTime();
            long previous = Long.MIN_VALUE / 2;
            // compiled code allocates nothing
            while (System.nanoTime() - warm < MAX_WARM_UP_NANOS && allocated() - previous > MAX_REST) {
                previous = allocated();
                for (int i = 0; i < 100 / Math.min(columns, 20); i++) {
                    batch.clear(threads);
                    batch.add().dense(packed[0], columns, input.address(), 4L * k, output.address(), 4L * rows);
                    engine.multiply(batch);
                }
            }
            long allocated = 0;
            double best = 0;
            double[] rates = new double[ROUNDS];
            int at = 0;
            for (int round = 0; round < ROUNDS; round++) {
                long products = 0;
                long before = allocated();
                long begin = System.nanoTime();
                while (System.nanoTime() - begin < ROUND_NANOS) {
                    for (int i = 0; i < 4; i++) {
                        batch.clear(threads);
                        batch.add().dense(packed[at], columns, input.address(), 4L * k, output.address(), 4L * rows);
                        engine.multiply(batch);
                        at = (at + 1) % copies;
                        products++;
                    }
                }
                rates[round] = products * (double) rows * k * columns / (System.nanoTime() - begin);
                best = Math.max(best, rates[round]);
                allocated = (allocated() - before) / products;
            }
            System.out.printf("%-6s %6d x %-6d x %-4d %7.1f Gw/s (median %7.1f) %6.1f GB/s%s  packing %.1f GB/s alloc %d%n",
                    format.type(), rows, k, columns, best, median(rates), best * packed[0].byteSize() / rows / k / columns,
                            tables(packed[0], input, k), packing, allocated);
            for (PackedWeights weights : packed) {
                weights.close();
            }
            if (batch.engineState() instanceof Session session) {
                session.close();
            }
        }
    }

    /**
     * Bytes that this thread has allocated, as far as the VM's own bean tells; reached by name, since the module does not
     * read it.
     */
    private static long allocated() {
        try {
            var server = Class.forName("java.lang.management.ManagementFactory").getMethod("getThreadMXBean").invoke(null);
            return (long) Class.forName("com.sun.management.ThreadMXBean").getMethod("getCurrentThreadAllocatedBytes").invoke(
                    server);
        } catch (ReflectiveOperationException e) {
            return 0;
        }
    }

    private static String tables(PackedWeights weights, MemorySegment input, int k) {
        try (Arena arena = Arena.ofShared()) {
            InputLayout layout = ((PackedMatrix) weights).inputLayout();
            long tables = arena.allocate(layout.byteSize(), 64).address();
            long scratch = arena.allocate(InputLayout.SCRATCH_BYTES, 64).address();
            double best = Double.MAX_VALUE;
            for (int round = 0; round < 20; round++) {
                long begin = System.nanoTime();
                for (int i = 0; i < 20; i++) {
                    layout.fill(input.address(), 0, layout.blocks(), tables, scratch);
                }
                best = Math.min(best, (System.nanoTime() - begin) / 20e3);
            }
            return "  tables %.1f us".formatted(best);
        }
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }
}
