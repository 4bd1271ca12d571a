package io.tmac4j.bindings;

import io.tmac4j.bindings.generated.llama_batch;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Tokens of one or more sequences to decode at once. Not for use by several threads. */
public final class Batch implements AutoCloseable {

    private final Arena arena = Arena.ofShared();
    private final Leak leak = Leak.watch(this, "a batch");
    private final int capacity;
    private final MemorySegment batch;
    private final MemorySegment tokens;
    private final MemorySegment positions;
    private final MemorySegment sequences;
    private final MemorySegment outputs;
    private int size;

    /**
     * An empty batch.
     *
     * @param capacity tokens it can hold
     */
    public Batch(int capacity) {
        if (capacity < 1) {
            throw new IllegalArgumentException("a batch must hold at least 1 token, not " + capacity);
        }
        this.capacity = capacity;
        batch = llama_batch.allocate(arena);
        tokens = arena.allocate(ValueLayout.JAVA_INT, capacity);
        positions = arena.allocate(ValueLayout.JAVA_INT, capacity);
        sequences = arena.allocate(ValueLayout.JAVA_INT, capacity);
        outputs = arena.allocate(ValueLayout.JAVA_BYTE, capacity);
        MemorySegment counts = arena.allocate(ValueLayout.JAVA_INT, capacity);
        MemorySegment pointers = arena.allocate(ValueLayout.ADDRESS, capacity);
        for (int i = 0; i < capacity; i++) {
            counts.setAtIndex(ValueLayout.JAVA_INT, i, 1);
            pointers.setAtIndex(ValueLayout.ADDRESS, i, sequences.asSlice((long) i * Integer.BYTES));
        }
        llama_batch.token(batch, tokens);
        llama_batch.pos(batch, positions);
        llama_batch.n_seq_id(batch, counts);
        llama_batch.seq_id(batch, pointers);
        llama_batch.logits(batch, outputs);
    }

    /**
     * Appends a token.
     *
     * @param position   position in its sequence, from 0
     * @param wantLogits whether logits are computed for it
     * @throws IllegalStateException if the batch is full or closed
     */
    public Batch add(int token, int position, int sequence, boolean wantLogits) {
        checkOpen();
        if (size == capacity) {
            throw new IllegalStateException("the batch is full: it holds " + capacity + " tokens");
        }
        tokens.setAtIndex(ValueLayout.JAVA_INT, size, token);
        positions.setAtIndex(ValueLayout.JAVA_INT, size, position);
        sequences.setAtIndex(ValueLayout.JAVA_INT, size, sequence);
        outputs.set(ValueLayout.JAVA_BYTE, size, (byte) (wantLogits ? 1 : 0));
        size++;
        return this;
    }

    /** Makes the batch empty. */
    public void clear() {
        checkOpen();
        size = 0;
    }

    public int size() {
        return size;
    }

    public int capacity() {
        return capacity;
    }

    int token(int index) {
        return tokens.getAtIndex(ValueLayout.JAVA_INT, index);
    }

    int position(int index) {
        return positions.getAtIndex(ValueLayout.JAVA_INT, index);
    }

    int sequence(int index) {
        return sequences.getAtIndex(ValueLayout.JAVA_INT, index);
    }

    /** The {@code llama_batch} of the tokens added so far. */
    MemorySegment segment() {
        checkOpen();
        llama_batch.n_tokens(batch, size);
        return batch;
    }

    private void checkOpen() {
        if (!arena.scope().isAlive()) {
            throw new IllegalStateException("the batch is closed");
        }
    }

    /** Frees the memory. */
    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
            leak.closed();
        }
    }
}
