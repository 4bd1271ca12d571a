package io.tmac4j.comparison;

import io.tmac4j.comparison.environment.Device;
import io.tmac4j.comparison.environment.Machine;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

@Command(name = "devices",
        header = "List known machines and the thread counts worth measuring on them.",
        description = {
            "A name of the first column can be given to 'tmac compare --device', which measures those thread counts.",
            "",
            "Examples:",
            "  tmac devices",
            "  tmac compare -m model.gguf --device m2 -o json > m2.json",
        })
final class Devices implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        line(out, "here", Device.threadsHere(), Machine.cpuName() + ", " + Machine.processors() + " processors");
        for (Device device : Device.values()) {
            line(out, device.id(), device.threads(), device.description());
        }
        out.flush();
        return 0;
    }

    private static void line(PrintWriter out, String name, List<Integer> threads, String description) {
        String list = threads.stream().map(String::valueOf).collect(Collectors.joining(","));
        out.printf("%-9s -t %-12s %s%n", name, list, description);
    }
}
