package io.tmac4j.comparison.bench;

import com.sun.management.OperatingSystemMXBean;
import io.tmac4j.bindings.GraphPiece;
import io.tmac4j.comparison.output.Pieces;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Tells where the time of one run goes, and what the processors did meanwhile. */
final class PieceTimes {

    private static final Path TASKS = Path.of("/proc/self/task");
    private static final Pattern TAKEN = Pattern.compile("(?m)^nonvoluntary_ctxt_switches:\\s*(\\d+)");
    private static final Pattern SLEPT = Pattern.compile("(?m)^voluntary_ctxt_switches:\\s*(\\d+)");
    private static final Pattern LAYER = Pattern.compile("(?<=\\.)\\d+(?=\\.)");
    private static final String WORKER = "tmac4j-worker-";
    private static final double MILLIS = 1e-6;

    private PieceTimes() {
    }

    /**
     * What the system counted since some time in the past, or between two times: nanoseconds of processor time and changes of
     * threads on a processor, null where it does not tell.
     */
    record Counters(long workersNanos, long callerNanos, long processNanos, Long taken, Long slept) {

        static Counters now() {
            long process = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getProcessCpuTime();
            return new Counters(PieceTimes.workersNanos(), callerNow(), process, switches(TAKEN), switches(SLEPT));
        }

        private static long callerNow() {
            ThreadMXBean threads = ManagementFactory.getThreadMXBean();
            return threads.isCurrentThreadCpuTimeSupported() ? threads.getCurrentThreadCpuTime() : 0;
        }

        Counters since(Counters earlier) {
            return new Counters(workersNanos - earlier.workersNanos, callerNanos - earlier.callerNanos,
                    processNanos - earlier.processNanos, difference(taken, earlier.taken), difference(slept, earlier.slept));
        }

        private static Long difference(Long later, Long earlier) {
            return later == null || earlier == null ? null : (Long) (later - earlier);
        }
    }

    /** Runs {@code watched}, which gives the pieces computed; null if there were none. */
    static Pieces of(Supplier<List<GraphPiece>> watched) {
        Counters before = Counters.now();
        long start = System.nanoTime();
        List<GraphPiece> pieces = watched.get();
        long total = System.nanoTime() - start;
        Counters used = Counters.now().since(before);
        return pieces.isEmpty() ? null : of(pieces, total, used);
    }

    static Pieces of(List<GraphPiece> pieces, long total, Counters used) {
        Map<List<String>, long[]> places = new LinkedHashMap<>();
        long engine = 0;
        GraphPiece previous = null;
        for (GraphPiece piece : pieces) {
            long nanos = piece.endNanos() - piece.startNanos();
            engine += nanos;
            if (previous != null) {
                long[] sums = places.computeIfAbsent(List.of(place(previous.last()), place(piece.first())), key -> new long[3]);
                sums[0]++;
                sums[1] += piece.startNanos() - previous.endNanos();
                sums[2] += nanos;
            }
            previous = piece;
        }
        List<Pieces.Place> sorted = places.entrySet().stream()
                .map(place -> new Pieces.Place(place.getKey().get(0), place.getKey().get(1), (int) place.getValue()[0],
                        place.getValue()[1] * 1e-3 / place.getValue()[0], place.getValue()[2] * 1e-3 / place.getValue()[0]))
                .sorted(Comparator.comparingDouble(place -> -place.count() * place.betweenUs())).toList();
        return new Pieces(total * MILLIS, engine * MILLIS, (total - engine) * MILLIS, used.workersNanos() * MILLIS,
                used.callerNanos() * MILLIS, used.processNanos() * MILLIS, used.taken(), used.slept(), sorted);
    }

    /** A name without the layer it belongs to. */
    static String place(String name) {
        return LAYER.matcher(name).replaceAll("*");
    }

    private static long workersNanos() {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        if (!threads.isThreadCpuTimeSupported()) {
            return 0;
        }
        long nanos = 0;
        for (ThreadInfo thread : threads.getThreadInfo(threads.getAllThreadIds())) {
            if (thread != null && thread.getThreadName().startsWith(WORKER)) {
                nanos += Math.max(0, threads.getThreadCpuTime(thread.getThreadId()));
            }
        }
        return nanos;
    }

    /** Of all threads that live now; null where the system does not tell. */
    private static Long switches(Pattern kind) {
        if (!Files.isDirectory(TASKS)) {
            return null;
        }
        long sum = 0;
        try (Stream<Path> tasks = Files.list(TASKS)) {
            for (Path task : (Iterable<Path>) tasks::iterator) {
                sum += switches(task, kind);
            }
        } catch (IOException unreadable) {
            return null;
        }
        return sum;
    }

    private static long switches(Path task, Pattern kind) {
        try {
            Matcher match = kind.matcher(Files.readString(task.resolve("status")));
            return match.find() ? Long.parseLong(match.group(1)) : 0;
        } catch (IOException ended) {
            return 0;
        }
    }
}
