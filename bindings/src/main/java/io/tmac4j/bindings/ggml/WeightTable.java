package io.tmac4j.bindings.ggml;

import io.tmac4j.bindings.spi.MatMulEngine;
import io.tmac4j.bindings.spi.PackedWeights;

/** The weights that {@code ggml_tensor.extra} refers to by number, of all models of this JVM. */
final class WeightTable {

    /**
     * Weights and who multiplies with them.
     *
     * @param experts matrices, 1 for a dense layer
     */
    record Entry(MatMulEngine engine, PackedWeights weights, int experts) {
    }

    private static final Handles<Entry> ENTRIES = new Handles<>();

    private WeightTable() {
    }

    static int add(Entry entry) {
        return ENTRIES.add(entry);
    }

    static Entry remove(int handle) {
        return ENTRIES.remove(handle);
    }

    /** The entry of a tensor's {@code extra}, or null for 0. */
    static Entry get(long extra) {
        return ENTRIES.get((int) extra);
    }

    static int size() {
        return ENTRIES.size();
    }
}
