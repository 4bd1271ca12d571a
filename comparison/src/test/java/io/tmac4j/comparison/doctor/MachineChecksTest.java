package io.tmac4j.comparison.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import io.tmac4j.comparison.doctor.Finding.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MachineChecksTest {

    @TempDir
    private Path folder;

    @Test
    void quotasOfContainersAreJudged() {
        assertThat(MachineChecks.quota(Optional.of(1.5), 2)).hasValueSatisfying(finding -> {
            assertThat(finding.status()).isEqualTo(Status.WARNING);
            assertThat(finding.advice()).contains("-t 1");
        });
        assertThat(MachineChecks.quota(Optional.of(2.0), 2)).map(Finding::status).contains(Status.OK);
        assertThat(MachineChecks.quota(Optional.empty(), 2)).isEmpty();
    }

    @Test
    void littleMemoryIsSaid() {
        assertThat(MachineChecks.memory(16_000_000_000L, 9_000_000_000L).status()).isEqualTo(Status.OK);
        assertThat(MachineChecks.memory(16_000_000_000L, 1_000_000_000L).status()).isEqualTo(Status.WARNING);
        assertThat(MachineChecks.memory(16_000_000_000L, 100_000_000L).status()).isEqualTo(Status.FIX);
    }

    @Test
    void theChoiceOfHugePagesIsTheOneInBrackets() {
        assertThat(MachineChecks.hugePages("always [madvise] never\n")).map(Finding::found).contains("madvise");
        assertThat(MachineChecks.hugePages("always madvise [never]\n")).map(Finding::status).contains(Status.WARNING);
        assertThat(MachineChecks.hugePages("unreadable")).isEmpty();
    }

    @Test
    void powersaveIsFineOnlyWhereItScalesWithTheLoad() {
        assertThat(MachineChecks.governor("powersave", "intel_pstate", Optional.of("balance_performance")).status())
                .isEqualTo(Status.OK);
        assertThat(MachineChecks.governor("powersave", "amd-pstate-epp", Optional.of("power")).status())
                .isEqualTo(Status.WARNING);
        assertThat(MachineChecks.governor("powersave", "acpi-cpufreq", Optional.empty()).status()).isEqualTo(Status.WARNING);
        assertThat(MachineChecks.governor("schedutil", "cppc_cpufreq", Optional.empty()).status()).isEqualTo(Status.OK);
    }

    @Test
    void savingModesAndBatteriesOfLaptopsAreSaid() {
        String mains = "Now drawing from 'AC Power'";
        assertThat(MachineChecks.macPower(" lowpowermode         0\n", mains).status()).isEqualTo(Status.OK);
        assertThat(MachineChecks.macPower(" lowpowermode         1\n", mains).found()).isEqualTo("low power mode");
        assertThat(MachineChecks.macPower("", "Now drawing from 'Battery Power'").found()).isEqualTo("on battery");
        assertThat(MachineChecks.windowsPower("GUID: 381b4222-f694-41f0-9685-ff5bb260df2e  (Balanced)", "2\r\n").status())
                .isEqualTo(Status.OK);
        assertThat(MachineChecks.windowsPower("GUID: A1841308-3541-4FAB-BC81-F71556F20B4A", "").found()).isEqualTo("power saver");
        assertThat(MachineChecks.windowsPower("", "1\r\n").found()).isEqualTo("on battery");
    }

    @Test
    void otherProgramsAreNamedWhenTheyTakeProcessors() {
        assertThat(MachineChecks.load(1.2, "java (7)").status()).isEqualTo(Status.WARNING);
        assertThat(MachineChecks.load(1.2, "java (7)").found()).isEqualTo("others keep 1.2 processors busy, most of it java (7)");
        assertThat(MachineChecks.load(0.1, "").status()).isEqualTo(Status.OK);
        assertThat(MachineChecks.load(Double.NaN, "").status()).isEqualTo(Status.OK);
        assertThat(MachineChecks.clock("hpet").status()).isEqualTo(Status.WARNING);
        assertThat(MachineChecks.clock("tsc").status()).isEqualTo(Status.OK);
    }

    @Test
    void featuresAreThoseThatTheKernelsLiveOn() {
        assertThat(MachineChecks.features("processor : 0\nflags\t\t: fpu ssse3 avx2 sse2\nflags : x\n"))
                .containsExactly("ssse3", "avx2");
        assertThat(MachineChecks.features("Features\t: fp asimd asimddp sve2\n")).containsExactly("asimd", "asimddp", "sve2");
        assertThat(MachineChecks.features("")).isEmpty();
    }

    @Test
    void aCacheThatCannotBeWrittenMustBeFixed() throws IOException {
        assertThat(Diagnosis.unwritable(folder.resolve("new"))).isEmpty();
        assertThat(folder.resolve("new")).isEmptyDirectory();
        Path file = Files.createFile(folder.resolve("file"));
        Optional<String> problem = Diagnosis.unwritable(file);
        assertThat(problem).isPresent();
        assertThat(MachineChecks.cache(file, problem, 0).status()).isEqualTo(Status.FIX);
        assertThat(MachineChecks.cache(folder, Optional.empty(), 100).status()).isEqualTo(Status.WARNING);
        assertThat(MachineChecks.cache(folder, Optional.empty(), 5_000_000_000L).status()).isEqualTo(Status.OK);
    }

    @Test
    void aBusyProcessorIsNoticed() {
        Thread burner = Thread.ofPlatform().daemon().start(() -> {
            long x = 0;
            while (!Thread.currentThread().isInterrupted()) {
                x++;
            }
            assertThat(x).isPositive();
        });
        assertThat(Load.measure().cores()).as("this program itself is none of the others").satisfiesAnyOf(
                cores -> assertThat(cores).isNaN(),
                cores -> assertThat(cores).isBetween(0.0, (double) Runtime.getRuntime().availableProcessors()));
        burner.interrupt();
    }
}
