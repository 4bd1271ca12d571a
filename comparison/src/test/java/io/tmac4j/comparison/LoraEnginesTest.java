package io.tmac4j.comparison;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tmac4j.bindings.ContextOptions;
import io.tmac4j.bindings.Engine;
import io.tmac4j.bindings.EngineReport;
import io.tmac4j.bindings.FileType;
import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.GgufFile;
import io.tmac4j.bindings.GgufTensor;
import io.tmac4j.bindings.LlamaContext;
import io.tmac4j.bindings.LlamaModel;
import io.tmac4j.bindings.LoraException;
import io.tmac4j.bindings.ModelOptions;
import io.tmac4j.bindings.QuantizeOptions;
import io.tmac4j.bindings.Quantizer;
import io.tmac4j.bindings.SamplerOptions;
import io.tmac4j.bindings.Session;
import io.tmac4j.bindings.SessionOptions;
import io.tmac4j.comparison.bench.AgreementProbe;
import io.tmac4j.comparison.output.Agreement;
import io.tmac4j.comparison.stats.LogitDistance;
import io.tmac4j.comparison.synth.DemoModel;
import io.tmac4j.comparison.synth.GgufWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** LoRA adapters beside the packed weights of the tmac engine. */
class LoraEnginesTest {

    private static final int RANK = 4;
    /** Products of Q, K and V and of gate and up come in batches: some of these have an adapter, some have none. */
    private static final List<String> CHANGED = List.of("blk.0.attn_q.weight", "blk.0.attn_v.weight", "blk.1.ffn_down.weight",
            "blk.2.attn_output.weight", "blk.3.ffn_up.weight");
    private static final ContextOptions SMALL = ContextOptions.defaults().withContextSize(256).withThreads(2).withBatchThreads(2);
    private static final double NMSE = 1e-3;

    @TempDir
    private static Path folder;

    /** An adapter with random numbers for a model; {@code wider} by a factor than the matrices of that model are. */
    static Path adapter(Path file, Path model, int wider) throws IOException {
        GgufWriter writer = new GgufWriter().put("general.type", "adapter").put("general.architecture", "llama")
                .put("adapter.type", "lora").put("adapter.lora.alpha", (float) RANK);
        List<GgufTensor> tensors = GgufFile.read(model).tensors();
        for (String name : CHANGED) {
            GgufTensor weight = tensors.stream().filter(tensor -> tensor.name().equals(name)).findFirst().orElseThrow();
            writer.tensor(name + ".lora_a", GgmlType.F32, random(name.hashCode()), weight.dimension(0) * wider, RANK);
            writer.tensor(name + ".lora_b", GgmlType.F32, random(name.hashCode() + 1), RANK, weight.rows());
        }
        writer.write(file, GgufWriter.Progress.NONE);
        return file;
    }

    private static GgufWriter.Content random(int seed) {
        return (chunk, into, length) -> {
            Random random = new Random(seed + chunk);
            ByteBuffer buffer = ByteBuffer.wrap(into, 0, length).order(ByteOrder.LITTLE_ENDIAN);
            while (buffer.hasRemaining()) {
                buffer.putFloat((float) random.nextGaussian() * 0.1f);
            }
        };
    }

