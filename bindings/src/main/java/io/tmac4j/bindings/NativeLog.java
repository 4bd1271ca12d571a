package io.tmac4j.bindings;

import io.tmac4j.bindings.generated.LlamaCpp;
import io.tmac4j.bindings.generated.ggml_log_callback;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Routes llama.cpp's log to the SLF4J logger {@code llama.cpp}, a line at a time, and keeps the last error lines, since
 * they are all that tells why a call returned null.
 */
final class NativeLog {

    private static final Logger LOG = LoggerFactory.getLogger("llama.cpp");

    private static final int KEPT_LINES = 16;

    private static final Deque<String> ERRORS = new ArrayDeque<>();

    private static final StringBuilder LINE = new StringBuilder();

    private static Level lineLevel = Level.INFO;

    private NativeLog() {
    }

    /** Installs the callback; its stub lives as long as the VM. */
    static void install() {
        MemorySegment stub = ggml_log_callback.allocate(NativeLog::onMessage, Arena.global());
        LlamaCpp.llama_log_set(stub, MemorySegment.NULL);
    }

    /** Forgets the error lines so far. */
    static void clearErrors() {
        synchronized (ERRORS) {
            ERRORS.clear();
        }
    }

    /** The error lines since {@link #clearErrors()}, oldest first, without the names of C functions before them. */
    static List<String> errors() {
        synchronized (ERRORS) {
            return new ArrayList<>(ERRORS);
        }
    }

    private static void onMessage(int level, MemorySegment text, MemorySegment userData) {
        // An exception that leaves an upcall ends the VM
        try {
            accept(level, text.address() == 0 ? "" : text.getString(0));
        } catch (Throwable e) {
            try {
                LOG.warn("a log message of llama.cpp was lost", e);
            } catch (Throwable ignored) {
                return;
            }
        }
    }

    private static void accept(int level, String text) {
        synchronized (LINE) {
            if (level != LlamaCpp.GGML_LOG_LEVEL_CONT()) {
                flush();
                lineLevel = level(level);
            }
            int from = 0;
            for (int end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
                LINE.append(text, from, end);
                flush();
                from = end + 1;
            }
            LINE.append(text, from, text.length());
        }
    }

    private static Level level(int level) {
        if (level == LlamaCpp.GGML_LOG_LEVEL_ERROR()) {
            return Level.ERROR;
        }
        if (level == LlamaCpp.GGML_LOG_LEVEL_WARN()) {
            return Level.WARN;
        }
        // llama.cpp's "info" is what others print when asked to be verbose
        return level == LlamaCpp.GGML_LOG_LEVEL_INFO() ? Level.DEBUG : Level.TRACE;
    }

    private static void flush() {
        if (LINE.isEmpty()) {
            return;
        }
        String line = LINE.toString().stripTrailing();
        LINE.setLength(0);
        if (line.isBlank()) {
            return;
        }
        if (lineLevel == Level.ERROR) {
            synchronized (ERRORS) {
                if (ERRORS.size() == KEPT_LINES) {
                    ERRORS.removeFirst();
                }
                ERRORS.addLast(withoutFunction(line));
            }
        }
        // errors come back to the caller as exceptions, so they are no more than a warning here
        LOG.atLevel(lineLevel == Level.ERROR ? Level.WARN : lineLevel).log(line);
    }

    /** {@code llama_model_load: error loading model: ...} becomes {@code error loading model: ...}. */
    static String withoutFunction(String line) {
        int colon = line.indexOf(": ");
        return colon > 0 && line.substring(0, colon).matches("[A-Za-z_][A-Za-z0-9_:~]*") ? line.substring(colon + 2).strip()
                : line;
    }
}
