package io.tmac4j.bindings.spi;

import java.util.Objects;

/**
 * A kernel that exists to be measured: what an engine would be with fewer of its optimisations, or with others.
 *
 * @param name        of what it adds to the variant before it; a few words
 * @param description one sentence for people
 * @param engine      multiplies dense matrices; takes fewer types than the engine itself
 */
public record EngineVariant(String name, String description, MatMulEngine engine) {

    public EngineVariant {
        Objects.requireNonNull(name);
        Objects.requireNonNull(description);
        Objects.requireNonNull(engine);
    }
}
