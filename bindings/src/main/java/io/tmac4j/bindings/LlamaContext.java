package io.tmac4j.bindings;

import io.tmac4j.bindings.DecodeException.Reason;
import io.tmac4j.bindings.generated.LlamaCpp;
import io.tmac4j.bindings.generated.llama_batch;
import io.tmac4j.bindings.generated.llama_context_params;
import io.tmac4j.bindings.ggml.EngineBridge;
import io.tmac4j.bindings.spi.OffHeap;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/**
 * The memory of one or more token sequences and the place where they are continued.
 *
 * <p>Not for use by several threads at once: a call while another thread is inside throws an
 * {@link ConcurrentUseException}. {@link #cancel()} and {@link #close()} may be called from anywhere.
 */
@SuppressWarnings("restricted")
public final class LlamaContext implements AutoCloseable {

    /** No spinning where the engine's own threads need the cores: at 50 they are busy for another 0.1 s after a batch. */
    private static final int POLL_ENGINE = 0;

    /**
     * Tokens of a batch up to which llama.cpp's operations between an engine's pieces run on the caller alone, as for a single
     * one. Its threads sleep while the engine computes, and each of some 80 pieces a step would wake them: 5 % of a step of 4
     * and of 8 tokens on two processors, nothing from 12 tokens on.
     */
    private static final int FEW_TOKENS = 8;

    /**
     * llama.cpp asks {@code bool abort(void *)} before each node of a graph. {@code strlen} of a byte string that is empty or
     * one byte long answers that without an upcall, which would cost more than many a node.
     */
    private static final MemorySegment STRLEN = Linker.nativeLinker().defaultLookup().findOrThrow("strlen");

