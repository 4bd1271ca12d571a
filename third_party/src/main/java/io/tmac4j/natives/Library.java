package io.tmac4j.natives;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What a file of the package is, by its name. */
final class Library {

    /** Prefix, stem (captured), what follows its first dot (a release tag, or the rest of an Arm version), ending. */
    private static final Pattern NAME = Pattern.compile("(?:lib)?((?:llama|ggml)[a-zA-Z0-9_-]*)(?:\\..+)?\\.(?:so|dylib|dll)");

    private Library() {
    }

    /** Whether the file is one of the libraries that tmac4j opens, or that those need. */
    static boolean isWanted(String fileName) {
        return stem(fileName).filter(stem -> !stem.equals("llama-common") && !stem.equals("llama-addon")).isPresent();
    }

    /** {@code ggml-base}, {@code ggml} or {@code llama} for the libraries that are opened by name; empty for plugins. */
    static Optional<String> role(String fileName) {
        return stem(fileName).filter(stem -> stem.equals("ggml-base") || stem.equals("ggml") || stem.equals("llama"));
    }

    /** Whether the file is llama.cpp's main library. */
    static boolean isLlama(String fileName) {
        return role(fileName).filter("llama"::equals).isPresent();
    }

    private static Optional<String> stem(String fileName) {
        Matcher matcher = NAME.matcher(fileName);
        return matcher.matches() ? Optional.of(matcher.group(1)) : Optional.empty();
    }
}
