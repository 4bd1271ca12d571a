package io.tmac4j.bindings.ggml;

import io.tmac4j.bindings.generated.LlamaCpp;
import io.tmac4j.bindings.generated.ggml_init_params;
import io.tmac4j.bindings.generated.ggml_tensor;
import io.tmac4j.bindings.spi.AttentionKernel;
import io.tmac4j.bindings.spi.OffHeap;
import io.tmac4j.bindings.spi.ParallelTask;
import io.tmac4j.bindings.spi.WorkerPool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import java.util.Optional;

/**
 * Attention, {@code ggml_flash_attn_ext}, on the Java worker pool: a chunk is some of the heads of a token, or of some tokens.
 * Where the engine has a kernel for it ({@link KernelAttention}), that computes it; else llama.cpp's own code does, for a few
 * tokens: each worker has a CPU backend of one thread, and a node of its own over parts of the same tensors. An engine's context
 * runs the CPU backend on one thread then, which at depth 4096 would spend about as long on attention as on all the weights of a
 * 1B model.
 *
 * <p>Shapes: queries [length, tokens, heads, streams], keys and values [length, cells, key heads, streams], mask
 * [cells, tokens, 1, streams or 1], result [length, heads, tokens, streams]. Each text of a context with several has a stream.
 */
final class Attention implements ParallelTask, AutoCloseable {

    private static final MethodHandle GRAPH_COMPUTE =
            Ggml.function(LlamaCpp.ggml_backend_graph_compute$address(), LlamaCpp.ggml_backend_graph_compute$descriptor());

    static final int QUERIES = 0;
    static final int KEYS = 1;
    static final int VALUES = 2;
    static final int MASK = 3;
    static final int SINKS = 4;
    private static final int SOURCES = 5;

    /** Parameters of the operation. */
    static final int SCALE = 0;
    private static final int BIAS = 1;
    static final int SOFT_CAP = 2;

    /** Elements of K below which one thread is done before others have begun: 2^16 take it about 6 microseconds. */
    private static final long SMALL = 1 << 16;

    /** Tokens of one stream from which on llama.cpp computes tiles of them, which takes all heads and tokens at once. */
    private static final long TILE = 64;

    private final WorkerPool pool;
    private final KernelAttention kernel;
    private boolean byKernel;
    private Lane[] lanes = new Lane[0];
    private long node;
    /** Tokens of a stream, and how many of them a chunk has. */
    private int streamTokens;
    private int tokensPerChunk;
    private int headsPerChunk;
    /** Chunks of the same tokens, with different heads. */
    private int headChunks;
    private int tokenChunks;

    Attention(WorkerPool pool, Optional<AttentionKernel> kernel) {
        this.pool = pool;
        this.kernel = kernel.map(KernelAttention::new).orElse(null);
    }

    /** Whether {@link #compute} is for a node: few tokens of a stream unless the kernel takes several at once, no slopes. */
    boolean supports(long node) {
        return isSplit(node) && (Ggml.ne(Ggml.source(node, QUERIES), 1) < TILE
                || kernel != null && kernel.takes(node) && kernel.tokensOfPart(node) > 1);
    }

    private static boolean isSplit(long node) {
        long queries = Ggml.source(node, QUERIES);
        long keys = Ggml.source(node, KEYS);
        long values = Ggml.source(node, VALUES);
        long mask = Ggml.source(node, MASK);
        return Ggml.type(queries) == Ggml.TYPE_F32
                && Ggml.ne(keys, 2) == Ggml.ne(values, 2) && Ggml.ne(queries, 2) % Ggml.ne(keys, 2) == 0
                && Ggml.ne(keys, 3) == Ggml.ne(queries, 3) && Ggml.ne(values, 3) == Ggml.ne(queries, 3)
                && (mask == 0 || Ggml.ne(mask, 2) == 1 && (Ggml.ne(mask, 3) == 1 || Ggml.ne(mask, 3) == Ggml.ne(queries, 3)))
                && Ggml.floatParameter(node, BIAS) == 0;
    }

