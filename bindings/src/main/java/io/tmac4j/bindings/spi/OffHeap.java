package io.tmac4j.bindings.spi;

import java.lang.foreign.MemorySegment;

/** The whole address space as one segment: engines address ggml's buffers in it without making a segment for each. */
public final class OffHeap {

    /**
     * All memory, byte 0 at address 0, so that a native address is an offset. A compile-time constant for the JIT:
     * bounds and liveness checks fold away. The caller vouches for every address that it reads or writes.
     */
    @SuppressWarnings("restricted")
    public static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private OffHeap() {
    }
}
