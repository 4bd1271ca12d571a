package io.tmac4j.bindings.spi;

import java.util.ArrayList;
import java.util.List;

/**
 * Independent products of one piece of a graph, e.g. Q, K and V or gate and up, with what is needed to run them.
 * Products that read the same activations name the same addresses, so an engine can build one lookup table for all.
 * Mutable and reused; belongs to one context and one thread at a time.
 */
public final class MatMulBatch {

    /** Asked between pieces of work; lets {@code llama_decode} be aborted. */
    @FunctionalInterface
    public interface Cancellation {

        /** True once the decode shall stop; what has been computed so far is then thrown away. */
        boolean isCancelled();
    }

    private final List<MatMul> products = new ArrayList<>();
    private final WorkerPool pool;
    private final Cancellation cancellation;
    private int size;
    private int threads = 1;
    private Object engineState;

    /** A batch for one context. */
    public MatMulBatch(WorkerPool pool, Cancellation cancellation) {
        this.pool = pool;
        this.cancellation = cancellation;
    }

    /** Empties the batch and sets the number of threads for what follows. */
    public void clear(int threads) {
        this.threads = threads;
        size = 0;
    }

    /** The next product, to be filled by the caller. */
    public MatMul add() {
        if (size == products.size()) {
            products.add(new MatMul());
        }
        return products.get(size++);
    }

    /** Number of products. */
    public int size() {
        return size;
    }

    /** Product {@code index}. */
    public MatMul product(int index) {
        return products.get(index);
    }

    /** Threads to use, caller included. */
    public int threads() {
        return threads;
    }

    /** The pool to run on. */
    public WorkerPool pool() {
        return pool;
    }

    /** True once the decode shall stop. */
    public boolean isCancelled() {
        return cancellation.isCancelled();
    }

    /** What the engine keeps for this context (scratch memory, tables); null at first. */
    public Object engineState() {
        return engineState;
    }

    /** Sets {@link #engineState()}; an {@link AutoCloseable} is closed with the context. */
    public void engineState(Object state) {
        engineState = state;
    }

    /** Closes what the engine keeps for this context, if it is {@link AutoCloseable}, and forgets it. */
    public void closeEngineState() {
        Object state = engineState;
        engineState = null;
        if (state instanceof AutoCloseable closeable) {
            try {
                closeable.close();
            } catch (RuntimeException e) {
                throw e;
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
