/** The command-line tool {@code tmac}: runs one model on several engines and compares them. */
@SuppressWarnings("requires-automatic") // XChart and HdrHistogram have no descriptors of their own
module io.tmac4j.comparison {
    requires HdrHistogram;
    requires ch.qos.logback.classic;
    requires ch.qos.logback.core;
    requires com.fasterxml.jackson.annotation;
    requires com.fasterxml.jackson.databind;
    requires info.picocli;
    requires io.tmac4j.bindings;
    requires io.tmac4j.kernels;
    requires java.management;
    requires java.desktop;
    requires jdk.management;
    requires org.jline.terminal;
    requires org.knowm.xchart;
    requires org.slf4j;

    opens io.tmac4j.comparison to com.fasterxml.jackson.databind, info.picocli;
    opens io.tmac4j.comparison.environment to com.fasterxml.jackson.databind;
    opens io.tmac4j.comparison.inspect to com.fasterxml.jackson.databind;
    opens io.tmac4j.comparison.output to com.fasterxml.jackson.databind;
    opens io.tmac4j.comparison.quality to com.fasterxml.jackson.databind;
    opens io.tmac4j.comparison.report to com.fasterxml.jackson.databind;
    opens io.tmac4j.comparison.stats to com.fasterxml.jackson.databind;
}
