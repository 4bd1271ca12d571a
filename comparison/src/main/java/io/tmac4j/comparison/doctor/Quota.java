package io.tmac4j.comparison.doctor;

import io.tmac4j.comparison.environment.Machine;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Stream;

/** The processor time that Linux grants this program's control group, and so those above it. */
final class Quota {

    /** The controller in version 1, which may share its folder with another. */
    private static final String CONTROLLER = "cpu";

    private Quota() {
    }

    /**
     * The least quota of the group and those that hold it.
     *
     * @param root where the groups are mounted, {@code /sys/fs/cgroup}
     * @param own  {@code /proc/self/cgroup}: lines of a number, controllers and the group: {@code 4:cpu,cpuacct:/docker/1f}
     * @return cores, e.g. 1.5; empty without a quota
     */
    static Optional<Double> read(Path root, String own) {
        return own.lines().map(line -> line.split(":", 3)).filter(parts -> parts.length == 3)
                .flatMap(parts -> folders(root, parts[1]).flatMap(folder -> quotas(folder, parts[2])))
                .min(Double::compare);
    }

    /** Where groups with these controllers are: version 2 names none, and is in a folder of its own beside version 1. */
    private static Stream<Path> folders(Path root, String controllers) {
        if (controllers.isEmpty()) {
            return Stream.of(root, root.resolve("unified"));
        }
        return Arrays.asList(controllers.split(",")).contains(CONTROLLER)
                ? Stream.of(CONTROLLER, controllers).distinct().map(root::resolve) : Stream.empty();
    }

    /** A container may see the name of its group and only its own folder, which is then the root. */
    private static Stream<Double> quotas(Path root, String group) {
        Path folder = root.resolve(group.replaceFirst("^/+", "")).normalize();
        return Stream.concat(Stream.iterate(folder, path -> path.startsWith(root), Path::getParent), Stream.of(root))
                .flatMap(path -> Stream.concat(second(path).stream(), first(path).stream()));
    }

    /** {@code cpu.max} holds the quota and the period in microseconds, or max for none. */
    private static Optional<Double> second(Path folder) {
        return Machine.read(folder.resolve("cpu.max")).flatMap(Quota::cores);
    }

    /** Version 1 has a file for each, and -1 for none. */
    private static Optional<Double> first(Path folder) {
        return Machine.read(folder.resolve("cpu.cfs_quota_us"))
                .flatMap(quota -> Machine.read(folder.resolve("cpu.cfs_period_us")).map(period -> quota.strip() + " " + period))
                .flatMap(Quota::cores);
    }

    private static Optional<Double> cores(String quotaAndPeriod) {
        String[] parts = quotaAndPeriod.trim().split("\\s+");
        return parts.length == 2 && parts[0].matches("\\d+") && parts[1].matches("[1-9]\\d*")
                ? Optional.of(Double.parseDouble(parts[0]) / Double.parseDouble(parts[1])) : Optional.empty();
    }
}
