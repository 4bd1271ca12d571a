package io.tmac4j.bindings;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;
import java.util.OptionalLong;

/** What the allocator of the C library, which llama.cpp and the VM share, has given out and not got back; glibc tells it. */
final class NativeHeap {

    /** {@code struct mallinfo2}: ten numbers of the width of a pointer. */
    private static final MemoryLayout INFO = MemoryLayout.structLayout(MemoryLayout.sequenceLayout(10, ValueLayout.JAVA_LONG));

    /** Of these the bytes in blocks that were mapped for themselves, and those in use in the arenas. */
    private static final int MAPPED = 4;
    private static final int USED = 7;

    private NativeHeap() {
    }

    /** Has the allocator give free pages back to the system, where it can be told to: what is kept for later use is no leak. */
    static void trim() throws Throwable {
        Optional<MethodHandle> function = function("malloc_trim", FunctionDescriptor.of(ValueLayout.JAVA_INT,
                ValueLayout.JAVA_LONG));
        if (function.isPresent()) {
            int ignored = (int) function.get().invokeExact(0L);
        }
    }

    /** Bytes in use. */
    static OptionalLong used() throws Throwable {
        Optional<MethodHandle> function = function("mallinfo2", FunctionDescriptor.of(INFO));
        if (function.isEmpty()) {
            return OptionalLong.empty();
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment info = (MemorySegment) function.get().invokeExact((SegmentAllocator) arena);
            return OptionalLong.of(info.getAtIndex(ValueLayout.JAVA_LONG, MAPPED)
                    + info.getAtIndex(ValueLayout.JAVA_LONG, USED));
        }
    }

    @SuppressWarnings("restricted")
    private static Optional<MethodHandle> function(String name, FunctionDescriptor type) {
        Linker linker = Linker.nativeLinker();
        return linker.defaultLookup().find(name).map(address -> linker.downcallHandle(address, type));
    }
}
