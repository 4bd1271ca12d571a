package io.tmac4j.comparison.environment;

import io.tmac4j.bindings.LlamaCppLibrary;
import java.lang.management.ManagementFactory;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Everything that a measurement depends on beside the model.
 *
 * @param date         when, in UTC
 * @param version      of this program
 * @param cpu          the processor's name
 * @param processors   processors that the program may use
 * @param memoryBytes  memory in the machine
 * @param os           operating system, release and architecture
 * @param governor     what governs the clock, or null
 * @param loadAverage  load before the measurement, or null
 * @param energy       how the energy was measured, or why it cannot be read; null in files of older programs
 * @param priority     llama-bench's level of priority, 0 is the usual one
 * @param jvm          name and version of the Java VM
 * @param jvmFlags     its options
 * @param llamaCpp     the baseline's libraries
 * @param engines      for each engine what it chose on this machine: kernel, vector shape
 */
public record Environment(String date, String version, String cpu, int processors, long memoryBytes, String os, String governor,
                          Double loadAverage, String energy, int priority, String jvm, List<String> jvmFlags, LlamaCpp llamaCpp,
                          Map<String, String> engines) {

    /** The libraries of llama.cpp: release, commit, which CPU variant was loaded and the instruction sets it uses. */
    public record LlamaCpp(String version, String commit, String cpuVariant, List<String> features) {
    }

    public Environment {
        jvmFlags = jvmFlags == null ? List.of() : List.copyOf(jvmFlags);
        engines = engines == null ? Map.of() : Collections.unmodifiableMap(new LinkedHashMap<>(engines));
    }

    /**
     * What there is here and now.
     *
     * @param energy   {@link EnergyMeter#description()}
     * @param priority what was set for this program
     */
    public static Environment here(LlamaCppLibrary library, Map<String, String> engines, String energy, Priority priority) {
        double load = Machine.loadAverage();
        return new Environment(Instant.now().truncatedTo(ChronoUnit.SECONDS).toString(), Product.version(), Machine.cpuName(),
                Machine.processors(), Machine.memory(), Machine.system(), Machine.governor().orElse(null),
                load < 0 ? null : load, energy, priority.level(),
                System.getProperty("java.vm.name") + " " + System.getProperty("java.vm.version"),
                flagsThatMatter(ManagementFactory.getRuntimeMXBean().getInputArguments()),
                new LlamaCpp(library.version(), library.commit(), library.cpuVariant(), library.cpuFeatures()), engines);
    }

    /** The options that another Java VM needs to be like this one, modules' paths aside. */
    public static List<String> flagsOfThisVm(List<String> arguments) {
        return arguments.stream()
                .filter(argument -> argument
                        .matches("-X.*|-D(?!jdk\\.module\\.).*|--add-modules.*|--(enable|illegal)-native-access.*"))
                .toList();
    }

    /** The options that can change a rate; where modules and files lie does not. */
    static List<String> flagsThatMatter(List<String> arguments) {
        return arguments.stream()
                .filter(argument -> argument.matches("-X.*|-D(?!jdk\\.module\\.).*|--add-modules.*|-javaagent.*"))
                .toList();
    }
}
