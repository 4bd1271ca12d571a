package io.tmac4j.bindings;

/** A grammar or JSON schema cannot be used; the message says where and why. */
public final class GrammarException extends LlamaException {

    private static final long serialVersionUID = 1;

    public GrammarException(String message) {
        super(message);
    }

    public GrammarException(String message, Throwable cause) {
        super(message, cause);
    }
}
