package io.tmac4j.comparison.environment;

import io.tmac4j.comparison.Failure;
import java.util.List;

/**
 * How the operating system prefers this program to others: llama-bench's levels. The level holds for the whole program, so
 * for all engines alike; it must be set before their threads start, which inherit it.
 */
public enum Priority {
    LOW(-1, 5, "BelowNormal"),
    NORMAL(0, 0, "Normal"),
    MEDIUM(1, -5, "AboveNormal"),
    HIGH(2, -10, "High"),
    REALTIME(3, -20, "RealTime");

    private final int level;
    private final int niceness;
    private final String windowsClass;

    Priority(int level, int niceness, String windowsClass) {
        this.level = level;
        this.niceness = niceness;
        this.windowsClass = windowsClass;
    }

    /** llama-bench's number. */
    public int level() {
        return level;
    }

    /**
     * Sets it for this program.
     *
     * @throws Failure if the system does not allow it
     */
    public void apply() {
        if (this == NORMAL) {
            return;
        }
        Machine.output(command(Machine.os(), ProcessHandle.current().pid()).toArray(String[]::new)).orElseThrow(() ->
                new Failure("the system does not let this user set priority " + level + " (niceness " + niceness
                        + "): raising it needs an administrator; leave --prio out or use --prio -1"));
    }

    /** The command that sets it; on Linux each thread has a niceness of its own, and new ones inherit their maker's. */
    List<String> command(Machine.Os os, long pid) {
        return switch (os) {
            case WINDOWS -> List.of("powershell", "-NoProfile", "-Command",
                    "(Get-Process -Id " + pid + ").PriorityClass = '" + windowsClass + "'");
            // A thread may end between the two commands: only the second decides.
            case LINUX -> List.of("sh", "-c", "renice " + niceness + " -p $(ls /proc/" + pid + "/task) >/dev/null 2>&1; renice "
                    + niceness + " -p " + pid);
            case MACOS, OTHER -> List.of("renice", Integer.toString(niceness), "-p", Long.toString(pid));
        };
    }
}
