package io.tmac4j.bindings;

/** A LoRA adapter cannot be used: it cannot be read, is none, or belongs to another model. */
public final class LoraException extends LlamaException {

    private static final long serialVersionUID = 1;

    public LoraException(String message) {
        super(message);
    }

    public LoraException(String message, Throwable cause) {
        super(message, cause);
    }
}
