package io.tmac4j.bindings;

import java.util.Map;
import java.util.Objects;

/**
 * How {@link Quantizer} works.
 *
 * @param type       what to quantise to
 * @param importance for each tensor's name the mean square of what its columns are multiplied with, over the calibration text,
 *                   one expert after another; empty for none
 * @param pure       give every tensor the same type instead of llama.cpp's mix
 * @param requantize allow tensors that are quantised already, which loses more than quantising the original
 * @param threads    number of threads, 0 for one for each processor
 */
public record QuantizeOptions(FileType type, Map<String, float[]> importance, boolean pure, boolean requantize, int threads) {

    public QuantizeOptions {
        Objects.requireNonNull(type, "type");
        importance = Map.copyOf(importance);
        if (threads < 0) {
            throw new IllegalArgumentException("there cannot be " + threads + " threads");
        }
    }

    /** llama.cpp's mix for a type, without an importance matrix, on all processors. */
    public static QuantizeOptions to(FileType type) {
        return new QuantizeOptions(type, Map.of(), false, false, 0);
    }

    public QuantizeOptions withImportance(Map<String, float[]> value) {
        return new QuantizeOptions(type, value, pure, requantize, threads);
    }

    public QuantizeOptions withPure(boolean value) {
        return new QuantizeOptions(type, importance, value, requantize, threads);
    }

    public QuantizeOptions withRequantize(boolean value) {
        return new QuantizeOptions(type, importance, pure, value, threads);
    }

    public QuantizeOptions withThreads(int value) {
        return new QuantizeOptions(type, importance, pure, requantize, value);
    }
}
