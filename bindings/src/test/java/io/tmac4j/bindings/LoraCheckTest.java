package io.tmac4j.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tmac4j.bindings.LoraFiles.Pair;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each of these files would end the VM or be refused by llama.cpp without a word of why. */
class LoraCheckTest {

    private static final String WEIGHT = "blk.0.attn_q.weight";

    @TempDir
    private Path folder;

    private static void refused(Path adapter, String... parts) {
        assertThatThrownBy(() -> LlamaModel.load(Models.demo(), ModelOptions.defaults().withLora(adapter, 1)).close())
                .isInstanceOf(LoraException.class).hasMessageContaining("LoRA adapter").hasMessageContainingAll(parts);
    }

    private Path adapter(String architecture, Pair... pairs) {
        return LoraFiles.write(folder.resolve("adapter.gguf"), architecture, List.of(pairs));
    }

    @Test
    void anAdapterForAnotherModelIsRefusedWithTheReason() {
        Pair fitting = LoraFiles.changes(Models.demo(), WEIGHT).getFirst();
        refused(adapter("qwen3", fitting), "\"qwen3\"", "is of \"llama\"");
        refused(adapter(LoraFiles.LLAMA, Pair.random(WEIGHT, fitting.k() * 2, fitting.rows(), 1)),
                "does not fit its shape", WEIGHT);
        refused(adapter(LoraFiles.LLAMA, Pair.random(WEIGHT, fitting.k(), fitting.rows() / 2, 1)), "does not fit its shape");
        refused(adapter(LoraFiles.LLAMA, Pair.random("blk.99.attn_q.weight", fitting.k(), fitting.rows(), 1)),
                "blk.99.attn_q.weight", "does not have");
    }

    @Test
    void whatIsNoAdapterIsRefused() {
        refused(folder.resolve("missing.gguf"), "missing.gguf");
        refused(Models.demo(), "general.type");
        refused(LoraFiles.write(folder.resolve("model.gguf"), "model", LoraFiles.LLAMA, List.of()), "\"model\"");
        refused(adapter(LoraFiles.LLAMA), "has no tensors");
        assertThatThrownBy(() -> new LoraAdapter(folder, Float.NaN)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("NaN");
    }

    @Test
    void theHeadThatIsTheEmbeddingTooCannotBeChanged() {
        GgufTensor embedding = GgufFile.read(Models.demo()).tensors().stream()
                .filter(tensor -> tensor.name().equals("token_embd.weight")).findFirst().orElseThrow();
        Pair pair = Pair.random("token_embd.weight", (int) embedding.dimension(0), (int) embedding.rows(), 1);
        refused(adapter(LoraFiles.LLAMA, pair), "head of this model");
        try (LlamaModel model = LlamaModel.load(Models.demo())) {
            assertThat(model.loras()).isEmpty();
        }
    }
}
