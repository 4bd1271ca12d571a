package io.tmac4j.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

class LifecycleTest {

    private static final ContextOptions SMALL = ContextOptions.defaults().withContextSize(256).withThreads(1).withBatchThreads(1);

    /** Resident memory that is not backed by files. */
    private static long residentKilobytes() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/status")).stream().filter(line -> line.startsWith("RssAnon:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", ""))).findFirst().orElseThrow();
    }

    private static void cycle() {
        try (LlamaModel model = LlamaModel.load(Models.demo()); LlamaContext context = model.newContext(SMALL);
                Sampler sampler = Sampler.of(SamplerOptions.defaults()); Batch batch = new Batch(8)) {
            context.decode(1, 2, 3);
            context.decode(sampler.sample(context, -1));
            context.decode(batch.add(5, 4, 0, true));
        }
    }

    @Test
    void loadingAndClosingAHundredTimesDoesNotGrow() throws IOException {
        Models.demo();
        Assumptions.assumeTrue(Files.exists(Path.of("/proc/self/status")), "no /proc to read the resident memory from");
        for (int i = 0; i < 30; i++) {
            cycle();
        }
        System.gc();
        long before = residentKilobytes();
        for (int i = 0; i < 100; i++) {
            cycle();
        }
        System.gc();
        // one leaked context would be 2 MB a cycle; the Java heap and compiled code still move a little
        assertThat(residentKilobytes() - before).isLessThan(40_000);
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
