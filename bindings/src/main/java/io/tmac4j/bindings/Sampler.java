package io.tmac4j.bindings;

import io.tmac4j.bindings.generated.LlamaCpp;
import io.tmac4j.bindings.generated.llama_token_data;
import io.tmac4j.bindings.generated.llama_token_data_array;
import io.tmac4j.bindings.spi.OffHeap;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Chooses the next token with llama.cpp's samplers. Not for use by several threads at once: a call while another thread is
 * inside throws a {@link ConcurrentUseException}.
 */
@SuppressWarnings("restricted")
public final class Sampler implements AutoCloseable {

    private static final long ID = llama_token_data.id$offset();
    private static final long LOGIT = llama_token_data.logit$offset();
    private static final long CANDIDATES = llama_token_data_array.data$offset();
    private static final long STRIDE = llama_token_data.sizeof();

    private final Arena arena = Arena.ofShared();
    private final SamplerOptions options;
    private final long seed;
    private final MemorySegment candidates;
    private final List<Integer> acceptedBefore = new ArrayList<>();
    private MemorySegment chain = MemorySegment.NULL;
    private MemorySegment data = MemorySegment.NULL;
    private final OneUser user = new OneUser("sampler");
    private final Leak leak = Leak.watch(this, "a sampler");

    private MemorySegment grammar = MemorySegment.NULL;
    /** The model whose vocabulary the grammar reads; kept in memory as long. */
    private LlamaModel grammarModel;

    private final boolean coupled;
    /** How many tokens have been drawn since the beginning or {@link #reset()}. */
    private long position;

    private Sampler(SamplerOptions options, boolean coupled) {
        this.options = options;
        this.coupled = coupled && options.temperature() > 0;
        // 0xFFFFFFFF asks llama.cpp for a seed of its own
        this.seed = options.seed() < 0 ? ThreadLocalRandom.current().nextInt(Integer.MAX_VALUE) : options.seed() & 0xFFFF_FFFFL;
        this.candidates = llama_token_data_array.allocate(arena);
    }

    /** A sampler; it holds native memory until it is closed. */
    public static Sampler of(SamplerOptions options) {
        LlamaCppLibrary.load();
        return new Sampler(options, false);
    }

    /**
     * A sampler for comparing texts: two of these with the same options choose the same token as long as their logits are nearly
     * equal. The filters are llama.cpp's and each token has the same probability as with {@link #of}, but llama.cpp's draw is a
     * place in the list of candidates, likeliest first, and two of them that are nearly as likely and change places change what
     * lies there. Here seed, position and token give each candidate a chance of its own, added to its logit (the Gumbel-max
     * trick). The texts are others than those of {@link #of} with the same seed.
     */
    public static Sampler coupled(SamplerOptions options) {
        LlamaCppLibrary.load();
        return new Sampler(options, true);
    }

    /**
     * Chooses a token and {@link #accept accepts} it. Under a grammar it is one with which what was chosen since the beginning or
     * {@link #reset()} can go on.
     *
     * @param index index in the last batch of {@code context}, or -1 for the last token with logits
     * @throws IllegalArgumentException if there are no such logits
     * @throws LlamaException           if no token can be chosen
     */
    public int sample(LlamaContext context, int index) {
        enter();
        try {
            context.enter();
            try {
                long logits = context.logitsAddress(index);
                prepare(context.vocabularySize());
                prepareGrammar(context.model());
                int token = choose(logits);
                position++;
                LlamaCpp.llama_sampler_accept(chain, token);
                if (grammar.address() != 0) {
                    LlamaCpp.llama_sampler_accept(grammar, token);
                }
                return token;
            } finally {
                context.exit();
            }
        } finally {
            user.exit();
        }
    }

    private int choose(long logits) {
        fill(logits);
        int token = pick();
        if (grammar.address() == 0) {
            return token;
        }
        // as llama.cpp's own programs do: to ask the grammar of all tokens takes long, and mostly the first choice fits
        if (isAllowed(token)) {
            return token;
        }
        fill(logits);
        LlamaCpp.llama_sampler_apply(grammar, candidates);
        keepPossible();
        return pick();
    }

