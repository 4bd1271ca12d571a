/**
 * What a kernel module implements to take matrix products out of llama.cpp's graph.
 *
 * <p>A {@link io.tmac4j.bindings.spi.MatMulEngineProvider} is found through {@link java.util.ServiceLoader}; the
 * {@link io.tmac4j.bindings.spi.MatMulEngine} that it opens packs weights when a model is loaded and multiplies them
 * when llama.cpp computes a graph. Memory is passed as absolute addresses into
 * {@link io.tmac4j.bindings.spi.OffHeap#ALL}, so that a decode step allocates nothing.
 *
 * <p>The smallest engine, which multiplies naively, is {@code io.tmac4j.comparison.naive} among the tests of {@code comparison}.
 */
package io.tmac4j.bindings.spi;
