package io.tmac4j.bindings;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Models of many architectures and tokenizers, some ten kilobytes each. Only their metadata is written down here: which tensors
 * belong to it llama.cpp itself says, one at a time, when it is asked to load a file that lacks them.
 */
final class TinyModels {

    private static final int VOCABULARY = 320;
    private static final int EMBEDDING = 32;
    private static final int LAYERS = 2;
    private static final int HEADS = 2;
    private static final int HIDDEN = 64;

    /** Architectures that hold experts always. */
    private static final List<String> MIXTURES = List.of("qwen2moe", "qwen3moe", "olmoe", "phimoe", "dbrx", "deepseek", "dots1",
            "ernie4_5-moe", "bailingmoe", "gpt-oss", "hunyuan-moe", "granitemoe", "glm4moe", "grok", "arctic", "smallthinker",
            "llada-moe", "minimax-m2", "lfm2moe");

    private static final List<String> DENSE = List.of("llama", "deci", "falcon", "gpt2", "gptneox", "mpt", "baichuan",
            "starcoder",
            "refact", "bert", "nomic-bert", "modern-bert", "jina-bert-v2", "bloom", "stablelm", "qwen", "qwen2", "qwen2vl",
                    "qwen3",
            "qwen3vl", "qwen3next", "qwen35", "phi2", "phi3", "plamo", "plamo2", "codeshell", "orion", "internlm2", "minicpm",
            "gemma", "gemma2", "gemma3", "starcoder2", "mamba", "mamba2", "jamba", "falcon-h1", "xverse", "command-r", "cohere2",
            "olmo", "olmo2", "openelm", "chatglm", "glm4", "bitnet", "t5", "jais", "nemotron", "exaone", "exaone4",
            "rwkv6", "rwkv7", "granite", "granitehybrid", "arcee", "ernie4_5", "hunyuan-dense",
            "smollm3", "lfm2", "dream", "llada", "seed_oss", "apertus", "mistral3", "maincoder", "minicpm3", "deepseek2",
            "llama-embed", "eurobert", "t5encoder", "gemma-embedding", "pangu-embedded");

    /** The other architectures that llama.cpp names; they are written only if they are asked for. */
    private static final List<String> OTHERS = List.of("llama4", "gptj", "nomic-bert-moe", "neo-bert", "jina-bert-v3",
            "qwen3vlmoe", "qwen35moe", "qwen4exp", "plamo3", "gemma3n", "gemma4", "gemma4-assistant", "cohere2moe",
            "muse-glimmer", "deepseek2-ocr", "deepseek32", "deepseek4", "glm-dsa", "jais2", "nemotron_h", "nemotron_h_moe",
            "exaone-moe", "rwkv6qwen2", "arwkv7", "graniteswitch", "granite_swa", "chameleon", "wavtokenizer-dec", "plm",
            "bailingmoe2", "bailingmoe3", "dots3note", "afmoe", "laguna", "hunyuan_vl", "hy_v3", "grovemoe", "minimax-01",
            "minimax-m3", "cogvlm", "rnd1", "eagle3", "dflash", "mistral4", "paddleocr", "mimo2", "step35", "kimi-linear",
            "kimi-k3", "talkie", "mellum", "nanbeige", "qwen3tts", "pockettts");

    /** What llama.cpp says of a file that lacks a tensor, and of a tensor that has another shape. */
    private static final Pattern MISSING = Pattern.compile("tensor '([^']+)' not found|lacks the tensor \"([^\"]+)\"");
    private static final Pattern SHAPE = Pattern.compile("tensor '([^']+)' has wrong shape; expected ([0-9, ]+), got");

    /** Two for each tensor. */
    private static final int MAX_ATTEMPTS = 200;

    private TinyModels() {
    }

    /** The names of all architectures that llama.cpp has. */
    static List<String> architectures() {
        return Stream.of(DENSE, MIXTURES, OTHERS).flatMap(List::stream).toList();
    }

    /** Writes the models to the folder {@code args[0]}: those that the further arguments name, else all. */
    public static void main(String[] args) throws IOException {
        LlamaCppLibrary.load();
        Path folder = Path.of(args[0]);
        List<String> wanted = List.of(args).subList(1, args.length);
        for (Map.Entry<String, GgufImage> entry : metadata().entrySet()) {
            if ((wanted.isEmpty() ? !OTHERS.contains(entry.getKey()) : wanted.contains(entry.getKey()))
                    && !addTensors(entry.getValue(), folder.resolve(entry.getKey() + ".gguf"))) {
                // one that this llama.cpp does not make of this metadata is left out
                Files.delete(folder.resolve(entry.getKey() + ".gguf"));
            }
        }
    }

