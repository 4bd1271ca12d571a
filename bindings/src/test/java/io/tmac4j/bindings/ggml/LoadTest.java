package io.tmac4j.bindings.ggml;

import static org.assertj.core.api.Assertions.assertThat;

import io.tmac4j.bindings.ContextOptions;
import io.tmac4j.bindings.DecodeException;
import io.tmac4j.bindings.Engine;
import io.tmac4j.bindings.LlamaModel;
import io.tmac4j.bindings.ModelLoadException;
import io.tmac4j.bindings.ModelOptions;
import io.tmac4j.bindings.Models;
import io.tmac4j.bindings.SamplerOptions;
import io.tmac4j.bindings.Session;
import io.tmac4j.bindings.SessionOptions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Eight sessions on two models from eight threads, while everything happens to them that can. */
@Timeout(900)
class LoadTest {

    private static final int SESSIONS = 8;

    /** Rounds of each session; {@code -Psoak} asks for more. */
    private static final int ROUNDS = Integer.getInteger("tmac.soak.rounds", 12);

    private static final Engine NAIVE = new Engine("naive");
    private static final List<String> PROMPTS = List.of("ROMEO:\n", "First Citizen:\nBefore we proceed", "The king ");
    private static final SessionOptions GREEDY = SessionOptions.defaults().withSampler(SamplerOptions.greedy()).withTemplate("")
            .withMaxTokens(12).withContext(ContextOptions.defaults().withContextSize(128).withThreads(1).withBatchThreads(1));

    /** Thrown where an engine may be asked for anything. */
    private static final class Injected extends RuntimeException {

        private static final long serialVersionUID = 1;
    }

    private final AtomicInteger answers = new AtomicInteger();
    private final AtomicInteger cancelled = new AtomicInteger();
    private final AtomicInteger failedDecodes = new AtomicInteger();
    private final AtomicInteger failedLoads = new AtomicInteger();

    @AfterEach
    void nothingIsLeft() {
        NaiveEngine.behave();
        assertThat(NaiveEngine.LIVE_BYTES).as("bytes of packed weights").hasValue(0);
        assertThat(NaiveEngine.LIVE_STATES).as("states of engines").hasValue(0);
        assertThat(JavaDevice.get().liveBuffers()).as("buffers").isZero();
        assertThat(JavaDevice.get().liveContexts()).as("contexts").isZero();
    }

    private static void maybe(int chances) {
        if (ThreadLocalRandom.current().nextInt(chances) == 0) {
            throw new Injected();
        }
    }

    @Test
    void cancelsClosesSwitchesAndFailuresInTheEngineLeaveAnswersAsTheyAreAlone() throws Exception {
        try (LlamaModel plain = LlamaModel.load(Models.demo());
                LlamaModel naive = LlamaModel.load(Models.demo(), ModelOptions.defaults().withEngine(NAIVE))) {
            Map<String, String> expected = new HashMap<>();
            for (LlamaModel model : List.of(plain, naive)) {
                for (String prompt : PROMPTS) {
                    try (Session session = Session.of(model, GREEDY)) {
                        expected.put(model.engine() + prompt, session.ask(prompt));
                    }
                }
            }
            NaiveEngine.beforeMultiply = _ -> maybe(400);
            NaiveEngine.beforePack = _ -> maybe(60);
            try (ExecutorService threads = Executors.newFixedThreadPool(SESSIONS)) {
                List<Future<?>> all = new ArrayList<>();
                for (int i = 0; i < SESSIONS; i++) {
                    Random random = new Random(i);
                    all.add(threads.submit(() -> live(plain, naive, expected, random)));
                }
                for (Future<?> each : all) {
                    each.get(800, TimeUnit.SECONDS);
                }
            }
        }
        System.out.println(answers + " answers, " + cancelled + " cancelled, " + failedDecodes + " failed decodes, " + failedLoads
                + " failed loads");
        assertThat(answers.get()).as("whole answers").isGreaterThan(SESSIONS * ROUNDS / 10);
        assertThat(failedDecodes.get()).as("failures that were injected").isPositive();
    }

    private void live(LlamaModel plain, LlamaModel naive, Map<String, String> expected, Random random) {
        Session session = Session.of(random.nextBoolean() ? plain : naive, GREEDY);
        try {
            for (int round = 0; round < ROUNDS; round++) {
                switch (random.nextInt(8)) {
                    case 0 -> {
                        session.close();
                        session = Session.of(random.nextBoolean() ? plain : naive, GREEDY);
                    }
                    case 1 -> session.switchEngine(random.nextBoolean() ? plain : naive);
                    case 2 -> load();
                    case 3 -> cancel(session, expected, random);
                    default -> ask(session, PROMPTS.get(random.nextInt(PROMPTS.size())), expected);
                }
                session.reset();
            }
        } finally {
            session.close();
        }
    }

    private void ask(Session session, String prompt, Map<String, String> expected) {
        try {
            assertThat(session.ask(prompt)).isEqualTo(expected.get(session.engine() + prompt));
            answers.incrementAndGet();
        } catch (DecodeException e) {
            assertThat(e).cause().isInstanceOf(Injected.class);
            failedDecodes.incrementAndGet();
        }
    }

    private void cancel(Session session, Map<String, String> expected, Random random) {
        String prompt = PROMPTS.get(random.nextInt(PROMPTS.size()));
        long delay = random.nextInt(20_000_000);
        Thread canceller = Thread.ofVirtual().start(() -> {
            LockSupport.parkNanos(delay);
            session.cancel();
        });
        try {
            assertThat(expected.get(session.engine() + prompt)).startsWith(session.ask(prompt));
            cancelled.incrementAndGet();
        } catch (DecodeException e) {
            if (e.reason() == DecodeException.Reason.CANCELLED) {
                cancelled.incrementAndGet();
            } else {
                assertThat(e).cause().isInstanceOf(Injected.class);
                failedDecodes.incrementAndGet();
            }
        } finally {
            join(canceller);
        }
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void load() {
        try (LlamaModel model = LlamaModel.load(Models.demo(),
                ModelOptions.defaults().withEngine(NAIVE).withProgress(_ -> maybe(40)));
                Session session = Session.of(model, GREEDY)) {
            assertThat(session.isClosed()).isFalse();
        } catch (ModelLoadException e) {
            assertThat(e).cause().isInstanceOf(Injected.class);
            failedLoads.incrementAndGet();
        } catch (Injected e) {
            failedLoads.incrementAndGet();
        }
    }
}
