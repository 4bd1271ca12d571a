package io.tmac4j.bindings.ggml;

import io.tmac4j.bindings.GraphPiece;
import io.tmac4j.bindings.generated.LlamaCpp;
import io.tmac4j.bindings.spi.AttentionKernel;
import io.tmac4j.bindings.spi.MatMul;
import io.tmac4j.bindings.spi.MatMulBatch;
import io.tmac4j.bindings.spi.MatMulEngine;
import io.tmac4j.bindings.spi.WorkerPool;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Computes the pieces of llama.cpp's graph that were given to the Java device. Neighbouring products that do not depend on
 * one another, such as Q, K and V, form one batch, so that they share a lookup table and one sweep of the workers.
 *
 * <p>Belongs to one context; allocates nothing once its arrays have grown to the model, but for the attention of prompts.
 */
final class GraphRunner implements AutoCloseable {

    private static final int SUCCESS = LlamaCpp.GGML_STATUS_SUCCESS();
    private static final int ABORTED = LlamaCpp.GGML_STATUS_ABORTED();
    private static final int FLAG_COMPUTE = LlamaCpp.GGML_TENSOR_FLAG_COMPUTE();

    private final MatMulBatch.Cancellation cancellation;
    private final MatMulBatch engineBatch;
    private final MatMulBatch vecDotBatch;
    private final Attention attention;
    private volatile int decodeThreads;
    private volatile int batchThreads;
    private volatile List<GraphPiece> watched;

    private MatMulEngine engine;
    /** Memory that the products gathered so far read and write, as pairs of first byte and byte after the last. */
    private long[] reads = new long[16];
    private long[] writes = new long[16];
    private int gathered;

    GraphRunner(WorkerPool pool, Optional<AttentionKernel> attention, MatMulBatch.Cancellation cancellation, int decodeThreads,
            int batchThreads) {
        this.cancellation = cancellation;
        this.engineBatch = new MatMulBatch(pool, cancellation);
        this.vecDotBatch = new MatMulBatch(pool, cancellation);
        this.attention = new Attention(pool, attention);
        threads(decodeThreads, batchThreads);
    }

    void threads(int decode, int batch) {
        decodeThreads = decode;
        batchThreads = batch;
    }

    /** Whether a node of attention is computed here. */
    boolean takesAttention(long node) {
        return attention.supports(node);
    }

    /** Adds what is computed from now on to a list; null ends that. */
    void watch(List<GraphPiece> into) {
        watched = into;
    }

    /** Computes a graph and returns ggml's status. */
    int compute(long graph) {
        List<GraphPiece> list = watched;
        if (list == null) {
            return computeNodes(graph);
        }
        long start = System.nanoTime();
        int status = computeNodes(graph);
        list.add(piece(graph, start, System.nanoTime()));
        return status;
    }

    private static GraphPiece piece(long graph, long start, long end) {
        String first = "";
        String last = "";
        int operations = 0;
        long tokens = 0;
        for (int i = 0, count = Ggml.nodeCount(graph); i < count; i++) {
            long node = Ggml.node(Ggml.nodes(graph), i);
            int op = Ggml.op(node);
            if (!isView(op)) {
                boolean attention = op == Ggml.OP_FLASH_ATTN_EXT;
                last = attention ? GraphPiece.ATTENTION : Ggml.name(Ggml.source(node, 0));
                if (operations++ == 0) {
                    first = last;
                    tokens = attention ? Attention.tokens(node) : tokens(node, op == Ggml.OP_MUL_MAT_ID);
                }
            }
        }
        return new GraphPiece(first, last, operations, Math.toIntExact(tokens), start, end);
    }

