package io.tmac4j.bindings;

/** An object that one thread may use at a time was called while another call was under way; that call is not disturbed. */
public final class ConcurrentUseException extends IllegalStateException {

    private static final long serialVersionUID = 1;

    public ConcurrentUseException(String message) {
        super(message);
    }
}
