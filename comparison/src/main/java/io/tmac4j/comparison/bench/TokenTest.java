package io.tmac4j.comparison.bench;

import io.tmac4j.bindings.Batch;
import io.tmac4j.bindings.ContextOptions;
import io.tmac4j.bindings.LlamaContext;
import io.tmac4j.bindings.LlamaException;
import io.tmac4j.bindings.LlamaModel;
import io.tmac4j.comparison.output.Pieces;
import io.tmac4j.comparison.stats.TokenTimes;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.HdrHistogram.Histogram;

/**
 * One test on one model and engine, done as llama-bench does it: the cache is cleared, the depth filled in, then the
 * prompt decoded in batches and the generation token by token, on random tokens, none of them chosen from logits. Where several
 * texts go on together, a step decodes a token of each in one batch. The tokens are seeded, so that all engines get the
 * same ones.
 */
public final class TokenTest implements Contestant, AutoCloseable {

    /** Tokens decoded in one piece of warm-up: short enough to see the rate move, long enough for the clock. */
    private static final int WARM_UP_TOKENS = 16;
    /** Times of tokens are kept to this many decimal digits. */
    private static final int TIME_DIGITS = 3;

    private final String name;
    private final LlamaModel model;
    private final LlamaContext context;
    private final TestCase test;
    private final int batchSize;
    private final int ubatchSize;
    private final long seed;
    /** Nanoseconds of the tokens generated in repetitions. */
    private final Histogram tokenNanos = new Histogram(TIME_DIGITS);
    /** A token of each text that is continued; null where there is only one. */
    private final Batch together;
    private boolean readToDepth;
    /** Whether going back to the depth was tried in vain: then it has to be read again each time. */
    private boolean forgetsNothing;

    /** @param options everything but the context size, which the test knows */
    public TokenTest(LlamaModel model, TestCase test, ContextOptions options, long seed) {
        this.name = model.engine().name();
        this.model = model;
        this.test = test;
        this.batchSize = options.batchSize();
        this.ubatchSize = options.ubatchSize();
        this.seed = seed;
        this.context = model.newContext(options.withContextSize(test.contextSize()).withMaxSequences(test.sequences()));
        this.together = test.sequences() == 1 ? null : new Batch(test.sequences());
    }

    @Override
    public String name() {
        return name;
    }

    /** A shorter repetition, at the depth too: attention over a full cache has to be compiled as well. */
    @Override
    public long warmUp() {
        if (forgetsNothing) {
            context.clear();
            readToDepth = false;
        } else {
            prepare();
        }
        SplittableRandom random = new SplittableRandom(seed);
        int prompt = Math.min(test.prompt(), ubatchSize);
        int generate = Math.min(test.generate(), WARM_UP_TOKENS);
        long nanos = run(prompt, generate, random);
        tokenNanos.reset();
        return nanos;
    }

    @Override
    public void prepare() {
        if (!(readToDepth && backToDepth())) {
            context.clear();
            read(test.depth(), new SplittableRandom(seed));
            if (together != null && test.depth() > 0) {
                copyDepth();
            }
            readToDepth = true;
        }
    }

    @Override
    public long repeat() {
        return run(test.prompt(), test.generate(), new SplittableRandom(~seed));
    }

    /** Where the time of one more repetition goes; null if no engine but llama.cpp computes. */
    Pieces pieces() {
        prepare();
        Pieces pieces = PieceTimes.of(() -> context.watch(this::repeat));
        tokenNanos.reset();
        return pieces;
    }

    /** Times of the tokens generated in repetitions since this was last asked; null if there were none. */
    TokenTimes takeTokenTimes() {
        TokenTimes times = tokenNanos.getTotalCount() == 0 ? null : TokenTimes.of(tokenNanos);
        tokenNanos.reset();
        return times;
    }

    /** Goes back to the depth without reading it again, where the model's memory can forget its latest tokens. */
    private boolean backToDepth() {
        if (test.depth() == 0) {
            context.clear();
            return true;
        }
        try {
            for (int sequence = 0; sequence < test.sequences(); sequence++) {
                context.truncate(sequence, test.depth());
            }
            return true;
        } catch (LlamaException recurrent) {
            forgetsNothing = true;
            return false;
        }
    }

    /** Gives all texts what the first one has; llama.cpp does so with the next decode, which shall not be a measured one. */
    private void copyDepth() {
        for (int sequence = 1; sequence < test.sequences(); sequence++) {
            context.copySequence(0, sequence);
        }
        decodeTogether(new SplittableRandom(seed));
        if (!backToDepth()) {
            throw new LlamaException("the memory of " + model.file().getFileName() + " cannot forget a part of a sequence, so"
                    + " the tests of several sequences at a depth cannot be done; leave -d or --parallel out");
        }
    }

    /** A token of each text in one batch, all with logits, as a program needs them that chooses from them. */
    private void decodeTogether(SplittableRandom random) {
        together.clear();
        for (int sequence = 0; sequence < test.sequences(); sequence++) {
            int position = context.position(sequence);
            together.add(position == 0 ? firstToken(random) : random.nextInt(model.vocabularySize()), position, sequence, true);
        }
        context.decode(together);
    }

    private long run(int prompt, int generate, SplittableRandom random) {
        long start = System.nanoTime();
        read(prompt, random);
        int token = firstToken(random);
        long now = System.nanoTime();
        for (int i = 0; i < generate; i++) {
            if (together != null) {
                decodeTogether(random);
            } else {
                context.decode(token);
                token = random.nextInt(model.vocabularySize());
            }
            long begun = now;
            now = System.nanoTime();
            tokenNanos.recordValue(now - begun);
        }
        return now - start;
    }

    private void read(int count, SplittableRandom random) {
        for (int done = 0; done < count; done += batchSize) {
            int[] tokens = new int[Math.min(batchSize, count - done)];
            Arrays.setAll(tokens, i -> random.nextInt(model.vocabularySize()));
            if (done == 0) {
                tokens[0] = firstToken(random);
            }
            context.decode(tokens);
        }
    }

    private int firstToken(SplittableRandom random) {
        return model.addsBos() && model.bosToken().isPresent()
                ? model.bosToken().getAsInt()
                : random.nextInt(model.vocabularySize());
    }

    @Override
    public void close() {
        if (together != null) {
            together.close();
        }
        context.close();
    }
}
