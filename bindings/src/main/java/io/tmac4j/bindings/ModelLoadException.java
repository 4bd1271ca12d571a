package io.tmac4j.bindings;

/** A model file cannot be loaded. */
public final class ModelLoadException extends LlamaException {

    private static final long serialVersionUID = 1;

    public ModelLoadException(String message) {
        super(message);
    }

    public ModelLoadException(String message, Throwable cause) {
        super(message, cause);
    }
}
