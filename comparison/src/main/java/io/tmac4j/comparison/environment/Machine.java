package io.tmac4j.comparison.environment;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The computer: its processor, cores, memory and power settings, as far as its operating system tells. */
public final class Machine {

    /** The operating systems that differ in how they are asked. */
    public enum Os {
        LINUX, MACOS, WINDOWS, OTHER;

        /** Of a value of the property {@code os.name}. */
        static Os of(String osName) {
            String name = osName.toLowerCase(Locale.ROOT);
            if (name.startsWith("linux")) {
                return LINUX;
            }
            return name.startsWith("mac") ? MACOS : name.startsWith("windows") ? WINDOWS : OTHER;
        }
    }

    private static final Os OS = Os.of(System.getProperty("os.name"));
    private static final Path CPU_FOLDER = Path.of("/sys/devices/system/cpu");
    private static final Pattern REGISTRY_NAME = Pattern.compile("ProcessorNameString\\s+REG_SZ\\s+(.+)");
    private static final Pattern CPUINFO_NAME = Pattern.compile("(?:model name|Model|cpu model|Hardware)\\s*:\\s*(.+)");

    private Machine() {
    }

    /** The operating system. */
    public static Os os() {
        return OS;
    }

    /** The processor's name as its maker spells it, or the architecture if the system does not tell. */
    public static String cpuName() {
        Optional<String> name = switch (OS) {
            case LINUX -> read(Path.of("/proc/cpuinfo")).flatMap(Machine::nameInCpuinfo)
                    .or(() -> read(Path.of("/proc/device-tree/model")).map(text -> text.replace("\0", "")));
            case MACOS -> output("sysctl", "-n", "machdep.cpu.brand_string");
            case WINDOWS -> output("reg", "query", "HKLM\\HARDWARE\\DESCRIPTION\\System\\CentralProcessor\\0", "/v",
                    "ProcessorNameString").flatMap(Machine::nameInRegistry);
            case OTHER -> Optional.empty();
        };
        return name.map(String::strip).filter(text -> !text.isEmpty()).orElse(System.getProperty("os.arch"));
    }

    static Optional<String> nameInCpuinfo(String cpuinfo) {
        return cpuinfo.lines().map(CPUINFO_NAME::matcher).filter(Matcher::matches)
                .map(match -> match.group(1).strip()).findFirst();
    }

    static Optional<String> nameInRegistry(String answer) {
        Matcher match = REGISTRY_NAME.matcher(answer);
        return match.find() ? Optional.of(match.group(1).strip()) : Optional.empty();
    }

    /** Processors that this program may use. */
    public static int processors() {
        return Runtime.getRuntime().availableProcessors();
    }

    /**
     * Threads that suit matrix products best: one for each physical core, on Apple's chips one for each performance core,
     * as llama.cpp's own tools choose.
     */
    public static int mathThreads() {
        int cores = switch (OS) {
            case LINUX -> linuxCores(CPU_FOLDER);
            case MACOS -> output("sysctl", "-n", "hw.perflevel0.physicalcpu").or(() -> output("sysctl", "-n", "hw.physicalcpu"))
                    .map(String::strip).filter(text -> text.matches("\\d{1,4}")).map(Integer::parseInt).orElse(0);
            case WINDOWS, OTHER -> 0;
        };
        int processors = processors();
        return cores > 0 ? Math.min(cores, processors) : processors;
    }

    /** Distinct sets of sibling threads, or 0 if the folder does not tell. */
    static int linuxCores(Path cpuFolder) {
        Set<String> siblings = new HashSet<>();
        try (DirectoryStream<Path> cpus = Files.newDirectoryStream(cpuFolder, "cpu[0-9]*")) {
            for (Path cpu : cpus) {
                read(cpu.resolve("topology/thread_siblings")).map(String::strip).ifPresent(siblings::add);
            }
        } catch (IOException unreadable) {
            return 0;
        }
        return siblings.size();
    }

    /** Bytes of memory in the machine. */
    public static long memory() {
        return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize();
    }

    /** Bytes of memory that programs can still have without swapping; free memory where the system tells no better. */
    public static long availableMemory() {
        OptionalLong available = OS == Os.LINUX
                ? read(Path.of("/proc/meminfo")).map(Machine::memAvailable).orElse(OptionalLong.empty())
                : OptionalLong.empty();
        return available.orElseGet(() -> OS == Os.MACOS
                // macOS counts its file cache as used: take what a fresh start would find.
                ? memory() * 3 / 4
                : ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getFreeMemorySize());
    }

    static OptionalLong memAvailable(String meminfo) {
        return meminfo.lines().filter(line -> line.startsWith("MemAvailable:"))
                .map(line -> line.replaceAll("\\D", "")).filter(digits -> !digits.isEmpty())
                .mapToLong(Long::parseLong).map(kib -> kib * 1024).findFirst();
    }

    /** What holds the clock of the first processor down or free on Linux, e.g. {@code powersave}; empty elsewhere. */
    public static Optional<String> governor() {
        return OS == Os.LINUX ? read(CPU_FOLDER.resolve("cpu0/cpufreq/scaling_governor")).map(String::strip) : Optional.empty();
    }

    /** The load of the last minute, or a negative number if the system does not tell. */
    public static double loadAverage() {
        return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getSystemLoadAverage();
    }

    /** Operating system, release and architecture. */
    public static String system() {
        return System.getProperty("os.name") + " " + System.getProperty("os.version") + " " + System.getProperty("os.arch");
    }

    /** The text of a file of the operating system, or empty if there is no such file or it cannot be read. */
    public static Optional<String> read(Path file) {
        try {
            return Optional.of(Files.readString(file, StandardCharsets.ISO_8859_1));
        } catch (IOException unreadable) {
            return Optional.empty();
        }
    }

    /** What a short command prints, or empty if there is no such command or it fails. */
    public static Optional<String> output(String... command) {
        try {
            Process process = new ProcessBuilder(List.of(command)).redirectErrorStream(true).start();
            process.getOutputStream().close();
            String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return process.waitFor(5, TimeUnit.SECONDS) && process.exitValue() == 0 ? Optional.of(text) : Optional.empty();
        } catch (IOException missing) {
            return Optional.empty();
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        }
    }
}
