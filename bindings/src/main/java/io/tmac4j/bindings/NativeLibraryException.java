package io.tmac4j.bindings;

/** llama.cpp's libraries cannot be found, unpacked, loaded, or are not the release these bindings are made for. */
public final class NativeLibraryException extends LlamaException {

    private static final long serialVersionUID = 1;

    public NativeLibraryException(String message) {
        super(message);
    }

    public NativeLibraryException(String message, Throwable cause) {
        super(message, cause);
    }
}
