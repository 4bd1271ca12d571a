/**
 * A ggml backend device written in Java: llama.cpp hands it the matrices of a model while it loads and the matrix products
 * while it computes a graph, through upcalls. {@link io.tmac4j.bindings.ggml.EngineBridge} is the way in; the package is
 * not exported.
 */
package io.tmac4j.bindings.ggml;
