package io.tmac4j.comparison.race;

import io.tmac4j.bindings.ContextOptions;
import io.tmac4j.bindings.LlamaModel;
import io.tmac4j.bindings.SamplerOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;

/**
 * Lets engines generate in turns, so that none takes another's cores, each on a clock of its own. Drawing happens between
 * tokens and counts for nobody.
 */
public final class Race {

    /** A rest after each turn: llama.cpp's idle threads still spin for about a tenth of a second. */
    private static final Duration PAUSE = Duration.ofMillis(150);
    private static final long FRAME_NANOS = 80_000_000;

    private final int[] prompt;
    private final int limit;
    private final Duration slice;
    private final ContextOptions options;
    private final SamplerOptions sampling;

    /**
     * A race.
     *
     * @param prompt  tokens to begin with, at least one
     * @param limit   tokens to generate
     * @param slice   length of a turn
     * @param options the contexts' options, their size included
     * @param sampling how all engines choose
     */
    public Race(int[] prompt, int limit, Duration slice, ContextOptions options, SamplerOptions sampling) {
        this.prompt = prompt.clone();
        this.limit = limit;
        this.slice = slice;
        this.options = options;
        // one seed for all engines, also when it is left to chance
        this.sampling = sampling.seed() < 0
                ? sampling.withSeed(ThreadLocalRandom.current().nextInt(Integer.MAX_VALUE)) : sampling;
    }

    /**
     * How a race ended.
     *
     * @param lanes the engines
     * @param equal tokens that all have in common from the first on
     */
    public record Outcome(List<LaneView> lanes, int equal) {
    }

    /** What a race tells while it runs. */
    public interface Watcher {
        /** The state has changed; called several times a second. */
        void frame(List<LaneView> lanes);

        /** A turn has ended. */
        void turn(LaneView lane);
    }

    /** Runs to the end. */
    public Outcome run(List<LlamaModel> models, Watcher watcher) {
        List<Lane> lanes = new ArrayList<>();
        try {
            models.forEach(model -> lanes.add(new Lane(model, options, sampling, limit)));
            for (Lane lane : lanes) {
                lane.read(prompt);
                watcher.frame(views(lanes, lane));
                rest();
            }
            boolean open = true;
            while (open) {
                open = false;
                for (Lane lane : lanes) {
                    if (!lane.isFinished()) {
                        turn(lane, running -> watcher.frame(views(lanes, running)));
                        watcher.turn(lane.view(false));
                        rest();
                    }
                    open |= !lane.isFinished();
                }
            }
            watcher.frame(views(lanes, null));
            return new Outcome(views(lanes, null), equal(lanes));
        } finally {
            lanes.forEach(Lane::close);
        }
    }

    private void turn(Lane lane, Consumer<Lane> draw) {
        long start = System.nanoTime();
        long drawn = 0;
        while (!lane.isFinished() && System.nanoTime() - start < slice.toNanos()) {
            lane.step();
            if (System.nanoTime() - drawn > FRAME_NANOS) {
                draw.accept(lane);
                drawn = System.nanoTime();
            }
        }
        draw.accept(lane);
    }

    private static List<LaneView> views(List<Lane> lanes, Lane running) {
        return lanes.stream().map(lane -> lane.view(lane == running)).toList();
    }

    private static int equal(List<Lane> lanes) {
        int equal = 0;
        int shortest = lanes.stream().mapToInt(lane -> lane.tokens().size()).min().orElse(0);
        while (equal < shortest && sameAt(lanes, equal)) {
            equal++;
        }
        return equal;
    }

    private static boolean sameAt(List<Lane> lanes, int position) {
        return lanes.stream().map(lane -> lane.tokens().get(position)).distinct().count() == 1;
    }

    private static void rest() {
        try {
            Thread.sleep(PAUSE);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while racing");
        }
    }
}
