package io.tmac4j.bindings;

import java.util.Arrays;
import java.util.Objects;

/**
 * A tensor as a GGUF file describes it.
 *
 * @param name       unique in its file
 * @param type       storage type
 * @param dimensions one to four lengths, the length of a row first
 * @param offset     of its first byte, from {@link GgufFile#dataOffset()}
 */
public record GgufTensor(String name, GgmlType type, long[] dimensions, long offset) {

    public GgufTensor {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(type, "type");
        dimensions = dimensions.clone();
    }

    @Override
    public long[] dimensions() {
        return dimensions.clone();
    }

    /** The length of one dimension; 1 beyond the last. */
    public long dimension(int index) {
        return index < dimensions.length ? dimensions[index] : 1;
    }

    /** Rows of all matrices. */
    public long rows() {
        long rows = 1;
        for (int i = 1; i < dimensions.length; i++) {
            rows = Math.multiplyExact(rows, dimensions[i]);
        }
        return rows;
    }

    /** Number of weights. */
    public long elements() {
        return Math.multiplyExact(dimension(0), rows());
    }

    /** Bytes in the file, without padding. */
    public long byteSize() {
        return Math.multiplyExact(type.rowBytes(dimension(0)), rows());
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof GgufTensor that && name.equals(that.name) && type == that.type && offset == that.offset
                && Arrays.equals(dimensions, that.dimensions);
    }

    @Override
    public int hashCode() {
        return Objects.hash(name, type, offset) * 31 + Arrays.hashCode(dimensions);
    }

    @Override
    public String toString() {
        return name + " " + type.ggmlName() + " " + Arrays.toString(dimensions);
    }
}
