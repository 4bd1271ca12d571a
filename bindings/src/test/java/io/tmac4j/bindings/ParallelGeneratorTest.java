package io.tmac4j.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tmac4j.bindings.TokenStream.End;
import io.tmac4j.bindings.generated.LlamaCpp;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ParallelGeneratorTest {

    private static final ContextOptions OPTIONS = ContextOptions.defaults().withThreads(1).withBatchThreads(1);
    private static final List<String> PROMPTS = List.of("ROMEO:\nBut soft, what", "First Citizen:\nBefore we proceed", "JULIET:",
            "KING HENRY:\nOnce more unto the", "The quality of mercy is not");

    private static LlamaModel model;

    @TempDir
    private Path folder;

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

    private static LlamaContext context(int sequences) {
        return model.newContext(OPTIONS.withContextSize(sequences * 256).withMaxSequences(sequences));
    }

    private static int[] prompt(String text) {
        return model.tokenize(text, true, false);
    }

    private static List<ParallelSequence> addAll(ParallelGenerator generator, SamplerOptions sampler, int count) {
        return PROMPTS.stream().map(text -> generator.add(prompt(text), sampler, count)).toList();
    }

    /** Each text generated alone, in a context of its own. */
    private static List<String> alone(SamplerOptions options, int count) {
        List<String> texts = new ArrayList<>();
        for (String text : PROMPTS) {
            try (LlamaContext context = context(1); Sampler sampler = Sampler.of(options)) {
                context.decode(prompt(text));
                int[] tokens = new int[count];
                for (int i = 0; i < count; i++) {
                    tokens[i] = sampler.sample(context, -1);
                    context.decode(tokens[i]);
                }
                texts.add(model.detokenize(tokens, false, false));
            }
        }
        return texts;
    }

    @Test
    void textsAreTogetherWhatTheyAreAlone() {
        try (LlamaContext context = context(5); ParallelGenerator generator = ParallelGenerator.of(context)) {
            List<ParallelSequence> texts = addAll(generator, SamplerOptions.greedy(), 24);
            generator.run();
            assertThat(texts).extracting(ParallelSequence::text).isEqualTo(alone(SamplerOptions.greedy(), 24));
            assertThat(texts).allSatisfy(text -> {
                assertThat(text.end()).contains(End.LENGTH);
                assertThat(text.tokens()).hasSize(24);
            });
            assertThat(generator.step()).as("there is no more to do").isFalse();
        }
    }

    @Test
    void eachTextHasASamplerOfItsOwn() {
        SamplerOptions random = SamplerOptions.defaults().withSeed(7);
        try (LlamaContext context = context(3); ParallelGenerator generator = ParallelGenerator.of(context)) {
            int[] prompt = prompt(PROMPTS.getFirst());
            ParallelSequence greedy = generator.add(prompt, SamplerOptions.greedy(), 16);
            ParallelSequence first = generator.add(prompt, random, 16);
            ParallelSequence same = generator.add(prompt, random, 16);
            generator.run();
            assertThat(first.text()).isEqualTo(same.text()).isEqualTo(alone(random, 16).getFirst());
            assertThat(greedy.text()).isEqualTo(alone(SamplerOptions.greedy(), 16).getFirst()).isNotEqualTo(first.text());
        }
    }

    @Test
    void moreTextsThanPlacesTakeTurns() {
        try (LlamaContext context = context(2); ParallelGenerator generator = ParallelGenerator.of(context)) {
            List<ParallelSequence> texts = addAll(generator, SamplerOptions.greedy(), 8);
            generator.step();
            assertThat(generator.active()).hasSize(5);
            assertThat(texts).extracting(text -> text.tokens().length).containsExactly(1, 1, 0, 0, 0);
            generator.run();
            assertThat(generator.active()).isEmpty();
            assertThat(texts).extracting(ParallelSequence::text).isEqualTo(alone(SamplerOptions.greedy(), 8));
        }
    }

    @Test
    void aTextMayJoinAndAnotherLeaveOnTheWay() {
        try (LlamaContext context = context(2); ParallelGenerator generator = ParallelGenerator.of(context)) {
            ParallelSequence leaves = generator.add(prompt(PROMPTS.get(0)), SamplerOptions.greedy(), 100);
            ParallelSequence stays = generator.add(prompt(PROMPTS.get(1)), SamplerOptions.greedy(), 16);
            ParallelSequence joins = generator.add(prompt(PROMPTS.get(2)), SamplerOptions.greedy(), 16);
            for (int i = 0; i < 5; i++) {
                assertThat(generator.step()).isTrue();
            }
            generator.end(leaves);
            generator.run();
            List<String> alone = alone(SamplerOptions.greedy(), 16);
            assertThat(leaves.end()).contains(End.CANCELLED);
            assertThat(leaves.tokens()).hasSize(5);
            assertThat(stays.text()).isEqualTo(alone.get(1));
            assertThat(joins.text()).as("it took the free place").isEqualTo(alone.get(2));
        }
    }

    /** What moves texts together, on a state for each text, states beside keys, windows of keys, and keys alone. */
    @ParameterizedTest
    @ValueSource(strings = {"mamba", "jamba", "gemma3", "llama"})
    void aSequenceThatMovesGoesOnAsIfItHadStayed(String architecture) throws IOException {
        TinyModels.main(new String[] {folder.toString(), architecture});
        try (LlamaModel tiny = LlamaModel.load(folder.resolve(architecture + ".gguf"));
                LlamaContext moving = tiny.newContext(OPTIONS.withContextSize(4 * 256).withMaxSequences(4));
                LlamaContext alone = tiny.newContext(OPTIONS.withContextSize(256)); Batch batch = new Batch(4)) {
            for (int step = 0; step < 8; step++) {
                batch.clear();
                for (int sequence = 0; sequence < (step < 4 ? 4 : 2); sequence++) {
                    // the last of four is the second of two
                    int text = step >= 4 && sequence == 1 ? 3 : sequence;
                    batch.add(50 + 10 * text + step, step, sequence, true);
                }
                if (step == 4) {
                    moving.copySequence(3, 1);
                    moving.truncate(3, 0);
                }
                moving.decode(batch);
                alone.decode(80 + step);
                assertThat(moving.logits(step < 4 ? 3 : 1)).as("step %d", step).usingComparatorWithPrecision(1e-4f)
                        .containsExactly(alone.logits(-1));
            }
        }
    }

    @Test
    void aPromptLongerThanABatchIsReadBesideTheTokensOfTheOthers() {
        try (LlamaContext context = model.newContext(OPTIONS.withContextSize(512).withMaxSequences(2).withBatchSize(8));
                ParallelGenerator generator = ParallelGenerator.of(context)) {
            ParallelSequence small = generator.add(prompt("JULIET:"), SamplerOptions.greedy(), 32);
            ParallelSequence large = generator.add(prompt(PROMPTS.get(1).repeat(3)), SamplerOptions.greedy(), 4);
            int begun = 0;
            while (generator.step()) {
                begun = large.tokens().length == 0 ? small.tokens().length : begun;
            }
            assertThat(begun).as("the small text went on").isGreaterThan(1);
            assertThat(large.tokens()).hasSize(4);
            assertThat(small.text()).isEqualTo(alone(SamplerOptions.greedy(), 32).get(2));
        }
    }

    @Test
    void aFullSequenceEndsAloneAndListenersHearEveryPiece() {
        StringBuilder heard = new StringBuilder();
        try (LlamaContext context = context(2); ParallelGenerator generator = ParallelGenerator.of(context)) {
            int[] prompt = prompt(PROMPTS.get(0).repeat(30));
            int[] near = Arrays.copyOf(prompt, context.sequenceSize() - 4);
            ParallelSequence full = generator.add(near, SamplerOptions.greedy(), 100, heard::append);
            ParallelSequence other = generator.add(prompt(PROMPTS.get(1)), SamplerOptions.greedy(), 16);
            generator.run();
            assertThat(full.end()).contains(End.CONTEXT_FULL);
            assertThat(full.tokens()).as("the last one needs no place").hasSize(5);
            assertThat(heard.toString()).isEqualTo(full.text()).isNotEmpty();
            assertThat(other.text()).isEqualTo(alone(SamplerOptions.greedy(), 16).get(1));
        }
    }

    @Test
    void afterACancelledStepAnotherGoesOnAsIfNothingHadHappened() throws InterruptedException {
        List<String> expected = alone(SamplerOptions.greedy(), 16);
        // a step of the tiny model is short: on a busy machine the other thread may miss all of a text's
        boolean cancelled = false;
        for (int attempt = 0; attempt < 200 && !cancelled; attempt++) {
            try (LlamaContext context = context(2); ParallelGenerator generator = ParallelGenerator.of(context)) {
                List<ParallelSequence> texts = addAll(generator, SamplerOptions.greedy(), 16);
                generator.step();
                cancelled = cancelAStep(generator);
                generator.run();
                assertThat(texts).extracting(ParallelSequence::text).isEqualTo(expected);
            }
        }
        assertThat(cancelled).isTrue();
    }

    /** Steps until another thread, which cancels all the time, has stopped one; false if it never did. */
    private static boolean cancelAStep(ParallelGenerator generator) throws InterruptedException {
        CountDownLatch begun = new CountDownLatch(1);
        Thread canceller = Thread.ofPlatform().daemon().start(() -> {
            while (!Thread.interrupted()) {
                generator.cancel();
                begun.countDown();
            }
        });
        begun.await();
        try {
            while (generator.step()) {
                Thread.onSpinWait();
            }
            return false;
        } catch (DecodeException e) {
            assertThat(e.reason()).isEqualTo(DecodeException.Reason.CANCELLED);
            return true;
        } finally {
            canceller.interrupt();
            canceller.join();
        }
    }

    @Test
    void aListenerThatThrowsEndsItsTextOnly() {
        try (LlamaContext context = context(2); ParallelGenerator generator = ParallelGenerator.of(context)) {
            ParallelSequence broken = generator.add(prompt(PROMPTS.get(0)), SamplerOptions.greedy(), 16, piece -> {
                throw new IllegalStateException("the reader went away");
            });
            ParallelSequence other = generator.add(prompt(PROMPTS.get(1)), SamplerOptions.greedy(), 16);
            assertThatThrownBy(generator::run).hasMessage("the reader went away");
            generator.run();
            assertThat(broken.end()).contains(End.CANCELLED);
            assertThat(other.text()).isEqualTo(alone(SamplerOptions.greedy(), 16).get(1));
        }
    }

    @Test
    void whatCannotBeContinuedIsRefusedWithASentence() {
        try (LlamaContext context = context(2); ParallelGenerator generator = ParallelGenerator.of(context)) {
            SamplerOptions greedy = SamplerOptions.greedy();
            assertThatIllegalArgumentException().isThrownBy(() -> generator.add(new int[0], greedy, 1))
                    .withMessageContaining("the prompt has no tokens");
            assertThatIllegalArgumentException().isThrownBy(() -> generator.add(prompt("a"), greedy, 0))
                    .withMessageContaining("at least 1, not 0");
            assertThatThrownBy(() -> generator.add(new int[] {1_000_000}, greedy, 1)).isInstanceOf(DecodeException.class)
                    .hasMessageContaining("outside of the vocabulary");
            assertThatThrownBy(() -> generator.add(new int[context.sequenceSize()], greedy, 1))
                    .isInstanceOf(DecodeException.class).hasMessageContaining("leaves no room in a sequence of 256");
            assertThat(generator.active()).isEmpty();
        }
        ContextOptions narrow = OPTIONS.withContextSize(512).withMaxSequences(4).withBatchSize(2);
        assertThatThrownBy(() -> model.newContext(narrow)).isInstanceOf(LlamaException.class)
                .hasMessageContaining("a batch of 2 tokens", "4 sequences");
    }

    @Test
    void asManySequencesAsLlamaCppCanTellApartAreAllowed() {
        assertThat(ContextOptions.MAX_SEQUENCES).isEqualTo(LlamaCpp.llama_max_parallel_sequences());
        assertThatIllegalArgumentException().isThrownBy(() -> OPTIONS.withMaxSequences(257))
                .withMessage("number of sequences must be at most 256, not 257");
    }

    @Test
    void closingEndsWhatIsUnderWay() {
        try (LlamaContext context = context(2)) {
            ParallelGenerator generator = ParallelGenerator.of(context);
            List<ParallelSequence> texts = addAll(generator, SamplerOptions.greedy(), 16);
            generator.step();
            generator.close();
            generator.close();
            assertThatThrownBy(generator::step).isInstanceOf(IllegalStateException.class).hasMessageContaining("is closed");
            assertThat(texts).extracting(text -> text.end().orElseThrow()).containsOnly(End.CANCELLED);
            context.clear();
            context.decode(prompt("ROMEO:"));
            assertThat(context.position(0)).isPositive();
        }
    }
}
