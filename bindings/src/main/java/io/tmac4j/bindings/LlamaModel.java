package io.tmac4j.bindings;

import io.tmac4j.bindings.generated.LlamaCpp;
import io.tmac4j.bindings.generated.llama_model_params;
import io.tmac4j.bindings.ggml.EngineBridge;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.ref.Reference;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Supplier;

/**
 * A GGUF model in memory, on the engine it was loaded for. Safe for use by several threads; contexts made from it are not.
 *
 * <p>Closing a model that still has contexts is allowed: its memory goes when the last of them is closed.
 */
public final class LlamaModel implements AutoCloseable {

    /** Architectures for which llama.cpp sets {@code causal_attn} to false by itself. */
    private static final Set<String> LOOKING_AHEAD = Set.of("dream", "gemma-embedding", "llada", "llada-moe", "rnd1");

    private final Path file;
    private final ModelOptions options;
    private final MemorySegment model;
    private final MemorySegment vocabulary;
    private final EngineBridge bridge;
    private final RefCounted life;
    private final Leak leak;
    /** The {@code llama_adapter_lora}s in the order of {@link ModelOptions#loras()}; llama.cpp frees them with the model. */
    private final List<MemorySegment> adapters = new ArrayList<>();
    private TextGuard textGuard;

    private LlamaModel(Path file, ModelOptions options, MemorySegment model, EngineBridge bridge) {
        this.file = file;
        this.options = options;
        this.model = model;
        this.vocabulary = LlamaCpp.llama_model_get_vocab(model);
        this.bridge = bridge;
        this.life = new RefCounted("model", () -> LlamaCpp.llama_model_free(model));
        this.leak = Leak.watch(this, "the model " + file);
    }

    /** Loads a model with {@link ModelOptions#defaults()}. */
    public static LlamaModel load(Path file) {
        return load(file, ModelOptions.defaults());
    }

    /**
     * Loads a model.
     *
     * @throws ModelLoadException     if the file is no model that llama.cpp or the engine can load
     * @throws LoraException          if an adapter cannot be read or is for another model
     * @throws NativeLibraryException if llama.cpp itself cannot be loaded
     */
    public static LlamaModel load(Path file, ModelOptions options) {
        Objects.requireNonNull(file, "file");
        Objects.requireNonNull(options, "options");
        LlamaCppLibrary.load();
        try {
            // llama.cpp ends the process on some malformed files, so they must not reach it
            GgufFile content = GgufFile.read(file);
            ModelCheck.check(content, options.vocabularyOnly());
            options.loras().forEach(lora -> LoraCheck.check(lora, content));
        } catch (GgufException e) {
            throw new ModelLoadException(e.getMessage(), e);
        }
        EngineBridge bridge = null;
        if (!options.engine().isLlamaCpp() && !options.vocabularyOnly()) {
            try {
                bridge = EngineBridge.open(options.engine(), file);
            } catch (IllegalStateException e) {
                throw new ModelLoadException(file + " cannot be loaded on the engine " + options.engine() + ": " + e.getMessage(),
                        e);
            }
        }
        return load(file, options, bridge);
    }

