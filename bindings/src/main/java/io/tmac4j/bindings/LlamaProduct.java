package io.tmac4j.bindings;

import io.tmac4j.bindings.generated.LlamaCpp;
import io.tmac4j.bindings.generated.ggml_backend_dev_get_extra_bufts_t;
import io.tmac4j.bindings.generated.ggml_init_params;
import io.tmac4j.bindings.generated.ggml_tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Products by llama.cpp at its best: its operation MUL_MAT in a graph of one node for each product, on the CPU backend with a
 * thread pool attached, weights in the buffer type that llama.cpp would choose for them, repacked where it can.
 */
@SuppressWarnings("restricted")
final class LlamaProduct implements MatrixProduct {

    /** Columns of the product that llama.cpp asks a buffer type about, {@code weight_buft_supported} of its model loader. */
    private static final int PROBE_COLUMNS = 512;
    private static final int ALIGNMENT = 64;
    /** Room for the input in the graph, whose hash table wants to be larger than what it holds. */
    private static final int GRAPH_SLACK = 64;

    private final WeightMatrix weights;
    private final int copies;
    private final MemorySegment backend;
    private final MemorySegment weightsContext;
    private final MemorySegment[] tensors;
    private final String form;
    private final long weightBytes;
    private MemorySegment weightsBuffer = MemorySegment.NULL;
    private MemorySegment graphContext = MemorySegment.NULL;
    private MemorySegment graphBuffer = MemorySegment.NULL;
    private MemorySegment graph = MemorySegment.NULL;
    private MemorySegment output = MemorySegment.NULL;
    private MemorySegment pool = MemorySegment.NULL;
    private int poolThreads;
    private boolean closed;

    LlamaProduct(WeightMatrix weights, int copies) {
        this.weights = weights;
        this.copies = copies;
        this.tensors = new MemorySegment[copies];
        backend = LlamaCpp.ggml_backend_cpu_init();
        weightsContext = context((copies + 1L) * LlamaCpp.ggml_tensor_overhead());
        for (int i = 0; i < copies; i++) {
            tensors[i] = LlamaCpp.ggml_new_tensor_2d(weightsContext, weights.type().id(), weights.k(), weights.rows());
        }
        MemorySegment bufferType = bufferType(weights);
        form = LlamaCpp.ggml_backend_buft_name(bufferType).getString(0);
        weightBytes = LlamaCpp.ggml_backend_buft_get_alloc_size(bufferType, tensors[0]);
        boolean done = false;
        try (Arena arena = Arena.ofConfined()) {
            weightsBuffer = LlamaCpp.ggml_backend_alloc_ctx_tensors_from_buft(weightsContext, bufferType);
            if (weightsBuffer.address() == 0) {
                throw new LlamaException("llama.cpp cannot allocate " + copies + " times " + weights.blocks().length
                        + " bytes of weights");
            }
            LlamaCpp.ggml_backend_buffer_set_usage(weightsBuffer, LlamaCpp.GGML_BACKEND_BUFFER_USAGE_WEIGHTS());
            MemorySegment blocks = arena.allocate(weights.blocks().length, ALIGNMENT);
            MemorySegment.copy(weights.blocks(), 0, blocks, ValueLayout.JAVA_BYTE, 0, weights.blocks().length);
            for (MemorySegment tensor : tensors) {
                LlamaCpp.ggml_backend_tensor_set(tensor, blocks, 0, blocks.byteSize());
            }
            done = true;
        } finally {
            if (!done) {
                close();
            }
        }
    }

    /** The columns that activations make, after a check of everything that {@link MatrixProduct#prepare} is given. */
    static int columns(WeightMatrix weights, float[] activations, int repeats, int threads) {
        if (activations.length == 0 || activations.length % weights.k() != 0) {
            throw new IllegalArgumentException(activations.length + " activations are no columns of " + weights.k());
        }
        if (repeats < 1 || threads < 1) {
            throw new IllegalArgumentException("repeats and threads must be at least 1, not " + repeats + " and " + threads);
        }
        return activations.length / weights.k();
    }

