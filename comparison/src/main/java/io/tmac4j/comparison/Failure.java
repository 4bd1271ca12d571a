package io.tmac4j.comparison;

/**
 * Something that was asked for cannot be done: ends the command with exit code 1 and its message, one sentence that says
 * what was asked, what was found and what to do, without a stack trace.
 */
public final class Failure extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public Failure(String sentence) {
        super(sentence);
    }

    public Failure(String sentence, Throwable cause) {
        super(sentence, cause);
    }
}
