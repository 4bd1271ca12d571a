package io.tmac4j.comparison.naive;

import io.tmac4j.bindings.spi.MatMulEngine;
import io.tmac4j.bindings.spi.MatMulEngineProvider;

/**
 * Makes the engine known. A file {@code META-INF/services/io.tmac4j.bindings.spi.MatMulEngineProvider} on the class path that
 * holds
 * the name of this class, or {@code provides} in a module descriptor, lets {@code ServiceLoader} find it.
 */
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
