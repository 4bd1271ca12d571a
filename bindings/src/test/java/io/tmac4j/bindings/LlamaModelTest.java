package io.tmac4j.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LlamaModelTest {

    @Test
    void describesItself() {
        try (LlamaModel model = LlamaModel.load(Models.demo())) {
            assertThat(model.engine()).isEqualTo(Engine.LLAMA_CPP);
            assertThat(model.description()).contains("llama");
            assertThat(model.typeName()).contains("TQ2_0");
            assertThat(model.vocabularySize()).isEqualTo(1024);
            assertThat(model.trainedContext()).isEqualTo(256);
            assertThat(model.embeddingLength()).isEqualTo(256);
            assertThat(model.layerCount()).isEqualTo(4);
            assertThat(model.parameterCount()).isBetween(3_600_000L, 3_700_000L);
            assertThat(model.sizeBytes()).isBetween(1_000_000L, 1_190_912L);
            assertThat(model.metadata()).containsEntry("general.architecture", "llama");
            assertThat(model.engineReport().tensors()).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "To be, or not to be", "", "a", "Grüße, 世界! Привет, κόσμε. سلام", "emoji 🙂👩‍👩‍👧‍👦🇩🇪", "\t\n\r\u0001\u007f tabs",
                "   spaces   inside   "
    })
    void textSurvivesTokenisingAndBack(String text) {
        try (LlamaModel model = LlamaModel.load(Models.demo(), ModelOptions.defaults().withVocabularyOnly(true))) {
            int[] tokens = model.tokenize(text, false, false);
            assertThat(model.detokenize(tokens, false, false).strip()).isEqualTo(text.strip());
        }
    }

    @Test
    void bytesOfTokensJoinToTheText() {
        try (LlamaModel model = LlamaModel.load(Models.demo())) {
            String text = "Grüße 🙂";
            List<Byte> bytes = new ArrayList<>();
            for (int token : model.tokenize(text, false, false)) {
                for (byte b : model.tokenBytes(token)) {
                    bytes.add(b);
                }
            }
            byte[] joined = new byte[bytes.size()];
            for (int i = 0; i < joined.length; i++) {
                joined[i] = bytes.get(i);
            }
            assertThat(new String(joined, StandardCharsets.UTF_8).strip()).isEqualTo(text);
        }
    }

    @Test
    void vocabularyAloneTokenisesButMakesNoContext() {
        try (LlamaModel whole = LlamaModel.load(Models.demo());
                LlamaModel vocabulary = LlamaModel.load(Models.demo(), ModelOptions.defaults().withVocabularyOnly(true))) {
            assertThat(vocabulary.tokenize("Who's there?", true, false)).isEqualTo(whole.tokenize("Who's there?", true, false));
            assertThatThrownBy(() -> vocabulary.newContext(ContextOptions.defaults()))
                    .isInstanceOf(LlamaException.class).hasMessageContaining("vocabulary only");
        }
    }

    @Test
    void tokensOutsideOfTheVocabularyAreRefused() {
        try (LlamaModel model = LlamaModel.load(Models.demo())) {
            for (int token : new int[] {-1, 1024, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
                assertThatThrownBy(() -> model.tokenBytes(token)).isInstanceOf(IllegalArgumentException.class)
                        .hasMessage("token " + token + " is outside of the vocabulary of 1024 tokens");
                assertThatThrownBy(() -> model.detokenize(new int[] {token}, false, false))
                        .isInstanceOf(IllegalArgumentException.class);
                assertThatThrownBy(() -> model.isEndOfGeneration(token)).isInstanceOf(IllegalArgumentException.class);
            }
        }
    }

    @Test
    void closesOnceAndSaysSoAfterwards() {
        LlamaModel model = LlamaModel.load(Models.demo());
        model.close();
        model.close();
        assertThat(model.isClosed()).isTrue();
        assertThatThrownBy(() -> model.tokenize("a", false, false))
                .isInstanceOf(IllegalStateException.class).hasMessage("the model is closed");
        assertThatThrownBy(() -> model.newContext(ContextOptions.defaults()))
                .isInstanceOf(IllegalStateException.class).hasMessage("the model is closed");
        assertThatThrownBy(model::engineReport).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void aContextKeepsItsModelInMemory() {
        LlamaModel model = LlamaModel.load(Models.demo());
        try (LlamaContext context = model.newContext(ContextOptions.defaults().withContextSize(64))) {
            model.close();
            context.decode(1, 2, 3);
            assertThat(context.logits(-1)).hasSize(1024);
        }
    }

    @Test
    void progressIsToldAndCanStopTheLoad() {
        List<Double> told = new ArrayList<>();
        LlamaModel.load(Models.demo(), ModelOptions.defaults().withProgress(told::add)).close();
        assertThat(told).isSorted().last().isEqualTo(1.0);

        IllegalStateException stop = new IllegalStateException("enough");
        Path demo = Models.demo();
        assertThatThrownBy(() -> LlamaModel.load(demo, ModelOptions.defaults().withProgress(part -> {
            throw stop;
        }))).isSameAs(stop);
    }

    @Test
    void anUnknownEngineIsRefusedWithTheKnownOnes() {
        assertThatThrownBy(() -> Engine.of("cuda")).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("cuda").hasMessageContaining("llama.cpp");
        Path demo = Models.demo();
        assertThatThrownBy(() -> LlamaModel.load(demo, ModelOptions.defaults().withEngine(new Engine("cuda"))))
                .isInstanceOf(ModelLoadException.class).hasMessageContaining("cuda");
    }
}
