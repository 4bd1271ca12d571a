package io.tmac4j.comparison.synth;

import io.tmac4j.bindings.CacheFolder;
import io.tmac4j.bindings.GgmlType;
import io.tmac4j.comparison.Failure;
import io.tmac4j.comparison.synth.ModelShape.Architecture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * A model of random weights in the shape of a real one: its rates are those of the real model, its text is none. Weights are
 * scaled so that activations keep order one from layer to layer, and the same seed gives the same file on every platform.
 */
public final class SyntheticModel {

    /** The seed unless another is asked for. */
    public static final long DEFAULT_SEED = 42;

    /** Counts the changes to what a seed gives, so that a cached model of an older program is not taken for the same. */
    private static final int RECIPE = 1;
    /** Of llama.cpp: {@code LLAMA_MAX_LAYERS}. */
    private static final int MOST_LAYERS = 512;
    /** Well above every real vocabulary; keeps the tokenizer's metadata far below what one array can hold. */
    private static final int MOST_TOKENS = 1_000_000;

    /** How a tensor's values are drawn; {@code oneScale} and {@code ternary} as in {@link RandomBlocks}. */
    private record Values(double mean, double deviation, boolean oneScale, boolean ternary) {

        static Values aroundZero(double deviation) {
            return new Values(0, deviation, false, false);
        }
    }

    private final ModelShape shape;
    private final boolean allLayers;
    private final boolean ternary;
    private final GgmlType type;
    private final GgmlType head;
    private final GgmlType embedding;
    private final long seed;
    private final GgufWriter writer = new GgufWriter();

    private SyntheticModel(ModelShape shape, boolean allLayers, GgmlType type, boolean ternary, GgmlType head, long seed) {
        this.shape = shape;
        this.allLayers = allLayers;
        this.ternary = ternary;
        this.type = type;
        this.seed = seed;
        this.head = head != null ? head : headFor(type, shape.embedding());
        this.embedding = shape.tied() ? this.head : embeddingFor(type, shape.embedding());
        requireFit();
        describe();
        addTensors();
    }

    /**
     * A model that is not written yet.
     *
     * @param preset     a name out of {@link #presets}
     * @param type       the type of all matrices in the layers, one of {@link #types}
     * @param layers     number of layers; null for the preset's
     * @param vocabulary number of tokens; null for the preset's
     * @param head       the type of the output head, and of the token embedding if that is the head; null for the one that
     *                   llama.cpp's quantiser chooses: Q6_K for low-bit types, Q8_0 where rows do not fit
     * @throws IllegalArgumentException if there is no such model; the message, one sentence, says why and what there is
     */
    public static SyntheticModel of(String preset, GgmlType type, Integer layers, Integer vocabulary, GgmlType head, long seed) {
        return of(preset, type, false, layers, vocabulary, head, seed);
    }

    /**
     * A model that is not written yet.
     *
     * @param ternary whether the matrices in the layers hold ternary weights in a type for more: Q4_0, as files of BitNet-3B do,
     *                whose rows are no multiple of 256, or Q2_0, of whose codes llama.cpp's quantiser writes three
     * @see #of(String, GgmlType, Integer, Integer, GgmlType, long)
     */
    public static SyntheticModel of(String preset, GgmlType type, boolean ternary, Integer layers, Integer vocabulary,
            GgmlType head, long seed) {
        if (ternary && type != GgmlType.Q4_0 && type != GgmlType.Q2_0) {
            throw new IllegalArgumentException("ternary weights can be drawn in Q4_0 and Q2_0, not in " + type
                    + "; TQ1_0 and TQ2_0 are ternary without asking");
        }
        ModelShape full = Presets.of(preset).orElseThrow(() -> new IllegalArgumentException(
                "there is no preset '" + preset + "'; the presets are " + String.join(", ", presets())));
        ModelShape shape = full;
        if (layers != null) {
            if (layers < 1 || layers > MOST_LAYERS) {
                throw new IllegalArgumentException("a model of " + layers + " layers cannot be made: llama.cpp takes 1 to "
                        + MOST_LAYERS);
            }
            shape = shape.withLayers(layers);
        }
        if (vocabulary != null) {
            if (vocabulary < Vocabulary.least() || vocabulary > MOST_TOKENS) {
                throw new IllegalArgumentException("a vocabulary of " + vocabulary + " tokens cannot be made: the tokenizer "
                        + "needs " + Vocabulary.least() + " to " + MOST_TOKENS);
            }
            shape = shape.withVocabulary(vocabulary);
        }
        return new SyntheticModel(shape, shape.layers() == full.layers(), type, ternary, head, seed);
    }