    private static float[] logits(Path model, ModelOptions options) {
        try (LlamaModel loaded = LlamaModel.load(model, options); LlamaContext context = loaded.newContext(SMALL)) {
            int[] tokens = loaded.tokenize("ROMEO:\nBut soft, what light", true, false);
            context.decode(tokens);
            context.decode(tokens[1]);
            return context.logits(-1);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"TQ2_0", "Q2_0", "Q4_0", "Q4_K_S"})
    void bothEnginesAgreeOnAModelWithAnAdapter(FileType type) throws IOException {
        Path model = folder.resolve(type + ".gguf");
        Quantizer.quantize(DemoModel.file(), model, QuantizeOptions.to(type).withPure(true).withRequantize(true));
        ModelOptions adapted = ModelOptions.defaults().withLora(adapter(folder.resolve("for-" + type + ".gguf"), model, 1), 3);
        AgreementProbe probe;
        AgreementProbe.Trace trace;
        AgreementProbe.Trace plain;
        try (LlamaModel loaded = LlamaModel.load(model, adapted); LlamaModel without = LlamaModel.load(model)) {
            probe = new AgreementProbe(loaded.tokenize("First Citizen:\nBefore we proceed any further, hear me speak.", true,
                    false), 24, SMALL);
            trace = probe.record(loaded);
            plain = probe.record(without);
        }
        LogitDistance change = new LogitDistance();
        change.add(plain.promptLogits().getLast(), trace.promptLogits().getLast());
        assertThat(change.nmse()).as("without the adapter the bound below is exceeded").isGreaterThan(10 * NMSE);
        try (LlamaModel loaded = LlamaModel.load(model, adapted.withEngine(Engine.TMAC))) {
            assertThat(loaded.engineReport().by(EngineReport.Way.ENGINE)).isNotEmpty();
            Agreement agreement = probe.compare(trace, loaded, type.toString(), Engine.LLAMA_CPP.name());
            assertThat(agreement.promptLogitNmse()).as("%s", agreement).isLessThan(NMSE);
            // tables of 8 bits round each token's activations once more; the adapter's large random matrices amplify that
            assertThat(agreement.logitNmse()).as("%s", agreement).isLessThan(2 * NMSE);
        }
    }

    @Test
    void theScaleZeroIsNoAdapter() throws IOException {
        Path adapter = adapter(folder.resolve("zero.gguf"), DemoModel.file(), 1);
        ModelOptions tmac = ModelOptions.defaults().withEngine(Engine.TMAC);
        float[] without = logits(DemoModel.file(), tmac);
        assertThat(logits(DemoModel.file(), tmac.withLora(adapter, 0))).isEqualTo(without);
        assertThat(logits(DemoModel.file(), tmac.withLora(adapter, 1))).isNotEqualTo(without);
    }

    @Test
    void aConversationTakesItsAdapterToTmacAndBack() throws IOException {
        Path adapter = adapter(folder.resolve("session.gguf"), DemoModel.file(), 1);
        SessionOptions greedy = SessionOptions.defaults().withContext(SMALL).withSampler(SamplerOptions.greedy())
                .withMaxTokens(8);
        // weak, so that no two tokens become so nearly equal that rounding chooses among them
        ModelOptions options = ModelOptions.defaults().withLora(adapter, 0.2f);
        try (Session stays = Session.open(DemoModel.file(), options, greedy);
                Session moves = Session.open(DemoModel.file(), options, greedy)) {
            assertThat(moves.ask("ROMEO:\n")).isEqualTo(stays.ask("ROMEO:\n"));
            moves.switchEngine(Engine.TMAC);
            assertThat(moves.model().loras()).isEqualTo(options.loras());
            assertThat(moves.ask("\nJULIET:\n")).isEqualTo(stays.ask("\nJULIET:\n"));
            moves.switchEngine(Engine.LLAMA_CPP);
            assertThat(moves.ask("\nROMEO:\n")).isEqualTo(stays.ask("\nROMEO:\n"));
        }
    }

    @Test
    void anAdapterForAnotherModelIsRefusedOnBothEngines() throws IOException {
        Path other = adapter(folder.resolve("other.gguf"), DemoModel.file(), 2);
        for (Engine engine : List.of(Engine.LLAMA_CPP, Engine.TMAC)) {
            ModelOptions options = ModelOptions.defaults().withEngine(engine).withLora(other, 1);
            assertThatThrownBy(() -> LlamaModel.load(DemoModel.file(), options).close()).isInstanceOf(LoraException.class)
                    .hasMessageContainingAll(other.toString(), "does not fit its shape", "choose the adapter of this model");
        }
    }
}
