package io.tmac4j.bindings;

import java.lang.management.ManagementFactory;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.management.JMException;
import javax.management.ObjectName;

/** What the VM says of its own native memory, where it was started with {@code -XX:NativeMemoryTracking=summary}. */
final class NativeMemory {

    private static final Pattern TOTAL = Pattern.compile("Total: .*committed=([0-9]+)KB");
    private static final Pattern HEAP = Pattern.compile("Java Heap .*committed=([0-9]+)KB");
    private static final Pattern MALLOC = Pattern.compile("malloc: ([0-9]+)KB");
    private static final Pattern OTHER = Pattern.compile(" Other .*committed=([0-9]+)KB");

    /**
     * Bytes.
     *
     * @param committed all, the Java heap aside
     * @param malloc    those of them that come from the allocator of the C library
     * @param segments  those of memory segments and direct buffers
     */
    record Use(long committed, long malloc, long segments) {
    }

    private NativeMemory() {
    }

    /** What is in use; empty if it is not tracked. */
    static Optional<Use> use() {
        try {
            String text = (String) ManagementFactory.getPlatformMBeanServer().invoke(
                    new ObjectName("com.sun.management:type=DiagnosticCommand"), "vmNativeMemory",
                    new Object[] {new String[] {"summary"}}, new String[] {String[].class.getName()});
            return TOTAL.matcher(text).find() ? Optional.of(new Use(bytes(TOTAL, text) - bytes(HEAP, text), bytes(MALLOC, text),
                    bytes(OTHER, text))) : Optional.empty();
        } catch (JMException e) {
            throw new IllegalStateException(e);
        }
    }

    private static long bytes(Pattern pattern, String text) {
        Matcher matcher = pattern.matcher(text);
        if (!matcher.find()) {
            throw new IllegalStateException("no " + pattern + " in " + text);
        }
        return Long.parseLong(matcher.group(1)) << 10;
    }
}
