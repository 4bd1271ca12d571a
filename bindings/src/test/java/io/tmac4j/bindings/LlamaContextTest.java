package io.tmac4j.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class LlamaContextTest {

    private static final ContextOptions SMALL = ContextOptions.defaults().withContextSize(256).withBatchSize(64)
            .withUbatchSize(32);

    private static LlamaModel model;

    @BeforeAll
    static void load() {
        model = LlamaModel.load(Models.demo());
    }

    @AfterAll
    static void close() {
        if (model != null) {
            model.close();
        }
    }

    private static int[] prompt() {
        return model.tokenize("First Citizen:\nBefore we proceed any further, hear me speak.", true, false);
    }

    private static String continuation(LlamaContext context, Sampler sampler, int count) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < count; i++) {
            int token = sampler.sample(context, -1);
            text.append(model.detokenize(new int[] {token}, false, false)).append('|');
            context.decode(token);
        }
        return text.toString();
    }

    /** Sum of squared differences over the sum of squares. */
    private static double distance(float[] wanted, float[] found) {
        double difference = 0;
        double size = 0;
        for (int i = 0; i < wanted.length; i++) {
            difference += Math.pow(found[i] - wanted[i], 2);
            size += wanted[i] * wanted[i];
        }
        return difference / size;
    }

    @Test
    void aPromptInOnePieceOrTokenByTokenGivesTheSameLogits() {
        try (LlamaContext once = model.newContext(SMALL); LlamaContext each = model.newContext(SMALL)) {
            int[] tokens = prompt();
            once.decode(tokens);
            for (int token : tokens) {
                each.decode(token);
            }
            assertThat(once.position(0)).isEqualTo(each.position(0)).isEqualTo(tokens.length);
            assertThat(distance(once.logits(-1), each.logits(-1))).isLessThan(1e-3);
        }
    }

    @Test
    void flashAttentionGivesTheLogitsOfTheOther() {
        int[] tokens = prompt();
        try (LlamaContext on = model.newContext(SMALL.withFlashAttention(FlashAttention.ON));
                LlamaContext off = model.newContext(SMALL.withFlashAttention(FlashAttention.OFF))) {
            on.decode(tokens);
            off.decode(tokens);
            assertThat(distance(off.logits(-1), on.logits(-1))).isLessThan(1e-3);
        }
    }

    @ParameterizedTest
    @MethodSource("io.tmac4j.bindings.ContextOptions#cacheTypes")
    void keysAndValuesMayBeCachedInEveryTypeThatIsOffered(GgmlType type) {
        try (LlamaContext usual = model.newContext(SMALL);
                LlamaContext other = model.newContext(SMALL.withKeyType(type).withValueType(type)
                        .withFlashAttention(FlashAttention.ON))) {
            int[] tokens = prompt();
            usual.decode(tokens);
            other.decode(tokens);
            assertThat(distance(usual.logits(-1), other.logits(-1))).isLessThan(0.05);
        }
    }

    @Test
    void typesThatCannotBeCachedAreRefusedWithTheReason() {
        for (GgmlType type : GgmlType.values()) {
            if (!ContextOptions.cacheTypes().contains(type)) {
                assertThatThrownBy(() -> SMALL.withKeyType(type)).isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("keys cannot be cached as " + type.ggmlName()).hasMessageContaining("q8_0");
                assertThatThrownBy(() -> SMALL.withValueType(type)).isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("values cannot be cached as " + type.ggmlName());
            }
        }
        assertThatThrownBy(() -> model.newContext(SMALL.withValueType(GgmlType.Q8_0).withFlashAttention(FlashAttention.OFF)))
                .isInstanceOf(LlamaException.class).hasMessageContaining("flash");
    }

    @Test
    void aPromptLongerThanABatchIsSplit() {
        try (LlamaContext context = model.newContext(SMALL.withBatchSize(8).withUbatchSize(4))) {
            int[] tokens = prompt();
            assertThat(tokens.length).isGreaterThan(8);
            context.decode(tokens);
            assertThat(context.position(0)).isEqualTo(tokens.length);
        }
    }

    @Test
    void batchesHoldSeveralSequences() {
        try (LlamaContext context = model.newContext(SMALL.withMaxSequences(2)); Batch batch = new Batch(64)) {
            int[] tokens = prompt();
            for (int i = 0; i < tokens.length; i++) {
                batch.add(tokens[i], i, 0, i == tokens.length - 1);
            }
            for (int i = 0; i < tokens.length; i++) {
                batch.add(tokens[i], i, 1, i == tokens.length - 1);
            }
            context.decode(batch);
            assertThat(context.position(0)).isEqualTo(context.position(1)).isEqualTo(tokens.length);
            float[] first = context.logits(tokens.length - 1);
            float[] second = context.logits(2 * tokens.length - 1);
            for (int i = 0; i < first.length; i++) {
                assertThat(second[i]).isCloseTo(first[i], within(1e-3f));
            }
            assertThatThrownBy(() -> context.logits(0)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void sequencesAreCopiedTruncatedAndCleared() {
        try (LlamaContext context = model.newContext(SMALL.withMaxSequences(2))) {
            context.decode(prompt());
            int length = context.position(0);
            context.copySequence(0, 1);
            assertThat(context.position(1)).isEqualTo(length);
            context.truncate(1, 3);
            assertThat(context.position(1)).isEqualTo(3);
            assertThat(context.position(0)).isEqualTo(length);
            context.clear();
            assertThat(context.position(0)).isZero();
            assertThatThrownBy(() -> context.position(2)).isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("there is no sequence 2: the context was made for 2");
        }
    }

    @Test
    void badBatchesAreRefusedAndTheContextStaysUsable() {
        try (LlamaContext context = model.newContext(SMALL); Batch batch = new Batch(200)) {
            assertRefused(context, DecodeException.Reason.INVALID_BATCH, "no tokens", () -> context.decode());
            assertRefused(context, DecodeException.Reason.INVALID_BATCH, "token 1024 is outside", () -> context.decode(1024));
            assertRefused(context, DecodeException.Reason.INVALID_BATCH, "token -1 is outside", () -> context.decode(1, -1));
            assertRefused(context, DecodeException.Reason.CONTEXT_FULL, "257 tokens do not fit",
                    () -> context.decode(new int[257]));
            assertRefused(context, DecodeException.Reason.INVALID_BATCH, "no sequence 1",
                    () -> context.decode(batch.add(1, 0, 1, true)));
            batch.clear();
            assertRefused(context, DecodeException.Reason.INVALID_BATCH, "is negative",
                    () -> context.decode(batch.add(1, -1, 0, true)));
            batch.clear();
            assertRefused(context, DecodeException.Reason.INVALID_BATCH, "takes 64 at once", () -> {
                for (int i = 0; i < 65; i++) {
                    batch.add(1, i, 0, false);
                }
                context.decode(batch);
            });
            batch.clear();
            // llama.cpp's own check: positions must follow one another
            assertRefused(context, DecodeException.Reason.INVALID_BATCH, "does not accept", () ->
                    context.decode(batch.add(1, 0, 0, false).add(2, 5, 0, false).add(3, 3, 0, true)));
            context.clear();
            context.decode(1, 2, 3);
            assertThat(context.position(0)).isEqualTo(3);
        }
    }

    private static void assertRefused(LlamaContext context, DecodeException.Reason reason, String part, Runnable action) {
        assertThatThrownBy(action::run).isInstanceOfSatisfying(DecodeException.class, e -> {
            assertThat(e.reason()).isEqualTo(reason);
            assertThat(e).hasMessageContaining(part);
        });
        assertThat(context.isClosed()).isFalse();
    }

    @Test
    void logitsBeforeAnyDecodeAreRefused() {
        try (LlamaContext context = model.newContext(SMALL); Sampler sampler = Sampler.of(SamplerOptions.greedy())) {
            assertThatThrownBy(() -> context.logits(-1)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> sampler.sample(context, 0)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> context.embeddings(0)).isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("withEmbeddings");
        }
    }

    @Test
    void embeddingsAreThereWhenAskedFor() {
        try (LlamaContext context = model.newContext(SMALL.withEmbeddings(true))) {
            context.decode(1, 2, 3);
            assertThat(context.embeddings(2)).hasSize(256).isNotEqualTo(context.embeddings(0));
        }
    }

    @Test
    void equalSeedsGiveEqualTextsAndOtherSeedsOthers() {
        SamplerOptions warm = SamplerOptions.defaults().withTemperature(1).withSeed(42);
        String[] texts = new String[3];
        for (int i = 0; i < texts.length; i++) {
            try (LlamaContext context = model.newContext(SMALL);
                    Sampler sampler = Sampler.of(i == 2 ? warm.withSeed(43) : warm)) {
                context.decode(prompt());
                texts[i] = continuation(context, sampler, 30);
            }
        }
        assertThat(texts[1]).isEqualTo(texts[0]);
        assertThat(texts[2]).isNotEqualTo(texts[0]);
    }

    @Test
    void greedyTakesTheHighestLogit() {
        try (LlamaContext context = model.newContext(SMALL); Sampler sampler = Sampler.of(SamplerOptions.greedy())) {
            context.decode(prompt());
            float[] logits = context.logits(-1);
            int best = 0;
            for (int i = 1; i < logits.length; i++) {
                best = logits[i] > logits[best] ? i : best;
            }
            assertThat(sampler.sample(context, -1)).isEqualTo(best);
        }
    }

    @Test
    void threadCountsChangeSpeedNotText() {
        try (LlamaContext context = model.newContext(SMALL.withThreads(1).withBatchThreads(2));
                Sampler sampler = Sampler.of(SamplerOptions.greedy())) {
            context.decode(prompt());
            String one = continuation(context, sampler, 20);
            context.clear();
            context.threads(2, 1);
            assertThat(context.threads()).isEqualTo(2);
            context.decode(prompt());
            assertThat(continuation(context, sampler, 20)).isEqualTo(one);
            assertThatThrownBy(() -> context.threads(0, 1)).isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("threads must be at least 1, not 0");
        }
    }

    @Test
    void twoContextsAtOnceGiveWhatOneGives() {
        try (LlamaContext a = model.newContext(SMALL.withThreads(1)); LlamaContext b = model.newContext(SMALL.withThreads(1));
                LlamaContext alone = model.newContext(SMALL.withThreads(1));
                        Sampler sampler = Sampler.of(SamplerOptions.greedy())) {
            alone.decode(prompt());
            String expected = continuation(alone, sampler, 60);
            CompletableFuture<String> first = CompletableFuture.supplyAsync(() -> greedy(a));
            CompletableFuture<String> second = CompletableFuture.supplyAsync(() -> greedy(b));
            assertThat(first.join()).isEqualTo(expected);
            assertThat(second.join()).isEqualTo(expected);
        }
    }

    private static String greedy(LlamaContext context) {
        try (Sampler sampler = Sampler.of(SamplerOptions.greedy())) {
            context.decode(prompt());
            return continuation(context, sampler, 60);
        }
    }

    @Test
    void oneContextInTwoThreadsIsRefused() throws InterruptedException {
        try (LlamaContext context = model.newContext(SMALL)) {
            AtomicReference<Throwable> thrown = new AtomicReference<>();
            context.enter();
            Thread other = Thread.ofVirtual().start(() -> {
                try {
                    context.decode(1);
                } catch (IllegalStateException e) {
                    thrown.set(e);
                }
            });
            other.join();
            context.exit();
            assertThat(thrown.get()).hasMessageContaining("in use by another thread");
            context.decode(1);
        }
    }

    @Test
    void closesOnceAndSaysSoAfterwards() {
        LlamaContext context = model.newContext(SMALL);
        context.close();
        context.close();
        context.cancel();
        assertThat(context.isClosed()).isTrue();
        assertThatThrownBy(() -> context.decode(1)).isInstanceOf(IllegalStateException.class).hasMessage("the context is closed");
        assertThatThrownBy(() -> context.logits(-1)).isInstanceOf(IllegalStateException.class)
                .hasMessage("the context is closed");
        assertThatThrownBy(() -> context.position(0)).isInstanceOf(IllegalStateException.class);

        Sampler sampler = Sampler.of(SamplerOptions.greedy());
        sampler.close();
        sampler.close();
        assertThatThrownBy(() -> sampler.accept(1)).isInstanceOf(IllegalStateException.class).hasMessage("the sampler is closed");
        Batch batch = new Batch(1);
        batch.close();
        batch.close();
        assertThatThrownBy(() -> batch.add(1, 0, 0, true)).isInstanceOf(IllegalStateException.class)
                .hasMessage("the batch is closed");
    }

    @Test
    void probabilitiesAreThoseOfTheLogits() {
        try (LlamaContext context = model.newContext(SMALL)) {
            context.decode(prompt());
            float[] logs = context.logProbabilities(-1);
            float[] logits = context.logits(-1);
            double sum = 0;
            for (int i = 0; i < logs.length; i++) {
                sum += Math.exp(logs[i]);
                assertThat(logs[i] - logs[0]).isCloseTo(logits[i] - logits[0], within(1e-3f));
            }
            assertThat(sum).isCloseTo(1, within(1e-4));
        }
    }
}
