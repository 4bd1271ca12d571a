package io.tmac4j.bindings;

import io.tmac4j.bindings.generated.LlamaCpp;
import io.tmac4j.bindings.generated.ggml_threadpool_params;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;

/**
 * The ggml thread pools attached to a context. Without them llama.cpp creates and ends threads for every graph section,
 * which makes it unfairly slow; its benchmark tool attaches them too.
 */
final class ThreadPools {

    /** How eagerly idle threads of llama.cpp spin, 0 to 100: as in its benchmark tool. */
    static final int POLL_LLAMA_CPP = 50;

    private final MemorySegment context;
    private final int poll;
    /**
     * Pools by number of threads. None is freed before the context goes: the CPU backend keeps a pointer to the pool of its
     * last graph, and pauses that pool when the next graph comes with another one.
     */
    private final Map<Integer, MemorySegment> pools = new HashMap<>();

    private ThreadPools(MemorySegment context, int poll) {
        this.context = context;
        this.poll = poll;
    }

    /**
     * Attaches pools.
     *
     * @param poll how eagerly idle threads spin, 0 to 100; llama.cpp's default is 50
     */
    static ThreadPools attach(MemorySegment context, int threads, int batchThreads, int poll) {
        ThreadPools made = new ThreadPools(context, poll);
        boolean done = false;
        try {
            made.resize(threads, batchThreads);
            done = true;
            return made;
        } finally {
            if (!done) {
                made.close();
            }
        }
    }

    /** Attaches pools of other sizes. No decode may be under way. */
    void resize(int threads, int batchThreads) {
        MemorySegment decode = pools.computeIfAbsent(threads, count -> create(count, poll));
        MemorySegment batch = pools.computeIfAbsent(batchThreads, count -> create(count, poll));
        LlamaCpp.llama_attach_threadpool(context, decode, batch);
    }

    /** A pool that the caller frees; it must be detached from its backend by then. */
    static MemorySegment create(int threads, int poll) {
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

    /** Detaches and ends the threads; the context must still be there and compute no more. */
    void close() {
        LlamaCpp.llama_detach_threadpool(context);
        pools.values().forEach(LlamaCpp::ggml_threadpool_free);
        pools.clear();
    }
}
