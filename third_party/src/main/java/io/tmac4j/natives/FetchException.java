package io.tmac4j.natives;

/** A failure whose message tells the user what was asked, what was found and what to do. */
final class FetchException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /** The way out that every message ends with. */
    static final String OWN_LIBRARIES = "point -Dtmac.llama.path=FOLDER or the environment variable TMAC_LLAMA_PATH to a folder "
            + "with its libraries";

    FetchException(String message) {
        super(message);
    }
}
