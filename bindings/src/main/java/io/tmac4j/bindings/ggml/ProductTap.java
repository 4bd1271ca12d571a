package io.tmac4j.bindings.ggml;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.tmac4j.bindings.Engine;
import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.GgufFile;
import io.tmac4j.bindings.GgufTensor;
import io.tmac4j.bindings.ProductError;
import io.tmac4j.bindings.generated.LlamaCpp;
import io.tmac4j.bindings.generated.ggml_backend_sched_eval_callback;
import io.tmac4j.bindings.generated.ggml_to_float_t;
import io.tmac4j.bindings.generated.ggml_type_traits;
import io.tmac4j.bindings.spi.MatMulBatch;
import io.tmac4j.bindings.spi.MatMulEngine;
import io.tmac4j.bindings.spi.OffHeap;
import io.tmac4j.bindings.spi.PackedWeights;
import io.tmac4j.bindings.spi.WeightTensor;
import io.tmac4j.bindings.spi.WorkerPool;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Listens to llama.cpp's graph ({@code cb_eval} of a context) and repeats each product of one of the engine's weights: with
 * the same activations, on the engine, and exactly. One tensor at a time is in memory.
 */
public final class ProductTap implements AutoCloseable {

    /** Rows that are computed exactly; more tell no more. */
    private static final int SAMPLED_ROWS = 256;
    private static final int ALIGNMENT = 64;

    private final Arena arena = Arena.ofShared();
    private final Path file;
    private final long dataOffset;
    private final Map<String, GgufTensor> tensors = new HashMap<>();
    private final MatMulEngine engine;
    private final int threads;
    private final MemorySegment callback;
    private final List<ProductError> errors = new ArrayList<>();
    private Throwable failure;

    /** A tap for one model file. */
    public ProductTap(Path file, Engine engine, int threads) {
        this.file = file;
        this.engine = EngineBridge.multiplier(engine);
        this.threads = threads;
        GgufFile model = GgufFile.read(file);
        dataOffset = model.dataOffset();
        for (GgufTensor tensor : model.tensors()) {
            if (tensor.dimensions().length == 2
                    && this.engine.refusal(tensor.type(), tensor.dimension(0), tensor.dimension(1)).isEmpty()) {
                tensors.put(tensor.name(), tensor);
            }
        }
        callback = ggml_backend_sched_eval_callback.allocate(this::node, arena);
    }

    /** For {@code llama_context_params.cb_eval}; valid until this is closed. */
    public MemorySegment callback() {
        return callback;
    }

    /**
     * What was found so far.
     *
     * @throws IllegalStateException if a product could not be repeated
     */
    public List<ProductError> errors() {
        if (failure != null) {
            throw new IllegalStateException("a product could not be repeated: " + failure.getMessage(), failure);
        }
        return List.copyOf(errors);
    }

    /** Asked first whether a node is wanted, then told that it is computed; no exception may leave it. */
    private boolean node(MemorySegment pointer, boolean ask, MemorySegment user) {
        try {
            long node = pointer.address();
            GgufTensor weights = Ggml.op(node) == Ggml.OP_MUL_MAT ? tensors.get(Ggml.name(Ggml.source(node, 0))) : null;
            boolean wanted = weights != null && failure == null && Ggml.type(Ggml.source(node, 1)) == Ggml.TYPE_F32;
            if (ask) {
                return wanted;
            }
            if (wanted) {
                repeat(weights, Ggml.source(node, 1), node);
            }
        } catch (Throwable caught) {
            failure = caught;
        }
        return !ask;
    }

    private void repeat(GgufTensor tensor, long input, long output) throws IOException {
        long k = tensor.dimension(0);
        int rows = Math.toIntExact(tensor.dimension(1));
        int columns = Math.toIntExact(Ggml.ne(input, 1) * Ggml.ne(input, 2) * Ggml.ne(input, 3));
        if (Ggml.nb(input, 0) != Float.BYTES || Ggml.ne(input, 2) * Ggml.ne(input, 3) != 1) {
            return;
        }
        try (Arena local = Arena.ofConfined(); FileChannel channel = FileChannel.open(file)) {
            MemorySegment weights = channel.map(FileChannel.MapMode.READ_ONLY, dataOffset + tensor.offset(),
                    tensor.byteSize(), local);
            MemorySegment activations = local.allocate(columns * k * Float.BYTES, ALIGNMENT);
            for (int column = 0; column < columns; column++) {
                MemorySegment.copy(OffHeap.ALL, Ggml.data(input) + column * Ggml.nb(input, 1), activations,
                        column * k * Float.BYTES,
                        k * Float.BYTES);
            }
            MemorySegment batch = local.allocate((long) columns * rows * Float.BYTES, ALIGNMENT);
            MemorySegment single = local.allocate((long) columns * rows * Float.BYTES, ALIGNMENT);
            multiply(tensor, weights.address(), activations.address(), columns, batch.address(), single.address());
            errors.add(compare(tensor, weights, activations, columns, Ggml.data(output), Ggml.nb(output, 1), batch, single,
                    local));
        }
    }

