package io.tmac4j.comparison.doctor;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Judges the computer, from what its operating system says. */
final class MachineChecks {

    private static final long GB = 1_000_000_000L;
    /** A quarter of a core is more than an idle desktop takes, and enough to bend a measurement. */
    private static final double BUSY_CORES = 0.25;
    private static final Pattern CHOICE = Pattern.compile("\\[(\\w+)]");
    /** The power plan that Windows calls Power saver, on every installation. */
    private static final String WINDOWS_POWER_SAVER = "a1841308-3541-4fab-bc81-f71556f20b4a";

    private MachineChecks() {
    }

    /**
     * Cores and threads.
     *
     * @param cores      physical cores for heavy work (performance cores)
     * @param processors hardware threads that this program may use
     */
    static Finding cores(int cores, int processors) {
        String advice = "-t " + cores + " is the fastest as a rule";
        return cores == processors ? Finding.ok("cores", processors + " processors; " + advice)
                : Finding.ok("cores", processors + " processors, " + cores + " cores for heavy work; " + advice);
    }

    /**
     * A limit of a container.
     *
     * @param quota      cores that the container may use, e.g. 1.5, if it is limited
     * @param processors what the VM takes this for
     */
    static Optional<Finding> quota(Optional<Double> quota, int processors) {
        return quota.map(cores -> {
            String found = String.format(Locale.ROOT, "%.2f cores in this container; Java uses %d", cores, processors);
            return cores + 0.01 >= processors ? Finding.ok("cpu quota", found) : Finding.warning("cpu quota", found,
                    "threads are stopped when the quota is used up: give the container whole cores, or use -t "
                            + Math.max(1, cores.intValue()));
        });
    }

    static Finding memory(long total, long available) {
        String found = String.format(Locale.ROOT, "%.1f GB, %.1f GB of it free", (double) total / GB, (double) available / GB);
        if (available < GB / 4) {
            return Finding.fix("memory", found, "close other programs: even small models do not fit");
        }
        return available < 2 * GB
                ? Finding.warning("memory", found, "close other programs: the packed weights must stay in memory")
                : Finding.ok("memory", found);
    }

    /** Transparent huge pages: {@code /sys/kernel/mm/transparent_hugepage/enabled} marks the choice with brackets. */
    static Optional<Finding> hugePages(String enabled) {
        Matcher choice = CHOICE.matcher(enabled);
        if (!choice.find()) {
            return Optional.empty();
        }
        return Optional.of(choice.group(1).equals("never")
                ? Finding.warning("huge pages", "never", "weights are read through 4 KB pages: echo madvise | sudo tee "
                        + "/sys/kernel/mm/transparent_hugepage/enabled")
                : Finding.ok("huge pages", choice.group(1)));
    }

    /**
     * What governs the clock on Linux.
     *
     * @param governor   {@code scaling_governor} of a processor
     * @param driver     {@code scaling_driver}
     * @param preference {@code energy_performance_preference}, if the driver has it
     */
    static Finding governor(String governor, String driver, Optional<String> preference) {
        String found = governor + " (" + driver + preference.map(text -> ", " + text).orElse("") + ")";
        String advice = "the clock may stay low: sudo cpupower frequency-set -g performance, or the desktop's power settings";
        // with these drivers powersave scales the clock with the load
        boolean own = driver.startsWith("intel_pstate") || driver.startsWith("amd-pstate");
        boolean slow = governor.equals("powersave") && !own || governor.equals("conservative") || governor.equals("userspace")
                || preference.filter(text -> text.equals("power") || text.equals("balance_power")).isPresent();
        return slow ? Finding.warning("power", found, advice) : Finding.ok("power", found);
    }

    /** macOS: what {@code pmset -g} and {@code pmset -g batt} print. */
    static Finding macPower(String settings, String battery) {
        boolean low = settings.lines().anyMatch(line -> line.trim().matches("lowpowermode\\s+1"));
        return power(low, "low power mode", battery.contains("Battery Power"), "System Settings, Battery");
    }

    /** Windows: what {@code powercfg /getactivescheme} prints, and the status of {@code Win32_Battery}, 1 if it discharges. */
    static Finding windowsPower(String scheme, String batteryStatus) {
        boolean saving = scheme.toLowerCase(Locale.ROOT).contains(WINDOWS_POWER_SAVER);
        return power(saving, "power saver", batteryStatus.strip().equals("1"), "Settings, System, Power");
    }

    private static Finding power(boolean saving, String mode, boolean onBattery, String where) {
        if (saving) {
            return Finding.warning("power", mode, "the clock stays low: turn it off (" + where + ")");
        }
        return onBattery ? battery() : Finding.ok("power", "no saving mode, not on battery");
    }

    static Finding battery() {
        return Finding.warning("power", "on battery", "laptops are slower so: plug it in for measurements");
    }

    /**
     * What others do meanwhile.
     *
     * @param cores   processors that other programs keep busy, NaN if unknown
     * @param busiest the one that takes the most, or an empty string
     */
    static Finding load(double cores, String busiest) {
        if (Double.isNaN(cores)) {
            return Finding.ok("load", "not readable on this system");
        }
        String found = String.format(Locale.ROOT, "others keep %.1f processors busy", cores)
                + (busiest.isEmpty() ? "" : ", most of it " + busiest);
        return cores > BUSY_CORES ? Finding.warning("load", found, "measurements suffer: end other work first")
                : Finding.ok("load", found);
    }

    /** The kernel's clock: reading a slow one takes a microsecond and a lock. */
    static Finding clock(String source) {
        return List.of("hpet", "acpi_pm", "jiffies").contains(source)
                ? Finding.warning("clock", source, "reading the time is slow: see the kernel's log for why tsc was given up")
                : Finding.ok("clock", source);
    }

    /**
     * The cache folder.
     *
     * @param problem why it cannot be written, or empty
     */
    static Finding cache(Path folder, Optional<String> problem, long free) {
        if (problem.isPresent()) {
            return Finding.fix("cache", folder + ": " + problem.get(),
                    "make it writable or name another with -Dtmac.cache=FOLDER");
        }
        String found = String.format(Locale.ROOT, "%s, %.1f GB free", folder, (double) free / GB);
        return free < GB ? Finding.warning("cache", found, "models are made there: make room") : Finding.ok("cache", found);
    }

    /** Flags of {@code /proc/cpuinfo} that the kernels live on. */
    static List<String> features(String cpuinfo) {
        List<String> wanted = List.of("ssse3", "avx2", "fma", "f16c", "avx512bw", "avx512vl", "avx512vbmi", "avx512_vnni",
                "avx_vnni", "gfni", "asimd", "asimddp", "i8mm", "sve", "sve2");
        List<String> flags = cpuinfo.lines().filter(line -> line.startsWith("flags") || line.startsWith("Features")).findFirst()
                .map(line -> Arrays.asList(line.substring(line.indexOf(':') + 1).trim().split("\\s+"))).orElse(List.of());
        return wanted.stream().filter(flags::contains).toList();
    }
}
