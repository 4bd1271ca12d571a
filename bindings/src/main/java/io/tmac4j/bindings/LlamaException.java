package io.tmac4j.bindings;

/** What went wrong in llama.cpp or around it; the message is one sentence for people. */
public class LlamaException extends RuntimeException {

    private static final long serialVersionUID = 1;

    public LlamaException(String message) {
        super(message);
    }

    public LlamaException(String message, Throwable cause) {
        super(message, cause);
    }
}
