package io.tmac4j.bindings;

import io.tmac4j.bindings.GgufFile.Value;
import io.tmac4j.bindings.GgufFile.ValueType;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Refuses adapters that llama.cpp would meet with {@code GGML_ASSERT} while it reads them or builds a graph with them, and says
 * which model an adapter does not belong to.
 */
final class LoraCheck {

    private static final String A = ".lora_a";
    private static final String B = ".lora_b";
    private static final String EMBEDDING = "token_embd.weight";
    private static final String HEAD = "output.weight";

    /** What llama.cpp's converter writes; ggml has products with all of them. */
    private static final Set<GgmlType> TYPES = EnumSet.of(GgmlType.F32, GgmlType.F16, GgmlType.BF16, GgmlType.Q8_0);

    private final GgufFile adapter;
    private final GgufFile model;
    private final Map<String, GgufTensor> weights = new HashMap<>();

    private LoraCheck(GgufFile adapter, GgufFile model) {
        this.adapter = adapter;
        this.model = model;
        model.tensors().forEach(tensor -> weights.put(tensor.name(), tensor));
    }

    /**
     * Checks an adapter that is to be loaded beside a model.
     *
     * @throws LoraException if it cannot be
     */
    static void check(LoraAdapter lora, GgufFile model) {
        GgufFile adapter;
        try {
            adapter = GgufFile.read(lora.file());
        } catch (GgufException e) {
            throw new LoraException("the LoRA adapter cannot be read: " + e.getMessage(), e);
        }
        LoraCheck check = new LoraCheck(adapter, model);
        check.metadata();
        check.tensors();
    }

    private void metadata() {
        if (!text("general.type").equals("adapter") || !text("adapter.type").equals("lora")) {
            throw bad("is no LoRA adapter: its general.type is \"" + text("general.type") + "\" and its adapter.type \""
                    + text("adapter.type") + "\" instead of \"adapter\" and \"lora\"");
        }
        if (!text("general.architecture").equals(model.architecture())) {
            throw bad("is for models of the architecture \"" + text("general.architecture") + "\" and " + model.file()
                    + " is of \"" + model.architecture() + "\"; choose the adapter of this model");
        }
        Value alpha = adapter.value("adapter.lora.alpha").orElse(null);
        if (alpha != null && (alpha.isArray() || alpha.type() != ValueType.FLOAT32)) {
            throw bad("has the key \"adapter.lora.alpha\", which must be a float32");
        }
        if (adapter.value("adapter.alora.invocation_tokens").isPresent()) {
            throw bad("is an activated LoRA, which works from certain tokens on only; such adapters are not offered");
        }
    }

    private String text(String key) {
        return adapter.text(key).orElse("");
    }

    private void tensors() {
        Map<String, GgufTensor> parts = new HashMap<>();
        adapter.tensors().forEach(tensor -> parts.put(tensor.name(), tensor));
        int pairs = 0;
        for (GgufTensor part : adapter.tensors()) {
            String name = part.name();
            if (name.endsWith("_norm.weight")) {
                // llama.cpp leaves those out
                continue;
            }
            if (!name.endsWith(A) && !name.endsWith(B)) {
                throw bad("has the tensor " + name + ", whose name ends neither in " + A + " nor in " + B);
            }
            if (!TYPES.contains(part.type())) {
                throw bad("has the tensor " + name + " of type " + part.type().ggmlName()
                        + "; f32, f16, bf16 and q8_0 are possible");
            }
            String weight = name.substring(0, name.length() - A.length());
            GgufTensor other = parts.get(weight + (name.endsWith(A) ? B : A));
            if (other == null) {
                throw bad("has the tensor " + name + " without its other half");
            }
            if (name.endsWith(A)) {
                pair(weight, part, other);
                pairs++;
            }
        }
        if (pairs == 0) {
            throw bad("has no tensors");
        }
    }

    private void pair(String name, GgufTensor a, GgufTensor b) {
        GgufTensor weight = weights.get(name);
        if (weight == null) {
            throw bad("changes " + name + ", which " + model.file() + " does not have; choose the adapter of this model");
        }
        boolean embedding = name.equals(EMBEDDING);
        if (embedding && !weights.containsKey(HEAD)) {
            // llama.cpp looks adapters up by name and would multiply the head with halves that are made for the embedding
            throw bad("changes " + name + ", which is the head of this model too; llama.cpp cannot do that");
        }
        long rank = embedding ? a.dimension(0) : a.dimension(1);
        List<long[]> wanted = embedding
                ? List.of(shape(rank, weight.dimension(1), weight), shape(rank, weight.dimension(0), weight))
                : List.of(shape(weight.dimension(0), rank, weight), shape(rank, weight.dimension(1), weight));
        if (!Arrays.equals(wanted.get(0), shape(a.dimension(0), a.dimension(1), a))
                || !Arrays.equals(wanted.get(1), shape(b.dimension(0), b.dimension(1), b))) {
            throw bad("changes " + name + " by " + Arrays.toString(a.dimensions()) + " and " + Arrays.toString(b.dimensions())
                    + ", which does not fit its shape " + Arrays.toString(weight.dimensions()) + " in " + model.file()
                    + "; choose the adapter of this model");
        }
    }

    private static long[] shape(long first, long second, GgufTensor others) {
        return new long[] {first, second, others.dimension(2), others.dimension(3)};
    }

    private LoraException bad(String what) {
        return new LoraException("the LoRA adapter " + adapter.file() + " " + what);
    }
}
