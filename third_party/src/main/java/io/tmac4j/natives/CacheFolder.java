package io.tmac4j.natives;

import java.nio.file.Path;
import java.util.Map;

/** Where downloaded packages are kept: the folder that the library at run time uses too, per user, outside the build's output. */
final class CacheFolder {

    private CacheFolder() {
    }

    /**
     * The cache folder of a system.
     *
     * @param environment environment variables
     * @param os          value of the system property {@code os.name}
     * @param home        the user's home folder
     */
    static Path of(Map<String, String> environment, String os, Path home) {
        String own = environment.getOrDefault("TMAC_CACHE_HOME", "");
        if (!own.isBlank()) {
            return Path.of(own);
        }
        if (os.startsWith("Windows")) {
            String local = environment.getOrDefault("LOCALAPPDATA", "");
            return (local.isBlank() ? home.resolve("AppData").resolve("Local") : Path.of(local)).resolve("tmac4j");
        }
        if (os.startsWith("Mac")) {
            return home.resolve("Library").resolve("Caches").resolve("tmac4j");
        }
        String xdg = environment.getOrDefault("XDG_CACHE_HOME", "");
        // the XDG base directory specification has relative paths ignored
        return (xdg.isBlank() || !Path.of(xdg).isAbsolute() ? home.resolve(".cache") : Path.of(xdg)).resolve("tmac4j");
    }
}
