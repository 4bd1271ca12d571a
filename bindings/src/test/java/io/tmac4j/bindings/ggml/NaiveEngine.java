package io.tmac4j.bindings.ggml;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.generated.LlamaCpp;
import io.tmac4j.bindings.generated.ggml_to_float_t;
import io.tmac4j.bindings.generated.ggml_type_traits;
import io.tmac4j.bindings.spi.AttentionKernel;
import io.tmac4j.bindings.spi.MatMul;
import io.tmac4j.bindings.spi.MatMulBatch;
import io.tmac4j.bindings.spi.MatMulEngine;
import io.tmac4j.bindings.spi.OffHeap;
import io.tmac4j.bindings.spi.PackedWeights;
import io.tmac4j.bindings.spi.ParallelTask;
import io.tmac4j.bindings.spi.WeightTensor;
import io.tmac4j.bindings.spi.WorkerPool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/** Multiplies with weights that ggml's own {@code to_float} unpacked: slow, and as exact as f32 is. Can be made to fail. */
final class NaiveEngine implements MatMulEngine {

    static final NaiveEngine INSTANCE = new NaiveEngine();

    private static final Set<GgmlType> TYPES = EnumSet.of(GgmlType.Q1_0, GgmlType.Q2_0, GgmlType.TQ1_0, GgmlType.TQ2_0,
            GgmlType.Q2_K, GgmlType.Q3_K, GgmlType.Q4_0, GgmlType.Q4_1, GgmlType.Q4_K);
    private static final int ROWS_PER_CHUNK = 16;

    /** Called before each tensor is packed and each batch is multiplied. */
    static volatile Consumer<WeightTensor> beforePack = _ -> { };
    static volatile Consumer<MatMulBatch> beforeMultiply = _ -> { };

    /** What the engine computes attention with in contexts made from then on; null for llama.cpp's own code. */
    static volatile NaiveAttention attention;

    static final AtomicInteger BATCHES = new AtomicInteger();
    static final AtomicInteger PRODUCTS = new AtomicInteger();
    static final AtomicLong LIVE_BYTES = new AtomicLong();
    static final AtomicInteger LIVE_STATES = new AtomicInteger();

    private NaiveEngine() {
    }

    static void behave() {
        beforePack = _ -> { };
        beforeMultiply = _ -> { };
        attention = null;
    }

    @Override
    public Optional<AttentionKernel> attention() {
        return Optional.ofNullable(attention);
    }

    @Override
    public String description() {
        return "naive f32";
    }

    @Override
    public Optional<String> refusal(GgmlType type, long k, long rows) {
        return TYPES.contains(type) ? Optional.empty() : Optional.of(type.ggmlName() + " is no low-bit type");
    }

    @Override
    public PackedWeights pack(WeightTensor source, WorkerPool pool) {
        beforePack.accept(source);
        return new Unpacked(source);
    }

    @Override
    public void multiply(MatMulBatch batch) {
        beforeMultiply.accept(batch);
        BATCHES.incrementAndGet();
        PRODUCTS.addAndGet(batch.size());
        if (batch.engineState() == null) {
            batch.engineState(new State());
        }
        State state = (State) batch.engineState();
        for (int i = 0; i < batch.size(); i++) {
            state.product = batch.product(i);
            batch.pool().run(batch.threads(), state);
        }
    }

    private static final class State implements ParallelTask, AutoCloseable {

        private MatMul product;

        State() {
            LIVE_STATES.incrementAndGet();
        }

        @Override
        public int phases() {
            return 1;
        }

        @Override
        public int chunks(int phase) {
            return (int) Math.ceilDiv(((Unpacked) product.weights()).source.rows(), (long) ROWS_PER_CHUNK);
        }

        @Override
        public void run(int phase, int chunk, int worker) {
            Unpacked weights = (Unpacked) product.weights();
            long k = weights.source.k();
            long rows = weights.source.rows();
            for (long row = (long) chunk * ROWS_PER_CHUNK; row < Math.min(rows, (chunk + 1L) * ROWS_PER_CHUNK); row++) {
                for (int column = 0; column < product.columns(); column++) {
                    long first = weights.floats.address() + (product.expert(column) * rows + row) * k * Float.BYTES;
                    float sum = 0;
                    for (long i = 0; i < k; i++) {
                        sum += OffHeap.ALL.get(JAVA_FLOAT, first + i * Float.BYTES)
                                * OffHeap.ALL.get(JAVA_FLOAT, product.activation(column) + i * Float.BYTES);
                    }
                    OffHeap.ALL.set(JAVA_FLOAT, product.destination(column) + row * Float.BYTES, sum);
                }
            }
        }

        @Override
        public void close() {
            LIVE_STATES.decrementAndGet();
        }
    }

    private static final class Unpacked implements PackedWeights {

        private final Arena arena = Arena.ofShared();
        private final WeightTensor source;
        private final MemorySegment floats;
        private boolean closed;

        Unpacked(WeightTensor source) {
            this.source = source;
            long count = source.k() * source.rows() * source.experts();
            floats = arena.allocate(JAVA_FLOAT, count);
            MemorySegment traits = Ggml.struct(LlamaCpp.ggml_get_type_traits(source.type().id()), ggml_type_traits.sizeof());
            ggml_to_float_t.invoke(ggml_type_traits.to_float(traits), MemorySegment.ofAddress(source.address()), floats, count);
            LIVE_BYTES.addAndGet(byteSize());
        }

        @Override
        public long byteSize() {
            return floats.byteSize();
        }

        @Override
        public String description() {
            return "f32";
        }

        @Override
        public void close() {
            if (!closed) {
                closed = true;
                LIVE_BYTES.addAndGet(-byteSize());
                arena.close();
            }
        }
    }
}