    private void multiply(GgufTensor tensor, long weights, long activations, int columns, long batchOutput, long singleOutput) {
        long k = tensor.dimension(0);
        long rows = tensor.dimension(1);
        WorkerPool pool = WorkerPool.shared();
        MatMulBatch batch = new MatMulBatch(pool, () -> false);
        try (PackedWeights packed = engine.pack(new WeightTensor(tensor.name(), tensor.type(), k, rows, 1, weights), pool)) {
            batch.clear(threads);
            batch.add().dense(packed, columns, activations, k * Float.BYTES, batchOutput, rows * Float.BYTES);
            engine.multiply(batch);
            for (int column = 0; column < columns; column++) {
                batch.clear(threads);
                batch.add().dense(packed, 1, activations + column * k * Float.BYTES, k * Float.BYTES,
                        singleOutput + column * rows * Float.BYTES, rows * Float.BYTES);
                engine.multiply(batch);
            }
        } finally {
            batch.closeEngineState();
        }
    }

    private static ProductError compare(GgufTensor tensor, MemorySegment weights, MemorySegment activations, int columns,
            long llama,
                                        long llamaStride, MemorySegment batch, MemorySegment single, Arena arena) {
        int k = Math.toIntExact(tensor.dimension(0));
        int rows = Math.toIntExact(tensor.dimension(1));
        long rowBytes = tensor.type().rowBytes(k);
        MemorySegment row = arena.allocate((long) k * Float.BYTES, ALIGNMENT);
        double exactSquares = 0;
        double llamaSquares = 0;
        double llamaError = 0;
        double batchError = 0;
        double singleError = 0;
        double apart = 0;
        for (int sample = 0; sample < Math.min(rows, SAMPLED_ROWS); sample++) {
            int at = (int) ((long) sample * rows / Math.min(rows, SAMPLED_ROWS));
            dequantise(tensor.type(), weights.asSlice(at * rowBytes, rowBytes), row, k);
            for (int column = 0; column < columns; column++) {
                double exact = 0;
                for (int i = 0; i < k; i++) {
                    exact += (double) row.getAtIndex(JAVA_FLOAT, i) * activations.getAtIndex(JAVA_FLOAT, (long) column * k + i);
                }
                double ofLlama = OffHeap.ALL.get(JAVA_FLOAT, llama + column * llamaStride + (long) at * Float.BYTES);
                double ofEngine = batch.getAtIndex(JAVA_FLOAT, (long) column * rows + at);
                exactSquares += exact * exact;
                llamaSquares += ofLlama * ofLlama;
                llamaError += square(ofLlama - exact);
                batchError += square(ofEngine - exact);
                apart += square(ofEngine - ofLlama);
                singleError += square(single.getAtIndex(JAVA_FLOAT, (long) column * rows + at) - exact);
            }
        }
        return new ProductError(tensor.name(), tensor.type(), k, rows, relative(llamaError, exactSquares),
                relative(batchError, exactSquares), relative(singleError, exactSquares), relative(apart, llamaSquares));
    }

    private static double square(double value) {
        return value * value;
    }

    private static double relative(double error, double reference) {
        return error == 0 ? 0 : error / reference;
    }

    private static void dequantise(GgmlType type, MemorySegment blocks, MemorySegment floats, int k) {
        MemorySegment traits = Ggml.struct(LlamaCpp.ggml_get_type_traits(type.id()), ggml_type_traits.sizeof());
        ggml_to_float_t.invoke(ggml_type_traits.to_float(traits), blocks, floats, k);
    }

    @Override
    public void close() {
        arena.close();
    }
}