    /** Computes the node on up to {@code threads} threads. */
    void compute(long attention, int threads) {
        node = attention;
        long heads = heads();
        long keys = Ggml.source(node, KEYS);
        long tokens = tokens(node);
        boolean small = Ggml.ne(keys, 0) * Ggml.ne(keys, 1) * heads * tokens < SMALL;
        int used = small ? 1 : threads;
        byKernel = kernel != null && kernel.takes(node);
        if (byKernel) {
            kernel.prepare(node, used);
        }
        streamTokens = Math.toIntExact(Ggml.ne(Ggml.source(node, QUERIES), 1));
        int tokensOfAPart = byKernel ? kernel.tokensOfPart(node) : 1;
        if (tokensOfAPart > 1) {
            // parts of like size, and two chunks a thread
            long groups = Ggml.ne(keys, 2) * Ggml.ne(keys, 3);
            long parts = Math.max(Math.ceilDiv(streamTokens, tokensOfAPart),
                    Math.min(streamTokens, Math.ceilDiv(2L * used, groups)));
            tokensPerChunk = Math.toIntExact(Math.ceilDiv(streamTokens, parts));
            headsPerChunk = Math.toIntExact(heads / Ggml.ne(keys, 2));
        } else {
            tokensPerChunk = 1;
            headsPerChunk = Math.toIntExact(tokens < 2L * used ? headsPerChunk(heads, Ggml.ne(keys, 2), used) : heads);
        }
        headChunks = Math.toIntExact(Math.ceilDiv(heads, (long) headsPerChunk));
        tokenChunks = Math.ceilDiv(streamTokens, tokensPerChunk);
        if (lanes.length < used) {
            lanes = Arrays.copyOf(lanes, used);
        }
        pool.run(used, this);
    }

    /** Tokens of all streams. */
    static long tokens(long node) {
        long queries = Ggml.source(node, QUERIES);
        return Ggml.ne(queries, 1) * Ggml.ne(queries, 3);
    }

    /**
     * Two chunks a thread where there are fewer tokens: a chunk costs some microseconds besides its work. Heads that share keys
     * stay together where possible, so that the keys come from the cache.
     */
    static long headsPerChunk(long heads, long keyHeads, int threads) {
        if (threads == 1) {
            return heads;
        }
        long queriesPerKey = heads / keyHeads;
        if (keyHeads >= threads) {
            return queriesPerKey * Math.ceilDiv(keyHeads, 2L * threads);
        }
        long part = queriesPerKey;
        while (part % 2 == 0 && heads / part < 2L * threads) {
            part /= 2;
        }
        return part;
    }

    /** A worker's own, made when it first needs it. */
    private Lane lane(int worker) {
        if (lanes[worker] == null) {
            lanes[worker] = new Lane();
        }
        return lanes[worker];
    }

    @Override
    public int phases() {
        return 1;
    }

    @Override
    public int chunks(int phase) {
        return Math.toIntExact(Ggml.ne(Ggml.source(node, QUERIES), 3) * tokenChunks * headChunks);
    }

    private long heads() {
        return Ggml.ne(Ggml.source(node, QUERIES), 2);
    }

    @Override
    public void run(int phase, int chunk, int worker) {
        long stream = chunk / headChunks / tokenChunks;
        // the last tokens of a prompt see most, and are begun with
        int token = (tokenChunks - 1 - chunk / headChunks % tokenChunks) * tokensPerChunk;
        int tokens = Math.min(tokensPerChunk, streamTokens - token);
        long first = (long) (chunk % headChunks) * headsPerChunk;
        long heads = Math.min(headsPerChunk, heads() - first);
        if (byKernel && kernel.compute(node, stream, token, tokens, first, heads, worker)) {
            return;
        }
        for (int i = 0; i < tokens; i++) {
            lane(worker).compute(node, stream, token + i, first, heads);
        }
    }

    @Override
    public void close() {
        for (Lane lane : lanes) {
            if (lane != null) {
                lane.close();
            }
        }
        lanes = new Lane[0];
        if (kernel != null) {
            kernel.close();
        }
    }

    /** One worker's CPU backend, and the tensors and graph by which it computes a part. */
    private static final class Lane implements AutoCloseable {

        private final MemorySegment backend;
        private final MemorySegment context;
        private final long[] parts = new long[SOURCES];
        private final long output;
        private final long graph;

