package io.tmac4j.comparison.report;

import io.tmac4j.comparison.output.Results;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Names the machines of several files of results so that each file has a name of its own. */
public final class Machines {

    private Machines() {
    }

    /** A file of results and the name of its machine. */
    public record Entry(String name, Results results) {
    }

    /** Processors' names; where two files share one, the file's name is added. */
    public static List<Entry> of(List<Path> files, List<Results> results) {
        Map<String, Integer> count = new HashMap<>();
        results.forEach(result -> count.merge(cpu(result), 1, Integer::sum));
        List<Entry> entries = new ArrayList<>();
        for (int i = 0; i < results.size(); i++) {
            String cpu = cpu(results.get(i));
            entries.add(new Entry(count.get(cpu) == 1 ? cpu : cpu + " (" + files.get(i).getFileName() + ")", results.get(i)));
        }
        return entries;
    }

    private static String cpu(Results results) {
        boolean known = results.environment() != null && results.environment().cpu() != null;
        return known ? results.environment().cpu() : "unknown machine";
    }
}
