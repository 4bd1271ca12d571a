package io.tmac4j.bindings.ggml;

import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.generated.LlamaCpp;
import io.tmac4j.bindings.generated.ggml_from_float_t;
import io.tmac4j.bindings.generated.ggml_type_traits_cpu;
import io.tmac4j.bindings.generated.ggml_vec_dot_t;
import io.tmac4j.bindings.spi.MatMul;
import io.tmac4j.bindings.spi.MatMulBatch;
import io.tmac4j.bindings.spi.MatMulEngine;
import io.tmac4j.bindings.spi.PackedWeights;
import io.tmac4j.bindings.spi.ParallelTask;
import io.tmac4j.bindings.spi.WeightTensor;
import io.tmac4j.bindings.spi.WorkerPool;
import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import java.util.Optional;

/**
 * Products with weights in ggml's own layout, by llama.cpp's dot product of a row, on the threads of the worker pool: output
 * heads and other matrices that the engine does not take. It computes what {@code ggml_compute_forward_mul_mat} of
 * {@code ggml-cpu.c} computes: activations converted to the {@code vec_dot_type}, one {@code vec_dot} a row and column.
 */
final class VecDotEngine implements MatMulEngine {

    static final VecDotEngine INSTANCE = new VecDotEngine();

    /**
     * A row takes 50 ns upwards, a plain downcall 14 ns of which most is the change of thread state; a critical one omits it.
     * It delays a safepoint by one row at most.
     */
    private static final Linker.Option CRITICAL = Linker.Option.critical(false);

    private static final MethodHandle VEC_DOT = Ggml.function(ggml_vec_dot_t.descriptor(), CRITICAL);
    private static final MethodHandle FROM_FLOAT = Ggml.function(ggml_from_float_t.descriptor(), CRITICAL);

    /** Bytes of weights in one piece of work: tens of microseconds, so that a lost core costs little. */
    private static final long CHUNK_BYTES = 128 << 10;

    private static final int SCRATCH_ALIGNMENT = 64;

    /**
     * Rows are taken in turns from as many parts of a matrix: a core reads more from four places in memory than from one. A head
     * of 32,000 x 2,048 weights in Q6_K took 7.0 to 8.1 ms instead of 7.9 to 10.0 on a Xeon core.
     */
    private static final long STREAMS = 4;

    private VecDotEngine() {
    }

    /** The weights at an address, or empty if llama.cpp has no dot product for their type. */
    static Optional<HostWeights> weights(GgmlType type, long k, long rows, int experts, long address) {
        MemorySegment traits = traits(type);
        MemorySegment vecDot = ggml_type_traits_cpu.vec_dot(traits);
        if (vecDot.address() == 0) {
            return Optional.empty();
        }
        return GgmlType.ofId(ggml_type_traits_cpu.vec_dot_type(traits)).flatMap(dotType -> {
            MemorySegment fromFloat = ggml_type_traits_cpu.from_float(traits(dotType));
            boolean convertible = fromFloat.address() != 0 && k % dotType.blockSize() == 0;
            return convertible ? Optional.of(new HostWeights(type, k, rows, experts, address, vecDot, fromFloat, dotType))
                    : Optional.empty();
        });
    }

    private static MemorySegment traits(GgmlType type) {
        return Ggml.struct(LlamaCpp.ggml_get_type_traits_cpu(type.id()), ggml_type_traits_cpu.sizeof());
    }

    @Override
    public String description() {
        return "llama.cpp's vec_dot on the Java worker pool";
    }

    @Override
    public Optional<String> refusal(GgmlType type, long k, long rows) {
        return weights(type, k, rows, 1, 0).isPresent() ? Optional.empty()
                : Optional.of("llama.cpp has no dot product for " + type.ggmlName());
    }

    @Override
    public PackedWeights pack(WeightTensor source, WorkerPool pool) {
        return weights(source.type(), source.k(), source.rows(), source.experts(), source.address()).orElseThrow();
    }

    @Override
    public void multiply(MatMulBatch batch) {
        Products products = (Products) batch.engineState();
        if (products == null) {
            products = new Products();
            batch.engineState(products);
        }
        products.run(batch);
    }

    /** The products of one batch as a task of two phases: convert the distinct inputs, then multiply rows. */
    private static final class Products implements ParallelTask, AutoCloseable {

        private MatMulBatch batch;
        private Arena arena = Arena.ofShared();
        private MemorySegment scratch = MemorySegment.NULL;
        /** Of product i: the scratch offset of its converted columns, and its chunks' numbers in each phase. */
        private long[] converted = new long[8];
        private int[] firstConversion = new int[9];
        private int[] firstChunk = new int[9];
        private int[] rowsPerChunk = new int[8];

        void run(MatMulBatch newBatch) {
            batch = newBatch;
            plan();
            batch.pool().run(batch.threads(), this);
            batch = null;
        }

