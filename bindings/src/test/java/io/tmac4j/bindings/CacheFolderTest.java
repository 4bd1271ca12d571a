package io.tmac4j.bindings;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CacheFolderTest {

    @TempDir
    private Path home;

    @Test
    void thePropertyIsAskedFirstThenTheVariable() {
        Map<String, String> variable = Map.of(CacheFolder.VARIABLE, home.resolve("b").toString());
        assertThat(CacheFolder.of(home.resolve("a").toString(), variable, "Linux", home)).isEqualTo(home.resolve("a"));
        assertThat(CacheFolder.of(" ", variable, "Windows 11", home)).isEqualTo(home.resolve("b"));
    }

    @Test
    void everySystemHasItsOwnPlaceForCaches() {
        assertThat(CacheFolder.of(null, Map.of(), "Linux", home)).isEqualTo(home.resolve(".cache/tmac4j"));
        assertThat(CacheFolder.of(null, Map.of("XDG_CACHE_HOME", home.resolve("x").toString()), "Linux", home))
                .isEqualTo(home.resolve("x/tmac4j"));
        assertThat(CacheFolder.of(null, Map.of("XDG_CACHE_HOME", "relative"), "Linux", home))
                .isEqualTo(home.resolve(".cache/tmac4j"));
        assertThat(CacheFolder.of(null, Map.of("XDG_CACHE_HOME", "/ignored"), "Mac OS X", home))
                .isEqualTo(home.resolve("Library/Caches/tmac4j"));
        assertThat(CacheFolder.of(null, Map.of(), "Windows 11", home)).isEqualTo(home.resolve("AppData/Local/tmac4j"));
        assertThat(CacheFolder.of(null, Map.of("LOCALAPPDATA", home.resolve("local").toString()), "Windows 11", home))
                .isEqualTo(home.resolve("local/tmac4j"));
    }
}
