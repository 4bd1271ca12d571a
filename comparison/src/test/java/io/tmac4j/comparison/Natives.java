package io.tmac4j.comparison;

import org.junit.jupiter.api.Assumptions;

/** Whether the libraries of llama.cpp are there for tests that run it. */
public final class Natives {

    private Natives() {
    }

    /** Skips the test, with the reason, where there are none. */
    public static void assume() {
        Assumptions.assumeTrue(System.getProperty("tmac.llama.path") != null || System.getenv("TMAC_LLAMA_PATH") != null,
                "no llama.cpp libraries: set TMAC_LLAMA_PATH");
    }
}
