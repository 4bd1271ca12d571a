/** llama.cpp for Java: load a GGUF model, run it on the engine of choice, sample, keep its state. */
package io.tmac4j.bindings;
