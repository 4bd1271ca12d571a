package io.tmac4j.bindings.spi;

/** The weights of one tensor in the engine's own layout; owns its off-heap memory until closed. */
public interface PackedWeights extends AutoCloseable {

    /** Bytes of off-heap memory held. */
    long byteSize();

    /** One line for people: layout and bits, e.g. {@code "2 bit planes, scale per 256"}. */
    String description();

    /** Frees the memory; the caller guarantees that no product is under way. Closing twice does nothing. */
    @Override
    void close();
}