    private void fill(long logits) {
        int count = (int) (data.byteSize() / STRIDE);
        boolean finite = true;
        for (int i = 0; i < count; i++) {
            float logit = OffHeap.ALL.get(ValueLayout.JAVA_FLOAT, logits + (long) i * Float.BYTES);
            finite &= !Float.isNaN(logit);
            data.set(ValueLayout.JAVA_INT, i * STRIDE + ID, i);
            data.set(ValueLayout.JAVA_FLOAT, i * STRIDE + LOGIT, logit);
        }
        if (!finite) {
            throw new LlamaException("no token can be chosen: the model's logits are not numbers");
        }
        offer(data, count);
    }

    private void offer(MemorySegment tokens, long count) {
        llama_token_data_array.data(candidates, tokens);
        llama_token_data_array.size(candidates, count);
        llama_token_data_array.selected(candidates, -1);
        llama_token_data_array.sorted(candidates, false);
    }

    private int pick() {
        LlamaCpp.llama_sampler_apply(chain, candidates);
        long selected = coupled ? luckiest() : llama_token_data_array.selected(candidates);
        if (selected < 0 || selected >= llama_token_data_array.size(candidates)) {
            throw new LlamaException("no token can be chosen: the samplers left none");
        }
        // a sampler may have moved the candidates to memory of its own
        return OffHeap.ALL.get(ValueLayout.JAVA_INT, candidate(selected) + ID);
    }

    /** Index of the candidate whose logit and chance together are greatest, -1 if there is none. */
    private long luckiest() {
        long count = llama_token_data_array.size(candidates);
        long luckiest = -1;
        double most = Double.NEGATIVE_INFINITY;
        for (long i = 0; i < count; i++) {
            long candidate = candidate(i);
            double sum = OffHeap.ALL.get(ValueLayout.JAVA_FLOAT, candidate + LOGIT)
                    + chance(OffHeap.ALL.get(ValueLayout.JAVA_INT, candidate + ID));
            if (sum > most) {
                most = sum;
                luckiest = i;
            }
        }
        return luckiest;
    }

    /** The address of a candidate, without a segment for it, since each token would make one. */
    private long candidate(long index) {
        return candidates.get(ValueLayout.JAVA_LONG, CANDIDATES) + index * STRIDE;
    }

    /** A number from the standard Gumbel distribution, always the same one for this seed, position and token. */
    private double chance(int token) {
        long bits = mix(mix(mix(seed) + position) + token) >>> 12;
        double uniform = (bits + 0.5) * 0x1p-52;      // exact, so neither 0 nor 1
        return -Math.log(-Math.log(uniform));
    }

    /** The mixing function of SplitMix64, which spreads each bit of its argument over all bits. */
    private static long mix(long value) {
        long mixed = value + 0x9E3779B97F4A7C15L;
        mixed = (mixed ^ mixed >>> 30) * 0xBF58476D1CE4E5B9L;
        mixed = (mixed ^ mixed >>> 27) * 0x94D049BB133111EBL;
        return mixed ^ mixed >>> 31;
    }

    /** Whether the grammar goes on with a token. To accept another one would end the VM. */
    private boolean isAllowed(int token) {
        data.set(ValueLayout.JAVA_INT, ID, token);
        data.set(ValueLayout.JAVA_FLOAT, LOGIT, 0);
        offer(data, 1);
        LlamaCpp.llama_sampler_apply(grammar, candidates);
        return data.get(ValueLayout.JAVA_FLOAT, LOGIT) == 0;
    }

