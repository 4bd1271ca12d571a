package io.tmac4j.kernels;

import org.junit.jupiter.api.Assumptions;

/** The VM that tests run in. */
final class TestVm {

    private TestVm() {
    }

    /** Skips tests of what there is only where the engine has vectors: not without their module, without C2 or without AVX. */
    static void assumeVectors() {
        Assumptions.assumeTrue(new TmacEngineProvider().open() instanceof TmacEngine, "the engine has no vectors here");
    }
}
