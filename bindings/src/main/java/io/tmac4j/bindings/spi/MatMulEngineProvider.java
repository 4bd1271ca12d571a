package io.tmac4j.bindings.spi;

import java.util.List;

/** The service by which a kernel module makes its engine known; found through {@link java.util.ServiceLoader}. */
public interface MatMulEngineProvider {

    /** The name that users give to choose this engine, e.g. {@code tmac}: lower case, no white space, unique. */
    String name();

    /**
     * The engine; called once per JVM, when the first model asks for it.
     *
     * @throws IllegalStateException if the engine cannot run here; the message says why and what to do
     */
    MatMulEngine open();

    /**
     * Kernels to measure what each optimisation brings: the first is the plainest, each following one has one optimisation more.
     * Empty if there are none, or if they cannot run here.
     */
    default List<EngineVariant> variants() {
        return List.of();
    }
}
