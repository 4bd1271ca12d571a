package io.tmac4j.bindings;

import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Refuses tensors that llama.cpp loads and then cannot compute with: types without a product, norms and biases that are not
 * floats, and tensors that its loader takes for optional and its graph does not.
 */
final class TensorCheck {

    /** Types of values on the way through a graph, which have no product with weights in ggml's CPU backend. */
    private static final Set<GgmlType> NO_WEIGHTS = EnumSet.of(GgmlType.Q8_1, GgmlType.Q8_K, GgmlType.I8, GgmlType.I16,
            GgmlType.I32, GgmlType.I64, GgmlType.F64);

    /** The one architecture with tables of numbers among its tensors. */
    private static final String WITH_TABLES = "deepseek4";

    /** Tensors of these names are arguments of operations that take 32-bit floats only, whatever their shape. */
    private static final List<String> FLOATS_ONLY = List.of("norm", "ssm_conv1d", "ssm_a", "ssm_d", "shortconv.conv",
            "time_mix_lerp",
            "time_mix_first", "time_mix_decay.", "attn_rel_b", "rope_f", "sinks", ".bias", ".scale", "channel_mix_lerp",
            "time_mix_a0", "time_mix_v0", "time_mix_w0", "time_mix_k_k", "time_mix_k_a", "time_mix_r_k", "position_embd",
            "token_types");

    /**
     * Tensors that a layer needs if it has another, by architecture.
     *
     * @param having   the tensor that tells such a layer, or an empty string for every layer
     * @param needed   those that it then needs
     * @param instead  a tensor that stands for all of them, or an empty string
     */
    private record Needs(String having, List<String> needed, String instead) {
    }

    private static final Needs CONVOLUTION_BIAS = new Needs("ssm_conv1d.weight", List.of("ssm_conv1d.bias"), "");
    private static final Needs LINEAR_ATTENTION = new Needs("ssm_conv1d.weight", List.of("attn_qkv.weight",
            "attn_gate.weight"), "");

    private static final Needs ATTENTION = new Needs("", List.of("attn_q.weight", "attn_k.weight", "attn_v.weight"),
            "attn_qkv.weight");

    private static final Map<String, Needs> NEEDS = Map.of("phi3", ATTENTION, "pockettts", ATTENTION, "falcon-h1",
            CONVOLUTION_BIAS, "granitehybrid", CONVOLUTION_BIAS, "nemotron_h", CONVOLUTION_BIAS, "nemotron_h_moe",
            CONVOLUTION_BIAS, "qwen35", LINEAR_ATTENTION, "qwen35moe", LINEAR_ATTENTION, "qwen3next", LINEAR_ATTENTION);

    private static final Map<String, List<String>> ONCE = Map.of("t5",
            List.of("enc.blk.0.attn_rel_b.weight", "dec.blk.0.attn_rel_b.weight"), "t5encoder",
            List.of("enc.blk.0.attn_rel_b.weight"));

    private TensorCheck() {
    }

    /**
     * Checks the tensors of a model.
     *
     * @throws GgufException if llama.cpp would not survive them
     */
    static void check(GgufFile file) {
        Set<String> names = HashSet.newHashSet(file.tensors().size());
        for (GgufTensor tensor : file.tensors()) {
            names.add(tensor.name());
            type(file, tensor);
        }
        for (String needed : ONCE.getOrDefault(file.architecture(), List.of())) {
            if (!names.contains(needed)) {
                throw missing(file, needed);
            }
        }
        Needs needs = NEEDS.get(file.architecture());
        if (needs != null) {
            layers(file, names, needs);
        }
    }

    private static void type(GgufFile file, GgufTensor tensor) {
        if (NO_WEIGHTS.contains(tensor.type()) && !file.architecture().equals(WITH_TABLES)) {
            throw new GgufException(file.file() + " has the tensor " + GgufReader.quote(tensor.name()) + " of type "
                    + tensor.type().ggmlName() + ", with which ggml does not compute");
        }
        boolean row = tensor.elements() == tensor.dimension(0);
        if (tensor.type() != GgmlType.F32 && (row || FLOATS_ONLY.stream().anyMatch(tensor.name()::contains))) {
            throw new GgufException(file.file() + " has the tensor " + GgufReader.quote(tensor.name()) + " of type "
                    + tensor.type().ggmlName() + ", which must be f32");
        }
    }

    private static void layers(GgufFile file, Set<String> names, Needs needs) {
        long layers = file.integer(file.architecture() + ".block_count").orElse(0L);
        for (long layer = 0; layer < layers; layer++) {
            String prefix = "blk." + layer + ".";
            if (!needs.having.isEmpty() && !names.contains(prefix + needs.having)
                    || !needs.instead.isEmpty() && names.contains(prefix + needs.instead)) {
                continue;
            }
            for (String needed : needs.needed) {
                if (!names.contains(prefix + needed)) {
                    throw missing(file, prefix + needed);
                }
            }
        }
    }

    private static GgufException missing(GgufFile file, String name) {
        return new GgufException(file.file() + " lacks the tensor \"" + name + "\", which models of the architecture "
                + file.architecture() + " need");
    }
}