    private static LlamaModel load(Path file, ModelOptions options, EngineBridge bridge) {
        Throwable[] stopped = new Throwable[1];
        // used on another thread, and to be left alone by a call that does not return
        Arena arena = Arena.ofAuto();
        try {
            MemorySegment params = LlamaCpp.llama_model_default_params(arena);
            // an empty list keeps GPUs and other devices out, so that the comparison is one of processors
            llama_model_params.devices(params, arena.allocate(ValueLayout.ADDRESS));
            llama_model_params.n_gpu_layers(params, 0);
            llama_model_params.load_mode(params,
                    options.mmap() ? LlamaCpp.LLAMA_LOAD_MODE_MMAP() : LlamaCpp.LLAMA_LOAD_MODE_NONE());
            llama_model_params.vocab_only(params, options.vocabularyOnly());
            llama_model_params.check_tensors(params, options.checkTensors());
            llama_model_params.progress_callback(params, llama_model_params.progress_callback.allocate((part, data) -> {
                // An exception that leaves an upcall ends the VM
                try {
                    options.progress().accept(part);
                    return bridge == null || !bridge.hasFailed();
                } catch (Throwable e) {
                    stopped[0] = e;
                    return false;
                }
            }, arena));
            if (bridge != null) {
                llama_model_params.tensor_buft_overrides(params, bridge.overrides(arena));
                // repacked weights would be llama.cpp's own kernels' again
                llama_model_params.use_extra_bufts(params, false);
            }
            NativeLog.clearErrors();
            MemorySegment path = arena.allocateFrom(file.toString());
            Supplier<MemorySegment> load = () -> LlamaCpp.llama_model_load_from_file(path, params);
            MemorySegment model = NativeGuard.call("loader", bridge == null ? load : () -> bridge.load(load));
            Optional<Throwable> failure = bridge == null ? Optional.empty() : bridge.loadFailure();
            if (model.address() == 0 || failure.isPresent()) {
                if (model.address() != 0) {
                    LlamaCpp.llama_model_free(model);
                }
                throw loadFailure(file, options, stopped[0], failure);
            }
            LlamaModel loaded = new LlamaModel(file, options, model, bridge);
            boolean done = false;
            try {
                loaded.loadAdapters();
                done = true;
                return loaded;
            } finally {
                if (!done) {
                    loaded.close();
                }
            }
        } catch (NativeGuard.GaveUpException e) {
            throw new ModelLoadException("llama.cpp cannot load " + file + ": " + e.getMessage(), e);
        } finally {
            Reference.reachabilityFence(arena);
        }
    }

    private void loadAdapters() {
        if (options.vocabularyOnly()) {
            return;
        }
        for (LoraAdapter lora : options.loras()) {
            NativeLog.clearErrors();
            Arena arena = Arena.ofAuto();
            try {
                MemorySegment path = arena.allocateFrom(lora.file().toString());
                Supplier<MemorySegment> load = () -> LlamaCpp.llama_adapter_lora_init(model, path);
                MemorySegment adapter = NativeGuard.call("adapter", bridge == null ? load : () -> bridge.adapt(load));
                if (adapter.address() == 0) {
                    List<String> errors = NativeLog.errors();
                    throw new LoraException("llama.cpp cannot load the LoRA adapter " + lora.file() + ": "
                            + (errors.isEmpty() ? "it gave no reason" : errors.getFirst()));
                }
                adapters.add(adapter);
            } catch (NativeGuard.GaveUpException e) {
                throw new LoraException("llama.cpp cannot load the LoRA adapter " + lora.file() + ": " + e.getMessage(), e);
            } finally {
                Reference.reachabilityFence(arena);
            }
        }
    }

    private static RuntimeException loadFailure(Path file, ModelOptions options, Throwable stopped, Optional<Throwable> failure) {
        if (stopped instanceof RuntimeException e) {
            return e;
        }
        if (stopped != null) {
            return new ModelLoadException("loading " + file + " was stopped by " + stopped, stopped);
        }
        if (failure.isPresent()) {
            Throwable cause = failure.get();
            return new ModelLoadException(file + " cannot be loaded on the engine " + options.engine() + ": "
                    + (cause.getMessage() == null ? cause.toString() : cause.getMessage()), cause);
        }
        List<String> errors = NativeLog.errors();
        // the last line only repeats that loading failed
        String reason = errors.stream().filter(line -> line.startsWith("error loading model: ")).findFirst()
                .map(line -> line.substring("error loading model: ".length()))
                .orElseGet(() -> errors.isEmpty() ? "llama.cpp gave no reason" : errors.getFirst());
        return new ModelLoadException("llama.cpp cannot load " + file + ": " + reason);
    }

    /** The file this model was loaded from. */
    public Path file() {
        return file;
    }

    /** The engine that computes its matrix products. */
    public Engine engine() {
        return options.engine();
    }

    /** The adapters that were loaded with it. */
    public List<LoraAdapter> loras() {
        return options.loras();
    }

    /** How it was loaded. */
    ModelOptions options() {
        return options;
    }

