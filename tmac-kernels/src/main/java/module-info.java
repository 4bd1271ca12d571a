/** The T-MAC engine: matrix products of low-bit weights by table lookup, on the Vector API. */
module io.tmac4j.kernels {
    requires transitive io.tmac4j.bindings;
    requires jdk.incubator.vector;
    requires org.slf4j;

    exports io.tmac4j.kernels;

    provides io.tmac4j.bindings.spi.MatMulEngineProvider with io.tmac4j.kernels.TmacEngineProvider;
}
