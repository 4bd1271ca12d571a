package io.tmac4j.comparison.environment;

import com.sun.management.ThreadMXBean;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.util.Locale;

/**
 * What has been allocated on the Java heap so far, and how often that led to a collection.
 *
 * @param bytes       bytes that all threads have allocated
 * @param collections collections of all kinds
 */
public record Allocation(long bytes, long collections) {

    /** Up to now. */
    public static Allocation now() {
        return new Allocation(ManagementFactory.getPlatformMXBean(ThreadMXBean.class).getTotalThreadAllocatedBytes(),
                ManagementFactory.getGarbageCollectorMXBeans().stream().mapToLong(GarbageCollectorMXBean::getCollectionCount)
                        .sum());
    }

    /** What happened since an earlier reading, while {@code tokens} tokens were generated, in a sentence. */
    public String since(Allocation before, int tokens) {
        return String.format(Locale.ROOT, "%d collections of the heap, %.0f bytes allocated a token",
                collections - before.collections, (bytes - before.bytes) / (double) Math.max(1, tokens));
    }

    /** What happened since an earlier reading, in a warm-up of so many seconds, in a sentence. */
    public String inWarmUp(Allocation before, double seconds) {
        return String.format(Locale.ROOT, "%d collections and %.0f MB in %.1f s of warm-up before",
                collections - before.collections, (bytes - before.bytes) * 1e-6, seconds);
    }
}
