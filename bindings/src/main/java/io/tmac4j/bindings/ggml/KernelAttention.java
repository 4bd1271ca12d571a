package io.tmac4j.bindings.ggml;

import io.tmac4j.bindings.spi.AttentionKernel;
import io.tmac4j.bindings.spi.AttentionPart;
import java.lang.foreign.Arena;

/** Attention by an engine's kernel: what each worker needs for it, and how a node's tensors become its parts. */
final class KernelAttention implements AutoCloseable {

    private static final int F16_BYTES = 2;
    private static final int F32_BYTES = 4;
    private static final long ALIGNMENT = 4096;

    private final AttentionKernel kernel;
    private AttentionPart[] parts = new AttentionPart[0];
    private Arena arena;
    private long scratch;
    private long scratchBytes;

    KernelAttention(AttentionKernel kernel) {
        this.kernel = kernel;
    }

    /** Whether the kernel computes a node that {@link Attention#supports}: a cache of f16 numbers, no soft cap of scores. */
    boolean takes(long node) {
        long queries = Ggml.source(node, Attention.QUERIES);
        long keys = Ggml.source(node, Attention.KEYS);
        long values = Ggml.source(node, Attention.VALUES);
        long mask = Ggml.source(node, Attention.MASK);
        return Ggml.type(keys) == Ggml.TYPE_F16 && Ggml.type(values) == Ggml.TYPE_F16
                && Ggml.nb(queries, 0) == F32_BYTES && Ggml.nb(keys, 0) == F16_BYTES && Ggml.nb(values, 0) == F16_BYTES
                && (mask == 0 || Ggml.type(mask) == Ggml.TYPE_F16 && Ggml.nb(mask, 0) == F16_BYTES)
                && Ggml.ne(keys, 1) <= Integer.MAX_VALUE
                && Ggml.floatParameter(node, Attention.SOFT_CAP) == 0
                && kernel.takes(Math.toIntExact(Ggml.ne(keys, 0)), Math.toIntExact(Ggml.ne(values, 0)));
    }

    /** Most tokens of a part of a node that it {@link #takes}. */
    int tokensOfPart(long node) {
        return kernel.tokensOfPart(Math.toIntExact(Ggml.ne(Ggml.source(node, Attention.QUERIES), 1)),
                Math.toIntExact(Ggml.ne(Ggml.source(node, Attention.KEYS), 1)));
    }

    /** Makes ready for a node on some number of workers. */
    void prepare(long node, int workers) {
        long bytes = kernel.scratchBytes(Math.toIntExact(Ggml.ne(Ggml.source(node, Attention.KEYS), 0)),
                Math.toIntExact(Ggml.ne(Ggml.source(node, Attention.VALUES), 0))) + ALIGNMENT - 1 & -ALIGNMENT;
        if (workers <= parts.length && bytes <= scratchBytes) {
            return;
        }
        int count = Math.max(workers, parts.length);
        close();
        scratchBytes = Math.max(bytes, scratchBytes);
        arena = Arena.ofShared();
        scratch = arena.allocate(count * scratchBytes, ALIGNMENT).address();
        parts = new AttentionPart[count];
        for (int i = 0; i < count; i++) {
            parts[i] = new AttentionPart();
        }
    }

    /**
     * Computes some heads of some consecutive tokens of a stream.
     *
     * @param stream     which stream
     * @param firstToken the first token, counted from the stream's first
     * @return false if the cache holds what is no finite number, and the results are to be computed otherwise
     */
    boolean compute(long node, long stream, long firstToken, int tokens, long firstHead, long heads, int worker) {
        long queries = Ggml.source(node, Attention.QUERIES);
        long keys = Ggml.source(node, Attention.KEYS);
        long values = Ggml.source(node, Attention.VALUES);
        long mask = Ggml.source(node, Attention.MASK);
        long sinks = Ggml.source(node, Attention.SINKS);
        long queriesPerKey = Ggml.ne(queries, 2) / Ggml.ne(keys, 2);
        long maskRow = mask == 0 ? 0 : Ggml.data(mask) + firstToken * Ggml.nb(mask, 1)
                + (Ggml.ne(mask, 3) == 1 ? 0 : stream * Ggml.nb(mask, 3));
        AttentionPart part = parts[worker]
                .tokens(tokens, Ggml.nb(queries, 1), mask == 0 ? 0 : Ggml.nb(mask, 1), Ggml.nb(node, 2))
                .mask(maskRow, (int) Ggml.ne(keys, 1))
                .scale(Ggml.floatParameter(node, Attention.SCALE));
        for (long head = firstHead; head < firstHead + heads;) {
            long keyHead = head / queriesPerKey;
            int count = (int) (Math.min(firstHead + heads, (keyHead + 1) * queriesPerKey) - head);
            part.queries(Ggml.data(queries) + firstToken * Ggml.nb(queries, 1) + head * Ggml.nb(queries, 2)
                            + stream * Ggml.nb(queries, 3), Ggml.nb(queries, 2), count)
                    .keys(Ggml.data(keys) + keyHead * Ggml.nb(keys, 2) + stream * Ggml.nb(keys, 3), Ggml.nb(keys, 1),
                            (int) Ggml.ne(keys, 0))
                    .values(Ggml.data(values) + keyHead * Ggml.nb(values, 2) + stream * Ggml.nb(values, 3), Ggml.nb(values, 1),
                            (int) Ggml.ne(values, 0))
                    .sinks(sinks == 0 ? 0 : Ggml.data(sinks) + F32_BYTES * head)
                    .results(Ggml.data(node) + head * Ggml.nb(node, 1) + firstToken * Ggml.nb(node, 2)
                            + stream * Ggml.nb(node, 3), Ggml.nb(node, 1));
            if (!kernel.attend(part, scratch + worker * scratchBytes)) {
                return false;
            }
            head += count;
        }
        return true;
    }

    @Override
    public void close() {
        if (arena != null) {
            arena.close();
            arena = null;
        }
    }
}
