package io.tmac4j.comparison.race;

import io.tmac4j.bindings.ContextOptions;
import io.tmac4j.bindings.LlamaContext;
import io.tmac4j.bindings.LlamaModel;
import io.tmac4j.bindings.Sampler;
import io.tmac4j.bindings.SamplerOptions;
import io.tmac4j.bindings.Utf8Stream;
import java.util.ArrayList;
import java.util.List;

/** One engine in a race: its context, its text so far, and the time that it has worked itself. */
final class Lane implements AutoCloseable {

    private final LlamaModel model;
    private final LlamaContext context;
    private final Sampler sampler;
    private final Utf8Stream characters = new Utf8Stream();
    private final StringBuilder text = new StringBuilder();
    private final List<Integer> tokens = new ArrayList<>();
    private final int limit;
    private double promptSeconds;
    private long nanos;
    private boolean finished;

    Lane(LlamaModel model, ContextOptions options, SamplerOptions sampling, int limit) {
        this.model = model;
        this.limit = limit;
        context = model.newContext(options);
        sampler = Sampler.coupled(sampling);
    }

    /** Reads the prompt. */
    void read(int[] prompt) {
        long start = System.nanoTime();
        context.decode(prompt);
        promptSeconds = (System.nanoTime() - start) * 1e-9;
    }

    /** Chooses the next token and decodes it. */
    void step() {
        long start = System.nanoTime();
        int token = sampler.sample(context, -1);
        boolean last = model.isEndOfGeneration(token) || context.position(0) >= context.contextSize();
        if (!last) {
            context.decode(token);
        }
        nanos += System.nanoTime() - start;
        if (last) {
            finish();
            return;
        }
        tokens.add(token);
        text.append(characters.add(model.tokenBytes(token)));
        if (tokens.size() >= limit) {
            finish();
        }
    }

    private void finish() {
        finished = true;
        text.append(characters.end());
    }

    boolean isFinished() {
        return finished;
    }

    List<Integer> tokens() {
        return tokens;
    }

    LaneView view(boolean running) {
        return new LaneView(model.engine().name(), tokens.size(), limit, promptSeconds, nanos * 1e-9, text.toString(), running,
                finished);
    }

    @Override
    public void close() {
        sampler.close();
        context.close();
    }
}