        private void plan() {
            int size = batch.size();
            if (converted.length < size) {
                converted = Arrays.copyOf(converted, 2 * size);
                rowsPerChunk = Arrays.copyOf(rowsPerChunk, 2 * size);
                firstConversion = Arrays.copyOf(firstConversion, 2 * size + 1);
                firstChunk = Arrays.copyOf(firstChunk, 2 * size + 1);
            }
            long used = 0;
            for (int i = 0; i < size; i++) {
                MatMul product = batch.product(i);
                HostWeights weights = (HostWeights) product.weights();
                int same = withSameInput(i);
                boolean converts = same < 0 && weights.dotType() != GgmlType.F32;
                converted[i] = same < 0 ? used : converted[same];
                firstConversion[i + 1] = firstConversion[i] + (converts ? product.columns() : 0);
                used += converts ? product.columns() * columnBytes(weights) : 0;
                rowsPerChunk[i] = rowsPerChunk(weights, product.columns());
                firstChunk[i + 1] = firstChunk[i] + (int) Math.ceilDiv(quarter(weights) * STREAMS, (long) rowsPerChunk[i]);
            }
            if (used > scratch.byteSize()) {
                arena.close();
                arena = Arena.ofShared();
                scratch = MemorySegment.NULL;
                scratch = arena.allocate(used, SCRATCH_ALIGNMENT);
            }
        }

        /** An earlier product that converts the same columns to the same type, or -1. */
        private int withSameInput(int index) {
            MatMul product = batch.product(index);
            HostWeights weights = (HostWeights) product.weights();
            for (int i = 0; i < index; i++) {
                MatMul earlier = batch.product(i);
                HostWeights earlierWeights = (HostWeights) earlier.weights();
                if (earlierWeights.dotType() == weights.dotType() && earlierWeights.k() == weights.k()
                        && earlier.columns() == product.columns() && sameColumns(earlier, product)) {
                    return i;
                }
            }
            return -1;
        }

        private static boolean sameColumns(MatMul a, MatMul b) {
            for (int column = 0; column < a.columns(); column++) {
                if (a.activation(column) != b.activation(column)) {
                    return false;
                }
            }
            return true;
        }

        private static long columnBytes(HostWeights weights) {
            return Math.ceilDiv(weights.dotType().rowBytes(weights.k()), SCRATCH_ALIGNMENT) * SCRATCH_ALIGNMENT;
        }

        /** Rows of the parts of a matrix; the last part may lack some. */
        private static long quarter(HostWeights weights) {
            return Math.ceilDiv(weights.rows(), STREAMS);
        }

        private static int rowsPerChunk(HostWeights weights, int columns) {
            long rows = CHUNK_BYTES / (weights.rowBytes() * columns);
            return (int) Math.clamp(rows, 1, weights.rows());
        }

        @Override
        public int phases() {
            return 2;
        }

        @Override
        public int chunks(int phase) {
            return (phase == 0 ? firstConversion : firstChunk)[batch.size()];
        }

        @Override
        public void run(int phase, int chunk, int worker) {
            int[] first = phase == 0 ? firstConversion : firstChunk;
            int index = 0;
            while (first[index + 1] <= chunk) {
                index++;
            }
            try {
                if (phase == 0) {
                    convert(index, chunk - first[index]);
                } else if (!batch.isCancelled()) {
                    multiplyRows(index, chunk - first[index]);
                }
            } catch (Throwable t) {
                throw Ggml.unexpected(t);
            }
        }

        private void convert(int index, int column) throws Throwable {
            MatMul product = batch.product(index);
            HostWeights weights = (HostWeights) product.weights();
            long target = scratch.address() + converted[index] + column * columnBytes(weights);
            FROM_FLOAT.invokeExact(weights.fromFloat(), product.activation(column), target, weights.k());
        }

        private void multiplyRows(int index, int chunk) throws Throwable {
            MatMul product = batch.product(index);
            HostWeights weights = (HostWeights) product.weights();
            MemorySegment vecDot = weights.vecDot();
            boolean plain = weights.dotType() == GgmlType.F32;
            int k = (int) weights.k();
            long rowBytes = weights.rowBytes();
            long matrixBytes = rowBytes * weights.rows();
            long columnBytes = columnBytes(weights);
            long inputs = scratch.address() + converted[index];
            long from = (long) chunk * rowsPerChunk[index];
            long quarter = quarter(weights);
            long to = Math.min(quarter * STREAMS, from + rowsPerChunk[index]);
            for (int column = 0; column < product.columns(); column++) {
                long matrix = weights.address() + product.expert(column) * matrixBytes;
                long input = plain ? product.activation(column) : inputs + column * columnBytes;
                long destination = product.destination(column);
                for (long i = from; i < to; i++) {
                    long row = i % STREAMS * quarter + i / STREAMS;
                    if (row >= weights.rows()) {
                        continue;
                    }
                    long output = destination + row * Float.BYTES;
                    VEC_DOT.invokeExact(vecDot, k, output, 0L, matrix + row * rowBytes, 0L, input, 0L, 1);
                }
            }
        }

        @Override
        public void close() {
            arena.close();
        }
    }
}
