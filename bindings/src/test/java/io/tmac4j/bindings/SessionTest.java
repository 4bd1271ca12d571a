package io.tmac4j.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tmac4j.bindings.TokenStream.End;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Flow;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class SessionTest {

    private static final SessionOptions GREEDY = SessionOptions.defaults()
            .withContext(ContextOptions.defaults().withContextSize(256).withThreads(1).withBatchThreads(1))
            .withSampler(SamplerOptions.greedy()).withMaxTokens(24);
    private static final String PROMPT = "ROMEO:\nBut soft, what light";
    private static final Engine NAIVE = new Engine("naive");

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

    /** The same by hand. */
    private static String expected(String prompt, int tokens) {
        try (LlamaContext context = model.newContext(GREEDY.context()); Sampler sampler = Sampler.of(SamplerOptions.greedy())) {
            context.decode(model.tokenize(prompt, true, false));
            int[] chosen = new int[tokens];
            for (int i = 0; i < tokens; i++) {
                chosen[i] = sampler.sample(context, -1);
                context.decode(chosen[i]);
            }
            Utf8Stream text = new Utf8Stream();
            StringBuilder all = new StringBuilder();
            for (int token : chosen) {
                all.append(text.add(model.tokenBytes(token)));
            }
            return all + text.end();
        }
    }

    @Test
    void anAnswerIsTheModelsContinuation() {
        List<String> pieces = new ArrayList<>();
        try (Session session = Session.of(model, GREEDY)) {
            String answer = session.ask(PROMPT, pieces::add);
            assertThat(answer).isEqualTo(expected(PROMPT, 24)).isEqualTo(String.join("", pieces));
            assertThat(pieces).hasSizeGreaterThan(12);
            assertThat(session.history()).containsExactly(ChatMessage.user(PROMPT), ChatMessage.assistant(answer));
        }
        assertThat(model.isClosed()).isFalse();
    }

    @Test
    void theNextMessageIsReadAfterWhatIsInMemory() {
        try (Session session = Session.of(model, GREEDY); Session fresh = Session.of(model, GREEDY.withSystem("KING:\n"))) {
            session.ask(PROMPT);
            int before = session.tokenCount();
            try (TokenStream second = session.stream("\n\nJULIET:\n")) {
                assertThat(second.metrics().reusedTokens()).isEqualTo(before - 1);
                assertThat(second.metrics().promptTokens()).isBetween(2, 12);
                assertThat(second.stream().collect(Collectors.joining())).isEqualTo(second.text()).isNotBlank();
                assertThat(second.end()).contains(End.LENGTH);
                AnswerMetrics metrics = second.metrics();
                assertThat(metrics.generatedTokens()).isEqualTo(24);
                assertThat(metrics.generationRate()).isPositive();
                assertThat(metrics.firstTokenTime()).isGreaterThanOrEqualTo(metrics.promptTime());
            }
            assertThat(session.history()).hasSize(4);
            fresh.ask(PROMPT);
            assertThat(fresh.history().getFirst()).isEqualTo(ChatMessage.system("KING:\n"));
            String first = fresh.history().getLast().content();
            assertThat(first).isEqualTo(expected("KING:\n" + PROMPT, 24));
            fresh.reset();
            assertThat(fresh.history()).hasSize(1);
            assertThat(fresh.ask(PROMPT)).isEqualTo(first);
        }
    }

    @Test
    void templatesOfLlamaCppAreAppliedTurnByTurn() {
        try (Session session = Session.of(model, GREEDY.withTemplate("chatml").withSystem("Speak verse.").withMaxTokens(8))) {
            String text = "<|im_start|>system\nSpeak verse.<|im_end|>\n<|im_start|>user\nWho art thou?<|im_end|>\n"
                    + "<|im_start|>assistant\n";
            int tokens = model.tokenize(text, true, true).length;
            try (TokenStream first = session.stream("Who art thou?")) {
                assertThat(first.metrics().promptTokens()).isEqualTo(tokens);
                first.forEachRemaining(piece -> { });
            }
            try (TokenStream second = session.stream("And then?")) {
                assertThat(second.metrics().reusedTokens()).as("nothing is read twice").isEqualTo(tokens + 7);
            }
            assertThat(session.history()).hasSize(5);
        }
        assertThatThrownBy(() -> Session.of(model, GREEDY.withTemplate("{{ what is this }}"))).isInstanceOf(LlamaException.class)
                .hasMessageStartingWith("llama.cpp does not know this chat template");
    }

    @Test
    void stopStringsEndAnAnswerAndDoNotBelongToIt() {
        String whole = expected(PROMPT, 24);
        String stop = whole.substring(10, 13);
        try (Session session = Session.of(model, GREEDY.withStops("never comes", stop))) {
            try (TokenStream answer = session.stream(PROMPT)) {
                assertThat(answer.stream().collect(Collectors.joining())).isEqualTo(whole.substring(0, whole.indexOf(stop)));
                assertThat(answer.end()).contains(End.STOP);
            }
            assertThat(session.ask("\n\nJULIET:\n")).as("the session goes on").isNotNull();
        }
    }

    @Test
    void theEngineMayChangeInTheMiddleOfAnAnswerBothWays() {
        String whole = expected(PROMPT, 24);
        try (Session session = Session.of(model, GREEDY)) {
            StringBuilder text = new StringBuilder();
            try (TokenStream answer = session.stream(PROMPT)) {
                session.switchEngine(NAIVE);
                assertThat(session.engine()).isEqualTo(NAIVE);
                assertThat(session.model().file()).isEqualTo(model.file());
                for (int i = 0; i < 8; i++) {
                    text.append(answer.next());
                }
                session.switchEngine(Engine.LLAMA_CPP);
                assertThat(session.model()).isSameAs(model);
                for (int i = 0; i < 4; i++) {
                    text.append(answer.next());
                }
                session.switchEngine(NAIVE);
                answer.forEachRemaining(text::append);
                assertThat(answer.metrics().generatedTokens()).isEqualTo(24);
            }
            assertThat(text.toString()).isEqualTo(whole);
            try (TokenStream second = session.stream("\n\nJULIET:\n")) {
                assertThat(second.metrics().reusedTokens()).isEqualTo(session.tokenCount() - second.metrics().promptTokens());
                assertThat(second.metrics().promptTokens()).as("nothing is read again").isLessThan(12);
            }
        }
    }

    @Test
    void aSwitchThatFailsLeavesTheSessionAsItWas() {
        String whole = expected(PROMPT, 24);
        try (Session session = Session.of(model, GREEDY); TokenStream answer = session.stream(PROMPT)) {
            StringBuilder text = new StringBuilder(answer.next());
            assertThatThrownBy(() -> session.switchEngine(new Engine("abacus"))).isInstanceOf(ModelLoadException.class)
                    .hasMessageContaining("abacus");
            try (LlamaModel vocabulary = LlamaModel.load(model.file(), ModelOptions.defaults().withVocabularyOnly(true))) {
                assertThatThrownBy(() -> session.switchEngine(vocabulary)).isInstanceOf(LlamaException.class)
                        .hasMessageContaining("vocabulary only");
            }
            assertThat(session.engine()).isEqualTo(Engine.LLAMA_CPP);
            answer.forEachRemaining(text::append);
            assertThat(text.toString()).isEqualTo(whole);
        }
    }

    @Test
    void messagesThatDoNotFitAreRefusedAndTheSessionStaysUsable() {
        try (Session session = Session.of(model, GREEDY)) {
            assertThatThrownBy(() -> session.ask("Speak, I charge thee, speak! ".repeat(80))).isInstanceOf(DecodeException.class)
                    .satisfies(e -> assertThat(((DecodeException) e).reason()).isEqualTo(DecodeException.Reason.CONTEXT_FULL))
                    .hasMessageContaining("the context holds 256").hasMessageContaining("reset");
            assertThat(session.history()).isEmpty();
            assertThat(session.ask(PROMPT)).isEqualTo(expected(PROMPT, 24));
            int tokens = session.tokenCount();
            assertThatThrownBy(() -> session.ask("word ".repeat(300))).isInstanceOf(DecodeException.class);
            assertThat(session.tokenCount()).isEqualTo(tokens);
            assertThat(session.history()).hasSize(2);
        }
    }

    @Test
    void anAnswerEndsWhereTheContextEnds() {
        try (Session session = Session.of(model, GREEDY.withMaxTokens(1000).withContext(GREEDY.context().withContextSize(256)));
                TokenStream answer = session.stream(PROMPT)) {
            answer.forEachRemaining(piece -> { });
            assertThat(answer.end()).hasValueSatisfying(end -> assertThat(end).isIn(End.CONTEXT_FULL, End.END_OF_TEXT));
            assertThat(session.tokenCount()).isLessThanOrEqualTo(257);
            assertThatThrownBy(() -> session.ask("more")).isInstanceOf(DecodeException.class);
        }
    }

    @Test
    void anAnswerThatIsNotOverMustBeClosedFirst() {
        try (Session session = Session.of(model, GREEDY)) {
            TokenStream first = session.stream(PROMPT);
            first.next();
            assertThatThrownBy(() -> session.ask("Again")).isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("still answering");
            first.close();
            first.close();
            assertThat(first.end()).contains(End.CANCELLED);
            assertThat(first.hasNext()).isFalse();
            assertThat(session.history().getLast()).isEqualTo(ChatMessage.assistant(first.text()));
            assertThat(session.ask("\n\nJULIET:\n")).isNotEmpty();
            TokenStream old = session.stream("\n\nROMEO:\n");
            session.reset();
            assertThat(old.hasNext()).isFalse();
            assertThat(session.ask(PROMPT)).isEqualTo(expected(PROMPT, 24));
        }
    }

    @Test
    void cancellingFromAnotherThreadEndsTheAnswer() throws Exception {
        try (Session session = Session.of(model, GREEDY.withMaxTokens(200))) {
            CountDownLatch begun = new CountDownLatch(1);
            CompletableFuture<String> answer = new CompletableFuture<>();
            CountDownLatch cancelled = new CountDownLatch(1);
            Thread reader = Thread.ofVirtual().start(() -> {
                try {
                    answer.complete(session.ask(PROMPT, piece -> {
                        begun.countDown();
                        try {
                            cancelled.await(30, TimeUnit.SECONDS);
                        } catch (InterruptedException e) {
                            Thread.currentThread().interrupt();
                        }
                    }));
                } catch (RuntimeException | Error e) {
                    answer.completeExceptionally(e);
                }
            });
            assertThat(begun.await(30, TimeUnit.SECONDS)).isTrue();
            session.cancel();
            cancelled.countDown();
            assertThat(answer.get(30, TimeUnit.SECONDS)).isNotEmpty().hasSizeLessThan(40);
            reader.join();
            assertThat(session.ask("\n\nJULIET:\n")).isNotEmpty();
        }
    }

    @Test
    void twoThreadsAtOnceAreRefusedAndSoIsUseAfterClosing() throws Exception {
        Session session = Session.of(model, GREEDY);
        AtomicReference<Throwable> other = new AtomicReference<>();
        session.alone(() -> {
            Thread thread = Thread.ofPlatform().start(() -> {
                try {
                    session.ask("Hello");
                } catch (ConcurrentUseException e) {
                    other.set(e);
                }
            });
            try {
                return thread.join(java.time.Duration.ofSeconds(30));
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        assertThat(other.get()).hasMessageContaining("in use by another thread");
        assertThat(session.ask(PROMPT)).isNotEmpty();
        TokenStream open = session.stream("\n");
        session.close();
        session.close();
        open.close();
        assertThat(session.isClosed()).isTrue();
        assertThatThrownBy(() -> session.ask("Hello")).isInstanceOf(IllegalStateException.class)
                .hasMessage("the session is closed");
        assertThatThrownBy(open::hasNext).isInstanceOf(IllegalStateException.class).hasMessage("the session is closed");
    }

    @Test
    void tokensComeWithTheirProbabilities() {
        try (Session session = Session.of(model, GREEDY.withMaxTokens(6).withLogProbabilities(3));
                TokenStream answer = session.stream(PROMPT)) {
            String text = answer.stream().collect(Collectors.joining());
            assertThat(answer.probabilities()).hasSize(6).allSatisfy(token -> {
                assertThat(token.logProbability()).isNegative();
                assertThat(token.alternatives()).hasSize(3);
                assertThat(token.alternatives().getFirst().token()).as("greedy takes the first").isEqualTo(token.token());
                assertThat(token.alternatives()).isSortedAccordingTo(
                        Comparator.comparingDouble(other -> -other.logProbability()));
            });
            assertThat(answer.probabilities().stream().map(TokenProbability::text).collect(Collectors.joining())).isEqualTo(text);
            assertThat(session.lastMetrics()).hasValueSatisfying(metrics -> assertThat(metrics.generatedTokens()).isEqualTo(6));
        }
        try (Session session = Session.of(model, GREEDY)) {
            assertThat(session.lastMetrics()).isEmpty();
        }
        assertThatThrownBy(() -> GREEDY.withLogProbabilities(-2)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void manyVirtualThreadsHoldConversationsAtOnce() throws Exception {
        String whole = expected(PROMPT, 24);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<String>> answers = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                answers.add(threads.submit(() -> {
                    try (Session session = Session.of(model, GREEDY)) {
                        return session.ask(PROMPT);
                    }
                }));
            }
            for (var answer : answers) {
                assertThat(answer.get(120, TimeUnit.SECONDS)).isEqualTo(whole);
            }
        }
    }

    @Test
    void anOpenedSessionClosesItsModels() {
        Session session = Session.open(model.file(), ModelOptions.defaults(), GREEDY);
        LlamaModel first = session.model();
        session.switchEngine(NAIVE);
        LlamaModel second = session.model();
        session.close();
        assertThat(first.isClosed()).isTrue();
        assertThat(second.isClosed()).isTrue();
    }

    /** Takes pieces one by one. */
    private static class Reader implements Flow.Subscriber<String> {

        private final StringBuilder text = new StringBuilder();
        private final CompletableFuture<String> done = new CompletableFuture<>();
        private final int most;
        private Flow.Subscription subscription;
        private int pieces;

        Reader(int most) {
            this.most = most;
        }

        @Override
        public void onSubscribe(Flow.Subscription given) {
            subscription = given;
            given.request(1);
        }

        @Override
        public void onNext(String piece) {
            text.append(piece);
            if (++pieces == most) {
                subscription.cancel();
                done.complete(text.toString());
            } else {
                subscription.request(1);
            }
        }

        @Override
        public void onError(Throwable failure) {
            done.completeExceptionally(failure);
        }

        @Override
        public void onComplete() {
            done.complete(text.toString());
        }
    }

    @Test
    void aPublisherGivesTheAnswerAsItIsAskedFor() throws Exception {
        try (Session session = Session.of(model, GREEDY)) {
            Flow.Publisher<String> publisher = session.publisher(PROMPT);
            Reader reader = new Reader(Integer.MAX_VALUE);
            publisher.subscribe(reader);
            assertThat(reader.done.get(30, TimeUnit.SECONDS)).isEqualTo(expected(PROMPT, 24));
            Reader second = new Reader(1);
            publisher.subscribe(second);
            assertThatThrownBy(() -> second.done.get(30, TimeUnit.SECONDS)).hasMessageContaining("said once");
            Reader impatient = new Reader(3);
            session.publisher("\n\nJULIET:\n").subscribe(impatient);
            assertThat(impatient.done.get(30, TimeUnit.SECONDS)).isNotEmpty();
        }
    }

    @Test
    void whatGoesWrongIsToldTheSubscriberAndTheSessionStaysUsable() {
        try (Session session = Session.of(model, GREEDY)) {
            Reader tooMuch = new Reader(Integer.MAX_VALUE);
            session.publisher("word ".repeat(300)).subscribe(tooMuch);
            assertThatThrownBy(() -> tooMuch.done.get(30, TimeUnit.SECONDS)).cause().isInstanceOf(DecodeException.class)
                    .hasMessageContaining("the context holds 256");
            Reader wrong = new Reader(Integer.MAX_VALUE) {
                @Override
                public void onSubscribe(Flow.Subscription given) {
                    given.request(0);
                }
            };
            session.publisher(PROMPT).subscribe(wrong);
            assertThatThrownBy(() -> wrong.done.get(30, TimeUnit.SECONDS)).cause().isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("must be positive, not 0");
            assertThat(session.ask(PROMPT)).isEqualTo(expected(PROMPT, 24));
        }
        Session closed = Session.of(model, GREEDY);
        closed.close();
        Reader late = new Reader(Integer.MAX_VALUE);
        closed.publisher(PROMPT).subscribe(late);
        assertThatThrownBy(() -> late.done.get(30, TimeUnit.SECONDS)).cause().isInstanceOf(IllegalStateException.class)
                .hasMessage("the session is closed");
    }

    @Test
    void aListenerThatThrowsEndsTheAnswerAndTheSessionStaysUsable() {
        try (Session session = Session.of(model, GREEDY)) {
            assertThatThrownBy(() -> session.ask(PROMPT, piece -> {
                throw new UncheckedIOException(new IOException("the reader is gone"));
            })).isInstanceOf(UncheckedIOException.class).hasMessageContaining("the reader is gone");
            assertThat(session.history()).as("what was said stays said").hasSize(2);
            assertThatThrownBy(() -> session.ask("\n", piece -> session.ask("inside"))).isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("still answering");
            session.reset();
            assertThat(session.ask(PROMPT)).isEqualTo(expected(PROMPT, 24));
        }
    }

    @Test
    void optionsAreChecked() {
        assertThatThrownBy(() -> GREEDY.withStops("")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> GREEDY.withMaxTokens(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> ChatMessage.user("a\0b")).isInstanceOf(IllegalArgumentException.class);
        try (Session session = Session.of(model, GREEDY)) {
            session.ask(PROMPT);
            assertThat(session.ask("")).as("goes on").isNotEmpty();
            assertThat(session.history()).hasSize(4);
        }
    }
}
