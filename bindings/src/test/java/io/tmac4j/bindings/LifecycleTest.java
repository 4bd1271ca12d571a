package io.tmac4j.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

class LifecycleTest {

    private static final ContextOptions SMALL = ContextOptions.defaults().withContextSize(256).withThreads(1).withBatchThreads(1);

    /** {@code -Psoak} asks for a thousand. */
    private static final int CYCLES = Integer.getInteger("tmac.soak.cycles", 50);

    private static void cycle() {
        try (LlamaModel model = LlamaModel.load(Models.demo()); LlamaContext context = model.newContext(SMALL);
                Sampler sampler = Sampler.of(SamplerOptions.defaults()); Batch batch = new Batch(8)) {
            context.decode(1, 2, 3);
            context.decode(sampler.sample(context, -1));
            context.decode(batch.add(5, 4, 0, true));
        }
    }

    @Test
    void loadingAndClosingAgainAndAgainDoesNotGrow() {
        Models.demo();
        Assumptions.assumeTrue(ResidentMemory.isKnown(), "no /proc to read the resident memory from");
        for (int i = 0; i < 30; i++) {
            cycle();
        }
        System.gc();
        long before = ResidentMemory.anonymous();
        OptionalLong nativeBefore = NativeMemory.committed();
        for (int i = 0; i < CYCLES; i++) {
            cycle();
        }
        System.gc();
        long after = ResidentMemory.anonymous();
        System.out.println(CYCLES + " cycles: " + (before >> 20) + " MiB before, " + (after >> 20) + " MiB after");
        OptionalLong nativeAfter = NativeMemory.committed();
        if (nativeBefore.isPresent() && nativeAfter.isPresent()) {
            System.out.println("native memory tracking, heap aside: " + (nativeBefore.getAsLong() >> 10) + " KiB before, "
                    + (nativeAfter.getAsLong() >> 10) + " KiB after");
            assertThat(nativeAfter.getAsLong() - nativeBefore.getAsLong()).isLessThan(24L << 20);
        }
        // one leaked context would be 2 MB a cycle; the Java heap and compiled code still move a little
        assertThat(after - before).isLessThan(40L << 20);
    }

    @Test
    void cancelEndsADecodeAndTheContextGoesOn() throws InterruptedException {
        try (LlamaModel model = LlamaModel.load(Models.demo());
                LlamaContext context = model.newContext(SMALL.withContextSize(32768).withBatchSize(16384).withUbatchSize(2048))) {
            int[] tokens = new int[16384];
            CompletableFuture<Void> decode = CompletableFuture.runAsync(() -> context.decode(tokens));
            while (!decode.isDone()) {
                context.cancel();
                Thread.sleep(1);
            }
            assertThatThrownBy(decode::join).isInstanceOf(CompletionException.class).cause()
                    .isInstanceOfSatisfying(DecodeException.class,
                            e -> assertThat(e.reason()).isEqualTo(DecodeException.Reason.CANCELLED));
            context.clear();
            context.decode(1, 2, 3);
            assertThat(context.position(0)).isEqualTo(3);
        }
    }

    @Test
    void closeWaitsForADecodeInAnotherThread() throws InterruptedException {
        try (LlamaModel model = LlamaModel.load(Models.demo())) {
            for (int i = 0; i < 20; i++) {
                LlamaContext context = model.newContext(SMALL.withContextSize(4096).withBatchSize(4096));
                CompletableFuture<Void> decode = CompletableFuture.runAsync(() -> {
                    while (true) {
                        context.decode(new int[256]);
                        context.clear();
                    }
                });
                Thread.sleep(i);
                context.close();
                assertThatThrownBy(decode::join).isInstanceOf(CompletionException.class).cause()
                        .isInstanceOfAny(IllegalStateException.class, DecodeException.class);
            }
        }
    }
}
