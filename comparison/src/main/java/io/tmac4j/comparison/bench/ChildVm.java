package io.tmac4j.comparison.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Command lines of Java VMs that run a class of this program. */
final class ChildVm {

    private ChildVm() {
    }

    /** The command that runs {@code program} as this program was started, with these options of the VM and arguments. */
    static List<String> command(Class<?> program, List<String> options, List<String> arguments) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(options);
        addPath(command, "--module-path", System.getProperty("jdk.module.path"));
        addPath(command, "--class-path", System.getProperty("java.class.path"));
        command.addAll(List.of("--module", "io.tmac4j.comparison/" + program.getName()));
        command.addAll(arguments);
        return command;
    }

    private static void addPath(List<String> command, String option, String path) {
        if (path != null && !path.isEmpty()) {
            command.add(option);
            command.add(path);
        }
    }
}