    /** Takes out the candidates that the grammar has made impossible. */
    private void keepPossible() {
        long count = llama_token_data_array.size(candidates);
        long kept = 0;
        for (long i = 0; i < count; i++) {
            float logit = data.get(ValueLayout.JAVA_FLOAT, i * STRIDE + LOGIT);
            if (logit > Float.NEGATIVE_INFINITY) {
                data.set(ValueLayout.JAVA_INT, kept * STRIDE + ID, data.get(ValueLayout.JAVA_INT, i * STRIDE + ID));
                data.set(ValueLayout.JAVA_FLOAT, kept * STRIDE + LOGIT, logit);
                kept++;
            }
        }
        if (kept == 0) {
            throw new GrammarException("no token can be chosen: the vocabulary of " + grammarModel.file().getFileName()
                    + " has none with which the grammar goes on, nor one that ends the answer here");
        }
        offer(data, kept);
    }

    /**
     * Makes what depends on the vocabulary: the first use does it else.
     *
     * @throws GrammarException if the grammar cannot be used
     * @throws LlamaException   if the model has no tokenizer
     */
    void prepareGrammar(LlamaModel model) {
        if (options.grammar().isEmpty() || model == grammarModel) {
            return;
        }
        if (grammarModel != null) {
            if (LlamaCpp.llama_vocab_n_tokens(model.vocabularySegment())
                    != LlamaCpp.llama_vocab_n_tokens(grammarModel.vocabularySegment())) {
                throw new IllegalArgumentException("the sampler's grammar was begun with " + grammarModel
                        + ", whose vocabulary is not that of " + model + "; use a sampler of its own");
            }
            return;
        }
        model.share();
        boolean done = false;
        try (Arena texts = Arena.ofConfined()) {
            model.checkTokenizer();
            NativeLog.clearErrors();
            grammar = LlamaCpp.llama_sampler_init_grammar(model.vocabularySegment(),
                    texts.allocateFrom(options.grammar().get().gbnf()), texts.allocateFrom("root"));
            if (grammar.address() == 0) {
                List<String> errors = NativeLog.errors();
                throw new GrammarException("llama.cpp does not take the grammar"
                        + (errors.isEmpty() ? "" : ": " + errors.getFirst()));
            }
            grammarModel = model;
            done = true;
        } finally {
            if (!done) {
                model.release();
            }
        }
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
        if (!coupled) {
            add(LlamaCpp.llama_sampler_init_dist((int) seed));
        }
    }

    private void add(MemorySegment sampler) {
        LlamaCpp.llama_sampler_chain_add(chain, sampler);
    }

    /**
     * Tells the samplers of a token that was not chosen by {@link #sample}, e.g. one of the prompt. A grammar is not told: it is
     * about what is chosen.
     */
    public void accept(int token) {
        enter();
        try {
            if (chain.address() == 0) {
                acceptedBefore.add(token);
            } else {
                LlamaCpp.llama_sampler_accept(chain, token);
            }
        } finally {
            user.exit();
        }
    }

    /** Forgets the tokens accepted, starts the random numbers again, and begins the grammar anew. */
    public void reset() {
        enter();
        try {
            acceptedBefore.clear();
            position = 0;
            if (chain.address() != 0) {
                LlamaCpp.llama_sampler_reset(chain);
            }
            restartGrammar();
        } finally {
            user.exit();
        }
    }

    /** Begins the grammar anew, for another answer. */
    void restartGrammar() {
        if (grammar.address() != 0) {
            LlamaCpp.llama_sampler_reset(grammar);
        }
    }

    /** The seed in use, also when it was left to chance. */
    public long seed() {
        return seed;
    }

    /** Lets the current thread in, alone. */
    private void enter() {
        user.enter();
        if (!arena.scope().isAlive()) {
            user.exit();
            throw new IllegalStateException("the sampler is closed");
        }
    }

    /** Frees the memory. */
    @Override
    public void close() {
        user.enter();
        try {
            if (!arena.scope().isAlive()) {
                return;
            }
            if (chain.address() != 0) {
                LlamaCpp.llama_sampler_free(chain);
            }
            if (grammar.address() != 0) {
                LlamaCpp.llama_sampler_free(grammar);
                grammarModel.release();
            }
            arena.close();
            leak.closed();
        } finally {
            user.exit();
        }
    }
}
