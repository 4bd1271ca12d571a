package io.tmac4j.comparison;

import java.util.List;
import org.junit.jupiter.api.Assumptions;

/** Whether the libraries of llama.cpp are there for tests that run it. */
public final class Natives {

    private static final List<String> PLATFORMS = List.of("linux-x64", "linux-arm64", "mac-arm64", "win-x64", "win-arm64");

    private Natives() {
    }

    /** Skips the test, with the reason, where there are none. */
    public static void assume() {
        boolean named = System.getProperty("tmac.llama.path") != null || System.getenv("TMAC_LLAMA_PATH") != null;
        boolean packaged = PLATFORMS.stream()
                .map(platform -> "io/tmac4j/natives/" + platform + "/index.properties")
                .anyMatch(index -> ClassLoader.getSystemResource(index) != null);
        Assumptions.assumeTrue(named || packaged, "no llama.cpp libraries: set TMAC_LLAMA_PATH");
    }
}
