package io.tmac4j.bindings;

import io.tmac4j.bindings.generated.LlamaCpp;
import io.tmac4j.bindings.generated.llama_token_data;
import io.tmac4j.bindings.generated.llama_token_data_array;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/** Chooses the next token with llama.cpp's samplers. Not for use by several threads. */
@SuppressWarnings("restricted")
public final class Sampler implements AutoCloseable {

    private static final long ID = llama_token_data.id$offset();
    private static final long LOGIT = llama_token_data.logit$offset();
    private static final long STRIDE = llama_token_data.sizeof();

    private final Arena arena = Arena.ofShared();
    private final SamplerOptions options;
    private final long seed;
    private final MemorySegment candidates;
    private final List<Integer> acceptedBefore = new ArrayList<>();
    private MemorySegment chain = MemorySegment.NULL;
    private MemorySegment data = MemorySegment.NULL;

    private Sampler(SamplerOptions options) {
        this.options = options;
        // 0xFFFFFFFF asks llama.cpp for a seed of its own
        this.seed = options.seed() < 0 ? ThreadLocalRandom.current().nextInt(Integer.MAX_VALUE) : options.seed() & 0xFFFF_FFFFL;
        this.candidates = llama_token_data_array.allocate(arena);
    }

    /** A sampler; it holds native memory until it is closed. */
    public static Sampler of(SamplerOptions options) {
        LlamaCppLibrary.load();
        return new Sampler(options);
    }

    /**
     * Chooses a token and {@link #accept accepts} it.
     *
     * @param index index in the last batch of {@code context}, or -1 for the last token with logits
     * @throws IllegalArgumentException if there are no such logits
     * @throws LlamaException           if no token can be chosen
     */
    public int sample(LlamaContext context, int index) {
        checkOpen();
        context.enter();
        try {
            int token = choose(context.logitsSegment(index));
            LlamaCpp.llama_sampler_accept(chain, token);
            return token;
        } finally {
            context.exit();
        }
    }

    private int choose(MemorySegment logits) {
        int count = (int) (logits.byteSize() / Float.BYTES);
        prepare(count);
        boolean finite = true;
        for (int i = 0; i < count; i++) {
            float logit = logits.getAtIndex(ValueLayout.JAVA_FLOAT, i);
            finite &= !Float.isNaN(logit);
            data.set(ValueLayout.JAVA_INT, i * STRIDE + ID, i);
            data.set(ValueLayout.JAVA_FLOAT, i * STRIDE + LOGIT, logit);
        }
        if (!finite) {
            throw new LlamaException("no token can be chosen: the model's logits are not numbers");
        }
        llama_token_data_array.data(candidates, data);
        llama_token_data_array.size(candidates, count);
        llama_token_data_array.selected(candidates, -1);
        llama_token_data_array.sorted(candidates, false);
        LlamaCpp.llama_sampler_apply(chain, candidates);
        long selected = llama_token_data_array.selected(candidates);
        if (selected < 0 || selected >= llama_token_data_array.size(candidates)) {
            throw new LlamaException("no token can be chosen: the samplers left none");
        }
        // a sampler may have moved the candidates to memory of its own
        MemorySegment chosen = llama_token_data_array.data(candidates).reinterpret((selected + 1) * STRIDE);
        return chosen.get(ValueLayout.JAVA_INT, selected * STRIDE + ID);
    }

    /** Makes chain and candidates for a vocabulary of that size. */
    private void prepare(int vocabularySize) {
        if (data.byteSize() == vocabularySize * STRIDE) {
            return;
        }
        data = llama_token_data.allocateArray(vocabularySize, arena);
        if (chain.address() == 0) {
            build(vocabularySize);
            acceptedBefore.forEach(token -> LlamaCpp.llama_sampler_accept(chain, token));
            acceptedBefore.clear();
        }
    }

    private void build(int vocabularySize) {
        MemorySegment params = LlamaCpp.llama_sampler_chain_default_params(arena);
        chain = LlamaCpp.llama_sampler_chain_init(params);
        if (options.repeatPenalty() != 1 && options.repeatWindow() > 0) {
            add(LlamaCpp.llama_sampler_init_penalties(vocabularySize, options.repeatWindow(), options.repeatPenalty(), 0, 0));
        }
        if (options.temperature() == 0) {
            add(LlamaCpp.llama_sampler_init_greedy());
            return;
        }
        if (options.topK() > 0) {
            add(LlamaCpp.llama_sampler_init_top_k(options.topK()));
        }
        if (options.topP() < 1) {
            add(LlamaCpp.llama_sampler_init_top_p(options.topP(), 1));
        }
        if (options.minP() > 0) {
            add(LlamaCpp.llama_sampler_init_min_p(options.minP(), 1));
        }
        add(LlamaCpp.llama_sampler_init_temp(options.temperature()));
        add(LlamaCpp.llama_sampler_init_dist((int) seed));
    }

    private void add(MemorySegment sampler) {
        LlamaCpp.llama_sampler_chain_add(chain, sampler);
    }

    /** Tells the samplers of a token that was not chosen by {@link #sample}, e.g. one of the prompt. */
    public void accept(int token) {
        checkOpen();
        if (chain.address() == 0) {
            acceptedBefore.add(token);
        } else {
            LlamaCpp.llama_sampler_accept(chain, token);
        }
    }

    /** Forgets the tokens accepted and starts the random numbers again. */
    public void reset() {
        checkOpen();
        acceptedBefore.clear();
        if (chain.address() != 0) {
            LlamaCpp.llama_sampler_reset(chain);
        }
    }

    /** The seed in use, also when it was left to chance. */
    public long seed() {
        return seed;
    }

    private void checkOpen() {
        if (!arena.scope().isAlive()) {
            throw new IllegalStateException("the sampler is closed");
        }
    }

    /** Frees the memory. */
    @Override
    public void close() {
        if (!arena.scope().isAlive()) {
            return;
        }
        if (chain.address() != 0) {
            LlamaCpp.llama_sampler_free(chain);
        }
        arena.close();
    }
}
