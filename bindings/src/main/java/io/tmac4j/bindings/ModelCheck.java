package io.tmac4j.bindings;

import io.tmac4j.bindings.GgufFile.Value;
import io.tmac4j.bindings.GgufFile.ValueType;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Refuses metadata that llama.cpp meets with {@code GGML_ASSERT}, an endless allocation, or an exception across the C border,
 * each of which would end the VM. Everything that it reports as an error itself is left to it.
 */
final class ModelCheck {

    /** {@code LLAMA_MAX_LAYERS} and {@code LLAMA_MAX_EXPERTS} of llama-hparams.h. */
    private static final long MAX_LAYERS = 512;
    private static final long MAX_EXPERTS = 1024;

    /** What {@code ggml_backend_cpu_buffer_from_ptr} asserts of a mapped buffer. */
    private static final int TENSOR_ALIGNMENT = 32;

    private static final long MAX_VOCABULARY = 1 << 24;
    private static final long MAX_UNNAMED_TOKENS = 1 << 18;

    /** Far above any real model, and small enough that products of two of them do not wrap round in llama.cpp's 32 bits. */
    private static final long MAX_HEADS = 1 << 15;
    private static final long MAX_HEAD_LENGTH = 1 << 15;

    /** Architectures whose graph splits the rows of attn_q, attn_k and attn_v into heads, and nothing else. */
    private static final Set<String> PLAIN_ATTENTION = Set.of("llama", "qwen2", "qwen2moe", "qwen3", "qwen3moe", "bitnet",
            "gemma", "gemma2", "internlm2", "starcoder2", "olmo2", "smollm3", "granite", "minicpm");

    /** Those of them whose graph asserts that keys, values and rotated dimensions are equally long. */
    private static final Set<String> EQUAL_LENGTHS = Set.of("llama", "qwen2", "qwen2moe", "qwen3", "qwen3moe", "internlm2",
            "starcoder2", "olmo2", "smollm3", "granite");

    /** Architectures that may have layers without attention, or have none with it. All others divide by their heads. */
    static final Set<String> WITHOUT_ATTENTION = Set.of("mamba", "mamba2", "rwkv6", "rwkv6qwen2", "rwkv7", "arwkv7", "jamba",
            "plamo2", "falcon-h1", "granitehybrid", "nemotron_h", "nemotron_h_moe", "lfm2", "lfm2moe", "kimi-linear", "kimi-k3",
            "bailingmoe3", "minimax-01", "deci", "wavtokenizer-dec");

    /** Numbers by which one architecture or another divides, and which none can do without that has them. */
    private static final List<String> DIVISORS = List.of("wkv.head_size", "ssm.time_step_rank", "experts_per_group",
            "full_attention_interval", "attention.group_norm_groups", "attention.output_group_count",
            "attention.indexer.block_size");

    /** Models of a few layers aside, the state of a sequence is a small part of the weights. */
    private static final int STATE_FACTOR = 4;
    private static final long STATE_ALLOWANCE = 32 << 20;

    private static final Set<String> ROPE_SCALINGS = Set.of("none", "linear", "yarn", "longrope");

    /** {@code LLAMA_SPLIT_PATH_FORMAT}, e.g. {@code model-00001-of-00003.gguf}. */
    private static final Pattern PART = Pattern.compile("(.*)-[0-9]{5}-of-[0-9]{5}\\.gguf", Pattern.DOTALL);

    private final GgufFile file;
    private final String architecture;
    private final Map<String, GgufTensor> tensors = new HashMap<>();

    private ModelCheck(GgufFile file) {
        this.file = file;
        file.tensors().forEach(tensor -> tensors.put(tensor.name(), tensor));
        this.architecture = file.architecture();
    }

    /**
     * Checks a file that is to be loaded as a model.
     *
     * @throws GgufException if llama.cpp would not survive it
     */
    static void check(GgufFile file, boolean vocabularyOnly) {
        ModelCheck check = new ModelCheck(file);
        check.general();
        check.parts();
        check.vocabulary();
        if (!vocabularyOnly) {
            check.hyperparameters();
            TensorCheck.check(file);
        }
    }

