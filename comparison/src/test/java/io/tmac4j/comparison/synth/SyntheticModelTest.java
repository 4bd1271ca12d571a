package io.tmac4j.comparison.synth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tmac4j.bindings.ContextOptions;
import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.LlamaContext;
import io.tmac4j.bindings.LlamaModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class SyntheticModelTest {

    private static final String TEXT = "Now is the winter of our discontent";

    @TempDir
    private Path folder;

    static List<GgmlType> types() {
        return SyntheticModel.types();
    }

    static Collection<String> presets() {
        return SyntheticModel.presets();
    }

    @ParameterizedTest
    @MethodSource("types")
    void everyTypeRunsInLlamaCppWithFiniteLogitsOfOrderOne(GgmlType type) throws IOException {
        assertRuns(SyntheticModel.of("llama3-1b", type, 2, 1024, null, 1), type.name());
    }

    @ParameterizedTest
    @MethodSource("presets")
    void everyPresetRunsInLlamaCppWithFiniteLogitsOfOrderOne(String preset) throws IOException {
        assertRuns(SyntheticModel.of(preset, GgmlType.Q4_0, 1, 1024, null, 1), "Q4_0");
    }

    @Test
    void activationsKeepTheirOrderThroughAllLayers() throws IOException {
        assertRuns(SyntheticModel.of("moe-tiny", GgmlType.Q2_0, 48, null, null, 1), "Q2_0");
        assertRuns(SyntheticModel.of("bitnet-0.7b", GgmlType.TQ2_0, null, 1024, null, 1), "TQ2_0");
    }

    @Test
    void theWholeVocabularyTokenisesTextAsTheDemoModelDoes() throws IOException {
        Path file = folder.resolve("a.gguf");
        SyntheticModel.of("moe-tiny", GgmlType.Q8_0, 1, 128256, null, 1).write(file, GgufWriter.Progress.NONE);
        try (LlamaModel model = LlamaModel.load(file); LlamaModel demo = LlamaModel.load(DemoModel.file(folder))) {
            assertThat(model.vocabularySize()).isEqualTo(128256);
            String text = "[1500] Wherefore art thou? [2] ünïcödé 🙂";
            assertThat(model.tokenize(text, true, true)).isEqualTo(demo.tokenize(text, true, true));
            assertThat(model.detokenize(new int[] {100_000}, false, false)).isEqualTo("[100000]");
        }
    }

    @Test
    void theSameSeedGivesTheSameFileAndLayersDoNotDependOnTheirNumber() throws IOException {
        byte[] one = bytes(SyntheticModel.of("moe-tiny", GgmlType.TQ1_0, 1, null, null, 7));
        assertThat(bytes(SyntheticModel.of("moe-tiny", GgmlType.TQ1_0, 1, null, null, 7))).isEqualTo(one);
        assertThat(bytes(SyntheticModel.of("moe-tiny", GgmlType.TQ1_0, 1, null, null, 8))).isNotEqualTo(one);
        byte[] two = bytes(SyntheticModel.of("moe-tiny", GgmlType.TQ1_0, 2, null, null, 7));
        byte[] firstWeights = new byte[4096];
        System.arraycopy(one, one.length - firstWeights.length, firstWeights, 0, firstWeights.length);
        assertThat(indexOf(two, firstWeights)).as("the end of layer 0 in the model of two layers").isPositive();
    }

    @Test
    void theModelForRatesIsMadeOnceAndMadeAgainIfItIsCutOff() throws IOException {
        Path file = SyntheticModel.defaultForRates(folder, GgufWriter.Progress.NONE);
        assertThat(file).hasFileName("synthetic-1-bitnet-0.7b-tq2_0.gguf");
        long size = Files.size(file);
        assertThat(size).isBetween(180_000_000L, 260_000_000L);
        var written = Files.getLastModifiedTime(file);
        assertThat(SyntheticModel.defaultForRates(folder, GgufWriter.Progress.NONE)).isEqualTo(file);
        assertThat(Files.getLastModifiedTime(file)).isEqualTo(written);
        Files.write(file, new byte[100]);
        SyntheticModel.defaultForRates(folder, GgufWriter.Progress.NONE);
        assertThat(file).hasSize(size);
    }

    @Test
    void theDemoModelIsPlacedWholeAndRepaired() throws IOException {
        Path file = DemoModel.file(folder.resolve("new").resolve("folder"));
        assertThat(Files.readAllBytes(file)).isEqualTo(DemoModel.bytes());
        Files.write(file, new byte[DemoModel.bytes().length]);
        assertThat(DemoModel.file(file.getParent())).isEqualTo(file);
        assertThat(Files.readAllBytes(file)).isEqualTo(DemoModel.bytes());
    }

    @Test
    void shapesThatATypeCannotHoldAreRefusedWithTheReason() {
        assertThatThrownBy(() -> SyntheticModel.of("bitnet-3b", GgmlType.TQ2_0, null, null, null, 1))
                .hasMessage("bitnet-3b cannot be stored as TQ2_0: its embedding rows hold 3200 weights, which is no multiple of "
                        + "the type's blocks of 256; the types that fit are Q2_0, MXFP4, Q4_0, IQ4_NL, Q4_1, Q5_0, Q5_1, Q8_0, "
                        + "F16, BF16, F32");
        assertThatThrownBy(() -> SyntheticModel.of("bitnet-3b", GgmlType.Q1_0, null, null, null, 1))
                .hasMessageContaining("its feed-forward rows hold 8640 weights, which is no multiple of the type's blocks of "
                        + "128");
        assertThatThrownBy(() -> SyntheticModel.of("qwen2.5-0.5b", GgmlType.Q4_0, null, null, GgmlType.Q6_K, 1))
                .hasMessageContaining("its head rows hold 896 weights");
        assertThatThrownBy(() -> SyntheticModel.of("gpt-9", GgmlType.Q4_0, null, null, null, 1))
                .hasMessageContaining("llama2-7b, ");
        for (int layers : new int[] {0, -1, 513}) {
            assertThatThrownBy(() -> SyntheticModel.of("moe-tiny", GgmlType.Q4_0, layers, null, null, 1))
                    .hasMessageContaining("1 to 512");
        }
        for (int tokens : new int[] {0, 1023, 1_000_001}) {
            assertThatThrownBy(() -> SyntheticModel.of("moe-tiny", GgmlType.Q4_0, null, tokens, null, 1))
                    .hasMessageContaining("1024 to 1000000");
        }
    }

    private void assertRuns(SyntheticModel synthetic, String typeName) throws IOException {
        Path file = folder.resolve("a.gguf");
        synthetic.write(file, GgufWriter.Progress.NONE);
        assertThat(file).hasSize(synthetic.fileBytes());
        try (LlamaModel model = LlamaModel.load(file);
                LlamaContext context = model.newContext(ContextOptions.defaults().withContextSize(64).withThreads(2))) {
            assertThat(model.typeName()).contains(typeName);
            context.decode(model.tokenize(TEXT, true, false));
            float[] logits = context.logits(-1);
            double mean = 0;
            double square = 0;
            for (float logit : logits) {
                assertThat(logit).isFinite();
                mean += logit / logits.length;
                square += (double) logit * logit / logits.length;
            }
            // the head's weights have a deviation of 2 over the root of the row length and its input a root mean square of 1
            assertThat(Math.sqrt(square - mean * mean)).isBetween(1.7, 2.4);
            assertThat(mean).isBetween(-0.4, 0.4);
        }
    }

    private byte[] bytes(SyntheticModel model) throws IOException {
        Path file = folder.resolve("b.gguf");
        model.write(file, GgufWriter.Progress.NONE);
        return Files.readAllBytes(file);
    }

    private static int indexOf(byte[] in, byte[] wanted) {
        for (int at = 0; at + wanted.length <= in.length; at += 32) {
            if (Arrays.equals(in, at, at + wanted.length, wanted, 0, wanted.length)) {
                return at;
            }
        }
        return -1;
    }
}
