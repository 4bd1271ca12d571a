package io.tmac4j.comparison;

import static org.assertj.core.api.Assertions.assertThat;

import io.tmac4j.bindings.ContextOptions;
import io.tmac4j.bindings.Engine;
import io.tmac4j.bindings.FileType;
import io.tmac4j.bindings.LlamaContext;
import io.tmac4j.bindings.LlamaModel;
import io.tmac4j.bindings.ModelOptions;
import io.tmac4j.bindings.QuantizeOptions;
import io.tmac4j.bindings.Quantizer;
import io.tmac4j.comparison.bench.AgreementProbe;
import io.tmac4j.comparison.output.Agreement;
import io.tmac4j.comparison.stats.LogitDistance;
import io.tmac4j.comparison.synth.DemoModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Whole models on both engines, on any processor. */
@Tag("processors")
class WholeModelTest {

    /** Tokens of the greedy text. Vectors that the processor does not have are slow: then fewer are asked for. */
    private static final int TOKENS = Integer.getInteger("tmac.test.tokens", 200);

    /** Normalised mean square error of the logits. */
    private static final double NMSE = 1e-3;

    /** Two tokens whose logits are closer than this may change places. */
    private static final double LOGIT_GAP = 0.15;

    private static final ContextOptions SMALL = ContextOptions.defaults().withThreads(2).withBatchThreads(2);

    @TempDir
    private Path folder;

    @Test
    void bothEnginesWriteTheSameTextUnlessTwoTokensAreAboutAsLikely() throws IOException {
        Agreement agreement = agreement(DemoModel.file(), TOKENS);
        assertAgreement(agreement);
        assertThat(agreement.greedyEqual()).as("tokens until the texts part").isGreaterThan(0);
    }

    @ParameterizedTest
    @EnumSource(names = {"Q1_0", "Q2_0", "TQ1_0", "TQ2_0", "Q2_K", "Q3_K_S", "Q4_0", "Q4_1", "Q4_K_S"})
    void bothEnginesAgreeOnModelsOfEveryType(FileType type) throws IOException {
        Path file = folder.resolve(type + ".gguf");
        Quantizer.quantize(DemoModel.file(), file, QuantizeOptions.to(type).withPure(true).withRequantize(true));
        assertAgreement(agreement(file, TOKENS / 4));
    }

    private static void assertAgreement(Agreement agreement) {
        assertThat(agreement.logitNmse()).as("decode: %s", agreement).isLessThan(NMSE);
        assertThat(agreement.promptLogitNmse()).as("prefill: %s", agreement).isLessThan(NMSE);
        if (agreement.greedyEqual() < agreement.tokens()) {
            assertThat(agreement.greedyGap()).as("%s", agreement).isLessThan(LOGIT_GAP);
        }
    }

    private static Agreement agreement(Path file, int tokens) {
        AgreementProbe probe;
        AgreementProbe.Trace trace;
        try (LlamaModel model = LlamaModel.load(file, ModelOptions.defaults())) {
            // more tokens than one tile of columns, and not whole tiles
            int[] prompt = model.tokenize("First Citizen:\nBefore we proceed any further, hear me speak.\n\nAll:\n"
                    + "Speak, speak.\n\nFirst Citizen:\nYou are all resolved rather to die than to famish?", true, false);
            probe = new AgreementProbe(prompt, tokens, SMALL);
            trace = probe.record(model);
        }
        try (LlamaModel model = LlamaModel.load(file, ModelOptions.defaults().withEngine(Engine.TMAC))) {
            return probe.compare(trace, model, file.getFileName().toString(), Engine.LLAMA_CPP.name());
        }
    }

    @Test
    void twoContextsAtOnceWriteWhatEachWritesAlone() throws IOException, InterruptedException, ExecutionException {
        List<String> prompts = List.of("KING RICHARD:", "My lord, the citizens are come to speak with you and all your");
        try (LlamaModel model = LlamaModel.load(DemoModel.file(), ModelOptions.defaults().withEngine(Engine.TMAC));
                ExecutorService threads = Executors.newFixedThreadPool(prompts.size())) {
            List<List<Integer>> alone = prompts.stream().map(prompt -> greedy(model, prompt)).toList();
            List<Future<List<Integer>>> together = new ArrayList<>();
            for (String prompt : prompts) {
                together.add(threads.submit(() -> greedy(model, prompt)));
            }
            for (int i = 0; i < prompts.size(); i++) {
                assertThat(together.get(i).get()).isEqualTo(alone.get(i)).hasSize(TOKENS / 4);
            }
        }
    }

    private static List<Integer> greedy(LlamaModel model, String prompt) {
        List<Integer> tokens = new ArrayList<>();
        try (LlamaContext context = model.newContext(SMALL.withContextSize(256))) {
            context.decode(model.tokenize(prompt, true, false));
            for (int i = 0; i < TOKENS / 4; i++) {
                int token = LogitDistance.top(context.logits(-1));
                tokens.add(token);
                context.decode(token);
            }
        }
        return tokens;
    }
}
