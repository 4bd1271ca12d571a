package io.tmac4j.bindings.ggml;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import io.tmac4j.bindings.Batch;
import io.tmac4j.bindings.ContextOptions;
import io.tmac4j.bindings.DecodeException;
import io.tmac4j.bindings.Engine;
import io.tmac4j.bindings.EngineReport;
import io.tmac4j.bindings.EngineReport.Way;
import io.tmac4j.bindings.FlashAttention;
import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.GraphPiece;
import io.tmac4j.bindings.LlamaContext;
import io.tmac4j.bindings.LlamaModel;
import io.tmac4j.bindings.ModelLoadException;
import io.tmac4j.bindings.ModelOptions;
import io.tmac4j.bindings.Models;
import io.tmac4j.bindings.ParallelGenerator;
import io.tmac4j.bindings.ParallelSequence;
import io.tmac4j.bindings.SamplerOptions;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole models through the Java device, with an engine that multiplies in f32. */
@Timeout(120)
class EngineModelTest {

    private static final Engine NAIVE = new Engine("naive");
    private static final ContextOptions SMALL = ContextOptions.defaults().withContextSize(256).withThreads(1).withBatchThreads(1);
    private static final ModelOptions ON_NAIVE = ModelOptions.defaults().withEngine(NAIVE);

    /** What rounding activations to 8 bits costs llama.cpp, against an engine that multiplies in f32. */
    private static final double LOGIT_NMSE = 1e-3;

    @TempDir
    private Path folder;

    @AfterEach
    void nothingIsLeft() {
        NaiveEngine.behave();
        assertThat(NaiveEngine.LIVE_BYTES).as("bytes of packed weights").hasValue(0);
        assertThat(NaiveEngine.LIVE_STATES).as("states of engines").hasValue(0);
        assertThat(WeightTable.size()).as("weights").isZero();
        assertThat(JavaDevice.get().liveBuffers()).as("buffers").isZero();
        assertThat(JavaDevice.get().liveContexts()).as("contexts").isZero();
    }

    private static int[] prompt(LlamaModel model) {
        return model.tokenize("First Citizen:\nBefore we proceed any further, hear me speak.", true, false);
    }

    /** Sums of squares over the logits of many tokens. */
    private static final class Nmse {

        private double difference;
        private double size;

        void add(float[] expected, float[] found) {
            for (int i = 0; i < expected.length; i++) {
                difference += Math.pow(expected[i] - found[i], 2);
                size += expected[i] * expected[i];
            }
        }
    }

    /** How much the engine's logits differ from llama.cpp's, over a prompt and some tokens after it. */
    private static double difference(Path file, ModelOptions options, int threads) {
        try (LlamaModel pure = LlamaModel.load(file, options.withEngine(Engine.LLAMA_CPP));
                LlamaModel ours = LlamaModel.load(file, options.withEngine(NAIVE));
                LlamaContext a = pure.newContext(SMALL);
                LlamaContext b = ours.newContext(SMALL.withThreads(threads).withBatchThreads(threads))) {
            int[] tokens = prompt(pure);
            a.decode(tokens);
            b.decode(tokens);
            Nmse nmse = new Nmse();
            nmse.add(a.logits(-1), b.logits(-1));
            for (int token : tokens) {
                a.decode(token);
                b.decode(token);
                nmse.add(a.logits(-1), b.logits(-1));
            }
            return nmse.difference / nmse.size;
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5})
    void theDemoModelGivesTheLogitsOfLlamaCpp(int threads) {
        assertThat(difference(Models.demo(), ModelOptions.defaults(), threads)).isLessThan(LOGIT_NMSE);
        assertThat(difference(Models.demo(), ModelOptions.defaults().withMmap(false), threads)).isLessThan(LOGIT_NMSE);
    }

