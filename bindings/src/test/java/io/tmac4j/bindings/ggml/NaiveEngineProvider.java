package io.tmac4j.bindings.ggml;

import io.tmac4j.bindings.spi.MatMulEngine;
import io.tmac4j.bindings.spi.MatMulEngineProvider;

/** Makes {@link NaiveEngine} known. */
public final class NaiveEngineProvider implements MatMulEngineProvider {

    @Override
    public String name() {
        return "naive";
    }

    @Override
    public MatMulEngine open() {
        return NaiveEngine.INSTANCE;
    }
}
