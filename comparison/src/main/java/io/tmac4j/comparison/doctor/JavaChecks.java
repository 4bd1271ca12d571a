package io.tmac4j.comparison.doctor;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Judges the Java VM, from what it says about itself. */
final class JavaChecks {

    /** The release that the kernels are compiled for and measured on. */
    private static final int RELEASE = 25;
    /** The level of HotSpot's tiered compilation at which C2 compiles. */
    private static final int C2_LEVEL = 4;
    /** Compiled kernels and the library around them take some 20 MB. */
    private static final long LEAST_CODE_CACHE = 48L << 20;

    private JavaChecks() {
    }

    static Finding release(int feature, String version, String vendor) {
        String found = version + " (" + vendor + ")";
        return feature == RELEASE ? Finding.ok("java", found) : Finding.warning("java", found,
                "the kernels are measured on JDK " + RELEASE + ", other releases may compile them worse");
    }

    /**
     * The compiler.
     *
     * @param vmName    value of {@code java.vm.name}
     * @param vmInfo    value of {@code java.vm.info}
     * @param stopLevel value of the flag TieredStopAtLevel, if the VM has it
     * @param graal     whether the Graal compiler stands in for C2
     */
    static Finding compiler(String vmName, String vmInfo, Optional<String> stopLevel, boolean graal) {
        String found = vmName + ", " + vmInfo;
        if (vmInfo.contains("interpreted mode")) {
            return Finding.fix("compiler", found, "the VM only interprets: start Java without -Xint");
        }
        if (!vmName.contains("Server VM") || vmInfo.contains("emulated-client")) {
            return Finding.fix("compiler", found,
                    "the kernels need HotSpot's C2 compiler: use a JDK with a server VM, e.g. Temurin");
        }
        if (stopLevel.filter(level -> Integer.parseInt(level) < C2_LEVEL).isPresent()) {
            return Finding.fix("compiler", found + ", TieredStopAtLevel " + stopLevel.get(),
                    "the C2 compiler is off: start Java without -XX:TieredStopAtLevel");
        }
        if (graal) {
            return Finding.warning("compiler", found + ", Graal", "the kernels are made for C2: use a JDK whose compiler is C2");
        }
        if (vmInfo.contains("compiled mode")) {
            return Finding.warning("compiler", found, "code is compiled before it was observed: start Java without -Xcomp");
        }
        return Finding.ok("compiler", found + ", C2");
    }

    static Finding vectorModule(boolean present) {
        return present ? Finding.ok("vector module", "jdk.incubator.vector") : Finding.fix("vector module", "missing",
                "start Java with --add-modules jdk.incubator.vector, as the launcher does");
    }

    /** Calls into llama.cpp: allowed, allowed with a warning of the VM, or denied. */
    static Finding nativeAccess(boolean enabled, List<String> arguments) {
        if (enabled) {
            return Finding.ok("native access", "enabled");
        }
        String advice = "start Java with --enable-native-access=io.tmac4j.bindings (ALL-UNNAMED on the class path)";
        return arguments.contains("--illegal-native-access=deny")
                ? Finding.fix("native access", "denied", advice)
                : Finding.warning("native access", "not enabled, which later releases of Java will refuse", advice);
    }

    /**
     * Flags that were given and hurt.
     *
     * @param arguments    arguments of the VM
     * @param vectorBytes  the flag MaxVectorSize, if the VM has it
     * @param codeCache    the flag ReservedCodeCacheSize, if the VM has it
     * @param vectors256 whether the processor's vectors have 256 bits or more
     */
    static List<Finding> flags(List<String> arguments, Optional<String> vectorBytes, Optional<String> codeCache,
            boolean vectors256) {
        List<Finding> findings = new ArrayList<>();
        for (String argument : arguments) {
            String lower = argument.toLowerCase(Locale.ROOT);
            if (argument.equals("-XX:-EnableVectorSupport")) {
                findings.add(Finding.fix("flag", argument, "vectors are objects without it: leave the flag out"));
            } else if (argument.matches("-XX:UseAVX=[01]")) {
                findings.add(Finding.warning("flag", argument, "it halves the vectors: leave the flag out"));
            } else if (argument.equals("-Xcheck:jni") || lower.startsWith("-agentlib:jdwp") || lower.startsWith("-xrunjdwp")) {
                findings.add(Finding.warning("flag", argument, "it slows the VM down: leave it out when measuring"));
            }
        }
        vectorBytes.map(Integer::parseInt).filter(bytes -> bytes < (vectors256 ? 32 : 16)).ifPresent(bytes ->
                findings.add(Finding.warning("flag", "MaxVectorSize " + bytes, "vectors are narrower than the processor's: leave "
                        + "-XX:MaxVectorSize out")));
        codeCache.map(Long::parseLong).filter(bytes -> bytes < LEAST_CODE_CACHE).ifPresent(bytes ->
                findings.add(Finding.warning("flag", "ReservedCodeCacheSize " + (bytes >> 20) + " MB",
                        "kernels may not be compiled: leave -XX:ReservedCodeCacheSize out")));
        if (findings.isEmpty()) {
            findings.add(Finding.ok("flags", arguments.isEmpty() ? "none" : String.join(" ", arguments)));
        }
        return findings;
    }

    /** An x86 program on an Arm processor runs translated, at a fraction of its speed. */
    static Finding architecture(String arch, boolean translated) {
        return translated
                ? Finding.fix("architecture", arch + " on an Arm processor, translated", "install a JDK for Arm (aarch64)")
                : Finding.ok("architecture", arch);
    }
}
