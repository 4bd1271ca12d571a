package io.tmac4j.bindings;

import java.nio.file.Path;
import java.util.Map;

/**
 * Where this program keeps, per user, what it can make again: unpacked libraries, models. Named by the system property
 * {@value #PROPERTY} or the environment variable {@value #VARIABLE}, else in the place that the operating system has for caches.
 */
public final class CacheFolder {

    /** System property that names the folder. */
    public static final String PROPERTY = "tmac.cache";

    /** Environment variable with the same meaning. */
    public static final String VARIABLE = "TMAC_CACHE_HOME";

    private static final String NAME = "tmac4j";

    private CacheFolder() {
    }

    /** The folder, which need not exist yet. */
    public static Path path() {
        return of(System.getProperty(PROPERTY), System.getenv(), System.getProperty("os.name"),
                Path.of(System.getProperty("user.home")));
    }

    /**
     * The folder on any system.
     *
     * @param named       value of the system property, or null
     * @param environment environment variables
     * @param osName      value of {@code os.name}
     * @param home        the user's home folder
     */
    static Path of(String named, Map<String, String> environment, String osName, Path home) {
        if (named != null && !named.isBlank()) {
            return Path.of(named).toAbsolutePath();
        }
        String variable = environment.getOrDefault(VARIABLE, "");
        if (!variable.isBlank()) {
            return Path.of(variable).toAbsolutePath();
        }
        if (osName.startsWith("Windows")) {
            String local = environment.getOrDefault("LOCALAPPDATA", "");
            return (local.isBlank() ? home.resolve("AppData").resolve("Local") : Path.of(local)).resolve(NAME);
        }
        if (osName.startsWith("Mac")) {
            return home.resolve("Library").resolve("Caches").resolve(NAME);
        }
        String xdg = environment.getOrDefault("XDG_CACHE_HOME", "");
        // the XDG base directory specification has relative paths ignored
        return (xdg.isBlank() || !Path.of(xdg).isAbsolute() ? home.resolve(".cache") : Path.of(xdg)).resolve(NAME);
    }
}
