package io.tmac4j.comparison.environment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EnergyMeterTest {

    @TempDir
    private Path powercap;

    @Test
    void packagesAreAddedAndTheirPartsAreNot() throws IOException {
        zone("intel-rapl:0", "package-0", 5_000_000, 262_143_328_850L);
        zone("intel-rapl:1", "package-1", 100, 262_143_328_850L);
        zone("intel-rapl:0:0", "core", 7, 262_143_328_850L);
        try (EnergyMeter meter = RaplMeter.open(powercap)) {
            assertThat(meter.joules()).hasValue(0);
            Files.writeString(powercap.resolve("intel-rapl:0/energy_uj"), "6500000\n");
            Files.writeString(powercap.resolve("intel-rapl:1/energy_uj"), "1000100\n");
            Files.writeString(powercap.resolve("intel-rapl:0:0/energy_uj"), "900000000\n");
            assertThat(meter.joules().orElseThrow()).isCloseTo(2.5, within(1e-9));
            assertThat(meter.description()).contains("RAPL", "package-0, package-1");
        }
    }

    @Test
    void aCounterThatBeganAgainFromZeroHasGoneThroughItsLimit() {
        assertThat(RaplMeter.increase(900, 100, 1000)).isEqualTo(200);
        assertThat(RaplMeter.increase(100, 900, 1000)).isEqualTo(800);
    }

    @Test
    void withoutCountersThereIsAReasonAndNoNumber() throws IOException {
        for (Path folder : List.of(powercap.resolve("missing"), powercap)) {
            try (EnergyMeter meter = RaplMeter.open(folder)) {
                assertThat(meter.joules()).isEmpty();
                assertThat(meter.description()).startsWith("not readable, because ").contains(folder.toString());
            }
        }
        Files.createDirectories(powercap.resolve("intel-rapl:0/energy_uj"));
        Files.writeString(powercap.resolve("intel-rapl:0/name"), "package-0\n");
        try (EnergyMeter meter = RaplMeter.open(powercap)) {
            assertThat(meter.description()).contains("only root may read", "energy_uj");
        }
    }

    @Test
    void powerIsReadFromTheLinesOfTheSystemsPrograms() {
        assertThat(PowerSamples.powermetricsMilliwatts("CPU Power: 4213 mW")).hasValue(4213);
        assertThat(PowerSamples.powermetricsMilliwatts("GPU Power: 18 mW")).isEmpty();
        assertThat(PowerSamples.powermetricsMilliwatts("Combined Power (CPU + GPU + ANE): 4300 mW")).isEmpty();
        assertThat(PowerSamples.batteryMilliwatts("11840")).hasValue(11840);
        assertThat(PowerSamples.batteryMilliwatts("0")).as("on mains power").isEmpty();
        assertThat(PowerSamples.batteryMilliwatts("")).as("no battery").isEmpty();
    }

    @Test
    void aProgramThatTellsNoPowerIsNoMeter() {
        EnergyMeter meter = PowerSamples.start("test", line -> OptionalDouble.empty(),
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-version"));
        assertThat(meter.joules()).isEmpty();
        assertThat(meter.description()).startsWith("not readable, because ");
        assertThat(PowerSamples.start("test", line -> OptionalDouble.empty(), List.of("/no/such/program")).description())
                .contains("cannot be started");
    }

    @Test
    void peakMemoryIsReadInEachSystemsOwnForm() {
        assertThat(PeakMemory.inStatus("Name:\tjava\nVmPeak:\t 9000 kB\nVmHWM:\t    2048 kB\nVmRSS:\t 1000 kB\n"))
                .isEqualTo(OptionalLong.of(2048 * 1024));
        assertThat(PeakMemory.inStatus("Name:\tjava\n")).isEmpty();
        assertThat(PeakMemory.inWrapperOutput("tmac: hello\n        0.52 real         0.40 user         0.05 sys\n"
                + "           181501952  maximum resident set size\n                   0  average shared memory size\n"))
                .isEqualTo(OptionalLong.of(181_501_952));
    }

    @Test
    void prioritiesAreSetByEachSystemsOwnCommand() {
        assertThat(Priority.HIGH.command(Machine.Os.WINDOWS, 7)).contains("(Get-Process -Id 7).PriorityClass = 'High'");
        assertThat(Priority.LOW.command(Machine.Os.MACOS, 7)).containsExactly("renice", "5", "-p", "7");
        assertThat(Priority.LOW.command(Machine.Os.LINUX, 7).getLast()).contains("/proc/7/task").endsWith("renice 5 -p 7");
    }

    private void zone(String folder, String name, long energy, long limit) throws IOException {
        Path zone = Files.createDirectories(powercap.resolve(folder));
        Files.writeString(zone.resolve("name"), name + "\n");
        Files.writeString(zone.resolve("energy_uj"), energy + "\n");
        Files.writeString(zone.resolve("max_energy_range_uj"), limit + "\n");
    }
}
