package io.tmac4j.comparison.environment;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.CompilationMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Processor time of this program, of all programs together, and of the JIT compiler. */
public final class CpuClock {

    private static final Path LINUX_STAT = Path.of("/proc/stat");
    /** The unit of {@code /proc/stat}, USER_HZ, is a hundredth of a second on every Linux that Java runs on. */
    private static final double TICKS_A_SECOND = 100;
    /** Ten ticks. */
    private static final double LINUX_SPAN = 0.1;
    /** The VM on Windows asks the system twice a second at most. */
    private static final double LOAD_SPAN = 0.5;

    private final OperatingSystemMXBean system = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
    private final CompilationMXBean compiler = ManagementFactory.getCompilationMXBean();
    private final boolean linux = Files.isReadable(LINUX_STAT);
    private double toldSeconds;
    private long toldAt;

    /**
     * The clocks at one moment.
     *
     * @param wallNanos      time of day
     * @param ownSeconds     processor time that this program has used
     * @param allSeconds     processor time that all programs have used, the hypervisor's theft included; NaN if unknown
     * @param leastSeconds   shorter spans of time are too short for the system's own clock
     */
    public record Reading(long wallNanos, double ownSeconds, double allSeconds, double leastSeconds) {

        /**
         * Cores that others used, on average, between {@code before} and this reading; 0 at least, NaN if unknown or
         * if too little time lies between.
         */
        public double othersCoresSince(Reading before) {
            double wall = (wallNanos - before.wallNanos) * 1e-9;
            if (wall < leastSeconds) {
                return Double.NaN;
            }
            double others = (allSeconds - before.allSeconds) - (ownSeconds - before.ownSeconds);
            return Double.isNaN(others) ? Double.NaN : Math.max(0, others / wall);
        }
    }

    /** Reads all clocks. */
    public Reading read() {
        long now = System.nanoTime();
        double own = system.getProcessCpuTime() * 1e-9;
        return linux ? new Reading(now, own, busySeconds(), LINUX_SPAN)
                : new Reading(now, own, told(now, system.getCpuLoad(), system.getAvailableProcessors()), LOAD_SPAN);
    }

    /**
     * Processor time of all programs since the first call, from the load that the VM tells on macOS and Windows: the busy part of
     * all processors since it was asked before.
     *
     * @param load from 0 to 1; negative if the VM does not know
     */
    double told(long now, double load, int processors) {
        if (toldAt != 0) {
            toldSeconds += load < 0 ? Double.NaN : load * processors * (now - toldAt) * 1e-9;
        }
        toldAt = now;
        return toldSeconds;
    }

    /** Time that JIT compiler threads have worked since the VM began; 0 where the VM does not tell. */
    public double compilerSeconds() {
        boolean known = compiler != null && compiler.isCompilationTimeMonitoringSupported();
        return known ? compiler.getTotalCompilationTime() * 1e-3 : 0;
    }

    private static double busySeconds() {
        try {
            return busySeconds(Files.readAllLines(LINUX_STAT));
        } catch (IOException unreadable) {
            return Double.NaN;
        }
    }

    /** User, nice, system, irq, softirq and steal time of {@code /proc/stat}'s first line (proc_stat(5)). */
    static double busySeconds(List<String> stat) {
        String[] fields = stat.isEmpty() ? new String[0] : stat.getFirst().trim().split("\\s+");
        if (fields.length < 9 || !fields[0].equals("cpu")) {
            return Double.NaN;
        }
        long ticks = 0;
        for (int field : new int[] {1, 2, 3, 6, 7, 8}) {
            ticks += Long.parseLong(fields[field]);
        }
        return ticks / TICKS_A_SECOND;
    }
}
