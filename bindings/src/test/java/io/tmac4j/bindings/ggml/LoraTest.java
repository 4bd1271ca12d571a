package io.tmac4j.bindings.ggml;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tmac4j.bindings.ContextOptions;
import io.tmac4j.bindings.Engine;
import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.LlamaContext;
import io.tmac4j.bindings.LlamaModel;
import io.tmac4j.bindings.LoraException;
import io.tmac4j.bindings.LoraFiles;
import io.tmac4j.bindings.LoraFiles.Pair;
import io.tmac4j.bindings.ModelLoadException;
import io.tmac4j.bindings.ModelOptions;
import io.tmac4j.bindings.Models;
import io.tmac4j.bindings.SamplerOptions;
import io.tmac4j.bindings.Session;
import io.tmac4j.bindings.SessionOptions;
import io.tmac4j.bindings.TokenStream;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LoraTest {

    private static final String[] WEIGHTS = {"blk.0.attn_q.weight", "blk.1.ffn_down.weight", "blk.2.attn_output.weight",
            "blk.3.ffn_up.weight"};
    private static final ContextOptions SMALL = ContextOptions.defaults().withContextSize(256).withThreads(1).withBatchThreads(1);
    private static final Engine NAIVE = new Engine("naive");

    @TempDir
    private static Path folder;

    private static float[] logits(Path model, ModelOptions options) {
        try (LlamaModel loaded = LlamaModel.load(model, options); LlamaContext context = loaded.newContext(SMALL)) {
            int[] tokens = loaded.tokenize("ROMEO:\nBut soft, what light", true, false);
            context.decode(tokens);
            context.decode(tokens[1]);
            return context.logits(-1);
        }
    }

    /** Mean square error over the variance of {@code wanted}. */
    private static double distance(float[] found, float[] wanted) {
        double mean = 0;
        for (float value : wanted) {
            mean += value / wanted.length;
        }
        double error = 0;
        double variance = 0;
        for (int i = 0; i < wanted.length; i++) {
            error += Math.pow(found[i] - wanted[i], 2);
            variance += Math.pow(wanted[i] - mean, 2);
        }
        return error / variance;
    }

    @Test
    void anAdapterIsWorthTheSumOfWeightAndProduct() {
        Path plain = DerivedModel.dense(folder, GgmlType.F32, GgmlType.F32);
        List<Pair> changes = LoraFiles.changes(plain, WEIGHTS);
        Path adapter = LoraFiles.write(folder.resolve("sum.gguf"), LoraFiles.LLAMA, changes);
        Path merged = DerivedModel.changed(folder, (name, weights) -> changes.stream()
                .filter(pair -> pair.weight().equals(name)).forEach(pair -> {
                    for (int row = 0; row < pair.rows(); row++) {
                        for (int i = 0; i < pair.k(); i++) {
                            long at = (long) row * pair.k() + i;
                            float before = weights.getAtIndex(ValueLayout.JAVA_FLOAT, at);
                            weights.setAtIndex(ValueLayout.JAVA_FLOAT, at, before + pair.delta(row, i));
                        }
                    }
                }));
        float[] wanted = logits(merged, ModelOptions.defaults());
        float[] found = logits(plain, ModelOptions.defaults().withLora(adapter, 1));
        float[] without = logits(plain, ModelOptions.defaults());
        assertThat(distance(without, wanted)).as("the adapter matters").isGreaterThan(0.01);
        assertThat(distance(found, wanted)).isLessThan(1e-4);
        assertThat(logits(plain, ModelOptions.defaults().withLora(adapter, 0))).as("scale 0").isEqualTo(without);
    }

    @Test
    void adaptersWorkBesidePackedWeightsOfAnEngine() {
        Path adapter = LoraFiles.write(folder.resolve("engine.gguf"), LoraFiles.LLAMA,
                LoraFiles.changes(Models.demo(), WEIGHTS));
        ModelOptions options = ModelOptions.defaults().withLora(adapter, 1);
        float[] wanted = logits(Models.demo(), options);
        int before = NaiveEngine.PRODUCTS.get();
        float[] found = logits(Models.demo(), options.withEngine(NAIVE));
        assertThat(NaiveEngine.PRODUCTS.get()).isGreaterThan(before);
        assertThat(distance(logits(Models.demo(), ModelOptions.defaults()), wanted)).isGreaterThan(0.01);
        assertThat(distance(found, wanted)).isLessThan(1e-3);
        assertThat(JavaDevice.get().liveBuffers()).as("all memory of the engine is given back").isZero();
    }

    @Test
    void aConversationTakesItsAdaptersToTheOtherEngine() {
        Path adapter = LoraFiles.write(folder.resolve("session.gguf"), LoraFiles.LLAMA,
                LoraFiles.changes(Models.demo(), WEIGHTS));
        SessionOptions greedy = SessionOptions.defaults().withContext(SMALL).withSampler(SamplerOptions.greedy())
                .withMaxTokens(8);
        // stronger, and the random adapter makes tokens so nearly equal that rounding chooses among them
        ModelOptions options = ModelOptions.defaults().withLora(adapter, 0.2f);
        try (Session stays = Session.open(Models.demo(), options, greedy);
                Session moves = Session.open(Models.demo(), options, greedy)) {
            String first = stays.ask("ROMEO:\n");
            assertThat(moves.ask("ROMEO:\n")).isEqualTo(first);
            moves.switchEngine(NAIVE);
            assertThat(moves.model().loras()).isEqualTo(options.loras());
            assertThat(moves.ask("\nJULIET:\n")).isEqualTo(stays.ask("\nJULIET:\n"));
            try (LlamaModel other = LlamaModel.load(Models.demo())) {
                assertThatThrownBy(() -> moves.switchEngine(other)).isInstanceOf(LoraException.class)
                        .hasMessageContaining("other LoRA adapters");
            }
            assertThat(moves.ask("\nROMEO:\n")).isEqualTo(stays.ask("\nROMEO:\n"));
        }
    }

    @Test
    void anEngineThatTakesNoneOfTheMatricesIsNotSwitchedTo() {
        Path plain = DerivedModel.dense(folder, GgmlType.F16, GgmlType.F16);
        SessionOptions greedy = SessionOptions.defaults().withContext(SMALL).withSampler(SamplerOptions.greedy())
                .withMaxTokens(8);
        try (Session stays = Session.open(plain, ModelOptions.defaults(), greedy);
                Session tries = Session.open(plain, ModelOptions.defaults(), greedy);
                TokenStream answer = tries.stream("ROMEO:\n")) {
            StringBuilder text = new StringBuilder(answer.next());
            assertThatThrownBy(() -> tries.switchEngine(NAIVE)).isInstanceOf(ModelLoadException.class)
                    .hasMessageContaining("takes none of the").hasMessageContaining("f16 is no low-bit type");
            answer.forEachRemaining(text::append);
            assertThat(text.toString()).isEqualTo(stays.ask("ROMEO:\n"));
            assertThat(tries.engine()).isEqualTo(Engine.LLAMA_CPP);
        }
    }
}