    /** The metadata of all models by name, in an order that does not change. */
    private static Map<String, GgufImage> metadata() {
        Map<String, GgufImage> all = new LinkedHashMap<>();
        for (String architecture : DENSE) {
            all.put(architecture, withNoTokenizer(metadata(architecture, false)));
        }
        for (String architecture : MIXTURES) {
            all.put(architecture, withNoTokenizer(metadata(architecture, true)));
        }
        all.put("llama-moe", withNoTokenizer(metadata("llama", true)));
        for (String architecture : OTHERS) {
            all.put(architecture, withNoTokenizer(metadata(architecture, true)));
        }
        for (String tokenizer : List.of("llama", "gpt2", "bert", "t5", "rwkv", "plamo2", "gemma4", "whitespace", "hybriddna")) {
            all.put("tokenizer-" + tokenizer, withTokenizer(metadata("llama", false), tokenizer));
        }
        return all;
    }

    private static GgufImage metadata(String a, boolean experts) {
        GgufImage image = new GgufImage().text("general.architecture", a).u32(a + ".vocab_size", VOCABULARY)
                .u32(a + ".context_length", 256).u32(a + ".embedding_length", EMBEDDING).u32(a + ".features_length", EMBEDDING)
                .u32(a + ".block_count", LAYERS).u32(a + ".leading_dense_block_count", 1).u32(a + ".feed_forward_length", HIDDEN)
                .bool(a + ".use_parallel_residual", false).f32(a + ".logit_scale", 1).u32(a + ".time_mix_extra_dim", 16)
                .u32(a + ".time_decay_extra_dim", 32).u32(a + ".full_attention_interval", 2);
        boolean hybrid = List.of("plamo2", "jamba", "granitehybrid", "lfm2", "lfm2moe").contains(a);
        if (hybrid) {
            image.items(a + ".attention.head_count", GgufImage.UINT32, List.of(HEADS, 0))
                    .items(a + ".attention.head_count_kv", GgufImage.UINT32, List.of(HEADS, 0));
        } else {
            image.u32(a + ".attention.head_count", HEADS).u32(a + ".attention.head_count_kv", HEADS);
        }
        image.f32(a + ".attention.layer_norm_epsilon", 1e-5).f32(a + ".attention.layer_norm_rms_epsilon", 1e-5)
                .f32(a + ".attention.group_norm_epsilon", 1e-5).u32(a + ".attention.group_norm_groups", 8)
                .f32(a + ".attention.max_alibi_bias", 8).f32(a + ".attention.clamp_kqv", 1)
                .u32(a + ".attention.relative_buckets_count", 8).u32(a + ".attention.sliding_window", 32)
                .u32(a + ".attention.sliding_window_pattern", 2).u32(a + ".attention.q_lora_rank", 32)
                .u32(a + ".attention.kv_lora_rank", 32)
                .items(a + ".rope.dimension_sections", GgufImage.UINT32, List.of(2, 2, 2, 2)).f32(a + ".rope.freq_base", 10000)
                .f32("xielu.alpha_n", 1).f32("xielu.alpha_p", 1).f32("xielu.beta", 1).f32("xielu.eps", 1e-7)
                .u32(a + ".ssm.inner_size", 2 * EMBEDDING).u32(a + ".ssm.conv_kernel", 4).u32(a + ".ssm.state_size", 16)
                .u32(a + ".ssm.time_step_rank", HEADS).u32(a + ".ssm.group_count", a.equals("plamo2") ? 0 : 2)
                .u32(a + ".wkv.head_size", EMBEDDING / HEADS).u32(a + ".shortconv.l_cache", 3).f32(a + ".residual_scale", 1)
                .f32(a + ".embedding_scale", 1).f32(a + ".attention.scale", 0.125)
                .u32(a + ".attention.decay_lora_rank", 16).u32(a + ".attention.iclr_lora_rank", 16)
                .u32(a + ".attention.value_residual_mix_lora_rank", 16).u32(a + ".attention.gate_lora_rank", 16)
                .u32("tokenizer.ggml.token_type_count", 2);
        if (a.equals("deepseek2") || a.equals("minicpm3") || a.equals("plm")) {
            image.u32(a + ".attention.key_length", 24).u32(a + ".attention.value_length", 16).u32(a + ".rope.dimension_count", 8);
        }
        if (experts) {
            image.u32(a + ".expert_feed_forward_length", HIDDEN).u32(a + ".expert_shared_feed_forward_length", HIDDEN / 2)
                    .u32(a + ".expert_count", 4).u32(a + ".expert_used_count", 2).u32(a + ".expert_shared_count", 1)
                    .u32(a + ".expert_gating_func", 2).f32(a + ".expert_weights_scale",
                            1).u32(a + ".interleave_moe_layer_step", 2);
        }
        return image;
    }

    private static GgufImage withNoTokenizer(GgufImage image) {
        return image.text("tokenizer.ggml.model", "no_vocab");
    }