    private void general() {
        if (architecture.isEmpty()) {
            throw bad("names no architecture: the key \"general.architecture\" is missing, so this is no language model");
        }
        if (file.alignment() % TENSOR_ALIGNMENT != 0 && !file.tensors().isEmpty()) {
            throw bad("aligns its tensors to " + file.alignment() + " bytes and ggml needs " + TENSOR_ALIGNMENT);
        }
        for (String key : List.of("split.no", "split.count")) {
            file.value(key).ifPresent(value -> {
                if (value.isArray() || value.type() != ValueType.UINT16) {
                    throw bad("has the key \"" + key + "\", which must be an uint16");
                }
            });
        }
    }

    /** llama.cpp opens the other parts of a split model by their names, and trusts them as it trusts the first. */
    private void parts() {
        long count = file.integer("split.count").orElse(0L);
        Matcher name = PART.matcher(file.file().getFileName().toString());
        if (count < 2 || !name.matches()) {
            return;
        }
        for (int part = 2; part <= count; part++) {
            Path path = file.file().resolveSibling(String.format("%s-%05d-of-%05d.gguf", name.group(1), part, count));
            GgufFile other = GgufFile.read(path);
            Value number = other.value("split.no").orElse(null);
            if (number == null || number.isArray() || number.type() != ValueType.UINT16) {
                throw new GgufException(path + " has no key \"split.no\" of type uint16, so it is no part of " + file.file());
            }
        }
    }

    private void vocabulary() {
        if (file.metadata().get("tokenizer.ggml.tokens") instanceof GgufStrings tokens) {
            int duplicate = tokens.firstDuplicate();
            if (duplicate >= 0) {
                throw bad("has the token " + GgufReader.quote(tokens.get(duplicate)) + " twice in its vocabulary");
            }
        }
        file.integer(architecture + ".vocab_size").ifPresent(size -> {
            if (size < 0 || size > MAX_VOCABULARY) {
                throw bad("claims a vocabulary of " + Long.toUnsignedString(size) + " tokens; there may be " + MAX_VOCABULARY);
            }
            if (!file.metadata().containsKey("tokenizer.ggml.tokens")) {
                unnamedTokens(size);
            }
        });
    }

    /** Where tokens have no names llama.cpp makes some, 40 bytes each, before it looks at the embeddings. */
    private void unnamedTokens(long size) {
        GgufTensor embeddings = tensors.get("token_embd.weight");
        long rows = embeddings == null ? MAX_UNNAMED_TOKENS : embeddings.dimension(1);
        if (size > rows) {
            throw bad("claims a vocabulary of " + size + " tokens" + (embeddings == null
                    ? " without names and embeddings; there may be " + rows : " and has embeddings of " + rows));
        }
    }

    private void hyperparameters() {
        range("block_count", 1, MAX_LAYERS);
        range("context_length", 1, Integer.MAX_VALUE);
        range("embedding_length", 1, 1 << 24);
        range("expert_count", 0, MAX_EXPERTS);
        experts();
        file.integer(architecture + ".nextn_predict_layers").ifPresent(layers ->
                range("nextn_predict_layers", 0, file.integer(architecture + ".block_count").orElse(MAX_LAYERS)));
        file.text(architecture + ".rope.scaling.type").ifPresent(type -> {
            if (!ROPE_SCALINGS.contains(type)) {
                throw bad("has the rope scaling " + GgufReader.quote(type) + ", which llama.cpp does not know");
            }
        });
        rotation();
        divisors();
        recurrentState();
        heads();
        for (Map.Entry<String, Object> entry : file.metadata().entrySet()) {
            if (entry.getKey().endsWith("_epsilon") && entry.getValue() instanceof Float epsilon
                    && !(epsilon >= 0 && epsilon < Float.POSITIVE_INFINITY)) {
                throw bad("has " + epsilon + " for the key \"" + entry.getKey() + "\", which must be at least 0");
            }
        }
    }

