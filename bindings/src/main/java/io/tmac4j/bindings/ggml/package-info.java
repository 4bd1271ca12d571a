/** A ggml backend device written in Java: the way of matrix products from llama.cpp's graph to an engine. */
package io.tmac4j.bindings.ggml;
