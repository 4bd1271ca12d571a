package io.tmac4j.bindings;

import java.io.IOException;
import java.io.Reader;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;

/** What came of mutated models. JVMs that try them print counts, which are added up and kept in a file. */
final class FuzzCounts {

    static final String REFUSED = "refused";
    static final String LOADED = "loaded";

    /** Followed by the reason for which llama.cpp gave up. */
    static final String CONTAINED = "contained: ";

    /** The one that is no sum: the most megabytes that a file took beside what its size allows for. */
    static final String MOST_MEMORY = "MiB";

    private static final String MARK = "count ";
    private static final String FIRST = "first";
    private static final String NEXT = "next";

    private final Map<String, Long> counts = new TreeMap<>();
    private int next;

    private void add(String name, long count) {
        counts.merge(name, count, name.equals(MOST_MEMORY) ? Math::max : Long::sum);
    }

    /** Adds what another JVM printed. */
    void add(List<String> lines) {
        for (String line : lines) {
            if (isCount(line)) {
                int end = line.lastIndexOf('=');
                add(line.substring(MARK.length(), end), Long.parseLong(line.substring(end + 1)));
            }
        }
    }

    static boolean isCount(String line) {
        return line.startsWith(MARK) && line.matches(".*=-?[0-9]+");
    }

    /** Prints a count for {@link #add(List)} of another JVM. */
    static void print(String name, long count) {
        System.out.println(MARK + name + "=" + count);
    }

    long get(String name) {
        return counts.getOrDefault(name, 0L);
    }

    /** Number of the mutation to go on with. */
    int next() {
        return next;
    }

    /** Takes the counts of a run from {@code first} on, if the file has them. */
    boolean read(Path file, int first) throws IOException {
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(file)) {
            properties.load(reader);
        }
        if (!properties.getProperty(FIRST, "").equals("" + first)) {
            return false;
        }
        next = Integer.parseInt(properties.getProperty(NEXT));
        properties.stringPropertyNames().stream().filter(name -> !name.equals(FIRST) && !name.equals(NEXT))
                .forEach(name -> add(name, Long.parseLong(properties.getProperty(name))));
        return true;
    }

    void write(Path file, int first, int newNext) throws IOException {
        Properties properties = new Properties();
        counts.forEach((name, count) -> properties.setProperty(name, "" + count));
        properties.setProperty(FIRST, "" + first);
        properties.setProperty(NEXT, "" + newNext);
        try (Writer writer = Files.newBufferedWriter(file)) {
            properties.store(writer, null);
        }
    }

    @Override
    public String toString() {
        long contained = counts.keySet().stream().filter(name -> name.startsWith(CONTAINED)).mapToLong(this::get).sum();
        return get(REFUSED) + " refused (" + contained + " times llama.cpp gave up), " + get(LOADED) + " loaded, at most "
                + get(MOST_MEMORY) + " MiB above " + HostileProbe.MEMORY_FACTOR + " times the file";
    }
}
