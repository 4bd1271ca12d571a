package io.tmac4j.bindings;

import io.tmac4j.bindings.ggml.ProductTap;
import java.util.List;

/**
 * How exact the product with one tensor of a model is on both engines, given the very same activations, which come from
 * decoding a text. Errors are normalised mean square errors against the product with the dequantised weights in double
 * precision, over a sample of rows.
 *
 * @param tensor    name in the GGUF file, e.g. {@code blk.0.attn_q.weight}
 * @param type      storage type
 * @param k         weights a row
 * @param rows      rows
 * @param llamaCpp  error of llama.cpp's own product of the whole batch
 * @param batch     error of the engine's product of the whole batch
 * @param single    error of the engine's products of each token alone, as in generation
 * @param apart     mean square difference of the two engines' products of the batch over the mean square of llama.cpp's
 */
public record ProductError(String tensor, GgmlType type, long k, long rows, double llamaCpp, double batch, double single,
                           double apart) {

    /**
     * Decodes {@code tokens} on llama.cpp and lets {@code engine} repeat each product whose weights it takes.
     *
     * @param baseline the model, loaded for {@link Engine#LLAMA_CPP}
     * @param engine   another engine
     * @param tokens   at least one; they are decoded as one batch
     * @param threads  threads of both
     * @return the products in the order in which the model computes them
     * @throws IllegalArgumentException if the baseline is not llama.cpp's, the engine is llama.cpp, or there are no tokens
     * @throws LlamaException           if the decode fails
     */
    public static List<ProductError> measure(LlamaModel baseline, Engine engine, int[] tokens, int threads) {
        if (!baseline.engine().isLlamaCpp() || engine.isLlamaCpp()) {
            throw new IllegalArgumentException("products of llama.cpp are compared with those of another engine, not "
                    + baseline.engine() + "'s with " + engine + "'s");
        }
        if (tokens.length == 0) {
            throw new IllegalArgumentException("without tokens there are no activations");
        }
        ContextOptions options = ContextOptions.defaults().withContextSize(tokens.length).withThreads(threads)
                .withBatchThreads(threads).withBatchSize(tokens.length).withUbatchSize(tokens.length);
        try (ProductTap tap = new ProductTap(baseline.file(), engine, threads);
             LlamaContext context = baseline.newContext(options, tap.callback())) {
            context.decode(tokens);
            return tap.errors();
        }
    }
}
