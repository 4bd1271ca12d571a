package io.tmac4j.comparison.bench;

import io.tmac4j.bindings.Batch;
import io.tmac4j.bindings.ContextOptions;
import io.tmac4j.bindings.LlamaContext;
import io.tmac4j.bindings.LlamaModel;
import io.tmac4j.comparison.output.Agreement;
import io.tmac4j.comparison.stats.LogitDistance;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Do two engines compute the same? The baseline reads a prompt in one batch and goes on greedily; the other engine is then
 * given the very same tokens, so that a first difference does not make all later positions incomparable. Its own greedy
 * text is compared separately.
 */
public final class AgreementProbe {

    private final int[] prompt;
    private final int generate;
    private final ContextOptions options;

    /**
     * @param prompt   tokens to begin with, at least one
     * @param generate tokens to go on with
     * @param options  the context's options but its size
     */
    public AgreementProbe(int[] prompt, int generate, ContextOptions options) {
        if (prompt.length == 0) {
            throw new IllegalArgumentException("the prompt has no tokens");
        }
        this.prompt = prompt.clone();
        this.generate = generate;
        this.options = options.withContextSize(prompt.length + generate)
                .withBatchSize(Math.max(options.batchSize(), prompt.length));
    }

    /**
     * What the baseline did.
     *
     * @param promptLogits logits at each position of the prompt, read as one batch
     * @param logits       logits before each greedy token
     * @param greedy       the tokens it chose
     */
    public record Trace(List<float[]> promptLogits, List<float[]> logits, int[] greedy) {
    }

    /** Lets the baseline speak. */
    public Trace record(LlamaModel model) {
        try (LlamaContext context = model.newContext(options)) {
            List<float[]> promptLogits = readPrompt(context);
            List<float[]> logits = new ArrayList<>();
            int[] greedy = new int[generate];
            float[] next = promptLogits.getLast();
            for (int i = 0; i < generate; i++) {
                if (i > 0) {
                    context.decode(greedy[i - 1]);
                    next = context.logits(-1);
                }
                logits.add(next);
                greedy[i] = LogitDistance.top(next);
            }
            return new Trace(promptLogits, logits, greedy);
        }
    }

    /** Compares another engine's copy of the model with what was recorded. */
    public Agreement compare(Trace trace, LlamaModel model, String modelName, String baseline) {
        LogitDistance inPrompt = new LogitDistance();
        LogitDistance inDecode = new LogitDistance();
        LogitDistance everywhere = new LogitDistance();
        try (LlamaContext context = model.newContext(options)) {
            List<float[]> promptLogits = readPrompt(context);
            for (int i = 0; i < promptLogits.size(); i++) {
                inPrompt.add(trace.promptLogits.get(i), promptLogits.get(i));
                everywhere.add(trace.promptLogits.get(i), promptLogits.get(i));
            }
            for (int i = 1; i < generate; i++) {
                context.decode(trace.greedy[i - 1]);
                float[] logits = context.logits(-1);
                inDecode.add(trace.logits.get(i), logits);
                everywhere.add(trace.logits.get(i), logits);
            }
            int[] greedy = greedy(context, promptLogits.getLast(), trace.greedy);
            int equal = greedy.length;
            Double gap = null;
            for (int i = 0; i < greedy.length; i++) {
                if (greedy[i] != trace.greedy[i]) {
                    equal = i;
                    float[] reference = trace.logits.get(i);
                    gap = (double) reference[trace.greedy[i]] - reference[greedy[i]];
                    break;
                }
            }
            return new Agreement(modelName, baseline, model.engine().name(), generate, equal, gap, everywhere.sameTop(),
                    inDecode.nmse(), inPrompt.nmse(), everywhere.meanDivergence(), everywhere.greatestDivergence());
        }
    }

    /** The engine's own greedy tokens up to the first that differs from {@code expected}. */
    private int[] greedy(LlamaContext context, float[] afterPrompt, int[] expected) {
        context.truncate(0, prompt.length);
        int[] tokens = new int[generate];
        float[] next = afterPrompt;
        for (int i = 0; i < generate; i++) {
            if (i > 0) {
                context.decode(tokens[i - 1]);
                next = context.logits(-1);
            }
            tokens[i] = LogitDistance.top(next);
            if (tokens[i] != expected[i]) {
                return Arrays.copyOf(tokens, i + 1);
            }
        }
        return tokens;
    }

    private List<float[]> readPrompt(LlamaContext context) {
        try (Batch batch = new Batch(prompt.length)) {
            for (int i = 0; i < prompt.length; i++) {
                batch.add(prompt[i], i, 0, true);
            }
            context.decode(batch);
        }
        List<float[]> logits = new ArrayList<>();
        for (int i = 0; i < prompt.length; i++) {
            logits.add(context.logits(i));
        }
        return logits;
    }
}
