package io.tmac4j.bindings.ggml;

import io.tmac4j.bindings.EngineReport;
import io.tmac4j.bindings.EngineReport.Way;
import io.tmac4j.bindings.spi.MatMulEngine;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which tensors of a model go to which buffer type. llama.cpp does not ask whether an override makes sense, so only tensors
 * whose use is known are named: a norm or an embedding in the engine's buffer would be copied back for every token.
 */
final class WeightPlan {

    /** Where a tensor lies. */
    enum Place {
        /** The engine's buffer: packed, not readable for llama.cpp. */
        PACKED,
        /** The host buffer of the Java device: ggml's layout, readable for all. */
        HOST,
        /** Wherever llama.cpp puts it. */
        LLAMA_CPP
    }

    /**
     * @param packs whether the engine multiplies, from its own packed form
     */
    record Item(ModelTensor tensor, long k, long rows, int experts, Place place, boolean packs, String reason) {

        EngineReport.Placement placement() {
            Way way = packs ? Way.ENGINE : place == Place.HOST ? Way.VEC_DOT : Way.LLAMA_CPP;
            return new EngineReport.Placement(tensor.name(), tensor.type(), k, rows * experts, way, reason);
        }
    }

    /** A regular expression for {@code tensor_buft_overrides} and the place of the tensors that it matches. */
    record Override(String pattern, Place place) {
    }

    /**
     * Matrices that llama.cpp's graphs use in {@code ggml_mul_mat} with an f32 input and in nothing else, by the part of
     * their name after {@code blk.N.} and before {@code .weight}; from {@code LLM_TENSOR_INFOS} of {@code llama-arch.cpp}.
     */
    private static final Set<String> MATRICES = Set.of(
            "output", "attn_q", "attn_k", "attn_v", "attn_o", "attn_qkv", "attn_output", "attn_gate",
            "attn_q_a", "attn_q_b", "attn_kv_a_mqa", "attn_kv_b",
            "cross_attn_q", "cross_attn_k", "cross_attn_v", "cross_attn_o",
            "ffn_gate", "ffn_up", "ffn_down", "ffn_gate_shexp", "ffn_up_shexp", "ffn_down_shexp", "ffn_gate_inp",
            "ssm_in", "ssm_x", "ssm_out", "shortconv.in_proj", "shortconv.out_proj",
            "time_mix_key", "time_mix_value", "time_mix_receptance", "time_mix_gate", "time_mix_output",
            "channel_mix_key", "channel_mix_value", "channel_mix_receptance");

    /** Matrices that are used in {@code ggml_mul_mat_id} only. */
    private static final Set<String> EXPERTS = Set.of("ffn_gate_exps", "ffn_up_exps", "ffn_down_exps", "ffn_gate_up_exps",
            "ffn_gate_chexps", "ffn_up_chexps", "ffn_down_chexps");

    private static final String EMBEDDING = "token_embd.weight";
    private static final String HEAD = "output.weight";

    /** A smaller matrix, such as a router, costs less on llama.cpp's thread than a change of backend and back. */
    private static final long SMALL_BYTES = 128 << 10;

    private static final Pattern NAME = Pattern.compile("(?:(?:enc|dec)\\.)?(?:blk\\.\\d+\\.)?(.+)\\.weight");
    private static final Pattern LAYER = Pattern.compile("(?<=blk\\.)\\d+(?=\\.)");

    private final Map<String, Item> items = new HashMap<>();
    private final List<Item> matrices = new ArrayList<>();

    private WeightPlan() {
    }

    static WeightPlan of(Collection<ModelTensor> tensors, MatMulEngine engine) {
        WeightPlan plan = new WeightPlan();
        boolean tied = tensors.stream().noneMatch(tensor -> tensor.name().equals(HEAD));
        for (ModelTensor tensor : tensors) {
            Item item = plan.place(tensor, tied, engine);
            plan.items.put(tensor.name(), item);
            if (item.rows > 1 && tensor.name().endsWith(".weight")) {
                plan.matrices.add(item);
            }
        }
        return plan;
    }

    private Item place(ModelTensor tensor, boolean tied, MatMulEngine engine) {
        long k = tensor.ne(0);
        long rows = tensor.ne(1);
        int experts = (int) Math.min(Integer.MAX_VALUE, tensor.ne(2));
        Matcher name = NAME.matcher(tensor.name());
        String part = name.matches() ? name.group(1) : "";
        boolean head = tied && tensor.name().equals(EMBEDDING);
        boolean known = tensor.ne(3) == 1 && (experts == 1 && (MATRICES.contains(part) || head) || EXPERTS.contains(part));
        if (!known || rows < 2) {
            return new Item(tensor, k, rows, experts, Place.LLAMA_CPP, false, "not a plain matrix product");
        }
        Optional<String> refusal = engine.refusal(tensor.type(), k, rows);
        if (refusal.isEmpty()) {
            // rows of a tied embedding are also read by llama.cpp, in its own layout
            return new Item(tensor, k, rows, experts, head ? Place.HOST : Place.PACKED, true, "");
        }
        if (k % tensor.type().blockSize() != 0 || tensor.type().rowBytes(k) * rows * experts < SMALL_BYTES) {
            return new Item(tensor, k, rows, experts, Place.LLAMA_CPP, false, refusal.get() + "; small");
        }
        Optional<String> noDot = VecDotEngine.INSTANCE.refusal(tensor.type(), k, rows);
        return noDot.isPresent()
                ? new Item(tensor, k, rows, experts, Place.LLAMA_CPP, false, refusal.get() + "; " + noDot.get())
                : new Item(tensor, k, rows, experts, Place.HOST, false, refusal.get());
    }

    /** The item of a tensor of the file, or null. */
    Item item(String name) {
        return items.get(name);
    }

    /** The matrices of the model in the order of the file. */
    List<Item> matrices() {
        return matrices;
    }

    /**
     * The fewest patterns that match exactly the tensors of this file that go to the Java device: one for each kind of
     * tensor, since llama.cpp compiles every pattern anew for every tensor.
     */
    List<Override> overrides() {
        Map<String, Map<Place, List<String>>> kinds = new TreeMap<>();
        for (Item item : items.values()) {
            Matcher layer = LAYER.matcher(item.tensor.name());
            String kind = layer.replaceFirst("*");
            String number = layer.reset().find() ? layer.group() : "";
            kinds.computeIfAbsent(kind, _ -> new TreeMap<>()).computeIfAbsent(item.place, _ -> new ArrayList<>()).add(number);
        }
        List<Override> overrides = new ArrayList<>();
        kinds.forEach((kind, places) -> places.forEach((place, numbers) -> {
            if (place != Place.LLAMA_CPP) {
                String layers = places.size() == 1 ? "[0-9]+" : "(" + String.join("|", numbers) + ")";
                overrides.add(new Override("^" + escape(kind).replace("\\*", layers) + "$", place));
            }
        }));
        return overrides;
    }

    private static String escape(String name) {
        return name.replaceAll("[^A-Za-z0-9_]", "\\\\$0");
    }
}
