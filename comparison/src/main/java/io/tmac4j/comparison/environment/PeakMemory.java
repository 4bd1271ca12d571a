package io.tmac4j.comparison.environment;

import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The most memory that a process had at once (its greatest resident set), pages of mapped files included. */
public final class PeakMemory {

    private static final Pattern STATUS = Pattern.compile("(?m)^VmHWM:\\s*(\\d+) kB");
    private static final Pattern TIME = Pattern.compile("(?m)^\\s*(\\d+)\\s+maximum resident set size");

    private PeakMemory() {
    }

    /** This process so far; empty where only its parent is told. */
    public static OptionalLong ofThisProcess() {
        return switch (Machine.os()) {
            case LINUX -> Machine.read(Path.of("/proc/self/status")).map(PeakMemory::inStatus).orElse(OptionalLong.empty());
            case WINDOWS -> Machine.output("powershell", "-NoProfile", "-Command",
                            "(Get-Process -Id " + ProcessHandle.current().pid() + ").PeakWorkingSet64")
                    .map(String::strip).filter(text -> text.matches("\\d{1,18}"))
                    .map(text -> OptionalLong.of(Long.parseLong(text))).orElse(OptionalLong.empty());
            case MACOS, OTHER -> OptionalLong.empty();
        };
    }

    /** What to put before a command so that its peak stands on standard error when it has ended; nothing on most systems. */
    public static List<String> wrapper() {
        return Machine.os() == Machine.Os.MACOS ? List.of("/usr/bin/time", "-l") : List.of();
    }

    /** The peak in what {@link #wrapper()} printed. */
    public static OptionalLong inWrapperOutput(String standardError) {
        Matcher match = TIME.matcher(standardError);
        return match.find() ? OptionalLong.of(Long.parseLong(match.group(1))) : OptionalLong.empty();
    }

    static OptionalLong inStatus(String status) {
        Matcher match = STATUS.matcher(status);
        return match.find() ? OptionalLong.of(Long.parseLong(match.group(1)) * 1024) : OptionalLong.empty();
    }
}