    /** The {@code llama_adapter_lora}s in the order of {@link #loras()}; they live as long as the model. */
    List<MemorySegment> adapterSegments() {
        return adapters;
    }

    /** llama.cpp's line about architecture, size and type, e.g. {@code llama 1B Q2_K - Medium}. */
    public String description() {
        return use(() -> string((buffer, size) -> LlamaCpp.llama_model_desc(model, buffer, size)).orElse(""));
    }

    /** The storage type of most weights, e.g. {@code Q2_K - Medium}. */
    public String typeName() {
        return use(() -> LlamaCpp.llama_ftype_name(LlamaCpp.llama_model_ftype(model)).getString(0));
    }

    /** Bytes of all weights in the file's types. */
    public long sizeBytes() {
        return use(() -> LlamaCpp.llama_model_size(model));
    }

    /** Number of weights. */
    public long parameterCount() {
        return use(() -> LlamaCpp.llama_model_n_params(model));
    }

    /** Tokens in the vocabulary; every token is at least 0 and below this. */
    public int vocabularySize() {
        return use(() -> LlamaCpp.llama_vocab_n_tokens(vocabulary));
    }

    /** The context size that the model was trained for. */
    public int trainedContext() {
        return use(() -> LlamaCpp.llama_model_n_ctx_train(model));
    }

    /** Floats in the embedding of one token. */
    public int embeddingLength() {
        return use(() -> LlamaCpp.llama_model_n_embd(model));
    }

    /** Number of layers. */
    public int layerCount() {
        return use(() -> LlamaCpp.llama_model_n_layer(model));
    }

    /** The scalar values of the file's metadata as text, in the order of llama.cpp. */
    public Map<String, String> metadata() {
        return use(() -> {
            Map<String, String> map = new LinkedHashMap<>();
            int count = LlamaCpp.llama_model_meta_count(model);
            for (int i = 0; i < count; i++) {
                int index = i;
                String key = string((buffer, size) -> LlamaCpp.llama_model_meta_key_by_index(model, index, buffer, size))
                        .orElse("");
                map.put(key, string((buffer, size) -> LlamaCpp.llama_model_meta_val_str_by_index(model, index, buffer, size))
                        .orElse(""));
            }
            return Collections.unmodifiableMap(map);
        });
    }

    /** The model's chat template, if it has one. */
    public Optional<String> chatTemplate() {
        return use(() -> {
            MemorySegment template = LlamaCpp.llama_model_chat_template(model, MemorySegment.NULL);
            return template.address() == 0 ? Optional.empty() : Optional.of(template.getString(0));
        });
    }

    /**
     * The tokens of a text.
     *
     * @param addSpecial   put the begin and end tokens around it where the model wants them
     * @param parseSpecial take the names of special tokens in the text for these tokens
     * @throws LlamaException if the vocabulary lacks a character
     */
    public int[] tokenize(String text, boolean addSpecial, boolean parseSpecial) {
        return tokenize(text.getBytes(StandardCharsets.UTF_8), addSpecial, parseSpecial);
    }

    /**
     * Tokens of a text given as bytes; else as {@link #tokenize(String, boolean, boolean)}. Bytes that are no UTF-8 are passed on
     * as they are, as far as the tokenizer takes them.
     */
    public int[] tokenize(byte[] bytes, boolean addSpecial, boolean parseSpecial) {
        return use(() -> {
            checkTokenizer();
            checkSpecial(addSpecial);
            TextGuard guard = textGuard();
            guard.check(bytes);
            return guard.withStackFor(bytes, () -> tokenizeHere(bytes, addSpecial, parseSpecial));
        });
    }

