package io.tmac4j.bindings;

import io.tmac4j.bindings.GgufImage.Items;
import io.tmac4j.bindings.GgufImage.Key;
import io.tmac4j.bindings.GgufImage.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * Changes models, one to four times each: what a key or a tensor says, in a file that stays well-formed, or
 * bytes of the file.
 */
final class GgufMutator {

    private static final long[] EXTREMES = {0, 1, -1, 2, 3, 5, 7, 8, 16, 31, 33, 255, 256, 511, 512, 513, 1023, 1024, 1025, 65535,
        65536, Integer.MAX_VALUE, Integer.MIN_VALUE, 0xFFFF_FFFFL, 1L << 32, 1L << 62, Long.MAX_VALUE, Long.MIN_VALUE};

    private static final double[] FLOATS = {0, -0.0, 1, -1, 1e-38, 1e38, 1e-45, Double.NaN, Double.POSITIVE_INFINITY,
        Double.NEGATIVE_INFINITY, 0.5, 1e9};

    private static final List<String> TEXTS = List.of("", " ", "\0", "a", "llama", "gpt2", "bert", "t5", "rwkv", "plamo2",
            "gemma4",
            "no_vocab", "none", "linear", "yarn", "longrope", "default", "qwen2", "kimi-k2", "deepseek-v3", "whitespace",
                    "gpt-4o",
            "<0x>", "<0xZZ>", "<0x41>", "<|im_end|>", "\u2581", "\u0120", "\u00e9\u00e9", "\uffff", "x".repeat(300),
                    "ab".repeat(5000),
            "{{ messages }}", "mean", "silu", "gelu");

    /** Keys that models of these architectures may have besides those that the seeds hold. */
    private static final List<String> FURTHER_KEYS = List.of("embedding_length_out", "embedding_length_per_layer_input",
            "swiglu_clamp_exp", "tensor_data_layout", "expert_group_count", "expert_group_used_count", "expert_weights_norm",
            "expert_group_scale", "experts_per_group", "moe_every_n_layers", "nextn_predict_layers", "n_deepstack_layers",
            "deepstack_mapping", "hidden_activation", "pooling_type", "decoder_start_token_id", "decoder_block_count",
            "attn_logit_softcapping", "router_logit_softcapping", "final_logit_softcapping", "swin_norm",
            "rescale_every_n_layers", "token_shift_count", "num_loops", "attention.key_length", "attention.value_length",
            "attention.causal", "attention.output_scale", "attention.temperature_length", "attention.temperature_scale",
            "attention.key_length_mla", "attention.value_length_mla", "attention.key_length_swa", "attention.value_length_swa",
            "attention.shared_kv_layers", "attention.recurrent_layers", "rope.dimension_count", "rope.dimension_count_swa",
            "rope.freq_base_swa", "rope.scale_linear", "rope.scaling.type", "rope.scaling.factor", "rope.scaling.attn_factor",
            "rope.scaling.original_context_length", "rope.scaling.yarn_log_multiplier", "rope.scaling.yarn_ext_factor",
            "rope.scaling.yarn_beta_fast", "ssm.dt_b_c_rms", "classifier.output_labels", "dense_2_feat_in", "dense_2_feat_out",
            "expert_count", "expert_used_count", "expert_shared_count", "expert_feed_forward_length",
                    "interleave_moe_layer_step");

    private static final List<String> GENERAL_KEYS = List.of("split.no", "split.count", "split.tensors.count",
            "general.alignment",
            "general.file_type", "general.type", "tokenizer.ggml.pre", "tokenizer.ggml.suppress_tokens",
            "tokenizer.ggml.mask_token_id", "tokenizer.ggml.eom_token_id", "tokenizer.ggml.fim_pre_token_id",
            "tokenizer.ggml.add_sep_token", "tokenizer.ggml.cls_token_id", "tokenizer.ggml.normalizer.lowercase",
            "tokenizer.ggml.precompiled_charsmap", "adapter.type");

    private final Random random;

    GgufMutator(long seed) {
        this.random = new Random(seed);
    }

    /** The bytes of a changed copy of {@code seed}. */
    byte[] mutate(GgufImage seed) {
        GgufImage image = seed.copy();
        int changes = 1 + random.nextInt(3);
        for (int i = 0; i < changes; i++) {
            switch (random.nextInt(8)) {
                case 0, 1, 2 -> changeKey(image);
                case 3 -> addKey(image);
                case 4 -> changeList(image);
                case 5, 6 -> changeTensor(image);
                default -> changeTensors(image);
            }
        }
        byte[] bytes = image.bytes();
        return random.nextInt(4) == 0 ? mutateBytes(bytes, Math.min(bytes.length, 40_000)) : bytes;
    }

    private void changeKey(GgufImage image) {
        if (image.keys.isEmpty()) {
            return;
        }
        int place = random.nextInt(image.keys.size());
        Key key = image.keys.get(place);
        image.keys.set(place, switch (random.nextInt(10)) {
            case 0 -> new Key(key.name(), random.nextInt(13), key.value());
            case 1 -> key.value() instanceof Items items && !items.values().isEmpty()
                    ? new Key(key.name(), items.type(), items.values().getFirst())
                    : new Key(key.name(), GgufImage.ARRAY, new Items(key.type() == GgufImage.ARRAY ? 4 : key.type(),
                            new ArrayList<>(Collections.nCopies(random.nextInt(4), key.value()))));
            default -> new Key(key.name(), key.type(), changed(key.value()));
        });
    }