    /**
     * The model that rates are measured with unless another is named: BitNet b1.58 0.7B's shape in TQ2_0. It is made on first use
     * and kept in the user's cache.
     *
     * @throws Failure     if there is no room for it
     * @throws IOException if the cache cannot be written
     */
    public static Path defaultForRates(GgufWriter.Progress progress) throws IOException {
        return defaultForRates(CacheFolder.path().resolve("models"), progress);
    }

    static Path defaultForRates(Path folder, GgufWriter.Progress progress) throws IOException {
        SyntheticModel model = of("bitnet-0.7b", GgmlType.TQ2_0, null, null, null, DEFAULT_SEED);
        Path file = folder.resolve("synthetic-" + RECIPE + "-" + model.fileName());
        if (!Files.isRegularFile(file) || Files.size(file) != model.fileBytes()) {
            Files.createDirectories(folder);
            model.write(file, progress);
        }
        return file;
    }

    /** The presets' names. */
    public static Collection<String> presets() {
        return Presets.names();
    }

    /** The types that weights can be drawn in, from few bits to many. */
    public static List<GgmlType> types() {
        return RandomBlocks.TYPES.stream().sorted(Comparator.comparingDouble(GgmlType::bitsPerWeight)).toList();
    }

    /** The type of a name in any case, if weights can be drawn in it. */
    public static Optional<GgmlType> type(String name) {
        return GgmlType.ofName(name).filter(RandomBlocks.TYPES::contains);
    }

    /** Size of the file in bytes. */
    public long fileBytes() {
        return writer.fileBytes();
    }

    /** The name under which the model is written unless another is asked for, e.g. {@code llama3-1b-2l-tq2_0.gguf}. */
    public String fileName() {
        String layers = allLayers ? "" : "-" + shape.layers() + "l";
        return shape.name() + layers + (ternary ? "-ternary-" : "-") + type.ggmlName().toLowerCase(Locale.ROOT) + ".gguf";
    }

    /** Writes the model, see {@link GgufWriter#write}. */
    public void write(Path file, GgufWriter.Progress progress) throws IOException {
        writer.write(file, progress);
    }

    /** The type that llama.cpp's quantiser gives the output head of a model of this type ({@code llama_tensor_get_type_impl}). */
    private static GgmlType headFor(GgmlType type, int rowLength) {
        return switch (type) {
            case F32, F16, BF16, Q8_0 -> type;
            default -> rowLength % GgmlType.Q6_K.blockSize() == 0 ? GgmlType.Q6_K : GgmlType.Q8_0;
        };
    }

    /** And an embedding that is not the head. */
    private static GgmlType embeddingFor(GgmlType type, int rowLength) {
        GgmlType wanted = switch (type) {
            case TQ1_0, TQ2_0, Q2_0 -> GgmlType.Q4_K;
            default -> type;
        };
        return rowLength % wanted.blockSize() == 0 ? wanted : GgmlType.Q8_0;
    }

    private void requireFit() {
        requireFit(type, shape.embedding(), "embedding");
        requireFit(type, shape.feedForward(), "feed-forward");
        requireFit(head, shape.embedding(), "head");
    }

    private void requireFit(GgmlType wanted, int rowLength, String what) {
        if (rowLength % wanted.blockSize() != 0) {
            throw new IllegalArgumentException(shape.name() + " cannot be stored as " + wanted + ": its " + what + " rows hold "
                    + rowLength + " weights, which is no multiple of the type's blocks of " + wanted.blockSize()
                    + "; the types that fit are " + typesThatFit());
        }
    }