        Lane() {
            MemorySegment cpu = LlamaCpp.ggml_backend_dev_by_type(LlamaCpp.GGML_BACKEND_DEVICE_TYPE_CPU());
            backend = LlamaCpp.ggml_backend_dev_init(cpu, MemorySegment.NULL);
            if (backend.address() == 0) {
                throw new OutOfMemoryError("no memory for a CPU backend");
            }
            LlamaCpp.ggml_backend_cpu_set_n_threads(backend, 1);
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment parameters = ggml_init_params.allocate(arena);
                long tensorBytes = (SOURCES + 2) * LlamaCpp.ggml_tensor_overhead();
                ggml_init_params.mem_size(parameters, tensorBytes + LlamaCpp.ggml_graph_overhead_custom(SOURCES + 2, false));
                ggml_init_params.mem_buffer(parameters, MemorySegment.NULL);
                ggml_init_params.no_alloc(parameters, true);
                context = LlamaCpp.ggml_init(parameters);
            }
            for (int i = 0; i < SOURCES; i++) {
                parts[i] = tensor().address();
            }
            MemorySegment result = tensor();
            output = result.address();
            MemorySegment made = LlamaCpp.ggml_new_graph_custom(context, SOURCES + 2, false);
            // a node is what has an operation; all its fields are replaced for each part
            Ggml.op(output, Ggml.OP_FLASH_ATTN_EXT);
            LlamaCpp.ggml_build_forward_expand(made, result);
            graph = made.address();
        }

        private MemorySegment tensor() {
            return LlamaCpp.ggml_new_tensor_1d(context, Ggml.TYPE_F32, 1);
        }

        void compute(long node, long stream, long token, long firstHead, long heads) {
            copy(node, output);
            long queries = Ggml.source(node, QUERIES);
            long queriesPerKey = Ggml.ne(queries, 2) / Ggml.ne(Ggml.source(node, KEYS), 2);
            // a chunk is a part of the heads that share keys, or some such groups of heads
            long keyHeads = Math.max(1, heads / queriesPerKey);
            for (int i = 0; i < SOURCES; i++) {
                long source = Ggml.source(node, i);
                if (source == 0) {
                    continue;
                }
                copy(source, parts[i]);
                Ggml.source(output, i, parts[i]);
                switch (i) {
                    case QUERIES -> {
                        part(parts[i], 1, token, 1);
                        part(parts[i], 2, firstHead, heads);
                        part(parts[i], 3, stream, 1);
                    }
                    case KEYS, VALUES -> {
                        part(parts[i], 2, firstHead / queriesPerKey, keyHeads);
                        part(parts[i], 3, stream, 1);
                    }
                    case MASK -> {
                        part(parts[i], 1, token, 1);
                        part(parts[i], 3, Ggml.ne(source, 3) == 1 ? 0 : stream, 1);
                    }
                    case SINKS -> part(parts[i], 0, firstHead, heads);
                    default -> { }
                }
            }
            // llama.cpp finds a token's place by the number of heads, so a part of the heads is always of one token
            part(output, 1, firstHead, heads);
            part(output, 2, token, 1);
            part(output, 3, stream, 1);
            try {
                int status = (int) GRAPH_COMPUTE.invokeExact(backend.address(), graph);
                if (status != LlamaCpp.GGML_STATUS_SUCCESS()) {
                    throw new IllegalStateException("llama.cpp's attention failed with status " + status);
                }
            } catch (Throwable t) {
                throw Ggml.unexpected(t);
            }
        }

        private static void copy(long from, long to) {
            MemorySegment.copy(OffHeap.ALL, from, OffHeap.ALL, to, ggml_tensor.sizeof());
        }

        /** Leaves {@code count} elements of a dimension from {@code first} on. */
        private static void part(long tensor, int dimension, long first, long count) {
            Ggml.data(tensor, Ggml.data(tensor) + first * Ggml.nb(tensor, dimension));
            Ggml.ne(tensor, dimension, count);
        }

        @Override
        public void close() {
            LlamaCpp.ggml_free(context);
            LlamaCpp.ggml_backend_free(backend);
        }
    }
}
