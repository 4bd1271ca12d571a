package io.tmac4j.comparison.doctor;

import com.sun.management.HotSpotDiagnosticMXBean;
import io.tmac4j.bindings.CacheFolder;
import io.tmac4j.bindings.Engine;
import io.tmac4j.bindings.EngineReport;
import io.tmac4j.bindings.LlamaCppLibrary;
import io.tmac4j.bindings.LlamaException;
import io.tmac4j.comparison.environment.Machine;
import io.tmac4j.comparison.output.Terminal;
import io.tmac4j.comparison.synth.DemoModel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Looks at everything that decides speed or failure, here and now. */
public final class Diagnosis {

    private static final Path CPUS = Path.of("/sys/devices/system/cpu");
    private static final Path CGROUP = Path.of("/sys/fs/cgroup");
    private static final Path OWN_CGROUP = Path.of("/proc/self/cgroup");
    private static final Path POWER_SUPPLIES = Path.of("/sys/class/power_supply");
    private static final Path HUGE_PAGES = Path.of("/sys/kernel/mm/transparent_hugepage/enabled");
    private static final Path CLOCK = Path.of("/sys/devices/system/clocksource/clocksource0/current_clocksource");

    private final List<Finding> findings = new ArrayList<>();

    private Diagnosis() {
    }

    /** All findings, in the order in which they are best read. Takes about a second. */
    public static List<Finding> run() {
        Diagnosis diagnosis = new Diagnosis();
        diagnosis.java();
        diagnosis.cache();
        diagnosis.libraries();
        diagnosis.processor();
        diagnosis.system();
        diagnosis.terminal();
        return List.copyOf(diagnosis.findings);
    }

    private void java() {
        List<String> arguments = ManagementFactory.getRuntimeMXBean().getInputArguments();
        String arch = System.getProperty("os.arch");
        findings.add(JavaChecks.release(Runtime.version().feature(), System.getProperty("java.runtime.version"),
                System.getProperty("java.vendor")));
        findings.add(JavaChecks.architecture(arch, translated(arch)));
        findings.add(JavaChecks.compiler(System.getProperty("java.vm.name"), System.getProperty("java.vm.info"),
                flag("TieredStopAtLevel"), flag("UseJVMCICompiler").filter("true"::equals).isPresent()));
        findings.add(JavaChecks.vectorModule(ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent()));
        findings.add(JavaChecks.nativeAccess(LlamaCppLibrary.class.getModule().isNativeAccessEnabled(), arguments));
        findings.addAll(JavaChecks.flags(arguments, flag("MaxVectorSize"), flag("ReservedCodeCacheSize"), wideVectors()));
    }

    private static boolean wideVectors() {
        return Machine.os() == Machine.Os.LINUX && cpuinfo().filter(text -> text.contains(" avx2 ")).isPresent();
    }

    private static boolean translated(String arch) {
        return switch (Machine.os()) {
            case MACOS -> Machine.output("sysctl", "-n", "sysctl.proc_translated").map(String::strip).filter("1"::equals)
                    .isPresent();
            case WINDOWS -> !arch.equals("aarch64") && Optional.ofNullable(System.getenv("PROCESSOR_IDENTIFIER"))
                    .filter(text -> text.startsWith("ARM")).isPresent();
            case LINUX, OTHER -> false;
        };
    }

