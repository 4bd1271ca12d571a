package io.tmac4j.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class EmbedderTest {

    private static final ContextOptions SMALL = ContextOptions.defaults().withContextSize(256).withThreads(1).withBatchThreads(1);
    private static final String TEXT = "But soft, what light through yonder window breaks?";

    @Test
    void aTextsVectorIsTheMeanOfItsTokensWithLengthOne() {
        try (LlamaModel model = LlamaModel.load(Models.demo());
                Embedder embedder = Embedder.of(model, SMALL);
                LlamaContext each = model.newContext(SMALL.withEmbeddings(true))) {
            int[] tokens = model.tokenize(TEXT, true, false);
            double[] mean = new double[embedder.length()];
            for (int token : tokens) {
                each.decode(token);
                float[] one = each.embeddings(-1);
                for (int i = 0; i < mean.length; i++) {
                    mean[i] += one[i] / tokens.length;
                }
            }
            double length = 0;
            for (double value : mean) {
                length += value * value;
            }
            float[] found = embedder.embed(TEXT);
            double scalarProduct = 0;
            double itself = 0;
            for (int i = 0; i < mean.length; i++) {
                scalarProduct += found[i] * mean[i] / Math.sqrt(length);
                itself += (double) found[i] * found[i];
            }
            assertThat(found).hasSize(model.embeddingLength());
            assertThat(itself).isCloseTo(1, within(1e-4));
            assertThat(scalarProduct).isCloseTo(1, within(1e-3));
            embedder.embed("Something else entirely, and longer than that before it was.");
            assertThat(embedder.embed(TEXT)).as("texts do not see one another").isEqualTo(found);
        }
    }

    @Test
    void textsThatAreTooLongOrEmptyAreRefusedAndTheEmbedderStaysUsable() {
        try (LlamaModel model = LlamaModel.load(Models.demo()); Embedder embedder = Embedder.of(model, SMALL)) {
            assertThatThrownBy(() -> embedder.embed("word ".repeat(400))).isInstanceOf(DecodeException.class)
                    .satisfies(e -> assertThat(((DecodeException) e).reason()).isEqualTo(DecodeException.Reason.CONTEXT_FULL));
            assertThat(embedder.embed(TEXT)).hasSize(embedder.length());
            try (LlamaContext pooling = model.newContext(SMALL.withEmbeddings(true).withPooling(Pooling.MEAN))) {
                pooling.decode(1, 2, 3);
                assertThatThrownBy(() -> pooling.embeddings(-1)).isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("Embedder");
            }
        }
    }

    @Test
    void aClosedEmbedderSaysSo() {
        try (LlamaModel model = LlamaModel.load(Models.demo())) {
            Embedder embedder = Embedder.of(model, SMALL);
            embedder.close();
            assertThatThrownBy(() -> embedder.embed(TEXT)).isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("closed");
        }
    }
}
