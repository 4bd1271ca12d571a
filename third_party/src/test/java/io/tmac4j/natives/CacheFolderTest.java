package io.tmac4j.natives;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

class CacheFolderTest {

    private static final Path HOME = Path.of("home");

    @Test
    void eachSystemHasItsOwnPlace() {
        assertThat(CacheFolder.of(Map.of(), "Linux", HOME)).isEqualTo(Path.of("home", ".cache", "tmac4j"));
        assertThat(CacheFolder.of(Map.of(), "Mac OS X", HOME)).isEqualTo(Path.of("home", "Library", "Caches", "tmac4j"));
        assertThat(CacheFolder.of(Map.of(), "Windows 11", HOME)).isEqualTo(Path.of("home", "AppData", "Local", "tmac4j"));
        assertThat(CacheFolder.of(Map.of("LOCALAPPDATA", "local"), "Windows 11", HOME)).isEqualTo(Path.of("local", "tmac4j"));
    }

    @Test
    void xdgFolderCountsIfAbsolute() {
        Path absolute = Path.of("cache").toAbsolutePath();
        assertThat(CacheFolder.of(Map.of("XDG_CACHE_HOME", absolute.toString()), "Linux", HOME))
                .isEqualTo(absolute.resolve("tmac4j"));
        assertThat(CacheFolder.of(Map.of("XDG_CACHE_HOME", "cache"), "Linux", HOME))
                .isEqualTo(Path.of("home", ".cache", "tmac4j"));
    }

    @Test
    void variableOfOurOwnWins() {
        Map<String, String> environment = Map.of("TMAC_CACHE_HOME", "own", "XDG_CACHE_HOME", "/xdg", "LOCALAPPDATA", "local");
        assertThat(CacheFolder.of(environment, "Linux", HOME)).isEqualTo(Path.of("own"));
        assertThat(CacheFolder.of(environment, "Windows 11", HOME)).isEqualTo(Path.of("own"));
    }
}