    private Object changed(Object value) {
        return switch (value) {
            case Items items -> changed(items);
            case String text -> random.nextInt(4) == 0 ? text + TEXTS.get(random.nextInt(TEXTS.size()))
                    : TEXTS.get(random.nextInt(TEXTS.size()));
            case Boolean b -> !b;
            case Float f -> number(f);
            case Double d -> number(d);
            case Number n -> number(n.longValue());
            default -> value;
        };
    }

    private Object number(double value) {
        return random.nextBoolean() ? FLOATS[random.nextInt(FLOATS.length)] : -value * random.nextInt(10);
    }

    private Object number(long value) {
        return switch (random.nextInt(5)) {
            case 0 -> value + random.nextInt(5) - 2;
            case 1 -> value * (2 + random.nextInt(3));
            case 2 -> value / 2;
            case 3 -> (long) random.nextInt(600);
            default -> EXTREMES[random.nextInt(EXTREMES.length)];
        };
    }

    private Items changed(Items items) {
        List<Object> values = new ArrayList<>(items.values());
        int type = items.type();
        switch (random.nextInt(6)) {
            case 0 -> type = random.nextInt(13);
            case 1 -> values = new ArrayList<>(values.subList(0, random.nextInt(values.size() + 1)));
            case 2 -> values.addAll(values.subList(0, random.nextInt(values.size() + 1)));
            default -> {
                for (int i = 0; i < 1 + random.nextInt(4) && !values.isEmpty(); i++) {
                    int place = random.nextInt(values.size());
                    values.set(place, changed(values.get(place)));
                }
            }
        }
        return new Items(type == GgufImage.ARRAY ? 0 : type, values);
    }

    private void addKey(GgufImage image) {
        String name = random.nextInt(3) == 0 ? GENERAL_KEYS.get(random.nextInt(GENERAL_KEYS.size()))
                : architecture(image) + "." + FURTHER_KEYS.get(random.nextInt(FURTHER_KEYS.size()));
        image.keys.removeIf(key -> key.name().equals(name));
        image.keys.add(switch (random.nextInt(7)) {
            case 0 -> new Key(name, GgufImage.FLOAT32, FLOATS[random.nextInt(FLOATS.length)]);
            case 1 -> new Key(name, GgufImage.STRING, TEXTS.get(random.nextInt(TEXTS.size())));
            case 2 -> new Key(name, GgufImage.BOOL, random.nextBoolean());
            case 3 -> new Key(name, GgufImage.ARRAY, new Items(random.nextBoolean() ? 4 : 5,
                    new ArrayList<>(Collections.nCopies(random.nextInt(5), EXTREMES[random.nextInt(EXTREMES.length)]))));
            case 4 -> new Key(name, 2, (long) random.nextInt(4));
            default -> new Key(name, GgufImage.UINT32, number(random.nextInt(64)));
        });
    }

    private static String architecture(GgufImage image) {
        return image.keys.stream().filter(key -> key.name().equals("general.architecture"))
                .map(key -> key.value().toString()).findFirst().orElse("llama");
    }

    private void changeList(GgufImage image) {
        if (image.keys.isEmpty()) {
            return;
        }
        int place = random.nextInt(image.keys.size());
        switch (random.nextInt(4)) {
            case 0 -> image.keys.add(image.keys.get(place));
            case 1 -> Collections.swap(image.keys, place, random.nextInt(image.keys.size()));
            default -> image.keys.remove(place);
        }
    }

    private void changeTensor(GgufImage image) {
        if (image.tensors.isEmpty()) {
            return;
        }
        int place = random.nextInt(image.tensors.size());
        Tensor tensor = image.tensors.get(place);
        long[] dimensions = tensor.dimensions().clone();
        int type = tensor.type();
        byte[] data = tensor.data();
        switch (random.nextInt(7)) {
            case 0, 1 -> type = GgmlType.values()[random.nextInt(GgmlType.values().length)].id();
            case 2 -> dimensions[random.nextInt(dimensions.length)] = Math.max(1, (Long) number(dimensions[0]));
            case 3 -> {
                dimensions = Arrays.copyOf(dimensions, 1 + random.nextInt(4));
                Arrays.setAll(dimensions, i -> tensor.dimensions().length > i ? tensor.dimensions()[i] : 1);
            }
            case 4 -> {
                int other = random.nextInt(dimensions.length);
                long first = dimensions[0];
                dimensions[0] = dimensions[other];
                dimensions[other] = first;
            }
            case 5 -> {
                data = data.clone();
                for (int i = 0; i < data.length; i++) {
                    data[i] = (byte) random.nextInt();
                }
            }
            default -> {
                data = data.clone();
                Arrays.fill(data, (byte) -1);
            }
        }
        image.tensors.set(place, new Tensor(tensor.name(), type, dimensions, data));
    }

    private void changeTensors(GgufImage image) {
        if (image.tensors.isEmpty()) {
            return;
        }
        int place = random.nextInt(image.tensors.size());
        int other = random.nextInt(image.tensors.size());
        Tensor tensor = image.tensors.get(place);
        switch (random.nextInt(5)) {
            case 0 -> image.tensors.add(tensor);
            case 1 -> image.tensors.set(place, renamed(tensor, image.tensors.get(other).name()));
            case 2 -> image.tensors.add(renamed(tensor, tensor.name().replace("weight",
                    random.nextBoolean() ? "bias" : "scale")));
            case 3 -> {
                image.tensors.set(place, renamed(tensor, image.tensors.get(other).name()));
                image.tensors.set(other, renamed(image.tensors.get(other), tensor.name()));
            }
            default -> image.tensors.remove(place);
        }
    }

    private static Tensor renamed(Tensor tensor, String name) {
        return new Tensor(name, tensor.type(), tensor.dimensions(), tensor.data());
    }

    private byte[] mutateBytes(byte[] bytes, int head) {
        return HostileProbe.mutate(bytes, head, random);
    }
}
