package io.tmac4j.comparison;

import static org.assertj.core.api.Assertions.assertThat;

import io.tmac4j.bindings.Batch;
import io.tmac4j.bindings.ContextOptions;
import io.tmac4j.bindings.Engine;
import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.LlamaContext;
import io.tmac4j.bindings.LlamaModel;
import io.tmac4j.bindings.ModelOptions;
import io.tmac4j.bindings.ParallelGenerator;
import io.tmac4j.bindings.ParallelSequence;
import io.tmac4j.bindings.Sampler;
import io.tmac4j.bindings.SamplerOptions;
import io.tmac4j.comparison.stats.LogitDistance;
import io.tmac4j.comparison.synth.DemoModel;
import io.tmac4j.comparison.synth.GgufWriter;
import io.tmac4j.comparison.synth.SyntheticModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ParallelEnginesTest {

    private static final int TOKENS = 16;
    private static final ContextOptions OPTIONS = ContextOptions.defaults().withThreads(1).withBatchThreads(1);
    private static final List<String> PROMPTS = List.of("ROMEO:\nBut soft, what", "First Citizen:\nBefore we proceed", "JULIET:",
            "KING HENRY:\nOnce more unto the", "The quality of mercy is not", "HAMLET:\nTo be, or not", "To-morrow, and",
            "O for a Muse of fire");

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"llama.cpp", "tmac"})
    void textsAreTogetherWhatTheyAreAloneExceptWhereTwoTokensAreNearlyAsLikely(String engine) throws Exception {
        try (LlamaModel model = LlamaModel.load(DemoModel.file(), ModelOptions.defaults().withEngine(Engine.of(engine)));
                LlamaContext context = model.newContext(OPTIONS.withMaxSequences(8).withContextSize(8 * 256));
                ParallelGenerator generator = ParallelGenerator.of(context)) {
            List<ParallelSequence> together = new ArrayList<>();
            for (String prompt : PROMPTS) {
                together.add(generator.add(model.tokenize(prompt, true, false), SamplerOptions.greedy(), TOKENS));
            }
            generator.run();
            for (int i = 0; i < PROMPTS.size(); i++) {
                assertAlike(model, model.tokenize(PROMPTS.get(i), true, false), together.get(i).tokens());
            }
        }
    }

    /** Seven heads share keys, so that parts of the heads are odd; texts begin one after the other. */
    @ParameterizedTest
    @ValueSource(ints = {2, 4, 8, 9, 16})
    void textsTogetherHaveTheLogitsOfLlamaCppWhereHeadsShareKeys(int texts) throws Exception {
        Path file = folder.resolve("qwen.gguf");
        SyntheticModel.of("qwen2.5-0.5b", GgmlType.Q4_0, 2, 2000, null, SyntheticModel.DEFAULT_SEED)
                .write(file, GgufWriter.Progress.NONE);
        List<float[]> expected = together(file, Engine.LLAMA_CPP, texts);
        List<float[]> found = together(file, Engine.TMAC, texts);
        assertThat(found).hasSameSizeAs(expected);
        for (int i = 0; i < expected.size(); i++) {
            LogitDistance distance = new LogitDistance();
            distance.add(expected.get(i), found.get(i));
            assertThat(distance.nmse()).as("logits %d", i).isLessThan(1e-3);
        }
    }

    private static List<float[]> together(Path file, Engine engine, int texts) {
        List<float[]> logits = new ArrayList<>();
        ContextOptions options = OPTIONS.withThreads(2).withBatchThreads(2).withMaxSequences(texts).withContextSize(texts * 256);
        try (LlamaModel model = LlamaModel.load(file, ModelOptions.defaults().withEngine(engine));
                LlamaContext context = model.newContext(options); Batch batch = new Batch(texts)) {
            for (int step = 0; step < texts + 2; step++) {
                batch.clear();
                for (int text = 0; text <= Math.min(step, texts - 1); text++) {
                    batch.add(100 + 31 * text + step, step - text, text, true);
                }
                context.decode(batch);
                for (int i = 0; i < batch.size(); i++) {
                    logits.add(context.logits(i));
                }
            }
        }
        return logits;
    }

    /**
     * Follows the tokens found, alone: each is the likeliest, or less than the engines' own noise behind it. Decode's tables of
     * 8 bits and the integers of batches differ by about 0.05 in a logit of this model; two may part by three times that.
     */
    private static void assertAlike(LlamaModel model, int[] prompt, int[] found) {
        try (LlamaContext alone = model.newContext(OPTIONS.withContextSize(256));
                Sampler greedy = Sampler.of(SamplerOptions.greedy())) {
            alone.decode(prompt);
            int[] chosen = new int[TOKENS];
            for (int i = 0; i < TOKENS; i++) {
                chosen[i] = greedy.sample(alone, -1);
                float[] logits = alone.logits(-1);
                assertThat(logits[found[i]]).as("token %d of %s beside %s", i, Arrays.toString(found), Arrays.toString(chosen))
                        .isGreaterThan(logits[chosen[i]] - 0.15f);
                alone.decode(found[i]);
            }
        }
    }
}