    /** The types that every matrix of the shape's layers can be stored in. */
    private String typesThatFit() {
        return types().stream()
                .filter(fit -> shape.embedding() % fit.blockSize() == 0 && shape.feedForward() % fit.blockSize() == 0)
                .map(GgmlType::name)
                .collect(Collectors.joining(", "));
    }

    private void describe() {
        String name = shape.architecture().ggufName();
        writer.put("general.architecture", name)
                .put("general.type", "model")
                .put("general.name", "synthetic " + shape.name())
                .put("general.description", "random weights, seed " + seed + ": for measuring, not for text")
                .putUnsigned("general.file_type", fileType(type))
                .putUnsigned("general.quantization_version", 2)
                .putUnsigned("general.alignment", 32)
                .putUnsigned(name + ".context_length", shape.context())
                .putUnsigned(name + ".embedding_length", shape.embedding())
                .putUnsigned(name + ".block_count", shape.layers())
                .putUnsigned(name + ".feed_forward_length", shape.feedForward())
                .putUnsigned(name + ".attention.head_count", shape.heads())
                .putUnsigned(name + ".attention.head_count_kv", shape.kvHeads())
                .put(name + ".attention.layer_norm_rms_epsilon", shape.architecture().normEpsilon())
                .putUnsigned(name + ".rope.dimension_count", shape.headLength())
                .put(name + ".rope.freq_base", shape.ropeBase())
                .putUnsigned(name + ".vocab_size", shape.vocabulary());
        if (shape.architecture() == Architecture.BITNET) {
            writer.put(name + ".rope.scaling.type", "linear").put(name + ".rope.scaling.factor", 1f);
        }
        if (shape.experts() > 0) {
            writer.putUnsigned(name + ".expert_count", shape.experts())
                    .putUnsigned(name + ".expert_used_count", shape.activeExperts());
        }
        if (shape.architecture() == Architecture.QWEN2MOE) {
            writer.putUnsigned(name + ".expert_feed_forward_length", shape.feedForward())
                    .putUnsigned(name + ".expert_shared_feed_forward_length", shape.feedForward());
        }
        Vocabulary vocabulary = Vocabulary.ofSize(shape.vocabulary());
        writer.put("tokenizer.ggml.model", "llama")
                .put("tokenizer.ggml.pre", "default")
                .put("tokenizer.ggml.tokens", vocabulary.tokens())
                .put("tokenizer.ggml.scores", vocabulary.scores())
                .put("tokenizer.ggml.token_type", vocabulary.types())
                .putUnsigned("tokenizer.ggml.unknown_token_id", 0)
                .putUnsigned("tokenizer.ggml.bos_token_id", 1)
                .putUnsigned("tokenizer.ggml.eos_token_id", 2)
                .put("tokenizer.ggml.add_bos_token", false)
                .put("tokenizer.ggml.add_eos_token", false)
                .put("tokenizer.ggml.add_space_prefix", false);
    }

    private void addTensors() {
        int width = shape.embedding();
        double headDeviation = 2 / Math.sqrt(width);
        add("token_embd.weight", embedding, Values.aroundZero(shape.tied() ? headDeviation : 1), width, shape.vocabulary());
        norm("output_norm.weight", width);
        if (!shape.tied()) {
            add("output.weight", head, Values.aroundZero(headDeviation), width, shape.vocabulary());
        }
        for (int layer = 0; layer < shape.layers(); layer++) {
            addAttention("blk." + layer + ".");
            if (shape.experts() > 0) {
                addExperts("blk." + layer + ".");
            } else {
                addFeedForward("blk." + layer + ".");
            }
        }
    }

