package io.tmac4j.bindings;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/** Finds the folder that holds llama.cpp's libraries. */
final class NativeFolder {

    /** System property that names an existing folder of llama.cpp's libraries. */
    static final String PATH_PROPERTY = "tmac.llama.path";

    /** Environment variable with the same meaning. */
    static final String PATH_VARIABLE = "TMAC_LLAMA_PATH";

    private NativeFolder() {
    }

    /** The folder to load from: named by property, by environment variable, or unpacked from the jar of the platform. */
    static Path find(Platform platform) {
        String named = System.getProperty(PATH_PROPERTY);
        if (named != null && !named.isBlank()) {
            return existing(named, "-D" + PATH_PROPERTY);
        }
        named = System.getenv(PATH_VARIABLE);
        if (named != null && !named.isBlank()) {
            return existing(named, PATH_VARIABLE);
        }
        return packaged(platform);
    }

    private static Path packaged(Platform platform) {
        try {
            NativePackage libraries = NativePackage.find(platform).orElseThrow(() -> new NativeLibraryException(
                    "no llama.cpp libraries for " + platform.id() + " were found; add tmac4j-natives with the classifier "
                            + platform.id() + ", or name the folder that holds those of llama.cpp v0.4.0 with -D" + PATH_PROPERTY
                            + " or the environment variable " + PATH_VARIABLE));
            return new NativeCache(CacheFolder.path().resolve("natives")).folder(libraries);
        } catch (IOException e) {
            throw new NativeLibraryException("the packaged llama.cpp libraries cannot be used: " + e.getMessage(), e);
        }
    }

    private static Path existing(String named, String by) {
        try {
            Path folder = Path.of(named);
            if (!Files.isDirectory(folder)) {
                throw new NativeLibraryException(by + " names " + named + ", which is "
                        + (Files.exists(folder) ? "no folder" : "not there")
                        + "; it must name a folder with llama.cpp's libraries");
            }
            return folder.toRealPath();
        } catch (InvalidPathException | IOException e) {
            throw new NativeLibraryException(by + " names " + named + ", which cannot be read: " + e.getMessage(), e);
        }
    }
}
