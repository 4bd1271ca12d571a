package io.tmac4j.bindings;

import io.tmac4j.bindings.generated.LlamaCpp;
import io.tmac4j.bindings.generated.ggml_to_float_t;
import io.tmac4j.bindings.generated.ggml_type_traits;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;

/**
 * A matrix of weights in ggml's own blocks that belongs to no model.
 *
 * @param type   storage type
 * @param rows   rows, the length of a product's result
 * @param k      weights a row, a multiple of the type's block size
 * @param blocks the rows one after the other, {@code rows * type.rowBytes(k)} bytes; not copied
 */
public record WeightMatrix(GgmlType type, int rows, int k, byte[] blocks) {

    /** @throws IllegalArgumentException if the numbers do not fit together */
    public WeightMatrix {
        Objects.requireNonNull(type);
        if (rows < 1 || k < 1) {
            throw new IllegalArgumentException("a matrix has at least one row and one column, not " + rows + " x " + k);
        }
        long bytes = Math.multiplyExact(rows, type.rowBytes(k));
        if (blocks.length != bytes) {
            throw new IllegalArgumentException(rows + " x " + k + " weights of " + type.ggmlName() + " take " + bytes
                    + " bytes, not " + blocks.length);
        }
    }

    /** The weights of one row as llama.cpp's {@code to_float} unpacks them. */
    public float[] row(int row) {
        Objects.checkIndex(row, rows);
        LlamaCppLibrary.load();
        int bytes = Math.toIntExact(type.rowBytes(k));
        try (Arena arena = Arena.ofConfined()) {
            // aligned as blocks lie in a GGUF file
            MemorySegment packed = arena.allocate(bytes, 32);
            MemorySegment.copy(blocks, row * bytes, packed, ValueLayout.JAVA_BYTE, 0, bytes);
            if (type == GgmlType.F32) {
                return packed.toArray(ValueLayout.JAVA_FLOAT);
            }
            MemorySegment toFloat = toFloat(type);
            if (toFloat.address() == 0) {
                throw new IllegalArgumentException("llama.cpp does not unpack " + type.ggmlName());
            }
            MemorySegment floats = arena.allocate(ValueLayout.JAVA_FLOAT, k);
            ggml_to_float_t.invoke(toFloat, packed, floats, k);
            return floats.toArray(ValueLayout.JAVA_FLOAT);
        }
    }

    @SuppressWarnings("restricted")
    private static MemorySegment toFloat(GgmlType type) {
        return ggml_type_traits.to_float(LlamaCpp.ggml_get_type_traits(type.id()).reinterpret(ggml_type_traits.sizeof()));
    }
}
