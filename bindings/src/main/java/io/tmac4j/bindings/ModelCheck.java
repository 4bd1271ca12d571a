package io.tmac4j.bindings;

import io.tmac4j.bindings.GgufFile.Value;
import io.tmac4j.bindings.GgufFile.ValueType;
import java.util.List;
import java.util.Map;
import java.util.Set;

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

    private static final Set<String> ROPE_SCALINGS = Set.of("none", "linear", "yarn", "longrope");

    private final GgufFile file;
    private final String architecture;

    private ModelCheck(GgufFile file) {
        this.file = file;
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
        check.vocabulary();
        if (!vocabularyOnly) {
            check.hyperparameters();
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
        });
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
        file.integer(architecture + ".rope.dimension_count").ifPresent(count -> {
            if (count % 2 != 0) {
                throw bad("rotates " + count + " dimensions, which must be an even number");
            }
        });
        for (Map.Entry<String, Object> entry : file.metadata().entrySet()) {
            if (entry.getKey().endsWith("_epsilon") && entry.getValue() instanceof Float epsilon
                    && !(epsilon >= 0 && epsilon < Float.POSITIVE_INFINITY)) {
                throw bad("has " + epsilon + " for the key \"" + entry.getKey() + "\", which must be at least 0");
            }
        }
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
