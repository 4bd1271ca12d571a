/** llama.cpp from Java: models, contexts and sampling, with a ggml backend whose matrix products are Java. */
module io.tmac4j.bindings {
    requires com.fasterxml.jackson.core;
    requires org.slf4j;

    exports io.tmac4j.bindings;
    exports io.tmac4j.bindings.spi;

    uses io.tmac4j.bindings.spi.MatMulEngineProvider;
}
