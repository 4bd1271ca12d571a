package io.tmac4j.comparison.quality;

import io.tmac4j.bindings.Batch;
import io.tmac4j.bindings.ContextOptions;
import io.tmac4j.bindings.LlamaContext;
import io.tmac4j.bindings.LlamaModel;
import io.tmac4j.comparison.stats.LogitDistance;
import io.tmac4j.comparison.stats.Sample;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/**
 * Perplexity of a text, cut and counted as llama.cpp's {@code tools/perplexity} does it: chunks as long as the context,
 * each read into an empty cache with its first token replaced by the beginning-of-text token where the model wants one;
 * predictions count from the middle of the chunk on, so that each has at least half a context before it.
 */
public final class PerplexityRun {

    private final int[] tokens;
    private final int contextSize;
    private final int chunks;
    private final ContextOptions options;
    private final boolean startsWithBos;
    private final int bos;

    /**
     * @param model       any engine's copy of the model, for its tokenizer's habits
     * @param tokens      the text, at least two chunks of it
     * @param contextSize tokens of a chunk
     * @param chunks      chunks at most; 0 for all
     */
    public PerplexityRun(LlamaModel model, int[] tokens, int contextSize, int chunks, ContextOptions options) {
        if (contextSize < 4) {
            throw new IllegalArgumentException("perplexity needs a context of at least 4 tokens, not " + contextSize);
        }
        if (tokens.length < 2 * contextSize) {
            throw new IllegalArgumentException("perplexity with a context of " + contextSize + " needs a text of at least "
                    + 2 * contextSize + " tokens, and this text has " + tokens.length + ": take a longer text or a smaller -c");
        }
        this.tokens = tokens.clone();
        this.contextSize = contextSize;
        int all = tokens.length / contextSize;
        this.chunks = chunks == 0 ? all : Math.min(chunks, all);
        this.options = options.withContextSize(contextSize);
        this.startsWithBos = model.addsBos() && model.bosToken().isPresent();
        this.bos = startsWithBos ? model.bosToken().getAsInt() : -1;
    }

    /**
     * One engine's perplexity.
     *
     * @param engine     the engine
     * @param perplexity exponential of the mean loss
     * @param stderr     its standard error
     * @param tokens     predictions counted
     * @param seconds    time spent in decoding
     */
    public record Result(String engine, double perplexity, double stderr, long tokens, double seconds) {
    }

    /**
     * How far one engine's predictions lie from another's, over all predictions.
     *
     * @param baseline engine whose distribution is the reference
     * @param engine   the other
     * @param mean     mean of KL(baseline || engine), nats
     * @param stderr   its standard error
     * @param median   its median
     * @param p99      the 99th percentile
     * @param maximum  its greatest value
     * @param sameTop  part of the predictions whose likeliest token is the same
     * @param nmse     normalised mean square error of the logits
     */
    public record Divergence(String baseline, String engine, double mean, double stderr, double median, double p99,
                             double maximum, double sameTop, double nmse) {
    }

    /** All engines' perplexities, and each other engine's divergence from the first. */
    public record Outcome(List<Result> results, List<Divergence> divergences) {
    }

    /** Chunks that will be read. */
    public int chunks() {
        return chunks;
    }

    /** Reads the text with all models side by side; the first is the reference. */
    public Outcome run(List<LlamaModel> models, IntConsumer chunkDone) {
        List<LlamaContext> contexts = new ArrayList<>();
        try {
            models.forEach(model -> contexts.add(model.newContext(options)));
            return run(models, contexts, chunkDone);
        } finally {
            contexts.forEach(LlamaContext::close);
        }
    }

    private Outcome run(List<LlamaModel> models, List<LlamaContext> contexts, IntConsumer chunkDone) {
        int engines = models.size();
        Perplexity[] perplexities = new Perplexity[engines];
        Arrays.setAll(perplexities, i -> new Perplexity());
        DivergenceSum[] sums = new DivergenceSum[engines];
        Arrays.setAll(sums, i -> new DivergenceSum());
        double[] seconds = new double[engines];
        for (int chunk = 0; chunk < chunks; chunk++) {
            float[][] reference = null;
            for (int i = 0; i < engines; i++) {
                long start = System.nanoTime();
                float[][] logits = predictions(contexts.get(i), chunk);
                seconds[i] += (System.nanoTime() - start) * 1e-9;
                count(perplexities[i], logits, chunk);
                if (i == 0) {
                    reference = logits;
                } else {
                    sums[i].add(reference, logits);
                }
            }
            chunkDone.accept(chunk + 1);
        }
        List<Result> results = new ArrayList<>();
        List<Divergence> divergences = new ArrayList<>();
        String baseline = models.getFirst().engine().name();
        for (int i = 0; i < engines; i++) {
            String engine = models.get(i).engine().name();
            results.add(new Result(engine, perplexities[i].value(), perplexities[i].standardError(), perplexities[i].count(),
                    seconds[i]));
            if (i > 0) {
                divergences.add(sums[i].divergence(baseline, engine));
            }
        }
        return new Outcome(results, divergences);
    }

    /** Logits at the counted positions of a chunk: from its middle to its last token but one. */
    private float[][] predictions(LlamaContext context, int chunk) {
        int first = contextSize / 2;
        float[][] logits = new float[contextSize - 1 - first][];
        context.clear();
        int batchSize = Math.min(options.batchSize(), contextSize);
        try (Batch batch = new Batch(batchSize)) {
            for (int from = 0; from < contextSize; from += batchSize) {
                batch.clear();
                int count = Math.min(batchSize, contextSize - from);
                for (int k = 0; k < count; k++) {
                    int position = from + k;
                    int token = position == 0 && startsWithBos ? bos : tokens[chunk * contextSize + position];
                    batch.add(token, position, 0, position >= first);
                }
                context.decode(batch);
                for (int position = Math.max(from, first); position < Math.min(from + count, contextSize - 1); position++) {
                    logits[position - first] = context.logits(position - from);
                }
            }
        }
        return logits;
    }

    private void count(Perplexity perplexity, float[][] logits, int chunk) {
        int next = chunk * contextSize + contextSize / 2 + 1;
        double[] losses = IntStream.range(0, logits.length).parallel()
                .mapToDouble(i -> Perplexity.loss(logits[i], tokens[next + i]))
                .toArray();
        for (double loss : losses) {
            perplexity.add(loss);
        }
    }

    /** Gathers the distance between two engines' predictions. */
    private static final class DivergenceSum {

        private final LogitDistance distance = new LogitDistance();
        private final List<Double> values = new ArrayList<>();

        void add(float[][] reference, float[][] logits) {
            for (int i = 0; i < logits.length; i++) {
                values.add(distance.add(reference[i], logits[i]));
            }
        }

        Divergence divergence(String baseline, String engine) {
            Sample sample = Sample.of(values);
            return new Divergence(baseline, engine, sample.mean(), sample.standardDeviation() / Math.sqrt(sample.size()),
                    sample.median(), sample.quantile(0.99), sample.maximum(), distance.sameTop(), distance.nmse());
        }
    }
}
