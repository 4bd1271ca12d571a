package io.tmac4j.comparison.environment;

import static org.assertj.core.api.Assertions.assertThat;

import io.tmac4j.comparison.environment.Machine.Os;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MachineTest {

    @Test
    void operatingSystemsAreKnownByTheirNames() {
        assertThat(Os.of("Linux")).isEqualTo(Os.LINUX);
        assertThat(Os.of("Mac OS X")).isEqualTo(Os.MACOS);
        assertThat(Os.of("Windows 11")).isEqualTo(Os.WINDOWS);
        assertThat(Os.of("FreeBSD")).isEqualTo(Os.OTHER);
    }

    @Test
    void theProcessorsNameIsFoundInWhatEachSystemAnswers() {
        assertThat(Machine.nameInCpuinfo("processor\t: 0\nmodel name\t: AMD Ryzen 7 5800X\n")).contains("AMD Ryzen 7 5800X");
        assertThat(Machine.nameInCpuinfo("processor: 0\nBogoMIPS: 108.00\nModel : Raspberry Pi 5 Model B\n"))
                .contains("Raspberry Pi 5 Model B");
        assertThat(Machine.nameInCpuinfo("nothing")).isEmpty();
        assertThat(Machine.nameInRegistry("\r\nHKEY\r\n    ProcessorNameString    REG_SZ    Snapdragon(R) X Elite\r\n"))
                .contains("Snapdragon(R) X Elite");
    }

    @Test
    void hyperThreadsOfOneCoreCountOnce(@TempDir Path folder) throws IOException {
        for (int cpu = 0; cpu < 4; cpu++) {
            Path topology = Files.createDirectories(folder.resolve("cpu" + cpu + "/topology"));
            Files.writeString(topology.resolve("thread_siblings"), cpu % 2 == 0 ? "5\n" : "a\n");
        }
        Files.createDirectory(folder.resolve("cpufreq"));
        assertThat(Machine.linuxCores(folder)).isEqualTo(2);
        assertThat(Machine.linuxCores(folder.resolve("missing"))).isZero();
    }

    @Test
    void availableMemoryComesInKibibytes() {
        assertThat(Machine.memAvailable("MemTotal: 10 kB\nMemAvailable:    2048 kB\n")).hasValue(2 << 20);
        assertThat(Machine.memAvailable("MemTotal: 10 kB\n")).isEmpty();
    }

    @Test
    void thisMachineHasANameThreadsAndMemory() {
        assertThat(Machine.cpuName()).isNotBlank();
        assertThat(Machine.mathThreads()).isBetween(1, Machine.processors());
        assertThat(Machine.availableMemory()).isBetween(1L, Machine.memory());
    }
}
