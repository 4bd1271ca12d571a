package io.tmac4j.bindings.ggml;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.OperatingSystemMXBean;
import io.tmac4j.bindings.ContextOptions;
import io.tmac4j.bindings.Engine;
import io.tmac4j.bindings.ModelOptions;
import io.tmac4j.bindings.Models;
import io.tmac4j.bindings.SamplerOptions;
import io.tmac4j.bindings.Session;
import io.tmac4j.bindings.SessionOptions;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class IdleTest {

    private static final OperatingSystemMXBean PROCESS = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);

    @BeforeAll
    static void libraries() {
        Models.assumeLibraries();
    }

    /** One thread that spins would take the second whole; compilers that tidy up after the answer take a little. */
    @Test
    void anOpenSessionUsesNoProcessorBetweenAnswers() throws InterruptedException {
        SessionOptions options = SessionOptions.defaults().withSampler(SamplerOptions.greedy()).withTemplate("").withMaxTokens(8)
                .withContext(ContextOptions.defaults().withContextSize(128).withThreads(2).withBatchThreads(2));
        try (Session plain = Session.open(Models.demo(), ModelOptions.defaults(), options);
                Session java = Session.open(Models.demo(), ModelOptions.defaults().withEngine(new Engine("naive")), options)) {
            assertThat(plain.ask("ROMEO:\n")).isNotEmpty();
            assertThat(java.ask("ROMEO:\n")).isNotEmpty();
            // llama.cpp's threads poll for a tenth of a second
            Thread.sleep(Duration.ofMillis(500));
            long before = PROCESS.getProcessCpuTime();
            Thread.sleep(Duration.ofSeconds(1));
            assertThat(Duration.ofNanos(PROCESS.getProcessCpuTime() - before)).isLessThan(Duration.ofMillis(300));
        }
    }
}
