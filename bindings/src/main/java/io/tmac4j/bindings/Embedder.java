package io.tmac4j.bindings;

/**
 * Turns texts into vectors, each text alone. Not for use by several threads at once: a call while another thread is inside
 * throws a {@link ConcurrentUseException}.
 */
public final class Embedder implements AutoCloseable {

    private static final int USUAL_SIZE = 2048;

    private final LlamaContext context;

    private Embedder(LlamaContext context) {
        this.context = context;
    }

    /**
     * An embedder for texts as long as the model was trained for, at most 2048 tokens.
     *
     * @param model stays the caller's; one without pooling of its own gets the mean over the tokens
     * @throws LlamaException if llama.cpp cannot make the context
     */
    public static Embedder of(LlamaModel model) {
        return of(model, ContextOptions.defaults());
    }

    /**
     * An embedder; texts may be as long as the context.
     *
     * @throws LlamaException if llama.cpp cannot make the context
     */
    public static Embedder of(LlamaModel model, ContextOptions options) {
        int size = options.contextSize() == 0 ? Math.min(USUAL_SIZE, model.trainedContext()) : options.contextSize();
        // what is pooled has to be computed at once
        ContextOptions whole = options.withEmbeddings(true).withContextSize(size).withBatchSize(size).withUbatchSize(size)
                .withMaxSequences(1);
        LlamaContext context = model.newContext(whole);
        if (context.pooling() == Pooling.NONE) {
            context.close();
            context = model.newContext(whole.withPooling(Pooling.MEAN));
        }
        return new Embedder(context);
    }

    /** Floats of a vector. */
    public int length() {
        return context.embeddingLength();
    }

    /**
     * The vector of a text, of length 1, so that the scalar product of two is the cosine of their angle.
     *
     * @throws DecodeException with {@link DecodeException.Reason#CONTEXT_FULL} if the text is longer than the context
     * @throws IllegalArgumentException if the text has no tokens
     */
    public float[] embed(String text) {
        int[] tokens = context.model().tokenize(text, true, false);
        if (tokens.length == 0) {
            throw new IllegalArgumentException("there is nothing to embed: the text has no tokens");
        }
        return normalised(context.pooled(tokens));
    }

    private static float[] normalised(float[] vector) {
        double sum = 0;
        for (float value : vector) {
            sum += (double) value * value;
        }
        double length = Math.sqrt(sum);
        for (int i = 0; i < vector.length && length > 0; i++) {
            vector[i] = (float) (vector[i] / length);
        }
        return vector;
    }

    /** Frees the memory. */
    @Override
    public void close() {
        context.close();
    }
}