    private int computeNodes(long graph) {
        gathered = 0;
        engineBatch.clear(1);
        vecDotBatch.clear(1);
        int count = Ggml.nodeCount(graph);
        long nodes = Ggml.nodes(graph);
        for (int i = 0; i < count; i++) {
            long node = Ggml.node(nodes, i);
            int op = Ggml.op(node);
            if (op == Ggml.OP_MUL_MAT || op == Ggml.OP_MUL_MAT_ID) {
                if ((Ggml.flags(node) & FLAG_COMPUTE) == 0) {
                    continue;
                }
                if (!gather(node, op == Ggml.OP_MUL_MAT_ID)) {
                    return ABORTED;
                }
            } else if (op == Ggml.OP_FLASH_ATTN_EXT) {
                if (!flush()) {
                    return ABORTED;
                }
                attention.compute(node, Attention.tokens(node) > 1 ? batchThreads : decodeThreads);
            } else if (!isView(op)) {
                throw new IllegalStateException("llama.cpp gave the Java device operation " + op + ", which it does not offer");
            }
        }
        return flush() ? SUCCESS : ABORTED;
    }

    /** Whether an operation only looks at memory in another way and computes nothing. */
    static boolean isView(int op) {
        return op == Ggml.OP_NONE || op == Ggml.OP_VIEW || op == Ggml.OP_RESHAPE || op == Ggml.OP_PERMUTE
                || op == Ggml.OP_TRANSPOSE;
    }

    /** Adds a product, after computing those before it if it depends on them; false if the decode is cancelled. */
    private boolean gather(long node, boolean routed) {
        long weights = Ggml.source(node, 0);
        long input = Ggml.source(node, 1);
        if (elements(input) == 0 || elements(node) == 0) {
            return true;
        }
        WeightTable.Entry entry = WeightTable.get(Ggml.extra(weights));
        if (entry == null) {
            throw new IllegalStateException("the weights " + Ggml.name(weights) + " were never loaded");
        }
        if (dependsOnGathered(input, node) && !flush()) {
            return false;
        }
        boolean host = entry.engine() == VecDotEngine.INSTANCE;
        if (!host) {
            engine = entry.engine();
        }
        MatMulBatch batch = host ? vecDotBatch : engineBatch;
        if (batch.size() == 0) {
            batch.clear(tokens(node, routed) > 1 ? batchThreads : decodeThreads);
        }
        if (routed) {
            addRouted(batch, entry, node, input);
        } else {
            addDense(batch, entry, node, input);
        }
        remember(input, node);
        return true;
    }

    /** Tokens that a product computes for: its columns, or a routed product's columns before they choose experts. */
    static long tokens(long node, boolean routed) {
        return routed ? Ggml.ne(node, 2) : Ggml.ne(node, 1) * Ggml.ne(node, 2) * Ggml.ne(node, 3);
    }

    private static void addDense(MatMulBatch batch, WeightTable.Entry entry, long node, long input) {
        long columns = elements(node) / Ggml.ne(node, 0);
        long inputStride = columnStride(input);
        long outputStride = columnStride(node);
        if (inputStride >= 0 && outputStride >= 0) {
            batch.add().dense(entry.weights(), Math.toIntExact(columns),
                    Ggml.data(input), inputStride, Ggml.data(node), outputStride);
            return;
        }
        for (long i3 = 0; i3 < Ggml.ne(node, 3); i3++) {
            for (long i2 = 0; i2 < Ggml.ne(node, 2); i2++) {
                batch.add().dense(entry.weights(), Math.toIntExact(Ggml.ne(node, 1)),
                        Ggml.data(input) + i2 * Ggml.nb(input, 2) + i3 * Ggml.nb(input, 3), Ggml.nb(input, 1),
                        Ggml.data(node) + i2 * Ggml.nb(node, 2) + i3 * Ggml.nb(node, 3), Ggml.nb(node, 1));
            }
        }
    }