    private void addAttention(String layer) {
        int width = shape.embedding();
        norm(layer + "attn_norm.weight", width);
        matrix(layer + "attn_q.weight", width, width);
        matrix(layer + "attn_k.weight", width, shape.kvLength());
        matrix(layer + "attn_v.weight", width, shape.kvLength());
        matrix(layer + "attn_output.weight", width, width);
        switch (shape.architecture()) {
            case QWEN2, QWEN2MOE -> {
                bias(layer + "attn_q.bias", width);
                bias(layer + "attn_k.bias", shape.kvLength());
                bias(layer + "attn_v.bias", shape.kvLength());
            }
            case BITNET -> norm(layer + "attn_sub_norm.weight", width);
            case OLMOE -> {
                norm(layer + "attn_q_norm.weight", width);
                norm(layer + "attn_k_norm.weight", width);
            }
            default -> { }
        }
        norm(layer + "ffn_norm.weight", width);
    }

    private void addFeedForward(String layer) {
        int width = shape.embedding();
        int inner = shape.feedForward();
        matrix(layer + "ffn_gate.weight", width, inner);
        matrix(layer + "ffn_up.weight", width, inner);
        matrix(layer + "ffn_down.weight", inner, width);
        if (shape.architecture() == Architecture.BITNET) {
            norm(layer + "ffn_sub_norm.weight", inner);
        }
    }

    private void addExperts(String layer) {
        int width = shape.embedding();
        int inner = shape.feedForward();
        Values router = Values.aroundZero(2 / Math.sqrt(width)); // so that tokens differ in their choice of experts
        add(layer + "ffn_gate_inp.weight", GgmlType.F32, router, width, shape.experts());
        matrix(layer + "ffn_gate_exps.weight", width, inner, shape.experts());
        matrix(layer + "ffn_up_exps.weight", width, inner, shape.experts());
        matrix(layer + "ffn_down_exps.weight", inner, width, shape.experts());
        if (shape.architecture() == Architecture.QWEN2MOE) {
            add(layer + "ffn_gate_inp_shexp.weight", GgmlType.F32, router, width);
            matrix(layer + "ffn_gate_shexp.weight", width, inner);
            matrix(layer + "ffn_up_shexp.weight", width, inner);
            matrix(layer + "ffn_down_shexp.weight", inner, width);
        }
    }

    /** Inputs of order one give outputs of order one: a deviation of one over the root of the row length. */
    private void matrix(String name, long rowLength, long... others) {
        long[] dimensions = new long[others.length + 1];
        dimensions[0] = rowLength;
        System.arraycopy(others, 0, dimensions, 1, others.length);
        boolean oneScale = shape.architecture() == Architecture.BITNET
                && (type == GgmlType.TQ1_0 || type == GgmlType.TQ2_0 || ternary);
        add(name, type, new Values(0, 1 / Math.sqrt(rowLength), oneScale, ternary), dimensions);
    }

    private void norm(String name, long length) {
        add(name, GgmlType.F32, new Values(1, 0.1, false, false), length);
    }

    private void bias(String name, long length) {
        add(name, GgmlType.F32, Values.aroundZero(0.1), length);
    }

    private void add(String name, GgmlType tensorType, Values values, long... dimensions) {
        RandomBlocks blocks = new RandomBlocks(tensorType, values.mean, values.deviation, values.oneScale,
                values.ternary);
        writer.tensor(name, tensorType, (chunk, into, length) -> blocks.fill(BlockRandom.of(seed, name, chunk), into, length),
                dimensions);
    }

    /** The value of llama.cpp's {@code enum llama_ftype} for a model whose matrices are mostly of one type. */
    private static int fileType(GgmlType type) {
        return switch (type) {
            case F32 -> 0;
            case F16 -> 1;
            case Q4_0 -> 2;
            case Q4_1 -> 3;
            case Q8_0 -> 7;
            case Q5_0 -> 8;
            case Q5_1 -> 9;
            case Q2_K -> 21;
            case Q3_K -> 11;
            case Q4_K -> 14;
            case Q5_K -> 16;
            case Q6_K -> 18;
            case IQ4_NL -> 25;
            case IQ4_XS -> 30;
            case BF16 -> 32;
            case TQ1_0 -> 36;
            case TQ2_0 -> 37;
            case MXFP4 -> 38;
            case Q1_0 -> 40;
            case Q2_0 -> 41;
            default -> throw new IllegalArgumentException("no random weights of type " + type);
        };
    }
}