    private static MemorySegment context(long bytes) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment parameters = ggml_init_params.allocate(arena);
            ggml_init_params.mem_size(parameters, bytes);
            ggml_init_params.mem_buffer(parameters, MemorySegment.NULL);
            ggml_init_params.no_alloc(parameters, true);
            return LlamaCpp.ggml_init(parameters);
        }
    }

    /** As llama.cpp's loader chooses: the first of the CPU's extra buffer types that takes such weights, or plain memory. */
    private static MemorySegment bufferType(WeightMatrix weights) {
        MemorySegment device = LlamaCpp.ggml_backend_dev_by_type(LlamaCpp.GGML_BACKEND_DEVICE_TYPE_CPU());
        MemorySegment registry = LlamaCpp.ggml_backend_dev_backend_reg(device);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment function = LlamaCpp.ggml_backend_reg_get_proc_address(registry,
                    arena.allocateFrom("ggml_backend_dev_get_extra_bufts"));
            if (function.address() != 0) {
                MemorySegment types = ggml_backend_dev_get_extra_bufts_t.invoke(function, device).reinterpret(Long.MAX_VALUE);
                for (int i = 0; types.address() != 0 && types.getAtIndex(ValueLayout.ADDRESS, i).address() != 0; i++) {
                    MemorySegment type = types.getAtIndex(ValueLayout.ADDRESS, i);
                    if (multiplies(device, type, weights)) {
                        return type;
                    }
                }
            }
        }
        return LlamaCpp.ggml_backend_cpu_buffer_type();
    }

    private static boolean multiplies(MemorySegment device, MemorySegment type, WeightMatrix weights) {
        MemorySegment context = context(4 * LlamaCpp.ggml_tensor_overhead());
        MemorySegment empty = LlamaCpp.ggml_backend_buft_alloc_buffer(type, 0);
        try {
            MemorySegment matrix = LlamaCpp.ggml_new_tensor_2d(context, weights.type().id(), weights.k(), weights.rows());
            MemorySegment columns = LlamaCpp.ggml_new_tensor_2d(context, LlamaCpp.GGML_TYPE_F32(), weights.k(), PROBE_COLUMNS);
            MemorySegment product = LlamaCpp.ggml_mul_mat(context, matrix, columns);
            ggml_tensor.buffer(matrix.reinterpret(ggml_tensor.sizeof()), empty);
            return LlamaCpp.ggml_backend_dev_supports_op(device, product);
        } finally {
            LlamaCpp.ggml_backend_buffer_free(empty);
            LlamaCpp.ggml_free(context);
        }
    }

    @Override
    public void prepare(float[] activations, int repeats, int threads) {
        int columns = columns(weights, activations, repeats, threads);
        usePool(threads);
        freeGraph();
        int products = Math.multiplyExact(copies, repeats);
        int graphSize = products + copies + GRAPH_SLACK;
        graphContext = context((products + 1L) * LlamaCpp.ggml_tensor_overhead()
                + LlamaCpp.ggml_graph_overhead_custom(graphSize, false));
        long inputBytes = (long) activations.length * Float.BYTES;
        long outputBytes = (long) columns * weights.rows() * Float.BYTES;
        long outputAt = Math.ceilDiv(inputBytes, (long) ALIGNMENT) * ALIGNMENT;
        graphBuffer = LlamaCpp.ggml_backend_buft_alloc_buffer(LlamaCpp.ggml_backend_cpu_buffer_type(), outputAt + outputBytes);
        if (graphBuffer.address() == 0) {
            throw new LlamaException("llama.cpp cannot allocate " + (outputAt + outputBytes) + " bytes of activations");
        }
        long base = LlamaCpp.ggml_backend_buffer_get_base(graphBuffer).address();
        MemorySegment input = LlamaCpp.ggml_new_tensor_2d(graphContext, LlamaCpp.GGML_TYPE_F32(), weights.k(), columns);
        LlamaCpp.ggml_backend_tensor_alloc(graphBuffer, input, MemorySegment.ofAddress(base));
        MemorySegment.copy(activations, 0, MemorySegment.ofAddress(base).reinterpret(inputBytes), ValueLayout.JAVA_FLOAT, 0,
                activations.length);
        // products share the memory of their results, as tensors of a model's graph do
        output = MemorySegment.ofAddress(base + outputAt).reinterpret(outputBytes);
        graph = LlamaCpp.ggml_new_graph_custom(graphContext, graphSize, false);
        for (int i = 0; i < products; i++) {
            MemorySegment product = LlamaCpp.ggml_mul_mat(graphContext, tensors[i % copies], input);
            LlamaCpp.ggml_backend_tensor_alloc(graphBuffer, product, output);
            LlamaCpp.ggml_build_forward_expand(graph, product);
        }
    }

    private void usePool(int threads) {
        if (threads != poolThreads) {
            MemorySegment created = ThreadPools.create(threads, ThreadPools.POLL_LLAMA_CPP);
            LlamaCpp.ggml_backend_cpu_set_n_threads(backend, threads);
            // pauses the pool before, which must therefore still be there
            LlamaCpp.ggml_backend_cpu_set_threadpool(backend, created);
            freePool();
            pool = created;
            poolThreads = threads;
        }
    }

    private void freePool() {
        if (pool.address() != 0) {
            LlamaCpp.ggml_threadpool_free(pool);
            pool = MemorySegment.NULL;
        }
    }

    private void freeGraph() {
        graph = MemorySegment.NULL;
        output = MemorySegment.NULL;
        if (graphBuffer.address() != 0) {
            LlamaCpp.ggml_backend_buffer_free(graphBuffer);
            graphBuffer = MemorySegment.NULL;
        }
        if (graphContext.address() != 0) {
            LlamaCpp.ggml_free(graphContext);
            graphContext = MemorySegment.NULL;
        }
    }

    @Override
    public void run() {
        if (graph.address() == 0) {
            throw new IllegalStateException("there is nothing to multiply with yet");
        }
        int status = LlamaCpp.ggml_backend_graph_compute(backend, graph);
        if (status != LlamaCpp.GGML_STATUS_SUCCESS()) {
            throw new LlamaException("llama.cpp failed to multiply, status " + status);
        }
    }

    @Override
    public float[] results() {
        return output.toArray(ValueLayout.JAVA_FLOAT);
    }

    @Override
    public long weightBytes() {
        return weightBytes;
    }

    @Override
    public String form() {
        return form;
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        freeGraph();
        LlamaCpp.ggml_backend_free(backend);
        freePool();
        if (weightsBuffer.address() != 0) {
            LlamaCpp.ggml_backend_buffer_free(weightsBuffer);
        }
        LlamaCpp.ggml_free(weightsContext);
    }
}
