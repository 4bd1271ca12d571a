package io.tmac4j.bindings;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.ManagementFactory;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What this process holds of memory that a leak would add to.
 *
 * @param resident       bytes that are resident and not backed by files
 * @param allocated      bytes that the allocator of the C library has given out, where it tells
 * @param virtualMachine bytes that the VM says it took itself, where it was asked to track them
 * @param classes        classes that are loaded
 */
public record ProcessMemory(long resident, OptionalLong allocated, Optional<NativeMemory.Use> virtualMachine, int classes) {

    /** Whether this system tells. */
    public static boolean isKnown() {
        return ResidentMemory.isKnown();
    }

    /** What is in use after a collection of the heap, and after the allocator has given free pages back. */
    public static ProcessMemory now() throws Throwable {
        System.gc();
        NativeHeap.trim();
        return new ProcessMemory(ResidentMemory.anonymous(), NativeHeap.used(), NativeMemory.use(),
                ManagementFactory.getClassLoadingMXBean().getLoadedClassCount());
    }

    /**
     * The resident memory less what the allocator keeps for later use and less what the VM says that it took itself (compiled
     * code, memory of the compilers, which vary by megabytes) has not grown since; nor has what llama.cpp has allocated; nor
     * segments.
     */
    public void assertNotGrownSince(ProcessMemory before) {
        // one leaked context would be 2 MB a cycle
        assertThat(resident - before.resident).as("resident").isLessThan(40L << 20);
        if (before.virtualMachine.isPresent() && virtualMachine.isPresent()) {
            NativeMemory.Use first = before.virtualMachine.get();
            NativeMemory.Use last = virtualMachine.get();
            assertThat(last.committed() - first.committed()).as("of the VM").isLessThan(24L << 20);
            assertThat(last.segments() - first.segments()).as("segments").isLessThan(1L << 20);
            assertThat(resident - last.committed() - (before.resident - first.committed()))
                    .as("resident and not of the VM").isLessThan(8L << 20);
            if (before.allocated.isPresent() && allocated.isPresent()) {
                assertThat(allocated.getAsLong() - last.malloc() - (before.allocated.getAsLong() - first.malloc()))
                        .as("allocated and not by the VM").isLessThan(1L << 20);
            }
        }
        assertThat(classes - before.classes).as("classes").isLessThan(200);
    }
}
