package io.tmac4j.comparison.doctor;

import io.tmac4j.comparison.environment.CpuClock;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;

/**
 * What other programs do with the processors.
 *
 * @param cores   processors that they keep busy on average, NaN if unknown
 * @param busiest name and number of the one that takes the most, or an empty string
 */
record Load(double cores, String busiest) {

    /** Looks for half a second: processor times of processes are counted in hundredths of a second. */
    private static final Duration SPAN = Duration.ofMillis(500);

    static Load measure() {
        CpuClock clock = new CpuClock();
        Map<Long, Duration> before = times();
        CpuClock.Reading start = clock.read();
        try {
            Thread.sleep(SPAN);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            return new Load(Double.NaN, "");
        }
        double seconds = (clock.read().wallNanos() - start.wallNanos()) * 1e-9;
        double all = clock.read().othersCoresSince(start);
        Map<Long, Duration> after = times();
        after.replaceAll((pid, time) -> time.minus(before.getOrDefault(pid, Duration.ZERO)));
        after.remove(ProcessHandle.current().pid());
        double visible = after.values().stream().mapToDouble(time -> time.toNanos() * 1e-9).sum() / seconds;
        String busiest = after.entrySet().stream().max(Map.Entry.comparingByValue(Comparator.naturalOrder()))
                .filter(entry -> entry.getValue().compareTo(SPAN.dividedBy(10)) > 0)
                .map(entry -> name(entry.getKey())).orElse("");
        return new Load(Double.isNaN(all) && !after.isEmpty() ? visible : all, busiest);
    }

    private static Map<Long, Duration> times() {
        Map<Long, Duration> times = new HashMap<>();
        ProcessHandle.allProcesses().forEach(process ->
                process.info().totalCpuDuration().ifPresent(time -> times.put(process.pid(), time)));
        return times;
    }

    private static String name(long pid) {
        return ProcessHandle.of(pid).flatMap(process -> process.info().command()).map(Path::of).map(Path::getFileName)
                .map(Path::toString).orElse("process") + " (" + pid + ")";
    }
}