    @ParameterizedTest
    @EnumSource(names = {"Q1_0", "Q2_0", "TQ1_0", "TQ2_0", "Q2_K", "Q3_K", "Q4_0", "Q4_1", "Q4_K"})
    void lowBitLayersAndALowBitHeadAreTheEngines(GgmlType type) {
        Path file = DerivedModel.dense(folder, type, type);
        for (boolean mmap : new boolean[] {true, false}) {
            assertThat(difference(file, ModelOptions.defaults().withMmap(mmap), 2)).isLessThan(LOGIT_NMSE);
        }
        try (LlamaModel model = LlamaModel.load(file, ON_NAIVE)) {
            EngineReport report = model.engineReport();
            assertThat(report.by(Way.ENGINE)).hasSize(4 * 7 + 1);
            assertThat(report.tensors()).hasSize(4 * 7 + 1);
            assertThat(report.packedBytes()).isEqualTo(NaiveEngine.LIVE_BYTES.get()).isPositive();
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "F16", "BF16", "Q8_0", "Q5_0", "Q5_1", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS", "MXFP4"})
    void otherTypesAreLeftToLlamaCppsDotProducts(GgmlType type) {
        Path file = DerivedModel.dense(folder, type, type);
        assertThat(difference(file, ModelOptions.defaults(), 2)).isLessThan(LOGIT_NMSE);
        try (LlamaModel model = LlamaModel.load(file, ON_NAIVE)) {
            EngineReport report = model.engineReport();
            assertThat(report.by(Way.ENGINE)).isEmpty();
            assertThat(report.by(Way.VEC_DOT)).allSatisfy(placement ->
                    assertThat(placement.reason()).contains(type.ggmlName()));
            assertThat(report.by(Way.LLAMA_CPP)).allSatisfy(placement -> assertThat(placement.reason()).contains("small"));
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"TQ2_0", "Q4_K", "Q8_0", "F16"})
    void expertsAreRouted(GgmlType type) {
        Path file = DerivedModel.experts(folder, type);
        int before = NaiveEngine.PRODUCTS.get();
        assertThat(difference(file, ModelOptions.defaults(), 2)).isLessThan(LOGIT_NMSE);
        try (LlamaModel model = LlamaModel.load(file, ON_NAIVE)) {
            EngineReport report = model.engineReport();
            Way way = type == GgmlType.TQ2_0 || type == GgmlType.Q4_K ? Way.ENGINE : Way.VEC_DOT;
            assertThat(report.by(way).stream().filter(placement -> placement.tensor().contains("_exps"))).hasSize(12);
            assertThat(report.by(Way.LLAMA_CPP)).filteredOn(placement -> placement.tensor().contains("gate_inp")).hasSize(4);
        }
        assertThat(NaiveEngine.PRODUCTS.get() > before).isEqualTo(type == GgmlType.TQ2_0 || type == GgmlType.Q4_K);
    }

    @Test
    void productsThatShareAnInputReachTheEngineTogether() {
        try (LlamaModel model = LlamaModel.load(Models.demo(), ON_NAIVE); LlamaContext context = model.newContext(SMALL)) {
            context.decode(1);
            int batches = NaiveEngine.BATCHES.get();
            int products = NaiveEngine.PRODUCTS.get();
            context.decode(2);
            assertThat(NaiveEngine.PRODUCTS.get() - products).isEqualTo(4 * 7);
            assertThat(NaiveEngine.BATCHES.get() - batches).as("Q | K V | output | gate up | down").isLessThanOrEqualTo(4 * 5);
        }
    }

    @Test
    void modelsWithoutTheEngineStayLlamaCpps() {
        try (LlamaModel ours = LlamaModel.load(Models.demo(), ON_NAIVE);
                LlamaModel pure = LlamaModel.load(Models.demo());
                LlamaContext context = pure.newContext(SMALL)) {
            int batches = NaiveEngine.BATCHES.get();
            context.decode(prompt(pure));
            context.decode(1);
            assertThat(NaiveEngine.BATCHES).hasValue(batches);
            assertThat(pure.engineReport().by(Way.ENGINE)).isEmpty();
            assertThat(ours.engineReport().by(Way.ENGINE)).isNotEmpty();
        }
    }

    @Test
    void contextsOfTwoModelsDecodeAtOnceInPlatformAndVirtualThreads() throws Exception {
        try (LlamaModel one = LlamaModel.load(Models.demo(), ON_NAIVE);
                LlamaModel two = LlamaModel.load(DerivedModel.dense(folder, GgmlType.Q4_0, GgmlType.Q6_K), ON_NAIVE)) {
            List<float[]> expected = List.of(continuation(one), continuation(two));
            List<Future<float[]>> results = new ArrayList<>();
            try (ExecutorService platform = Executors.newFixedThreadPool(2);
                    ExecutorService virtual = Executors.newVirtualThreadPerTaskExecutor()) {
                for (int i = 0; i < 4; i++) {
                    LlamaModel model = i % 2 == 0 ? one : two;
                    results.add((i < 2 ? platform : virtual).submit(() -> continuation(model)));
                }
                for (int i = 0; i < 4; i++) {
                    assertThat(results.get(i).get()).isEqualTo(expected.get(i % 2));
                }
            }
        }
    }

    private static float[] continuation(LlamaModel model) {
        try (LlamaContext context = model.newContext(SMALL.withThreads(2).withBatchThreads(2))) {
            context.decode(prompt(model));
            for (int i = 0; i < 20; i++) {
                context.decode(i + 1);
            }
            return context.logits(-1);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"F16", "Q8_0"})
    void attentionOnSeveralThreadsIsThatOfOne(GgmlType cache) {
        ContextOptions deep = SMALL.withContextSize(1024).withKeyType(cache).withValueType(cache)
                .withFlashAttention(FlashAttention.ON);
        int[] tokens = new int[700];
        for (int i = 0; i < tokens.length; i++) {
            tokens[i] = 10 + i % 300;
        }
        try (LlamaModel model = LlamaModel.load(Models.demo(), ON_NAIVE); LlamaContext one = model.newContext(deep)) {
            one.decode(tokens);
            byte[] state = one.saveState();
            one.decode(1);
            for (int threads : new int[] {2, 3, 16}) {
                try (LlamaContext several = model.newContext(deep.withThreads(threads))) {
                    several.restoreState(state);
                    several.decode(1);
                    assertThat(several.logits(-1)).isEqualTo(one.logits(-1));
                }
            }
        }
    }

    /** Lengths of texts; the second one ends early, the third is never begun. */
    private static int length(int text) {
        return text == 2 ? 0 : 3 + 17 * text % 40;
    }

    private static int token(int text, int position) {
        return 10 + (31 * text + 7 * position) % 400;
    }

    /** The logits of each text's steps after its prompt, none for those without; all texts in one context, together. */
    private static List<List<float[]>> together(LlamaModel model, ContextOptions options, int texts, int steps) {
        List<List<float[]>> logits = new ArrayList<>();
        try (LlamaContext context = model.newContext(options.withMaxSequences(texts).withContextSize(texts * 256));
                Batch batch = new Batch(1024)) {
            for (int text = 0; text < texts; text++) {
                logits.add(new ArrayList<>());
                for (int i = 0; i < length(text); i++) {
                    batch.add(token(text, i), i, text, false);
                }
            }
            context.decode(batch);
            for (int step = 0; step < steps; step++) {
                batch.clear();
                List<Integer> places = new ArrayList<>();
                for (int text = 0; text < texts; text++) {
                    if (length(text) > 0 && (text != 1 || step < 2)) {
                        places.add(text);
                        batch.add(token(text, length(text) + step), length(text) + step, text, true);
                    }
                }
                context.decode(batch);
                for (int i = 0; i < places.size(); i++) {
                    logits.get(places.get(i)).add(context.logits(i));
                }
            }
        }
        return logits;
    }

    /** The same of one text in a context of its own, a token in a step. */
    private static List<float[]> alone(LlamaModel model, ContextOptions options, int text, int steps) {
        List<float[]> logits = new ArrayList<>();
        try (LlamaContext context = model.newContext(options)) {
            for (int i = 0; i < length(text) + steps; i++) {
                context.decode(token(text, i));
                if (i >= length(text)) {
                    logits.add(context.logits(-1));
                }
            }
        }
        return logits;
    }

    @ParameterizedTest
    @CsvSource({"2, 1, F16", "2, 2, F16", "3, 2, Q8_0", "5, 3, F16", "8, 2, F32", "9, 2, Q8_0", "16, 5, F16"})
    void textsOfDifferentLengthsTogetherGiveTheLogitsOfEachAlone(int texts, int threads, GgmlType cache) {
        int steps = 4;
        ContextOptions options = SMALL.withKeyType(cache).withValueType(cache).withFlashAttention(FlashAttention.ON);
        try (LlamaModel model = LlamaModel.load(Models.demo(), ON_NAIVE)) {
            List<List<float[]>> together = together(model, options.withThreads(threads).withBatchThreads(threads), texts, steps);
            for (int text = 0; text < texts; text++) {
                List<float[]> alone = alone(model, options, text, steps);
                int expected = text == 2 ? 0 : text == 1 ? 2 : steps;
                assertThat(together.get(text)).as("steps of text %d", text).hasSize(expected);
                for (int step = 0; step < expected; step++) {
                    assertThat(together.get(text).get(step)).as("text %d, step %d", text, step).isEqualTo(alone.get(step));
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 40", "1, 3, 40", "2, 2, 40", "2, 2, 8", "5, 3, 40", "5, 1, 8", "16, 2, 40"})
    void anEnginesKernelComputesTheAttentionThatLlamaCppWould(int texts, int threads, int leastTokens) {
        ContextOptions options = SMALL.withThreads(threads).withBatchThreads(threads).withFlashAttention(FlashAttention.ON);
        try (LlamaModel model = LlamaModel.load(Models.demo(), ON_NAIVE)) {
            List<List<float[]>> expected = together(model, options, texts, 3);
            NaiveAttention kernel = new NaiveAttention(leastTokens);
            NaiveEngine.attention = kernel;
            List<List<float[]>> results = together(model, options, texts, 3);
            assertThat(kernel.parts).hasPositiveValue();
            assertThat(kernel.mostTokens.get() > 1).isEqualTo(leastTokens == 8);
            Nmse nmse = new Nmse();
            for (int text = 0; text < texts; text++) {
                for (int step = 0; step < expected.get(text).size(); step++) {
                    nmse.add(expected.get(text).get(step), results.get(text).get(step));
                }
            }
            // llama.cpp adds up values in f16 numbers
            assertThat(nmse.difference / nmse.size).isLessThan(1e-5);
        }
    }

    @ParameterizedTest
    @CsvSource({"39, 2, false, 1", "40, 1, false, 20", "100, 3, false, 20", "96, 2, true, 24"})
    void anEnginesKernelTakesSeveralTokensOfAPromptAtOnce(int tokens, int threads, boolean givesUp, int tokensOfAPart) {
        ContextOptions options = SMALL.withThreads(threads).withBatchThreads(threads).withFlashAttention(FlashAttention.ON);
        try (LlamaModel model = LlamaModel.load(Models.demo(), ON_NAIVE)) {
            List<float[]> expected = prompt(model, options, tokens);
            NaiveAttention kernel = new NaiveAttention();
            kernel.givesUp = givesUp;
            NaiveEngine.attention = kernel;
            List<float[]> results = prompt(model, options, tokens);
            assertThat(kernel.mostTokens).hasValue(tokensOfAPart);
            for (int i = 0; i < tokens; i++) {
                Nmse nmse = new Nmse();
                nmse.add(expected.get(i), results.get(i));
                assertThat(nmse.difference / nmse.size).as("token %d", i).isLessThan(1e-5);
            }
        }
    }

    /** Logits of all tokens of a prompt behind five others. */
    private static List<float[]> prompt(LlamaModel model, ContextOptions options, int tokens) {
        List<float[]> logits = new ArrayList<>();
        try (LlamaContext context = model.newContext(options); Batch batch = new Batch(tokens)) {
            context.decode(1, 2, 3, 4, 5);
            for (int i = 0; i < tokens; i++) {
                batch.add(token(0, i), 5 + i, 0, true);
            }
            context.decode(batch);
            for (int i = 0; i < tokens; i++) {
                logits.add(context.logits(i));
            }
        }
        return logits;
    }

    @Test
    void attentionIsLlamaCppsWhereAKernelGivesUpAndForOtherCaches() {
        ContextOptions options = SMALL.withFlashAttention(FlashAttention.ON);
        ContextOptions other = options.withKeyType(GgmlType.Q8_0).withValueType(GgmlType.Q8_0);
        try (LlamaModel model = LlamaModel.load(Models.demo(), ON_NAIVE)) {
            List<float[]> expected = alone(model, options, 0, 3);
            List<float[]> expectedOfOther = alone(model, other, 0, 3);
            NaiveAttention kernel = new NaiveAttention();
            NaiveEngine.attention = kernel;
            assertThat(alone(model, other, 0, 3)).usingRecursiveComparison().isEqualTo(expectedOfOther);
            assertThat(kernel.parts).hasValue(0);
            kernel.givesUp = true;
            assertThat(alone(model, options, 0, 3)).usingRecursiveComparison().isEqualTo(expected);
            assertThat(kernel.parts).hasPositiveValue();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 7, 16, 63, 64, 100})
    void tokensOfOneTextAtOnceGiveTheLogitsOfOneAfterTheOther(int tokens) {
        ContextOptions options = SMALL.withFlashAttention(FlashAttention.ON);
        try (LlamaModel model = LlamaModel.load(Models.demo(), ON_NAIVE);
                LlamaContext one = model.newContext(options);
                LlamaContext several = model.newContext(options.withThreads(2).withBatchThreads(2));
                Batch batch = new Batch(tokens)) {
            one.decode(1, 2, 3, 4, 5);
            several.decode(1, 2, 3, 4, 5);
            for (int i = 0; i < tokens; i++) {
                batch.add(token(0, i), 5 + i, 0, true);
            }
            several.decode(batch);
            for (int i = 0; i < tokens; i++) {
                one.decode(token(0, i));
                Nmse nmse = new Nmse();
                nmse.add(one.logits(-1), several.logits(i));
                // tiles of 64 tokens are added up in another order
                assertThat(nmse.difference / nmse.size).as("token %d", i).isLessThan(tokens < 64 ? 1e-12 : 1e-5);
            }
        }
    }

    @Test
    void aStepOfSeveralTextsIsCutIntoAsManyPiecesAsOfOneAndAttentionIsTheEngines() {
        try (LlamaModel model = LlamaModel.load(Models.demo(), ON_NAIVE)) {
            List<String> one = pieces(model, 1);
            assertThat(one).contains(GraphPiece.ATTENTION);
            for (int texts : new int[] {2, 4, 16}) {
                assertThat(pieces(model, texts)).isEqualTo(one);
            }
        }
    }

    @Test
    void textsThatEndLeaveNoGapAndTheOthersGoOnAsIfAlone() {
        int[] lengths = {3, 14, 5, 14, 4, 14, 14};
        ContextOptions options = SMALL.withMaxSequences(lengths.length).withContextSize(lengths.length * 256);
        try (LlamaModel model = LlamaModel.load(Models.demo(), ON_NAIVE);
                LlamaContext context = model.newContext(options);
                ParallelGenerator generator = ParallelGenerator.of(context)) {
            List<ParallelSequence> texts = new ArrayList<>();
            for (int i = 0; i < lengths.length; i++) {
                texts.add(generator.add(new int[] {token(i, 0), token(i, 1)}, SamplerOptions.greedy(), lengths[i]));
            }
            int size = lengths.length;
            while (size > 0) {
                int expected = size;
                List<GraphPiece> pieces = context.watch(generator::step);
                if (texts.getFirst().tokens().length > 1) {
                    assertThat(pieces).as("pieces of %d texts", size).hasSize(4 * 5 + 1)
                            .allMatch(piece -> piece.tokens() == expected);
                }
                size = generator.active().size();
            }
            for (int i = 0; i < lengths.length; i++) {
                try (LlamaContext alone = model.newContext(SMALL); ParallelGenerator one = ParallelGenerator.of(alone)) {
                    ParallelSequence text = one.add(new int[] {token(i, 0), token(i, 1)}, SamplerOptions.greedy(), lengths[i]);
                    one.run();
                    assertThat(texts.get(i).tokens()).as("text %d", i).isEqualTo(text.tokens());
                }
            }
        }
    }

    private static List<String> pieces(LlamaModel model, int texts) {
        ContextOptions options = SMALL.withMaxSequences(texts).withContextSize(texts * 256);
        try (LlamaContext context = model.newContext(options); Batch batch = new Batch(texts)) {
            List<GraphPiece> pieces = List.of();
            for (int step = 0; step < 2; step++) {
                batch.clear();
                for (int text = 0; text < texts; text++) {
                    batch.add(token(text, step), step, text, true);
                }
                pieces = context.watch(() -> context.decode(batch));
            }
            assertThat(pieces).allMatch(piece -> piece.tokens() == texts);
            return pieces.stream().map(GraphPiece::first).toList();
        }
    }

    @Test
    void threadsCanBeChangedWhileAContextLives() {
        try (LlamaModel model = LlamaModel.load(Models.demo(), ON_NAIVE);
                LlamaContext context = model.newContext(SMALL.withThreads(1).withBatchThreads(1))) {
            List<Integer> seen = new ArrayList<>();
            AtomicInteger tokens = new AtomicInteger(1);
            NaiveEngine.beforeMultiply = batch -> {
                if (batch.product(0).columns() == tokens.get()) {
                    seen.add(batch.threads());
                }
            };
            context.decode(1, 2, 3);
            context.decode(4);
            assertThat(seen).containsOnly(1);
            seen.clear();
            context.threads(3, 2);
            context.decode(5);
            assertThat(seen).containsOnly(3);
            seen.clear();
            tokens.set(2);
            context.decode(6, 7);
            assertThat(seen).containsOnly(2);
        }
    }

    @Test
    void aDecodeStepAllocatesNothing() {
        try (LlamaModel model = LlamaModel.load(Models.demo(), ON_NAIVE);
                LlamaContext context = model.newContext(SMALL.withThreads(2).withBatchThreads(2))) {
            assertThat(leastBytesAStep(context, 100, i -> context.decode(i + 1)))
                    .as("bytes a token: the argument array of decode and nothing else").isLessThanOrEqualTo(100);
        }
    }

    @Test
    void aStepOfSeveralTextsAllocatesNothing() {
        ContextOptions options = SMALL.withThreads(2).withBatchThreads(2).withMaxSequences(4).withContextSize(4 * 256);
        try (LlamaModel model = LlamaModel.load(Models.demo(), ON_NAIVE);
                LlamaContext context = model.newContext(options); Batch batch = new Batch(4)) {
            assertThat(leastBytesAStep(context, 200, step -> {
                batch.clear();
                for (int text = 0; text < 4; text++) {
                    batch.add(token(text, step), step, text, true);
                }
                context.decode(batch);
            })).as("bytes a step").isLessThanOrEqualTo(200);
        }
    }

    /** The bytes allocated a step on this thread in the first round in which they are at most those expected, or the last. */
    private static long leastBytesAStep(LlamaContext context, long expected, IntConsumer step) {
        ThreadMXBean beans = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long id = Thread.currentThread().threadId();
        long bytes = Long.MAX_VALUE;
        for (int round = 0; round < 20 && bytes > expected; round++) {
            context.clear();
            step.accept(0);
            long before = beans.getThreadAllocatedBytes(id);
            for (int i = 1; i <= 100; i++) {
                step.accept(i);
            }
            bytes = (beans.getThreadAllocatedBytes(id) - before) / 100;
        }
        return bytes;
    }

    @Test
    void aFailureWhilePackingFailsTheLoadAndFreesEverything() {
        for (int failing : new int[] {0, 1, 13, 27}) {
            for (boolean mmap : new boolean[] {true, false}) {
                AtomicInteger count = new AtomicInteger();
                NaiveEngine.beforePack = _ -> {
                    if (count.getAndIncrement() == failing) {
                        throw new OutOfMemoryError("no memory for packed weights");
                    }
                };
                assertThatThrownBy(() -> LlamaModel.load(Models.demo(), ON_NAIVE.withMmap(mmap)))
                        .isInstanceOf(ModelLoadException.class)
                        .hasMessageContaining("naive").hasMessageContaining("no memory for packed weights")
                        .hasCauseInstanceOf(OutOfMemoryError.class);
                assertThat(count.get()).as("tensors packed after the failure").isEqualTo(failing + 1);
                nothingIsLeft();
            }
        }
        assertThat(difference(Models.demo(), ModelOptions.defaults(), 1)).isLessThan(LOGIT_NMSE);
    }

    @Test
    void aFailureWhileTheTiedHeadIsPackedFailsTheLoad() {
        Path file = DerivedModel.dense(folder, GgmlType.Q4_0, GgmlType.Q4_0);
        NaiveEngine.beforePack = tensor -> {
            if (tensor.name().equals("token_embd.weight")) {
                throw new OutOfMemoryError("no memory for the head");
            }
        };
        assertThatThrownBy(() -> LlamaModel.load(file, ON_NAIVE))
                .isInstanceOf(ModelLoadException.class).hasMessageContaining("no memory for the head");
    }

    @Test
    void aFailureOfTheEngineFailsTheDecodeAndTheContextStaysUsable() {
        try (LlamaModel model = LlamaModel.load(Models.demo(), ON_NAIVE); LlamaContext context = model.newContext(SMALL)) {
            context.decode(prompt(model));
            context.decode(1);
            float[] expected = context.logits(-1);
            for (Throwable failure : new Throwable[] {new IllegalStateException("broken"), new OutOfMemoryError("no scratch"),
                    new StackOverflowError("too deep")}) {
                context.clear();
                AtomicInteger count = new AtomicInteger();
                NaiveEngine.beforeMultiply = _ -> {
                    if (count.incrementAndGet() == 7) {
                        sneak(failure);
                    }
                };
                assertThatThrownBy(() -> context.decode(prompt(model)))
                        .isInstanceOf(DecodeException.class).hasMessageContaining(failure.getMessage()).cause().isSameAs(failure);
                NaiveEngine.behave();
                context.clear();
                context.decode(prompt(model));
                context.decode(1);
                assertThat(context.logits(-1)).isEqualTo(expected);
            }
        }
    }

    @SuppressWarnings("unchecked")
    private static <T extends Throwable> void sneak(Throwable throwable) throws T {
        throw (T) throwable;
    }

    @Test
    void aDecodeCanBeCancelledBetweenPieces() throws Exception {
        try (LlamaModel model = LlamaModel.load(Models.demo(), ON_NAIVE); LlamaContext context = model.newContext(SMALL)) {
            CountDownLatch inside = new CountDownLatch(1);
            CountDownLatch cancelled = new CountDownLatch(1);
            NaiveEngine.beforeMultiply = _ -> {
                inside.countDown();
                try {
                    cancelled.await();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            };
            try (ExecutorService other = Executors.newSingleThreadExecutor()) {
                Future<?> decode = other.submit(() -> context.decode(1));
                inside.await();
                int batches = NaiveEngine.BATCHES.get();
                context.cancel();
                cancelled.countDown();
                assertThatThrownBy(decode::get).cause().isInstanceOfSatisfying(DecodeException.class, e ->
                        assertThat(e.reason()).isEqualTo(DecodeException.Reason.CANCELLED));
                assertThat(NaiveEngine.BATCHES.get() - batches).as("batches computed after the call").isLessThanOrEqualTo(1);
            }
            NaiveEngine.behave();
            context.clear();
            context.decode(1);
        }
    }

    @Test
    void aHundredLoadsLeaveNothingBehind() {
        for (int i = 0; i < 100; i++) {
            try (LlamaModel model = LlamaModel.load(Models.demo(), ON_NAIVE); LlamaContext context = model.newContext(SMALL)) {
                context.decode(1);
            }
            nothingIsLeft();
        }
    }

    @Test
    void anUnknownEngineAndABadFileAreSaid() {
        assertThatThrownBy(() -> LlamaModel.load(Models.demo(), ModelOptions.defaults().withEngine(new Engine("none"))))
                .isInstanceOf(ModelLoadException.class).hasMessageContaining("none");
        assertThatThrownBy(() -> LlamaModel.load(folder.resolve("missing.gguf"), ON_NAIVE))
                .isInstanceOf(ModelLoadException.class).hasMessageContaining("missing.gguf");
    }
}
