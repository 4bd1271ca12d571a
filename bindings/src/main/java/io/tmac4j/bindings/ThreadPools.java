package io.tmac4j.bindings;

import io.tmac4j.bindings.generated.LlamaCpp;
import io.tmac4j.bindings.generated.ggml_threadpool_params;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The ggml thread pools attached to a context. Without them llama.cpp creates and ends threads for every graph section,
 * which makes it unfairly slow; its benchmark tool attaches them too.
 */
final class ThreadPools {

    private final MemorySegment context;
    private MemorySegment decode = MemorySegment.NULL;
    private MemorySegment batch = MemorySegment.NULL;

    private ThreadPools(MemorySegment context) {
        this.context = context;
    }

    /**
     * Attaches pools.
     *
     * @param poll how eagerly idle threads spin, 0 to 100; llama.cpp's default is 50
     */
    static ThreadPools attach(MemorySegment context, int threads, int batchThreads, int poll) {
        ThreadPools pools = new ThreadPools(context);
        pools.resize(threads, batchThreads, poll);
        return pools;
    }

    /** Replaces the pools. No decode may be under way. */
    void resize(int threads, int batchThreads, int poll) {
        close();
        decode = create(threads, poll);
        batch = threads == batchThreads ? MemorySegment.NULL : create(batchThreads, poll);
        LlamaCpp.llama_attach_threadpool(context, decode, batch);
    }

    private static MemorySegment create(int threads, int poll) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment params = ggml_threadpool_params.allocate(arena);
            LlamaCpp.ggml_threadpool_params_init(params, threads);
            ggml_threadpool_params.poll(params, poll);
            MemorySegment pool = LlamaCpp.ggml_threadpool_new(params);
            if (pool.address() == 0) {
                throw new LlamaException("a pool of " + threads + " threads cannot be created; ask for fewer threads");
            }
            return pool;
        }
    }

    /** Detaches and ends the threads; the context must still be there. */
    void close() {
        if (decode.address() == 0) {
            return;
        }
        LlamaCpp.llama_detach_threadpool(context);
        LlamaCpp.ggml_threadpool_free(decode);
        if (batch.address() != 0) {
            LlamaCpp.ggml_threadpool_free(batch);
        }
        decode = MemorySegment.NULL;
        batch = MemorySegment.NULL;
    }
}
