package io.tmac4j.bindings;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Optional;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * An answer that is generated while it is read, in pieces of whole characters, most of them of one token. Closing it ends the
 * answer; what was generated of it stays in the conversation. Not for use by several threads at once; {@link #cancel()} may be
 * called from anywhere.
 */
public final class TokenStream implements Iterator<String>, AutoCloseable {

    /** Why an answer ends. */
    public enum End {
        /** The model ended it. */
        END_OF_TEXT,
        /** A stop string came. */
        STOP,
        /** It has as many tokens as were asked for. */
        LENGTH,
        /** There is no more room in the context. */
        CONTEXT_FULL,
        /** It was cancelled or closed. */
        CANCELLED
    }

    private final Session session;
    private final StopFilter filter;
    private final Utf8Stream characters = new Utf8Stream();
    /** All text generated, stop strings included. */
    private final StringBuilder generated = new StringBuilder();
    /** The answer so far. */
    private final StringBuilder answer = new StringBuilder();
    private final int maxTokens;
    private final int logProbabilities;
    private final List<TokenProbability> probabilities = new ArrayList<>();
    private final int promptTokens;
    private final int reusedTokens;
    private final long promptNanos;
    private long firstNanos;
    private long nanos;
    private int tokens;
    private String next;
    private volatile boolean cancelled;
    private volatile End end;

    TokenStream(Session session, SessionOptions options, int promptTokens, int reusedTokens, long promptNanos) {
        this.session = session;
        this.filter = new StopFilter(options.stops());
        this.maxTokens = options.maxTokens();
        this.logProbabilities = options.logProbabilities();
        this.promptTokens = promptTokens;
        this.reusedTokens = reusedTokens;
        this.promptNanos = promptNanos;
    }

    /**
     * Generates up to the next piece of text.
     *
     * @throws DecodeException       if the computation failed; it may be tried again
     * @throws IllegalStateException if the session is closed or another thread is inside
     */
    @Override
    public boolean hasNext() {
        while (next == null && end == null) {
            String piece = session.alone(this::step);
            if (!piece.isEmpty()) {
                next = piece;
            }
        }
        return next != null;
    }

    @Override
    public String next() {
        if (!hasNext()) {
            throw new NoSuchElementException("the answer has ended: " + end);
        }
        String piece = next;
        next = null;
        return piece;
    }

    /** The pieces as a stream, sequential and in order. */
    public Stream<String> stream() {
        return StreamSupport.stream(Spliterators.spliteratorUnknownSize(this, Spliterator.ORDERED | Spliterator.NONNULL), false)
                .onClose(this::close);
    }

    /** One token's text, or what is left at the end. */
    private String step() {
        if (end != null) {
            return "";
        }
        if (!session.isAnswering(this)) {
            end = End.CANCELLED;
            return "";
        }
        long start = System.nanoTime();
        try {
            End reason = cancelled ? End.CANCELLED : tokens == maxTokens ? End.LENGTH : session.decodePending();
            if (reason == null) {
                int token = session.sample();
                if (tokens == 0) {
                    firstNanos = promptNanos + System.nanoTime() - start;
                }
                if (!session.isEnd(token)) {
                    tokens++;
                    if (logProbabilities >= 0) {
                        probabilities.add(session.probability(token, logProbabilities));
                    }
                    session.pend(token);
                    return take(token);
                }
                reason = End.END_OF_TEXT;
            }
            return finish(reason);
        } finally {
            nanos += System.nanoTime() - start;
        }
    }

    private String take(int token) {
        String text = characters.add(session.bytes(token));
        generated.append(text);
        String certain = filter.add(text);
        answer.append(certain);
        return filter.stopped() ? certain + finish(End.STOP) : certain;
    }

    /** Ends the answer; gives the text that was held back. */
    private String finish(End reason) {
        String broken = characters.end();
        generated.append(broken);
        String rest = filter.stopped() ? "" : filter.add(broken) + filter.end();
        answer.append(rest);
        end = reason;
        session.answered(this, generated.toString(), answer.toString());
        return rest;
    }

    /** Why the answer ended, once it has. */
    public Optional<End> end() {
        return Optional.ofNullable(end);
    }

    /** The answer as far as it is generated. */
    public String text() {
        return answer.toString();
    }

    /**
     * How likely each token of the answer so far was, if {@link SessionOptions#logProbabilities()} asks for that. Stop strings
     * are among them.
     */
    public List<TokenProbability> probabilities() {
        return List.copyOf(probabilities);
    }

    /** What it cost so far. */
    public AnswerMetrics metrics() {
        return new AnswerMetrics(promptTokens, reusedTokens, Duration.ofNanos(promptNanos), Duration.ofNanos(firstNanos), tokens,
                Duration.ofNanos(nanos));
    }

    /** Ends the answer, from any thread; a token under way is given up. */
    public void cancel() {
        cancelled = true;
        session.interrupt(this);
    }

    /** Ends the answer if it has not ended. */
    @Override
    public void close() {
        if (end == null && !session.isClosed()) {
            cancelled = true;
            session.alone(this::step);
            next = null;
        }
    }

    @Override
    public String toString() {
        return "answer of " + tokens + " tokens, " + Objects.requireNonNullElse(end, "not ended");
    }
}