    /** {@code ggml_mul_mat_id}: weights [k, rows, experts], input [k, 1 or used, tokens], ids [used, tokens]. */
    private static void addRouted(MatMulBatch batch, WeightTable.Entry entry, long node, long input) {
        long ids = Ggml.source(node, 2);
        int used = Math.toIntExact(Ggml.ne(node, 1));
        int tokens = Math.toIntExact(Ggml.ne(node, 2));
        long inputs = Ggml.ne(input, 1);
        MatMul product = batch.add().routed(entry.weights(), Math.multiplyExact(used, tokens));
        for (int token = 0; token < tokens; token++) {
            for (int i = 0; i < used; i++) {
                int expert = Ggml.intAt(Ggml.data(ids) + i * Ggml.nb(ids, 0) + token * Ggml.nb(ids, 1));
                if (expert < 0 || expert >= entry.experts()) {
                    throw new IllegalStateException("expert " + expert + " of " + entry.experts() + " was chosen");
                }
                product.route(token * used + i, expert,
                        Ggml.data(input) + i % inputs * Ggml.nb(input, 1) + token * Ggml.nb(input, 2),
                        Ggml.data(node) + i * Ggml.nb(node, 1) + token * Ggml.nb(node, 2));
            }
        }
    }

    /** The distance in bytes of neighbouring columns, if that is the same for all of them, else -1. */
    private static long columnStride(long tensor) {
        long stride = -1;
        long count = 1;
        for (int dimension = 1; dimension < 4; dimension++) {
            long ne = Ggml.ne(tensor, dimension);
            if (ne == 1) {
                continue;
            }
            if (stride < 0) {
                stride = Ggml.nb(tensor, dimension);
            } else if (Ggml.nb(tensor, dimension) != stride * count) {
                return -1;
            }
            count *= ne;
        }
        return stride < 0 ? Ggml.nb(tensor, 1) : stride;
    }

    private static long elements(long tensor) {
        return Ggml.ne(tensor, 0) * Ggml.ne(tensor, 1) * Ggml.ne(tensor, 2) * Ggml.ne(tensor, 3);
    }

    /**
     * Whether a product must wait for those gathered: it reads or writes what one of them writes, or writes what one of them
     * reads, which happens where llama.cpp's allocator gives memory to a new tensor after its last reader.
     */
    private boolean dependsOnGathered(long input, long output) {
        long readFrom = Ggml.data(input);
        long readTo = end(input);
        long writeFrom = Ggml.data(output);
        long writeTo = end(output);
        for (int i = 0; i < 2 * gathered; i += 2) {
            if (readFrom < writes[i + 1] && writes[i] < readTo
                    || writeFrom < writes[i + 1] && writes[i] < writeTo
                    || writeFrom < reads[i + 1] && reads[i] < writeTo) {
                return true;
            }
        }
        return false;
    }

    private void remember(long input, long output) {
        int at = 2 * gathered++;
        if (at == reads.length) {
            reads = Arrays.copyOf(reads, 2 * at);
            writes = Arrays.copyOf(writes, 2 * at);
        }
        reads[at] = Ggml.data(input);
        reads[at + 1] = end(input);
        writes[at] = Ggml.data(output);
        writes[at + 1] = end(output);
    }

    /** The address after the last element of an f32 tensor that is not empty. */
    private static long end(long tensor) {
        long end = Ggml.data(tensor) + Float.BYTES;
        for (int dimension = 0; dimension < 4; dimension++) {
            end += (Ggml.ne(tensor, dimension) - 1) * Ggml.nb(tensor, dimension);
        }
        return end;
    }

    /** Computes what is gathered; false if the decode is cancelled. */
    private boolean flush() {
        if (gathered == 0) {
            return true;
        }
        if (cancellation.isCancelled()) {
            return false;
        }
        if (engineBatch.size() > 0) {
            engine.multiply(engineBatch);
            engineBatch.clear(1);
        }
        if (vecDotBatch.size() > 0) {
            VecDotEngine.INSTANCE.multiply(vecDotBatch);
            vecDotBatch.clear(1);
        }
        gathered = 0;
        return !cancellation.isCancelled();
    }

    /** Frees what the engines keep for this context. */
    @Override
    public void close() {
        attention.close();
        engineBatch.closeEngineState();
        vecDotBatch.closeEngineState();
    }
}
