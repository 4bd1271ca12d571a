package io.tmac4j.bindings;

import io.tmac4j.bindings.DecodeException.Reason;
import io.tmac4j.bindings.TokenStream.End;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.function.Consumer;

/**
 * Continues several texts together: each step decodes one batch that holds a token of every text, so that the weights are read
 * once for all of them. Texts may be added at any time, also between steps; what finds no free place waits for one.
 *
 * <pre>{@code
 * ContextOptions options = ContextOptions.defaults().withMaxSequences(8).withContextSize(8 * 512);
 * try (LlamaContext context = model.newContext(options); ParallelGenerator generator = ParallelGenerator.of(context)) {
 *     List<ParallelSequence> answers = prompts.stream()
 *             .map(prompt -> generator.add(model.tokenize(prompt, true, false), SamplerOptions.greedy(), 100)).toList();
 *     generator.run();
 *     answers.forEach(answer -> System.out.println(answer.text()));
 * }
 * }</pre>
 *
 * <p>The context gives the number of places, {@link ContextOptions#maxSequences()}, and each place an equal part of its tokens,
 * {@link LlamaContext#sequenceSize()}. Use it for nothing else as long. A text is what it would be alone as far as arithmetic
 * goes: kernels for one column and for several add in another order on some engines, which can decide between two tokens
 * that are nearly as likely.
 *
 * <p>Not for use by several threads at once: a call while another thread is inside throws a {@link ConcurrentUseException}.
 * {@link #cancel()} may be called from anywhere.
 */
public final class ParallelGenerator implements AutoCloseable {

    private final LlamaContext context;
    private final Batch batch;
    /** The text in each of the context's sequences, or null. */
    private final ParallelSequence[] places;
    private final Queue<ParallelSequence> waiting = new ArrayDeque<>();
    private final OneUser user = new OneUser("parallel generator");
    private final Leak leak;
    private boolean closed;

    private ParallelGenerator(LlamaContext context) {
        this.context = context;
        places = new ParallelSequence[context.maxSequences()];
        batch = new Batch(context.batchSize());
        leak = Leak.watch(this, "a parallel generator on " + context.model());
    }

    /** A generator on a context that stays the caller's; what the context holds is forgotten. */
    public static ParallelGenerator of(LlamaContext context) {
        context.clear();
        return new ParallelGenerator(context);
    }

    /** As {@link #add(int[], SamplerOptions, int, Consumer)} without a listener. */
    public ParallelSequence add(int[] prompt, SamplerOptions sampler, int maxTokens) {
        return add(prompt, sampler, maxTokens, piece -> { });
    }

    /**
     * Adds a text. Its prompt is read with the next steps, beside the tokens of the others.
     *
     * @param prompt    tokens, at least one and fewer than a sequence can hold
     * @param sampler   how this text's tokens are chosen; a random one needs a seed of its own to differ from others
     * @param maxTokens tokens to generate at most, at least one
     * @param listener  is told the pieces of the text as they come, in {@link #step()}
     * @throws IllegalArgumentException if the prompt or the number of tokens is none
     * @throws DecodeException          with {@link Reason#CONTEXT_FULL} if the prompt is too long, with
     *                                  {@link Reason#INVALID_BATCH} if it has a token that the vocabulary has not
     * @throws LlamaException           if the sampler's grammar cannot be used with the model
     */
    public ParallelSequence add(int[] prompt, SamplerOptions sampler, int maxTokens, Consumer<String> listener) {
        Objects.requireNonNull(listener, "listener");
        enter();
        try {
            if (prompt.length == 0) {
                throw new IllegalArgumentException("there is nothing to continue: the prompt has no tokens");
            }
            context.checkTokens(prompt);
            if (maxTokens < 1) {
                throw new IllegalArgumentException("the tokens to generate must be at least 1, not " + maxTokens);
            }
            if (prompt.length >= context.sequenceSize()) {
                throw new DecodeException(Reason.CONTEXT_FULL, "the prompt has " + prompt.length
                        + " tokens and leaves no room in a sequence of " + context.sequenceSize()
                        + "; shorten it, or ask for a larger context or fewer sequences");
            }
            Sampler chooser = Sampler.of(sampler);
            boolean done = false;
            try {
                chooser.prepareGrammar(context.model());
                done = true;
            } finally {
                if (!done) {
                    chooser.close();
                }
            }
            ParallelSequence sequence = new ParallelSequence(prompt, chooser, maxTokens, listener);
            waiting.add(sequence);
            return sequence;
        } finally {
            user.exit();
        }
    }