    /** A vocabulary of {@link #VOCABULARY} tokens: special ones, single bytes as the tokenizer spells them, some pairs. */
    private static GgufImage withTokenizer(GgufImage image, String tokenizer) {
        boolean bytePairs = List.of("gpt2", "gemma4", "whitespace", "hybriddna").contains(tokenizer);
        List<String> tokens = new ArrayList<>(List.of("<unk>", "<s>", "</s>", "<|im_end|>"));
        List<Integer> types = new ArrayList<>(List.of(2, 3, 3, 3));
        for (int b = 0; b < 256; b++) {
            tokens.add(switch (tokenizer) {
                case "gpt2", "whitespace", "hybriddna" -> bytePairName(b);
                case "rwkv" -> String.format("\\x%02x", b);
                default -> String.format("<0x%02X>", b);
            });
            types.add(List.of("llama", "t5", "plamo2", "gemma4").contains(tokenizer) ? 6 : 1);
        }
        for (String word : List.of("\u2581", "a", "b", "e", "t", "\u2581a", "th", "he", "in", "er", "\u2581the", "##ing", "[UNK]",
                "[CLS]", "[SEP]", "ab", "te", "ea")) {
            if (!tokens.contains(word)) {
                tokens.add(word);
                types.add(1);
            }
        }
        while (tokens.size() < VOCABULARY) {
            tokens.add("w" + tokens.size());
            types.add(1);
        }
        image.text("tokenizer.ggml.model", tokenizer).items("tokenizer.ggml.tokens", GgufImage.STRING, tokens)
                .items("tokenizer.ggml.scores", GgufImage.FLOAT32, IntStream.range(0,
                        VOCABULARY).mapToObj(i -> -i * 0.5f).toList())
                .items("tokenizer.ggml.token_type", GgufImage.INT32, types).u32("tokenizer.ggml.bos_token_id", 1)
                .u32("tokenizer.ggml.eos_token_id", 2).u32("tokenizer.ggml.unknown_token_id", 0)
                .u32("tokenizer.ggml.seperator_token_id", 2).u32("tokenizer.ggml.padding_token_id", 0)
                .u32("tokenizer.ggml.eot_token_id", 3).bool("tokenizer.ggml.add_bos_token", true)
                .bool("tokenizer.ggml.add_eos_token", false).bool("tokenizer.ggml.add_space_prefix", true)
                .bool("tokenizer.ggml.remove_extra_whitespaces", true)
                .text("tokenizer.chat_template", "{% for m in messages %}<|im_start|>{{ m.content }}<|im_end|>{% endfor %}");
        if (bytePairs) {
            image.text("tokenizer.ggml.pre", switch (tokenizer) {
                case "gemma4", "whitespace" -> tokenizer;
                default -> "llama-bpe";
            }).items("tokenizer.ggml.merges", GgufImage.STRING, List.of("t h", "h e", "i n", "e r", "a b", "t e", "e a"));
        }
        if (tokenizer.equals("t5")) {
            // four bytes with the length of the index, 1024, the index, which finds nothing, and four bytes of replacements
            List<Object> map = new ArrayList<>(Collections.nCopies(4 + 1024 + 4, 0));
            map.set(1, 4);
            image.items("tokenizer.ggml.precompiled_charsmap", 0, map);
        }
        return image;
    }

    /** The character that byte-pair vocabularies write for a byte. */
    private static String bytePairName(int b) {
        boolean printable = b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE;
        if (printable) {
            return Character.toString(b);
        }
        int before = (int) IntStream.range(0,
                b).filter(c -> !(c >= '!' && c <= '~' || c >= 0xA1 && c <= 0xAC || c >= 0xAE)).count();
        return Character.toString(256 + before);
    }

    /** Adds the tensors that llama.cpp wants for the metadata, one after the other; false if it wants something else. */
    private static boolean addTensors(GgufImage image, Path file) throws IOException {
        for (int attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
            Files.write(file, image.bytes());
            try (LlamaModel model = LlamaModel.load(file)) {
                return !model.isClosed();
            } catch (LlamaException e) {
                Matcher missing = MISSING.matcher(e.getMessage());
                Matcher shape = SHAPE.matcher(e.getMessage());
                if (missing.find()) {
                    String name = missing.group(1) == null ? missing.group(2) : missing.group(1);
                    // our own check wants a row for each token; other shapes llama.cpp's messages tell
                    int rows = name.equals("token_embd.weight") ? VOCABULARY : EMBEDDING;
                    image.tensors.add(tensor(name, EMBEDDING + ", " + rows));
                } else if (shape.find()) {
                    String name = shape.group(1);
                    image.tensors.removeIf(tensor -> tensor.name().equals(name));
                    image.tensors.add(tensor(name, shape.group(2)));
                } else {
                    return false;
                }
            }
        }
        return false;
    }

    private static GgufImage.Tensor tensor(String name, String shape) {
        long[] dimensions = Arrays.stream(shape.split(",")).mapToLong(number -> Long.parseLong(number.strip())).toArray();
        long bytes = Arrays.stream(dimensions).reduce(Float.BYTES, (x, y) -> x * y);
        return new GgufImage.Tensor(name, GgmlType.F32.id(), dimensions,
                GgufImage.weights(GgmlType.F32.id(), bytes, name.hashCode()));
    }
}
