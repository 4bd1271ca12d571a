package io.tmac4j.comparison.bench;

import io.tmac4j.bindings.Engine;
import io.tmac4j.bindings.LlamaContext;
import io.tmac4j.comparison.environment.CpuClock;
import io.tmac4j.comparison.environment.PeakMemory;
import io.tmac4j.comparison.output.Startup;
import io.tmac4j.comparison.stats.LogitDistance;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.OptionalLong;
import java.util.SplittableRandom;

/** Measures an engine's start; only a process that has done nothing else yet is cold. */
public final class ColdStart {

    private static final int PIECE = 16;
    private static final long SEED = 5;

    private ColdStart() {
    }

    /**
     * Loads, reads a prompt of random tokens, warms up, and reads it again.
     *
     * @param entered  {@link System#currentTimeMillis()} at the command's first line
     * @param longest  longest warm-up
     */
    public static Startup measure(long entered, Path file, Engine engine, Settings settings, int promptTokens, Duration longest) {
        double vmSeconds = (entered - ManagementFactory.getRuntimeMXBean().getStartTime()) * 1e-3;
        CpuClock clock = new CpuClock();
        try (LoadedModel loaded = LoadedModel.load(file, engine)) {
            long start = System.nanoTime();
            int[] prompt = new SplittableRandom(SEED).ints(promptTokens, 0, loaded.model().vocabularySize()).toArray();
            try (LlamaContext context = loaded.model().newContext(settings.contextOptions()
                    .withContextSize(promptTokens + PIECE))) {
                firstToken(context, prompt, settings.batch());
                double cold = (System.nanoTime() - start) * 1e-9;
                WarmUp warmUp;
                try (TokenTest test = new TokenTest(loaded.model(), new TestCase(0, PIECE, 0), settings.contextOptions(), SEED)) {
                    warmUp = WarmUp.of(test, longest, clock, () -> { });
                }
                // Once more for the kernels of batches, which the warm-up, token by token, does not reach.
                firstToken(context, prompt, settings.batch());
                long again = System.nanoTime();
                firstToken(context, prompt, settings.batch());
                double warm = (System.nanoTime() - again) * 1e-9;
                OptionalLong peak = PeakMemory.ofThisProcess();
                return new Startup(engine.name(), file.getFileName().toString(), settings.threads(), promptTokens,
                        Math.max(0, vmSeconds), loaded.loadSeconds(), cold, warm, warmUp.nanos() * 1e-9, warmUp.steady(),
                        clock.compilerSeconds(), peak.isPresent() ? peak.getAsLong() : null,
                        loaded.model().engineReport().packedBytes());
            }
        }
    }

    private static int firstToken(LlamaContext context, int[] prompt, int batch) {
        context.clear();
        for (int from = 0; from < prompt.length; from += batch) {
            context.decode(Arrays.copyOfRange(prompt, from, Math.min(prompt.length, from + batch)));
        }
        return LogitDistance.top(context.logits(-1));
    }
}