    /** The texts that have not ended, in no particular order. */
    public List<ParallelSequence> active() {
        enter();
        try {
            List<ParallelSequence> active = new ArrayList<>(Arrays.stream(places).filter(Objects::nonNull).toList());
            active.addAll(waiting);
            return active;
        } finally {
            user.exit();
        }
    }

    /**
     * Decodes one batch: a token of each text under way, and beside them as much of unread prompts as fits; then chooses the
     * next token of each.
     *
     * @return whether there is more to do
     * @throws DecodeException  if the step was cancelled or the computation failed; the texts are as before, and another step
     *                          goes on with them
     * @throws RuntimeException what a sampler or listener threw; its text has ended as {@link End#CANCELLED}, the others have
     *                          their token
     */
    public boolean step() {
        enter();
        try {
            takePlaces();
            closeGaps();
            gather();
            if (batch.size() > 0) {
                decode();
                choose();
            }
            return !waiting.isEmpty() || Arrays.stream(places).anyMatch(Objects::nonNull);
        } finally {
            user.exit();
        }
    }

    /**
     * Steps until every text has ended.
     *
     * @throws DecodeException as {@link #step()}
     */
    public void run() {
        boolean more;
        do {
            more = step();
        } while (more);
    }

    /** Ends one text, as {@link End#CANCELLED}; does nothing if it has ended. The place is free for another one. */
    public void end(ParallelSequence sequence) {
        enter();
        try {
            waiting.remove(sequence);
            leave(sequence, End.CANCELLED);
        } finally {
            user.exit();
        }
    }

    /** Ends a step under way in another thread, which gets a {@link DecodeException}; does nothing if there is none. */
    public void cancel() {
        context.cancel();
    }

    private void takePlaces() {
        for (int i = 0; i < places.length && !waiting.isEmpty(); i++) {
            if (places[i] == null) {
                context.truncate(i, 0);
                places[i] = waiting.remove();
            }
        }
    }

    /**
     * Moves the last texts to places that nobody waits for: llama.cpp computes only neighbouring sequences together, and would
     * read all weights once more for each gap between them. A move copies a sequence's memory once.
     */
    private void closeGaps() {
        int last = places.length - 1;
        for (int free = 0; free < last; free++) {
            if (places[free] != null) {
                continue;
            }
            while (last > free && places[last] == null) {
                last--;
            }
            if (last > free) {
                context.copySequence(last, free);
                context.truncate(last, 0);
                places[free] = places[last];
                places[last] = null;
            }
        }
    }

    /** Those that generate come first, so that a long prompt does not hold them up. */
    private void gather() {
        batch.clear();
        for (int pass = 0; pass < 2; pass++) {
            for (int i = 0; i < places.length; i++) {
                ParallelSequence sequence = places[i];
                if (sequence != null && (sequence.unread() == 1) == (pass == 0)) {
                    sequence.fill(batch, i);
                }
            }
        }
    }

    private void decode() {
        try {
            context.decode(batch);
        } catch (RuntimeException | Error failure) {
            try {
                restorePositions();
            } catch (RuntimeException unusable) {
                failure.addSuppressed(unusable);
            }
            throw failure;
        }
    }

    /** After a failure a part of the batch may have got in. */
    private void restorePositions() {
        for (int i = 0; i < places.length; i++) {
            if (places[i] == null) {
                continue;
            }
            places[i].forgetBatch();
            try {
                context.truncate(i, places[i].read());
            } catch (LlamaException recurrent) {
                context.truncate(i, 0);
                places[i].readAgain();
            }
        }
    }

    private void choose() {
        RuntimeException first = null;
        for (ParallelSequence sequence : places.clone()) {
            if (sequence == null || !sequence.isDecoded()) {
                continue;
            }
            End end = End.CANCELLED;
            try {
                end = sequence.choose(context);
            } catch (RuntimeException failure) {
                first = first == null ? failure : first;
            }
            if (end != null) {
                leave(sequence, end);
            }
        }
        if (first != null) {
            throw first;
        }
    }

    private void leave(ParallelSequence sequence, End end) {
        for (int i = 0; i < places.length; i++) {
            if (places[i] == sequence) {
                places[i] = null;
            }
        }
        sequence.end(end);
    }

    private void enter() {
        user.enter();
        if (closed) {
            user.exit();
            throw new IllegalStateException("the parallel generator is closed");
        }
    }

    /** Ends the texts under way and frees what they held; the context stays. */
    @Override
    public void close() {
        user.enter();
        try {
            if (closed) {
                return;
            }
            closed = true;
            for (ParallelSequence sequence : places) {
                if (sequence != null) {
                    sequence.end(End.CANCELLED);
                }
            }
            waiting.forEach(sequence -> sequence.end(End.CANCELLED));
            batch.close();
            leak.closed();
        } finally {
            user.exit();
        }
    }
}