    /** The loop over the dimensions that are not rotated does not end if none is; the sum of the sections is a divisor. */
    private void rotation() {
        for (String key : List.of("rope.dimension_count", "rope.dimension_count_swa")) {
            file.integer(architecture + "." + key).ifPresent(count -> {
                if (count % 2 != 0 || count <= 0 && perLayer("attention.head_count", 0, 0) != 0) {
                    throw bad("rotates " + count + " dimensions (" + key + "), which must be an even number above 0");
                }
            });
        }
        if (file.metadata().get(architecture + ".rope.dimension_sections") instanceof int[] sections) {
            for (int section : sections) {
                if (section < 0 || section > MAX_HEAD_LENGTH) {
                    throw bad("has a section of " + section + " rotated dimensions");
                }
            }
        }
    }

    /** Numbers that must not be 0, though llama.cpp does not say so. */
    private void divisors() {
        DIVISORS.forEach(key -> range(key, 1, Integer.MAX_VALUE));
        range("ssm.group_count", architecture.equals("plamo2") ? 0 : 1, Integer.MAX_VALUE);
        range("interleave_moe_layer_step", architecture.equals("llama4") ? 0 : 1, Integer.MAX_VALUE);
        if (architecture.equals("afmoe") && file.integer(architecture + ".attention.sliding_window").orElse(0L) == 0) {
            throw bad("has no sliding window, which models of the architecture \"afmoe\" need");
        }
        long width = file.integer(architecture + ".embedding_length").orElse(0L);
        file.integer(architecture + ".wkv.head_size").ifPresent(size -> {
            if (width % size != 0) {
                throw bad("splits " + width + " numbers into heads of " + size);
            }
        });
    }

    /** The assertions on experts in {@code llama_model_base::load_hparams}. */
    private void experts() {
        long experts = file.integer(architecture + ".expert_count").orElse(0L);
        long used = 0;
        Value value = file.value(architecture + ".expert_used_count").orElse(null);
        if (value != null && value.value() instanceof int[] counts) {
            for (int count : counts) {
                used = Math.max(used, Integer.toUnsignedLong(count));
            }
        } else {
            used = file.integer(architecture + ".expert_used_count").orElse(0L);
        }
        if (used < 0 || used > experts || experts > 0 && used == 0) {
            throw bad("uses " + used + " of " + experts + " experts");
        }
        long groups = file.integer(architecture + ".expert_group_count").orElse(0L);
        long groupsUsed = file.integer(architecture + ".expert_group_used_count").orElse(0L);
        if (groups < 0 || groups > 0 && groups >= experts
                || groups > 1 && (experts % groups != 0 || groupsUsed <= 0 || groupsUsed >= groups)) {
            throw bad("uses " + groupsUsed + " of " + groups + " groups of its " + experts + " experts");
        }
    }

    /** llama.cpp computes shapes from these, in 32 bits, and asserts in its graph what it has not checked of them before. */
    private void heads() {
        for (String suffix : List.of("", "_swa", "_mla")) {
            range("attention.key_length" + suffix, 0, MAX_HEAD_LENGTH);
            range("attention.value_length" + suffix, 0, MAX_HEAD_LENGTH);
        }
        long layers = file.integer(architecture + ".block_count").orElse(0L);
        for (int layer = 0; layer < layers; layer++) {
            long heads = perLayer("attention.head_count", layer, 0);
            long keyHeads = perLayer("attention.head_count_kv", layer, heads);
            if (heads < 0 || heads > MAX_HEADS || keyHeads < 0 || keyHeads > MAX_HEADS
                    || heads > 0 && keyHeads > 0 && heads % keyHeads != 0) {
                throw bad("shares " + keyHeads + " heads of keys among " + heads + " heads of attention in layer " + layer);
            }
            if (heads == 0 && hasAttention(layer)) {
                throw bad("has no heads for the attention in layer " + layer);
            }
            if (heads > 0 && keyHeads == 0 && !WITHOUT_ATTENTION.contains(architecture)) {
                throw bad("has no heads of keys for the attention in layer " + layer);
            }
            if (heads > 0 && PLAIN_ATTENTION.contains(architecture)) {
                shapes(layer, heads, keyHeads);
            }
        }
    }

