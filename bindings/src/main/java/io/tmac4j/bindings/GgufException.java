package io.tmac4j.bindings;

/** A file is no GGUF file that can be trusted: the message names the file, what was found and what was expected. */
public final class GgufException extends LlamaException {

    private static final long serialVersionUID = 1;

    public GgufException(String message) {
        super(message);
    }

    public GgufException(String message, Throwable cause) {
        super(message, cause);
    }
}
