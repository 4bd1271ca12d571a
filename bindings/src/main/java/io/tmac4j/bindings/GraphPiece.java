package io.tmac4j.bindings;

/**
 * A piece of llama.cpp's graph that an engine computed: products, or attention, that follow one another. What lies between two
 * pieces llama.cpp computed itself. See {@link LlamaContext#watch}.
 *
 * @param first      the weights that its first product multiplies with, or {@value #ATTENTION}
 * @param last       the same of its last
 * @param operations how many products and attentions
 * @param tokens     tokens that they are computed for
 * @param startNanos {@link System#nanoTime()} when the engine was given the piece
 * @param endNanos   the same when it was done
 */
public record GraphPiece(String first, String last, int operations, int tokens, long startNanos, long endNanos) {

    /** Stands where there are no weights. */
    public static final String ATTENTION = "attention";
}
