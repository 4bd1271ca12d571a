/** The command-line tool {@code tmac}: runs one model on several engines and compares them. */
module io.tmac4j.comparison {
    requires io.tmac4j.bindings;
    requires io.tmac4j.kernels;
    requires org.slf4j;
}
