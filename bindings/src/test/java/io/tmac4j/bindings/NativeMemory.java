package io.tmac4j.bindings;

import java.lang.management.ManagementFactory;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.management.JMException;
import javax.management.ObjectName;

/** What the VM says of its own native memory, where it was started with {@code -XX:NativeMemoryTracking=summary}. */
final class NativeMemory {

    private static final Pattern TOTAL = Pattern.compile("Total: .*committed=([0-9]+)KB");
    private static final Pattern HEAP = Pattern.compile("Java Heap .*committed=([0-9]+)KB");

    private NativeMemory() {
    }

    /** Bytes that are committed, the Java heap aside; empty if they are not tracked. */
    static OptionalLong committed() {
        try {
            String text = (String) ManagementFactory.getPlatformMBeanServer().invoke(
                    new ObjectName("com.sun.management:type=DiagnosticCommand"), "vmNativeMemory",
                    new Object[] {new String[] {"summary"}}, new String[] {String[].class.getName()});
            Matcher total = TOTAL.matcher(text);
            Matcher heap = HEAP.matcher(text);
            return total.find() && heap.find()
                    ? OptionalLong.of(Long.parseLong(total.group(1)) - Long.parseLong(heap.group(1)) << 10)
                    : OptionalLong.empty();
        } catch (JMException e) {
            throw new IllegalStateException(e);
        }
    }
}