    private int[] tokenizeHere(byte[] bytes, boolean addSpecial, boolean parseSpecial) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment input = arena.allocate(bytes.length + 1L);
            MemorySegment.copy(bytes, 0, input, ValueLayout.JAVA_BYTE, 0, bytes.length);
            int capacity = Math.addExact(bytes.length, 8);
            while (true) {
                MemorySegment output = arena.allocate(ValueLayout.JAVA_INT, capacity);
                int count = LlamaCpp.llama_tokenize(vocabulary, input, bytes.length, output, capacity, addSpecial,
                        parseSpecial);
                if (count >= 0) {
                    return output.asSlice(0, (long) count * Integer.BYTES).toArray(ValueLayout.JAVA_INT);
                }
                if (count == Integer.MIN_VALUE || -count <= capacity) {
                    throw new LlamaException("the text of " + bytes.length + " bytes cannot be tokenised by "
                            + file.getFileName());
                }
                capacity = -count;
            }
        }
    }

    /**
     * The text of tokens; bytes that are no UTF-8 become replacement characters.
     *
     * @param removeSpecial   leave out begin and end tokens where tokenising adds them
     * @param unparseSpecial write special tokens by their names
     */
    public String detokenize(int[] tokens, boolean removeSpecial, boolean unparseSpecial) {
        return use(() -> {
            for (int token : tokens) {
                checkToken(token);
            }
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment input = arena.allocate(ValueLayout.JAVA_INT, Math.max(1, tokens.length));
                MemorySegment.copy(tokens, 0, input, ValueLayout.JAVA_INT, 0, tokens.length);
                int capacity = Math.addExact(Math.multiplyExact(tokens.length, 8), 16);
                while (true) {
                    MemorySegment output = arena.allocate(capacity);
                    int count = LlamaCpp.llama_detokenize(vocabulary, input, tokens.length, output, capacity, removeSpecial,
                            unparseSpecial);
                    if (count >= 0) {
                        return new String(output.asSlice(0, count).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
                    }
                    if (-count <= capacity) {
                        throw new LlamaException("the tokens cannot be turned into text by " + file.getFileName());
                    }
                    capacity = -count;
                }
            }
        });
    }

    private synchronized TextGuard textGuard() {
        if (textGuard == null) {
            textGuard = TextGuard.of(vocabulary);
        }
        return textGuard;
    }

    /** The bytes that a token stands for, special tokens included; a character may be spread over several tokens. */
    public byte[] tokenBytes(int token) {
        return use(() -> {
            checkTokenizer();
            checkToken(token);
            try (Arena arena = Arena.ofConfined()) {
                int capacity = 64;
                while (true) {
                    MemorySegment output = arena.allocate(capacity);
                    int count = LlamaCpp.llama_token_to_piece(vocabulary, token, output, capacity, 0, true);
                    if (count >= 0) {
                        return output.asSlice(0, count).toArray(ValueLayout.JAVA_BYTE);
                    }
                    if (-count <= capacity) {
                        throw new LlamaException("token " + token + " has no text in " + file.getFileName());
                    }
                    capacity = -count;
                }
            }
        });
    }

    /** Whether a token ends generation (end of text, of turn, of message). */
    public boolean isEndOfGeneration(int token) {
        return use(() -> {
            checkToken(token);
            return LlamaCpp.llama_vocab_is_eog(vocabulary, token);
        });
    }

    /** The token that begins a text, if there is one. */
    public OptionalInt bosToken() {
        return use(() -> optional(LlamaCpp.llama_vocab_bos(vocabulary)));
    }

    /** The token that ends a text, if there is one. */
    public OptionalInt eosToken() {
        return use(() -> optional(LlamaCpp.llama_vocab_eos(vocabulary)));
    }

    /** Whether tokenising with special tokens puts {@link #bosToken()} first. */
    public boolean addsBos() {
        return use(() -> LlamaCpp.llama_vocab_get_add_bos(vocabulary));
    }

    /**
     * A context to decode in; it keeps this model in memory until it is closed.
     *
     * @throws LlamaException if llama.cpp cannot create it, e.g. for lack of memory
     */
    public LlamaContext newContext(ContextOptions contextOptions) {
        return newContext(contextOptions, MemorySegment.NULL);
    }

    /** The same with a {@code ggml_backend_sched_eval_callback}, which must outlive the context. */
    LlamaContext newContext(ContextOptions contextOptions, MemorySegment watcher) {
        Objects.requireNonNull(contextOptions, "contextOptions");
        life.acquire();
        boolean done = false;
        try {
            if (options.vocabularyOnly()) {
                throw new LlamaException(file.getFileName()
                        + " was loaded for its vocabulary only; it has no weights to decode with");
            }
            if (LlamaCpp.llama_model_has_encoder(model) && LlamaCpp.llama_model_has_decoder(model)) {
                // llama.cpp asserts that its encoder was called first
                throw new LlamaException(file.getFileName()
                        + " has an encoder and a decoder; such models can only be tokenised with");
            }
            LlamaContext context = LlamaContext.create(this, contextOptions, bridge, watcher);
            done = true;
            return context;
        } finally {
            if (!done) {
                life.release();
            }
        }
    }

    /** Who multiplies with which weights. */
    public EngineReport engineReport() {
        return use(() -> bridge != null ? bridge.report()
                : new EngineReport(engine(), LlamaCppLibrary.load().toString(), List.of(), 0));
    }

    public boolean isClosed() {
        return life.isClosed();
    }

    /** Closes the model; its memory goes with its last context. */
    @Override
    public void close() {
        life.close();
        leak.closed();
    }

    /** The {@code llama_model}; valid for a context, which keeps it alive. */
    MemorySegment segment() {
        return model;
    }

    /** The {@code llama_vocab}; valid for a context, which keeps it alive. */
    MemorySegment vocabularySegment() {
        return vocabulary;
    }

    /** Keeps the native model alive until {@link #release()}; called while a context or the owner keeps it alive. */
    void share() {
        life.share();
    }

    void release() {
        life.release();
    }

    /** Whether a token sees those before it only. */
    boolean attendsCausally() {
        Map<String, String> metadata = metadata();
        String architecture = metadata.getOrDefault("general.architecture", "");
        return !LOOKING_AHEAD.contains(architecture) && !"false".equals(metadata.get(architecture + ".attention.causal"));
    }

    /** llama.cpp asserts that there is one. */
    void checkTokenizer() {
        if (LlamaCpp.llama_vocab_type(vocabulary) == LlamaCpp.LLAMA_VOCAB_TYPE_NONE()) {
            throw new LlamaException(file.getFileName() + " has no tokenizer");
        }
    }

    /** llama.cpp asserts that the tokens it is told to add are there. */
    private void checkSpecial(boolean addSpecial) {
        if (addSpecial && (LlamaCpp.llama_vocab_get_add_bos(vocabulary) && LlamaCpp.llama_vocab_bos(vocabulary) < 0
                || LlamaCpp.llama_vocab_get_add_eos(vocabulary) && LlamaCpp.llama_vocab_eos(vocabulary) < 0
                || LlamaCpp.llama_vocab_get_add_sep(vocabulary) && LlamaCpp.llama_vocab_sep(vocabulary) < 0)) {
            throw new LlamaException(file.getFileName() + " wants a begin, end or separator token added and has none");
        }
    }

    private void checkToken(int token) {
        int size = LlamaCpp.llama_vocab_n_tokens(vocabulary);
        if (token < 0 || token >= size) {
            throw new IllegalArgumentException("token " + token + " is outside of the vocabulary of " + size + " tokens");
        }
    }

    private static OptionalInt optional(int token) {
        return token == LlamaCpp.LLAMA_TOKEN_NULL() ? OptionalInt.empty() : OptionalInt.of(token);
    }

    private <T> T use(Supplier<T> action) {
        life.acquire();
        try {
            return action.get();
        } finally {
            life.release();
        }
    }

    /** A function that writes a string with a zero at its end and returns its whole length, or a negative number. */
    private interface StringFunction {
        int write(MemorySegment buffer, long size);
    }

    private static Optional<String> string(StringFunction function) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(256);
            int length = function.write(buffer, buffer.byteSize());
            if (length >= buffer.byteSize()) {
                buffer = arena.allocate(length + 1L);
                length = function.write(buffer, buffer.byteSize());
            }
            return length < 0 ? Optional.empty() : Optional.of(buffer.getString(0));
        }
    }

    @Override
    public String toString() {
        return file.getFileName() + " on " + engine() + (isClosed() ? " (closed)" : "");
    }
}