    private static Optional<String> flag(String name) {
        try {
            HotSpotDiagnosticMXBean vm = ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class);
            return vm == null ? Optional.empty() : Optional.of(vm.getVMOption(name).getValue());
        } catch (IllegalArgumentException unknown) {
            return Optional.empty();
        }
    }

    private void libraries() {
        try {
            LlamaCppLibrary library = LlamaCppLibrary.load();
            findings.add(Finding.ok("llama.cpp", library.version() + " (" + library.commit() + ") from " + library.folder()
                    + ", its layouts are as expected"));
            String variant = library.cpuVariant() + ": " + String.join(" ", library.cpuFeatures());
            findings.add(library.cpuVariant().equals("generic")
                    ? Finding.warning("cpu variant", variant, "llama.cpp has no faster code for this processor")
                    : Finding.ok("cpu variant", variant));
            engine();
        } catch (LlamaException failure) {
            findings.add(Finding.fix("llama.cpp", failure.getMessage(), "see the README's requirements"));
        } catch (IllegalCallerException denied) {
            findings.add(Finding.fix("llama.cpp", denied.getMessage(), "see the line on native access"));
        }
    }

    private void engine() {
        if (!Engine.available().contains(Engine.TMAC)) {
            findings.add(Finding.fix("tmac engine", "missing", "put tmac4j-kernels on the module path or class path"));
            return;
        }
        try {
            EngineReport plan = EngineReport.plan(DemoModel.file(), Engine.TMAC);
            boolean plain = plan.description().contains("plain Java");
            findings.add(plain ? Finding.fix("tmac engine", plan.description(), "see the lines above")
                    : Finding.ok("tmac engine", plan.description()));
        } catch (LlamaException failure) {
            findings.add(Finding.fix("tmac engine", failure.getMessage(), "see the lines above"));
        } catch (IOException unwritable) {
            findings.add(Finding.fix("tmac engine", "not tried: " + unwritable.getMessage(), "see the line on the cache"));
        }
    }

    private void processor() {
        List<String> features = cpuinfo().map(MachineChecks::features).orElse(List.of());
        findings.add(Finding.ok("processor", Machine.cpuName() + (features.isEmpty() ? "" : ": " + String.join(" ", features))));
        findings.add(MachineChecks.cores(Machine.mathThreads(), Machine.processors()));
        MachineChecks.quota(Quota.read(CGROUP, Machine.read(OWN_CGROUP).orElse("")), Machine.processors())
                .ifPresent(findings::add);
    }

    private static Optional<String> cpuinfo() {
        return Machine.read(Path.of("/proc/cpuinfo"));
    }

    private void system() {
        findings.add(MachineChecks.memory(Machine.memory(), Machine.availableMemory()));
        Machine.read(HUGE_PAGES).flatMap(MachineChecks::hugePages).ifPresent(findings::add);
        findings.add(power());
        Machine.read(CLOCK).map(String::strip).map(MachineChecks::clock).ifPresent(findings::add);
        Load load = Load.measure();
        findings.add(MachineChecks.load(load.cores(), load.busiest()));
    }

    private static Finding power() {
        return switch (Machine.os()) {
            case LINUX -> linuxPower();
            case MACOS -> MachineChecks.macPower(Machine.output("pmset", "-g").orElse(""),
                    Machine.output("pmset", "-g", "batt").orElse(""));
            case WINDOWS -> MachineChecks.windowsPower(Machine.output("powercfg", "/getactivescheme").orElse(""),
                    Machine.output("powershell", "-NoProfile", "-Command", "(Get-CimInstance Win32_Battery).BatteryStatus")
                            .orElse(""));
            case OTHER -> Finding.ok("power", "not readable on " + System.getProperty("os.name"));
        };
    }

    private static Finding linuxPower() {
        if (onBattery()) {
            return MachineChecks.battery();
        }
        Path frequency = CPUS.resolve("cpu0/cpufreq");
        return Machine.governor().map(governor -> MachineChecks.governor(governor,
                        Machine.read(frequency.resolve("scaling_driver")).map(String::strip).orElse("unknown driver"),
                        Machine.read(frequency.resolve("energy_performance_preference")).map(String::strip)))
                .orElseGet(() -> Finding.ok("power", "not readable: the kernel shows no governor, as in virtual machines"));
    }

    private static boolean onBattery() {
        boolean mains = false;
        boolean online = false;
        try (DirectoryStream<Path> supplies = Files.newDirectoryStream(POWER_SUPPLIES)) {
            for (Path supply : supplies) {
                if (Machine.read(supply.resolve("type")).filter(type -> type.strip().equals("Mains")).isPresent()) {
                    mains = true;
                    online |= Machine.read(supply.resolve("online")).filter(text -> text.strip().equals("1")).isPresent();
                }
            }
        } catch (IOException none) {
            return false;
        }
        return mains && !online;
    }

    private void cache() {
        Path folder = CacheFolder.path();
        Optional<String> problem = unwritable(folder);
        long free = 0;
        if (problem.isEmpty()) {
            try {
                free = Files.getFileStore(folder).getUsableSpace();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        findings.add(MachineChecks.cache(folder, problem, free));
    }

    /** Why no file can be made in a folder, found out by making one; empty if one can. */
    static Optional<String> unwritable(Path folder) {
        try {
            Files.createDirectories(folder);
            Files.delete(Files.createTempFile(folder, "doctor", ".tmp"));
            return Optional.empty();
        } catch (FileSystemException e) {
            return Optional.of(e.getReason() == null ? "no file can be made there" : e.getReason());
        } catch (IOException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }

    private void terminal() {
        String found = Stream.of(Terminal.isInteractive() ? "interactive" : "not interactive",
                        Terminal.watchesStderr() ? "progress shown" : "no progress shown",
                        Terminal.wantsColour() ? "colours" : "no colours",
                        "encoding " + System.getProperty("stdout.encoding"))
                .reduce((a, b) -> a + ", " + b).orElse("");
        findings.add(Finding.ok("terminal", found));
    }
}