    /** {@code llama_get_logits_ith} with pointers as {@code long}: a segment for each token would be garbage. */
    private static final MethodHandle LOGITS = Linker.nativeLinker().downcallHandle(LlamaCpp.llama_get_logits_ith$address(),
            FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT));

    private static final VarHandle FLAG = ValueLayout.JAVA_BYTE.varHandle();

    private final LlamaModel model;
    private final MemorySegment context;
    private final MemorySegment memory;
    private final EngineBridge.ContextLink link;
    private final Arena arena;
    private final ThreadPools pools;
    private final MemorySegment cancelled;
    private final MemorySegment tokens;
    private final MemorySegment tokenBatch;
    private final int contextSize;
    private final int sequenceSize;
    private final int batchSize;
    private final int maxSequences;
    private final int vocabularySize;
    private final int embeddingLength;
    private final int layers;
    private final boolean embeddings;
    private final Pooling pooling;
    /** Tokens that have to be computed at once, or 0 if that does not matter. */
    private final int atOnce;

    /** The logits of a restored state, which stand in for the last ones until the next decode; null if there are none. */
    private MemorySegment restoredLogits;
    /** The memory of {@link #restoredLogits}, made when first needed. */
    private MemorySegment logitsCopy;
    /** Whether the last decode succeeded and its outputs still belong to what the context holds. */
    private boolean decoded;
    /** Whether tokens were forgotten since, so that the last logits are no longer those of the end. */
    private boolean truncated;

    /** Whether a decode has succeeded. */
    private boolean proven;
    /** Whether a call into llama.cpp never came back, so that nothing of it may be freed. */
    private boolean abandoned;

    private final OneUser user = new OneUser("context");
    private final Leak leak;
    private volatile boolean closed;
    private volatile int threads;
    private volatile int batchThreads;
    /** Whether {@link #FEW_TOKENS} counts: with an engine, unless attention is llama.cpp's. */
    private final boolean sparing;
    /** Whether the last batch had so few tokens. */
    private boolean few;

    private LlamaContext(LlamaModel model, ContextOptions options, MemorySegment context, EngineBridge.ContextLink link,
            Arena arena) {
        this.model = model;
        this.context = context;
        this.link = link;
        this.arena = arena;
        memory = LlamaCpp.llama_get_memory(context);
        contextSize = LlamaCpp.llama_n_ctx(context);
        sequenceSize = LlamaCpp.llama_n_ctx_seq(context);
        batchSize = LlamaCpp.llama_n_batch(context);
        maxSequences = LlamaCpp.llama_n_seq_max(context);
        vocabularySize = LlamaCpp.llama_vocab_n_tokens(model.vocabularySegment());
        embeddingLength = LlamaCpp.llama_model_n_embd_out(model.segment());
        layers = LlamaCpp.llama_model_n_layer(model.segment());
        embeddings = options.embeddings();
        int poolingType = LlamaCpp.llama_pooling_type(context);
        pooling = Arrays.stream(Pooling.values()).filter(p -> p.nativeValue() == poolingType).findFirst().orElse(Pooling.MODEL);
        // llama.cpp asserts it of encoders and of attention that looks ahead
        atOnce = memory.address() == 0 || !model.attendsCausally() ? LlamaCpp.llama_n_ubatch(context) : 0;
        sparing = link != null && options.flashAttention() != FlashAttention.OFF;
        threads = options.threads();
        batchThreads = options.batchThreads();
        pools = ThreadPools.attach(context, cpuThreads(threads), cpuBatchThreads(batchThreads), poll());
        cancelled = arena.allocate(2);
        LlamaCpp.llama_set_abort_callback(context, STRLEN, cancelled);
        tokens = arena.allocate(ValueLayout.JAVA_INT, batchSize);
        tokenBatch = llama_batch.allocate(arena);
        llama_batch.token(tokenBatch, tokens);
        leak = Leak.watch(this, toString());
    }

    /** @param watcher a {@code ggml_backend_sched_eval_callback} that is told of each node computed, or null */
    static LlamaContext create(LlamaModel model, ContextOptions options, EngineBridge bridge, MemorySegment watcher) {
        // llama.cpp asserts it
        if (options.batchSize() < options.maxSequences()) {
            throw new LlamaException("a batch of " + options.batchSize() + " tokens has no room for one of each of "
                    + options.maxSequences() + " sequences; ask for a larger batch size or fewer sequences");
        }
        Arena arena = Arena.ofShared();
        MemorySegment context = MemorySegment.NULL;
        boolean done = false;
        try {
            // an arena that is closed would refuse to be when a call into llama.cpp does not return
            MemorySegment params = LlamaCpp.llama_context_default_params(Arena.ofAuto());
            llama_context_params.n_ctx(params, options.contextSize());
            llama_context_params.n_batch(params, options.batchSize());
            llama_context_params.n_ubatch(params, Math.min(options.ubatchSize(), options.batchSize()));
            llama_context_params.n_seq_max(params, options.maxSequences());
            llama_context_params.n_threads(params, bridge == null ? options.threads() : 1);
            llama_context_params.n_threads_batch(params, options.batchThreads());
            llama_context_params.flash_attn_type(params, options.flashAttention().nativeValue());
            llama_context_params.type_k(params, options.keyType().id());
            llama_context_params.type_v(params, options.valueType().id());
            llama_context_params.embeddings(params, options.embeddings());
            llama_context_params.pooling_type(params, options.pooling().nativeValue());
            llama_context_params.offload_kqv(params, false);
            llama_context_params.op_offload(params, false);
            llama_context_params.no_perf(params, true);
            llama_context_params.cb_eval(params, watcher);
            NativeLog.clearErrors();
            EngineBridge.ContextLink link = null;
            // llama.cpp builds its graphs here, so what it asserts of a model beyond its loading fails here
            Supplier<MemorySegment> create = () -> LlamaCpp.llama_init_from_model(model.segment(), params);
            if (bridge == null) {
                context = NativeGuard.call("context", create);
            } else {
                link = NativeGuard.call("context",
                        () -> bridge.createContext(options.threads(), options.batchThreads(), create));
                context = link.context();
            }
            Optional<Throwable> failure = link == null ? Optional.empty() : link.takeFailure();
            if (context.address() == 0 || failure.isPresent()) {
                throw creationFailure(model, failure);
            }
            setAdapters(model, context, arena);
            LlamaContext made = new LlamaContext(model, options, context, link, arena);
            done = true;
            return made;
        } catch (NativeGuard.GaveUpException e) {
            throw new LlamaException("no context can be made for " + model.file().getFileName() + ": " + e.getMessage(), e);
        } finally {
            if (!done) {
                if (context.address() != 0) {
                    LlamaCpp.llama_free(context);
                }
                arena.close();
            }
        }
    }

    private static void setAdapters(LlamaModel model, MemorySegment context, Arena arena) {
        int count = model.adapterSegments().size();
        if (count > 0) {
            MemorySegment adapters = arena.allocate(ValueLayout.ADDRESS, count);
            MemorySegment scales = arena.allocate(ValueLayout.JAVA_FLOAT, count);
            for (int i = 0; i < count; i++) {
                adapters.setAtIndex(ValueLayout.ADDRESS, i, model.adapterSegments().get(i));
                scales.setAtIndex(ValueLayout.JAVA_FLOAT, i, model.loras().get(i).scale());
            }
            LlamaCpp.llama_set_adapters_lora(context, adapters, count, scales);
        }
    }

    private static LlamaException creationFailure(LlamaModel model, Optional<Throwable> failure) {
        List<String> errors = NativeLog.errors();
        String reason = failure.map(Throwable::toString)
                .orElseGet(() -> errors.isEmpty() ? "llama.cpp gave no reason" : errors.getFirst());
        return new LlamaException("no context can be made for " + model.file().getFileName() + ": " + reason,
                failure.orElse(null));
    }

    /** Threads of llama.cpp's own pool for single tokens: the light operations beside an engine run on the caller alone. */
    private int cpuThreads(int wanted) {
        return link == null ? wanted : 1;
    }

    /**
     * The same for batches: beside an engine not more than processors, since llama.cpp's threads spin at barriers and wait for
     * one that does not run, 0.3 seconds a token with 16 threads on two cores.
     */
    private int cpuBatchThreads(int wanted) {
        return link == null ? wanted : Math.min(wanted, Runtime.getRuntime().availableProcessors());
    }

    private int poll() {
        return link == null ? ThreadPools.POLL_LLAMA_CPP : POLL_ENGINE;
    }

    /** The model this context was made from. */
    public LlamaModel model() {
        return model;
    }

    /** Tokens that all sequences together can hold. */
    public int contextSize() {
        return contextSize;
    }

    /** Tokens that one sequence can hold. */
    public int sequenceSize() {
        return sequenceSize;
    }

    /** Tokens that {@link #decode(Batch)} takes at once. */
    public int batchSize() {
        return batchSize;
    }

    /** Number of independent sequences. */
    public int maxSequences() {
        return maxSequences;
    }

    /** The position that the next token of a sequence gets, which is the number of tokens decoded so far. */
    public int position(int sequence) {
        enter();
        try {
            return nextPosition(checkSequence(sequence));
        } finally {
            exit();
        }
    }

    private int nextPosition(int sequence) {
        return LlamaCpp.llama_memory_seq_pos_max(memory, sequence) + 1;
    }

    /**
     * Appends a token to sequence 0, as {@link #decode(int...)}, and allocates nothing.
     *
     * @throws DecodeException if the context is full, the call was cancelled, or the computation failed
     */
    public void decode(int token) {
        enter();
        try {
            checkToken(token);
            int position = nextPosition(0);
            if (position >= sequenceSize) {
                throw full(1, 0, position);
            }
            tokens.set(ValueLayout.JAVA_INT, 0, token);
            llama_batch.n_tokens(tokenBatch, 1);
            run(tokenBatch);
        } finally {
            exit();
        }
    }

    /**
     * Appends tokens to sequence 0. Afterwards {@link #logits(int) logits(-1)} are those of the last token.
     *
     * @throws DecodeException if the context is full, the call was cancelled, or the computation failed
     */
    public void decode(int... newTokens) {
        enter();
        try {
            if (newTokens.length == 0) {
                throw new DecodeException(Reason.INVALID_BATCH, "there are no tokens to decode");
            }
            checkTokens(newTokens);
            int position = nextPosition(0);
            if (newTokens.length > sequenceSize - position) {
                throw full(newTokens.length, 0, position);
            }
            for (int from = 0; from < newTokens.length; from += batchSize) {
                int count = Math.min(batchSize, newTokens.length - from);
                MemorySegment.copy(newTokens, from, tokens, ValueLayout.JAVA_INT, 0, count);
                llama_batch.n_tokens(tokenBatch, count);
                run(tokenBatch);
            }
        } finally {
            exit();
        }
    }

    /**
     * Decodes a batch; logits are those of the tokens that want them, by their index in the batch.
     *
     * @throws DecodeException if the batch is not valid or too large, the context is full, the call was cancelled, or the
     *                         computation failed
     */
    public void decode(Batch batch) {
        enter();
        try {
            MemorySegment segment = batch.segment();
            checkBatch(batch);
            run(segment);
        } finally {
            exit();
        }
    }

    private void checkBatch(Batch batch) {
        if (batch.size() == 0) {
            throw new DecodeException(Reason.INVALID_BATCH, "there are no tokens to decode");
        }
        if (batch.size() > batchSize) {
            throw new DecodeException(Reason.INVALID_BATCH,
                    "the batch has " + batch.size() + " tokens and the context takes " + batchSize + " at once");
        }
        for (int i = 0; i < batch.size(); i++) {
            checkToken(batch.token(i));
            int sequence = batch.sequence(i);
            if (sequence < 0 || sequence >= maxSequences) {
                throw new DecodeException(Reason.INVALID_BATCH, noSequence(sequence));
            }
            if (batch.position(i) < 0) {
                throw new DecodeException(Reason.INVALID_BATCH, "position " + batch.position(i) + " is negative");
            }
            if (batch.position(i) >= sequenceSize) {
                throw full(1, sequence, batch.position(i));
            }
        }
    }

    /** @throws DecodeException if one of the tokens is none of the vocabulary */
    void checkTokens(int[] wanted) {
        for (int token : wanted) {
            checkToken(token);
        }
    }

    private void checkToken(int token) {
        if (token < 0 || token >= vocabularySize) {
            throw new DecodeException(Reason.INVALID_BATCH,
                    "token " + token + " is outside of the vocabulary of " + vocabularySize + " tokens");
        }
    }

    private DecodeException full(int count, int sequence, int position) {
        return new DecodeException(Reason.CONTEXT_FULL, count + (count == 1 ? " token does" : " tokens do")
                + " not fit: sequence " + sequence + " can hold " + sequenceSize + " tokens and is at " + position
                + "; shorten the text or ask for a larger context");
    }

    private void run(MemorySegment batch) {
        restoredLogits = null;
        decoded = false;
        truncated = false;
        if (atOnce > 0 && llama_batch.n_tokens(batch) > atOnce) {
            throw new DecodeException(Reason.INVALID_BATCH, model.file().getFileName() + " reads whole texts, and "
                    + llama_batch.n_tokens(batch) + " tokens are more than the context computes at once, " + atOnce
                    + "; shorten the text or ask for a larger batch and ubatch size");
        }
        int count = llama_batch.n_tokens(batch);
        if (sparing && count > 1 && few != (count <= FEW_TOKENS)) {
            few = !few;
            applyThreads();
        }
        NativeLog.clearErrors();
        int status = proven ? LlamaCpp.llama_decode(context, batch) : firstDecode(batch);
        if (status != 0) {
            throw failure(status);
        }
        decoded = true;
    }

    /** What llama.cpp asserts of a model when it computes fails in the first decode, if it does at all. */
    private int firstDecode(MemorySegment batch) {
        try {
            int status = NativeGuard.call("decode", () -> LlamaCpp.llama_decode(context, batch));
            proven = status == 0;
            return status;
        } catch (NativeGuard.GaveUpException e) {
            abandoned = true;
            throw new DecodeException(Reason.FAILED, "llama.cpp cannot compute with " + model.file().getFileName() + ": "
                    + e.getMessage() + "; close the context", e);
        }
    }

    private DecodeException failure(int status) {
        Throwable cause = link == null ? null : link.takeFailure().orElse(null);
        if (cause != null) {
            return new DecodeException(cause instanceof OutOfMemoryError ? Reason.OUT_OF_MEMORY : Reason.FAILED,
                    "the engine " + model.engine() + " failed: " + (cause.getMessage() == null ? cause : cause.getMessage()),
                    cause);
        }
        // the values are documented at llama_decode in llama.h
        return switch (status) {
            case 1 -> new DecodeException(Reason.CONTEXT_FULL, "the batch does not fit: the context of " + contextSize
                    + " tokens is full; make it larger or remove tokens");
            case 2 -> new DecodeException(Reason.CANCELLED, "the call was cancelled");
            case -1 -> new DecodeException(Reason.INVALID_BATCH, "llama.cpp does not accept the batch" + lastError());
            case -2 -> new DecodeException(Reason.OUT_OF_MEMORY, "memory for the batch cannot be allocated" + lastError());
            default -> new DecodeException(Reason.FAILED, "llama.cpp failed with status " + status + lastError());
        };
    }

    private static String lastError() {
        List<String> errors = NativeLog.errors();
        return errors.isEmpty() ? "" : ": " + errors.getLast();
    }

    /** The logits of one token as a new array; see {@link #copyLogits}. */
    public float[] logits(int index) {
        float[] logits = new float[vocabularySize];
        copyLogits(index, logits);
        return logits;
    }

    /**
     * Copies the logits of one token.
     *
     * @param index index of the token in the last batch, or -1 for the last token with logits, -2 for that before it
     * @param into  takes one float a token of the vocabulary
     * @throws IllegalArgumentException if there are no such logits
     */
    public void copyLogits(int index, float[] into) {
        if (into.length < vocabularySize) {
            throw new IllegalArgumentException("the array holds " + into.length + " floats and the vocabulary has "
                    + vocabularySize + " tokens");
        }
        enter();
        try {
            MemorySegment.copy(OffHeap.ALL, ValueLayout.JAVA_FLOAT, logitsAddress(index), into, 0, vocabularySize);
        } finally {
            exit();
        }
    }

    /**
     * Natural logarithms of the probabilities of all tokens to follow one.
     *
     * @param index as of {@link #copyLogits}
     * @return one float a token of the vocabulary
     * @throws IllegalArgumentException if there are no logits for that token
     */
    public float[] logProbabilities(int index) {
        float[] values = logits(index);
        double greatest = Double.NEGATIVE_INFINITY;
        for (float value : values) {
            greatest = Math.max(greatest, value);
        }
        double sum = 0;
        for (float value : values) {
            sum += Math.exp(value - greatest);
        }
        double log = greatest + Math.log(sum);
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (values[i] - log);
        }
        return values;
    }

    /** The address of the logits of a token, one float a token of the vocabulary; the caller has {@link #enter() entered}. */
    long logitsAddress(int index) {
        if (restoredLogits != null && index == -1) {
            return restoredLogits.address();
        }
        // llama.cpp would still give the logits of what was cleared or replaced
        long logits = decoded ? nativeLogits(index) : 0;
        if (logits == 0) {
            throw new IllegalArgumentException("there are no logits for index " + index
                    + ": decode first, and ask for the logits of that token");
        }
        return logits;
    }

    private long nativeLogits(int index) {
        try {
            return (long) LOGITS.invokeExact(context.address(), index);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    /** Tokens of the vocabulary, and so logits of a token. */
    int vocabularySize() {
        return vocabularySize;
    }

    /**
     * The embedding of one token of the last batch; the context must have been made with
     * {@link ContextOptions#embeddings()}.
     *
     * @throws IllegalStateException    if the context computes none
     * @throws IllegalArgumentException if there is none for that token
     */
    public float[] embeddings(int index) {
        enter();
        try {
            if (!embeddings) {
                throw new IllegalStateException(
                        "the context computes no embeddings; make it with ContextOptions.withEmbeddings(true)");
            }
            if (pooling != Pooling.NONE) {
                throw new IllegalStateException("the context has one embedding for a whole text (" + pooling
                        + "), not one for each token; make it with ContextOptions.withPooling(Pooling.NONE), or use an Embedder");
            }
            MemorySegment embedding = decoded ? LlamaCpp.llama_get_embeddings_ith(context, index) : MemorySegment.NULL;
            if (embedding.address() == 0) {
                throw new IllegalArgumentException("there is no embedding for index " + index + ": decode first");
            }
            return embedding.reinterpret((long) embeddingLength * Float.BYTES).toArray(ValueLayout.JAVA_FLOAT);
        } finally {
            exit();
        }
    }

    /** How the embeddings of a sequence become one. */
    Pooling pooling() {
        return pooling;
    }

    /** Floats of an embedding. */
    int embeddingLength() {
        return embeddingLength;
    }

    /** The embedding of a whole text; what was in memory is forgotten. The context pools. */
    float[] pooled(int[] text) {
        enter();
        try {
            if (text.length > batchSize) {
                throw full(text.length, 0, 0);
            }
            forget();
            MemorySegment.copy(text, 0, tokens, ValueLayout.JAVA_INT, 0, text.length);
            llama_batch.n_tokens(tokenBatch, text.length);
            run(tokenBatch);
            MemorySegment embedding = LlamaCpp.llama_get_embeddings_seq(context, 0);
            if (embedding.address() == 0) {
                throw new LlamaException(model.file().getFileName() + " gives no embedding of a whole text");
            }
            return embedding.reinterpret((long) embeddingLength * Float.BYTES).toArray(ValueLayout.JAVA_FLOAT);
        } finally {
            exit();
        }
    }

    /**
     * Tells which pieces of its graphs the engine computes while {@code decodes} runs, in order; none where llama.cpp computes
     * alone. Costs some hundred nanoseconds a piece.
     *
     * @param decodes calls of this context, made on the same thread
     */
    public List<GraphPiece> watch(Runnable decodes) {
        List<GraphPiece> pieces = new ArrayList<>();
        if (link != null) {
            link.watch(pieces);
        }
        try {
            decodes.run();
        } finally {
            if (link != null) {
                link.watch(null);
            }
        }
        return List.copyOf(pieces);
    }

    /** Forgets all sequences. */
    public void clear() {
        enter();
        try {
            forget();
        } finally {
            exit();
        }
    }

    private void forget() {
        if (memory.address() != 0) {
            LlamaCpp.llama_memory_clear(memory, true);
        }
        restoredLogits = null;
        decoded = false;
        truncated = false;
    }

    /**
     * Forgets the tokens of a sequence from a position on.
     *
     * @throws LlamaException if the model's memory cannot forget a part, e.g. a recurrent one
     */
    public void truncate(int sequence, int fromPosition) {
        enter();
        try {
            if (fromPosition < 0) {
                throw new IllegalArgumentException("position " + fromPosition + " is negative");
            }
            if (!LlamaCpp.llama_memory_seq_rm(memory, checkSequence(sequence), fromPosition, -1)) {
                throw new LlamaException("the memory of " + model.file().getFileName() + " cannot forget a part of a sequence");
            }
            truncated = true;
        } finally {
            exit();
        }
    }

    /** Makes sequence {@code to} a copy of sequence {@code from}. */
    public void copySequence(int from, int to) {
        enter();
        try {
            checkSequence(from);
            checkSequence(to);
            if (from != to) {
                LlamaCpp.llama_memory_seq_rm(memory, to, -1, -1);
                LlamaCpp.llama_memory_seq_cp(memory, from, to, -1, -1);
            }
        } finally {
            exit();
        }
    }

    private int checkSequence(int sequence) {
        if (sequence < 0 || sequence >= maxSequences) {
            throw new IllegalArgumentException(noSequence(sequence));
        }
        return sequence;
    }

    private String noSequence(int sequence) {
        return "there is no sequence " + sequence + ": the context was made for " + maxSequences;
    }

    /**
     * The sequences and the last logits, to be restored in a context of the same model file, on whatever engine.
     *
     * @throws LlamaException if the state is larger than an array can be; save it to a file then
     */
    public byte[] saveState() {
        try (Arena memory = Arena.ofConfined()) {
            MemorySegment state = state(memory);
            if (state.byteSize() > Integer.MAX_VALUE - Long.BYTES) {
                throw new LlamaException("the state has " + state.byteSize()
                        + " bytes, more than an array can hold; save it to a file");
            }
            return state.toArray(ValueLayout.JAVA_BYTE);
        }
    }

    /**
     * Replaces all sequences by a saved state; {@link #logits logits(-1)} are those of its last token.
     *
     * @throws LlamaException if the state is damaged, of another model, or does not fit; the context is empty then
     */
    public void restoreState(byte[] state) {
        try (Arena memory = Arena.ofConfined()) {
            restore(memory.allocate(Math.max(1, state.length), Long.BYTES).copyFrom(MemorySegment.ofArray(state))
                    .asSlice(0, state.length));
        }
    }

    /** {@link #saveState()} into a file, which is there whole or not at all. */
    public void saveState(Path file) {
        try (Arena memory = Arena.ofConfined()) {
            StateFile.write(file, state(memory));
        }
    }

    /** {@link #restoreState(byte[])} from a file. */
    public void restoreState(Path file) {
        try (Arena memory = Arena.ofConfined()) {
            restore(StateFile.read(file, memory));
        }
    }

    /**
     * Gives the state to another context, whatever its size.
     *
     * @throws LlamaException if that context is of another model, or it does not fit; that context is empty then
     */
    void copyStateTo(LlamaContext other) {
        try (Arena memory = Arena.ofConfined()) {
            other.restore(state(memory));
        }
    }

    private MemorySegment state(Arena arena) {
        enter();
        try {
            long size = LlamaCpp.llama_state_get_size(context);
            MemorySegment logits = truncated ? MemorySegment.NULL
                    : restoredLogits != null ? restoredLogits : decoded ? lastLogits() : MemorySegment.NULL;
            MemorySegment state = StateFile.allocate(arena, vocabularySize, layers, embeddingLength, logits, size);
            MemorySegment body = StateFile.body(state);
            if (size == 0 || LlamaCpp.llama_state_get_data(context, body, size) != size) {
                throw new LlamaException("llama.cpp cannot save the state" + lastError());
            }
            return StateFile.seal(state);
        } finally {
            exit();
        }
    }

    private MemorySegment lastLogits() {
        long logits = nativeLogits(-1);
        return logits == 0 ? MemorySegment.NULL
                : MemorySegment.ofAddress(logits).reinterpret((long) vocabularySize * Float.BYTES);
    }

    private void restore(MemorySegment state) {
        StateFile.check(state, vocabularySize, layers, embeddingLength);
        enter();
        try {
            forget();
            NativeLog.clearErrors();
            MemorySegment body = StateFile.body(state);
            if (LlamaCpp.llama_state_set_data(context, body, body.byteSize()) != body.byteSize()) {
                String error = lastError();
                forget();
                throw new LlamaException("the state does not fit a context of " + contextSize + " tokens of "
                        + model.file().getFileName() + error);
            }
            MemorySegment logits = StateFile.logits(state);
            if (logits.byteSize() > 0) {
                if (logitsCopy == null) {
                    logitsCopy = arena.allocate(ValueLayout.JAVA_FLOAT, vocabularySize);
                }
                restoredLogits = logitsCopy.copyFrom(logits);
            }
        } finally {
            exit();
        }
    }

    /** Threads used for single tokens. */
    public int threads() {
        return threads;
    }

    /** Threads used for prompts and batches. */
    public int batchThreads() {
        return batchThreads;
    }

    /** Changes the number of threads for single tokens and for batches. */
    public void threads(int decode, int batch) {
        ContextOptions.checkThreads("threads", decode);
        ContextOptions.checkThreads("batch threads", batch);
        enter();
        try {
            threads = decode;
            batchThreads = batch;
            applyThreads();
            if (link != null) {
                link.threads(decode, batch);
            }
        } finally {
            exit();
        }
    }

    private void applyThreads() {
        int decode = cpuThreads(threads);
        int batch = few ? 1 : cpuBatchThreads(batchThreads);
        pools.resize(decode, batch);
        LlamaCpp.llama_set_n_threads(context, decode, batch);
    }

    /** Ends a decode under way in another thread, which gets a {@link DecodeException}; does nothing if there is none. */
    public void cancel() {
        synchronized (cancelled) {
            if (!closed && !user.isFree()) {
                FLAG.setVolatile(cancelled, 0L, (byte) 1);
            }
        }
    }

    public boolean isClosed() {
        return closed;
    }

    /** Frees the context; a decode under way in another thread is cancelled and waited for. */
    @Override
    public void close() {
        if (user.isMine()) {
            throw new IllegalStateException("the context cannot be closed from inside of one of its own calls");
        }
        while (!closed) {
            cancel();
            if (user.tryEnter()) {
                try {
                    free();
                } finally {
                    user.exit();
                }
            } else {
                LockSupport.parkNanos(100_000);
            }
        }
    }

    private void free() {
        synchronized (cancelled) {
            if (closed) {
                return;
            }
            closed = true;
        }
        leak.closed();
        if (!abandoned) {
            pools.close();
            LlamaCpp.llama_free(context);
            arena.close();
            model.release();
        }
    }

    /** Lets the current thread in, alone. */
    void enter() {
        if (!user.tryEnter()) {
            checkOpen();
            user.enter();
        }
        if (closed) {
            user.exit();
            checkOpen();
        }
        if (abandoned) {
            user.exit();
            throw new IllegalStateException("llama.cpp gave up in this context; close it");
        }
        FLAG.setVolatile(cancelled, 0L, (byte) 0);
    }

    void exit() {
        user.exit();
    }

    private void checkOpen() {
        if (closed) {
            throw new IllegalStateException("the context is closed");
        }
    }

    @Override
    public String toString() {
        return "context of " + contextSize + " tokens of " + model + (closed ? " (closed)" : "");
    }
}
