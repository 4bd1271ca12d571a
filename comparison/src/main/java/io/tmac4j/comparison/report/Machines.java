package io.tmac4j.comparison.report;

import io.tmac4j.comparison.output.Results;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Names the machines of several files so that each file has a name of its own. */
public final class Machines {

    private static final Results NO_RESULTS = new Results(Results.VERSION, null, null, null, null, null, null, null);

    private Machines() {
    }

    /** A file and the name of its machine. Files of kernels have no results, files of results no kernels. */
    public record Entry(String name, Results results, List<KernelFile.Kernel> kernels, List<KernelFile.Step> ablation) {
    }

    /** A file before it has a name: one of the two is null. */
    public record Input(Path file, Results results, KernelFile kernels) {

        private String machine() {
            if (results != null) {
                boolean known = results.environment() != null && results.environment().cpu() != null;
                return known ? results.environment().cpu() : "unknown machine";
            }
            boolean known = kernels.environment() != null && kernels.environment().cpu() != null;
            return known ? kernels.environment().cpu() : file.getFileName().toString();
        }

        private Entry named(String name) {
            return results != null ? new Entry(name, results, List.of(), List.of())
                    : new Entry(name, NO_RESULTS, kernels.kernels(), kernels.ablation());
        }

        private boolean hasKernels() {
            return results == null;
        }
    }

    /** Processors' names; where two files of one kind share one, the file's name is added. */
    public static List<Entry> of(List<Input> inputs) {
        Map<String, Integer> count = new HashMap<>();
        inputs.forEach(input -> count.merge(input.hasKernels() + input.machine(), 1, Integer::sum));
        List<Entry> entries = new ArrayList<>();
        for (Input input : inputs) {
            boolean unique = count.get(input.hasKernels() + input.machine()) == 1;
            entries.add(input.named(unique ? input.machine() : input.machine() + " (" + input.file().getFileName() + ")"));
        }
        return entries;
    }
}
