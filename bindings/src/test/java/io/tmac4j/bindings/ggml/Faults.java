package io.tmac4j.bindings.ggml;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Where upcalls with injected faults report what they are about to do, in a JVM of its own: {@link Upcalls#withFaults}. */
public final class Faults {

    private static final Map<String, Integer> REACHED = new ConcurrentHashMap<>();

    private static volatile String armed = "";
    private static volatile int from;
    private static volatile int to;
    private static volatile Throwable fault;

    private Faults() {
    }

    /** From now on a point fails when it is reached for the {@code first} to the {@code last} time. */
    static void arm(String point, int first, int last, Throwable thrown) {
        REACHED.clear();
        from = first;
        to = last;
        fault = thrown;
        armed = point;
    }

    /** Nothing fails any more. */
    static void disarm() {
        armed = "";
    }

    /** How often a point was reached since it, or any, was armed. */
    static int reached(String point) {
        return REACHED.getOrDefault(point, 0);
    }

    /** Called by upcalls. */
    public static void reach(String point) {
        int count = REACHED.merge(point, 1, Integer::sum);
        if (point.equals(armed) && count >= from && count <= to) {
            Faults.<RuntimeException>sneak(fault);
        }
    }

    @SuppressWarnings("unchecked")
    private static <T extends Throwable> void sneak(Throwable throwable) throws T {
        throw (T) throwable;
    }
}
