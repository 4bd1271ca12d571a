package io.tmac4j.bindings;

import java.util.Objects;

/** A batch was not decoded; the context stays usable. */
public final class DecodeException extends LlamaException {

    private static final long serialVersionUID = 1;

    /** Why a batch was not decoded. */
    public enum Reason {
        /** The context has no room for the tokens; shorten the prompt or make the context larger. */
        CONTEXT_FULL,
        /** {@link LlamaContext#cancel()} was called while the batch was under way. */
        CANCELLED,
        /** The batch is not valid: token, position or sequence out of range. */
        INVALID_BATCH,
        /** Memory for the computation could not be allocated. */
        OUT_OF_MEMORY,
        /** The computation failed, e.g. in the engine. */
        FAILED
    }

    private final Reason reason;

    public DecodeException(Reason reason, String message) {
        super(message);
        this.reason = Objects.requireNonNull(reason);
    }

    public DecodeException(Reason reason, String message, Throwable cause) {
        super(message, cause);
        this.reason = Objects.requireNonNull(reason);
    }

    public Reason reason() {
        return reason;
    }
}
