package io.tmac4j.bindings.ggml;

import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.spi.PackedWeights;
import java.lang.foreign.MemorySegment;

/**
 * Weights in ggml's own layout, multiplied by llama.cpp's dot product for their type.
 *
 * @param vecDot    {@code vec_dot} of the type
 * @param fromFloat {@code from_float} of {@code dotType}; unused where that is F32
 * @param dotType   the type that activations are converted to
 */
record HostWeights(GgmlType type, long k, long rows, int experts, long address, MemorySegment vecDot, MemorySegment fromFloat,
        GgmlType dotType) implements PackedWeights {

    long rowBytes() {
        return type.rowBytes(k);
    }

    /** None: the buffer owns the memory. */
    @Override
    public long byteSize() {
        return 0;
    }

    @Override
    public String description() {
        return type.ggmlName() + " through vec_dot";
    }

    @Override
    public void close() {
        // the buffer owns the memory
    }
}