    /** llama.cpp divides by the number of heads, in some architectures before it looks for a tensor. */
    private boolean hasAttention(int layer) {
        return !WITHOUT_ATTENTION.contains(architecture)
                || Stream.of("attn_q", "attn_k", "attn_qkv")
                .anyMatch(kind -> tensors.containsKey("blk." + layer + "." + kind + ".weight"));
    }

    private void shapes(int layer, long heads, long keyHeads) {
        long first = perLayer("attention.head_count", 0, 0);
        long length = first == 0 ? 0 : file.integer(architecture + ".embedding_length").orElse(0L) / first;
        long keys = file.integer(architecture + ".attention.key_length").orElse(length);
        long values = file.integer(architecture + ".attention.value_length").orElse(length);
        long rotated = file.integer(architecture + ".rope.dimension_count").orElse(keys);
        if (EQUAL_LENGTHS.contains(architecture) && (keys != values || keys != rotated)) {
            throw bad("has keys of " + keys + " numbers, values of " + values + " and rotates " + rotated
                    + ", which must be the same");
        }
        if (rotated < 0 || rotated > keys) {
            throw bad("rotates " + rotated + " dimensions of keys that have " + keys);
        }
        rows(layer, "attn_q", keys, heads);
        rows(layer, "attn_k", keys, keyHeads);
        rows(layer, "attn_v", values, keyHeads);
    }

    private void rows(int layer, String kind, long length, long heads) {
        GgufTensor tensor = tensors.get("blk." + layer + "." + kind + ".weight");
        if (tensor != null && tensor.dimension(1) != length * heads) {
            throw bad("has " + tensor.dimension(1) + " rows in " + GgufReader.quote(tensor.name()) + " for " + heads
                    + " heads of " + length);
        }
    }

    /**
     * What layers that are no attention keep of a sequence, {@code n_embd_r} and {@code n_embd_s} of llama-hparams.cpp: shaped by
     * numbers that no tensor is held to where a model has none of these layers.
     */
    private void recurrentState() {
        double inner = count("ssm.inner_size");
        double state = count("ssm.state_size");
        double width = count("embedding_length");
        double convolution = count("ssm.conv_kernel") * (inner + 2 * count("ssm.group_count") * state)
                + count("shortconv.l_cache") * width;
        double heads = Math.max(1, perLayer("attention.head_count", 0, 0));
        double delta = count("kda.head_dim") * heads * (count("kda.head_dim") + 3 * count("ssm.conv_kernel"));
        double bytes = Float.BYTES * count("block_count") * (convolution + inner * state + delta);
        long weights = file.tensors().stream().mapToLong(GgufTensor::byteSize).sum();
        boolean whole = file.integer("split.count").orElse(0L) < 2;
        if (whole && bytes > STATE_FACTOR * (double) weights + STATE_ALLOWANCE) {
            throw bad(String.format(Locale.ROOT, "would keep %.0f MiB of state for each sequence, beside %.1f MiB of weights",
                    bytes / (1 << 20), weights / (double) (1 << 20)));
        }
    }

    private double count(String key) {
        return file.integer(architecture + "." + key).orElse(0L);
    }

    /** A number that may be given once or as an array with one for each layer. */
    private long perLayer(String key, int layer, long otherwise) {
        Object value = file.metadata().get(architecture + "." + key);
        if (value instanceof int[] each) {
            return layer < each.length ? each[layer] : otherwise;
        }
        return file.integer(architecture + "." + key).orElse(otherwise);
    }

    private void range(String key, long least, long most) {
        file.integer(architecture + "." + key).ifPresent(value -> {
            if (value < least || value > most) {
                throw bad("has " + value + " for the key \"" + architecture + "." + key + "\", which must be from " + least
                        + " to "
                        + most);
            }
        });
    }

    private GgufException bad(String what) {
        return new GgufException(file.file() + " " + what);
    }
}
