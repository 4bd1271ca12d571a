package io.tmac4j.bindings;

import io.tmac4j.bindings.TokenStream.End;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.Consumer;

/** One of the texts that a {@link ParallelGenerator} continues. Its results may be read between steps and after the end. */
public final class ParallelSequence {

    private static final int NONE = -1;

    private final Sampler sampler;
    private final int promptLength;
    private final int maxTokens;
    private final Consumer<String> listener;
    private final Utf8Stream characters = new Utf8Stream();
    private final StringBuilder text = new StringBuilder();
    /** The prompt, and what was generated. */
    private int[] tokens;
    private int length;
    /** How many of them are in the context, and how many with the batch. */
    private int read;
    private int readWithBatch;
    /** Where in the batch the logits for the next token are. */
    private int logits = NONE;
    private volatile End end;

    ParallelSequence(int[] prompt, Sampler sampler, int maxTokens, Consumer<String> listener) {
        this.sampler = sampler;
        this.promptLength = prompt.length;
        this.maxTokens = maxTokens;
        this.listener = listener;
        tokens = Arrays.copyOf(prompt, prompt.length + 64);
        length = prompt.length;
    }

    /** The tokens generated so far. */
    public int[] tokens() {
        return Arrays.copyOfRange(tokens, promptLength, length);
    }

    /** The text generated so far. */
    public String text() {
        return text.toString();
    }

    /** Why the text has ended; empty while it goes on or waits. */
    public Optional<End> end() {
        return Optional.ofNullable(end);
    }

    int read() {
        return read;
    }

    int unread() {
        return length - read;
    }

    /** Adds what is not read yet to the batch, as far as that has room. */
    void fill(Batch batch, int place) {
        readWithBatch = read + Math.min(unread(), batch.capacity() - batch.size());
        logits = NONE;
        for (int i = read; i < readWithBatch; i++) {
            if (i == length - 1) {
                logits = batch.size();
            }
            batch.add(tokens[i], i, place, i == length - 1);
        }
    }

    void forgetBatch() {
        readWithBatch = read;
        logits = NONE;
    }

    /** Lets everything be read anew into an empty place. */
    void readAgain() {
        read = 0;
    }

    /** Takes the batch for decoded; gives whether it holds logits for the next token. */
    boolean isDecoded() {
        read = readWithBatch;
        return logits != NONE;
    }

    /** Chooses the next token; says why the text ends if it does. */
    End choose(LlamaContext context) {
        int token = sampler.sample(context, logits);
        logits = NONE;
        LlamaModel model = context.model();
        if (model.isEndOfGeneration(token)) {
            return End.END_OF_TEXT;
        }
        if (length == tokens.length) {
            tokens = Arrays.copyOf(tokens, 2 * length);
        }
        tokens[length++] = token;
        write(characters.add(model.tokenBytes(token)));
        if (length - promptLength == maxTokens) {
            return End.LENGTH;
        }
        return length > context.sequenceSize() ? End.CONTEXT_FULL : null;
    }

    private void write(String piece) {
        if (!piece.isEmpty()) {
            text.append(piece);
            listener.accept(piece);
        }
    }

    void end(End why) {
        if (end == null) {
            end = why;
            sampler.close();
            write(characters.end());
        }
    }
}
