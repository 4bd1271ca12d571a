package io.tmac4j.bindings.spi;

import io.tmac4j.bindings.GgmlType;

/**
 * A weight tensor in ggml's layout: {@code experts} matrices of {@code rows} rows, each of {@code k} weights in
 * contiguous blocks, nothing between rows.
 *
 * @param name    the tensor's name in the model, e.g. {@code blk.0.attn_q.weight}
 * @param type    storage type
 * @param k       weights a row
 * @param rows    rows a matrix
 * @param experts matrices; 1 for a dense layer
 * @param address native address of the first block
 */
public record WeightTensor(String name, GgmlType type, long k, long rows, int experts, long address) {

    /** Bytes of one row. */
    public long rowBytes() {
        return type.rowBytes(k);
    }

    /** Bytes of the whole tensor. */
    public long byteSize() {
        return rowBytes() * rows * experts;
    }
}
