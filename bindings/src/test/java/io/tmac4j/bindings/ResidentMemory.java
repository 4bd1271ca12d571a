package io.tmac4j.bindings;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The resident memory of this process, where Linux tells it; 0 elsewhere. */
final class ResidentMemory {

    private static final Path STATUS = Path.of("/proc/self/status");
    private static final Path CLEAR = Path.of("/proc/self/clear_refs");

    private ResidentMemory() {
    }

    static boolean isKnown() {
        return Files.exists(STATUS);
    }

    /** Bytes that are not backed by files. */
    static long anonymous() {
        return bytes("RssAnon:");
    }

    /** Begins to measure {@link #peak()}; the bytes that are resident now. */
    static long startPeak() {
        if (Files.isWritable(CLEAR)) {
            try {
                // the value that resets the peak, as proc_pid_clear_refs(5) has it
                Files.writeString(CLEAR, "5");
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return bytes("VmRSS:");
    }

    /** The most bytes since {@link #startPeak()}. */
    static long peak() {
        return bytes("VmHWM:");
    }

    private static long bytes(String name) {
        if (!isKnown()) {
            return 0;
        }
        try {
            return Files.readAllLines(STATUS).stream().filter(line -> line.startsWith(name))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) << 10).findFirst().orElse(0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
