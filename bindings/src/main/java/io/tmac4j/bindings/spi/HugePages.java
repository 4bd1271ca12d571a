package io.tmac4j.bindings.spi;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.Locale;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Memory that is read from one end to the other, over and over: huge pages keep a processor's prefetchers going, which stop at
 * the end of a page. One core of an AMD Zen 3 read 11 GB/s from pages of 4 KB in one stream and 16 GB/s from pages of 2 MB.
 *
 * <p>Linux gives them to who asks for them ({@code madvise}), and llama.cpp's mapped files may have them too. Windows gives them
 * only to processes with a privilege of their own, macOS does not on Arm: there memory is as it is.
 */
public final class HugePages {

    /** System property: if false, nothing is asked for. */
    static final String PROPERTY = "tmac.hugepages";

    /** What Linux has on x86 and, with pages of 4 KB, on Arm. */
    static final long SIZE = 2 << 20;

    private static final Logger LOG = LoggerFactory.getLogger(HugePages.class);

    /** Constants of Linux: of {@code mmap}, readable and writable, private and of no file; and {@code MADV_HUGEPAGE}. */
    private static final int READ_WRITE = 3;
    private static final int PRIVATE_ANONYMOUS = 0x22;
    private static final int ADVICE = 14;

    private static final Optional<Calls> CALLS = isAskedFor(System.getProperty("os.name"), System.getProperty(PROPERTY))
            ? Calls.find() : Optional.empty();

    private HugePages() {
    }

    /** Whether to ask for them on an operating system, with a value of the property. */
    static boolean isAskedFor(String system, String property) {
        return system.toLowerCase(Locale.ROOT).startsWith("linux") && !"false".equals(property);
    }

    /**
     * Allocates memory of zeros, of huge pages as far as it holds whole ones and the system has them. It is the arena's.
     *
     * @param alignment of memory without them, a power of two and at most {@link #SIZE}
     * @throws OutOfMemoryError if there is not enough
     */
    public static MemorySegment allocate(Arena arena, long bytes, long alignment) {
        if (bytes >= SIZE && CALLS.isPresent()) {
            return CALLS.orElseThrow().map(arena, bytes);
        }
        return arena.allocate(bytes, alignment);
    }

    /** The C library's functions. */
    private record Calls(MethodHandle mmap, MethodHandle munmap, MethodHandle madvise) {

        @SuppressWarnings("restricted")
        static Optional<Calls> find() {
            Linker linker = Linker.nativeLinker();
            SymbolLookup library = linker.defaultLookup();
            return library.find("mmap").flatMap(mmap -> library.find("munmap").flatMap(munmap -> library.find("madvise")
                    .map(madvise -> new Calls(
                            linker.downcallHandle(mmap, FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT,
                                    JAVA_INT, JAVA_LONG)),
                            linker.downcallHandle(munmap, FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG)),
                            linker.downcallHandle(madvise, FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT))))));
        }

        /** Pages of which nothing has been touched: what has been touched stays in small ones. */
        @SuppressWarnings("restricted")
        MemorySegment map(Arena arena, long bytes) {
            long reserved = bytes + SIZE;
            long start = mmap(reserved);
            long first = start + SIZE - 1 & -SIZE;
            advise(first, bytes / SIZE * SIZE);
            return MemorySegment.ofAddress(first).reinterpret(bytes, arena, _ -> unmap(start, reserved));
        }

        private long mmap(long bytes) {
            long start;
            try {
                start = (long) mmap.invokeExact(0L, bytes, READ_WRITE, PRIVATE_ANONYMOUS, -1, 0L);
            } catch (Throwable e) {
                throw new IllegalStateException("mmap", e);
            }
            if (start == -1) {
                throw new OutOfMemoryError("no " + bytes + " bytes of memory");
            }
            return start;
        }

        private void advise(long start, long bytes) {
            try {
                int failed = (int) madvise.invokeExact(start, bytes, ADVICE);
                if (failed != 0) {
                    LOG.debug("this Linux has no huge pages: small ones for {} bytes", bytes);
                }
            } catch (Throwable e) {
                throw new IllegalStateException("madvise", e);
            }
        }

        private void unmap(long start, long bytes) {
            try {
                int failed = (int) munmap.invokeExact(start, bytes);
                if (failed != 0) {
                    LOG.warn("{} bytes of memory could not be given back", bytes);
                }
            } catch (Throwable e) {
                throw new IllegalStateException("munmap", e);
            }
        }
    }
}
