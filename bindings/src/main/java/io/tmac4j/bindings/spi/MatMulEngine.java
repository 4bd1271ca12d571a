package io.tmac4j.bindings.spi;

import io.tmac4j.bindings.GgmlType;
import java.util.Optional;

/**
 * Multiplies packed weights with f32 activations. One instance serves every model and context of the JVM; all methods
 * may be called from several threads at once.
 */
public interface MatMulEngine {

    /** One line for people: what was chosen for this machine and why, e.g. the vector shape. */
    String description();

    /**
     * Why the engine does not take weights of this type and shape, or empty if it does.
     *
     * @param type storage type of the weights
     * @param k    weights a row, the length of the inner product
     * @param rows rows a matrix
     */
    Optional<String> refusal(GgmlType type, long k, long rows);

    /**
     * Packs one tensor. Called for each tensor that {@link #refusal} let pass while its model is loaded.
     *
     * @param source the tensor in ggml's own layout; its memory is valid only during the call
     * @param pool   threads to pack with
     * @throws OutOfMemoryError if the packed form cannot be allocated
     */
    PackedWeights pack(WeightTensor source, WorkerPool pool);

    /**
     * Computes all products of {@code batch}. The products are independent of one another: none reads what another
     * writes. Must not allocate in steady state. An exception fails the decode, not the VM.
     */
    void multiply(MatMulBatch batch);

    /**
     * Computes attention, of single tokens and of several at once, instead of llama.cpp's code; empty if that code is to be used.
     */
    default Optional<AttentionKernel> attention() {
        return Optional.empty();
    }
}
