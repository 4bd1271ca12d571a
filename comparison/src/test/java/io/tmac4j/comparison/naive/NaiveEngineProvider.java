package io.tmac4j.comparison.naive;

import io.tmac4j.bindings.spi.MatMulEngine;
import io.tmac4j.bindings.spi.MatMulEngineProvider;

/** Named in {@code META-INF/services}, or by {@code provides} in a module descriptor, so that {@code ServiceLoader} finds it. */
public final class NaiveEngineProvider implements MatMulEngineProvider {

    @Override
    public String name() {
        return "naive";
    }

    @Override
    public MatMulEngine open() {
        return new NaiveEngine();
    }
}
