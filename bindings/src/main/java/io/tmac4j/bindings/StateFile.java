package io.tmac4j.bindings;

import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;

/**
 * The form of a saved state: a header that tells whether it fits, the last logits, and llama.cpp's own bytes, which hold
 * neither. All numbers are little-endian. The checksum keeps damaged bytes away from llama.cpp's reader.
 */
final class StateFile {

    /** "TMACST01" in the order of the bytes. */
    private static final long MAGIC = 0x3130_5453_4341_4D54L;

    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final long CHECKSUM = 8;
    private static final long VOCABULARY = 16;
    private static final long LAYERS = 24;
    private static final long WIDTH = 32;
    private static final long LOGITS = 40;
    private static final long BODY = 48;
    private static final long HEADER_BYTES = 56;

    /** How much a buffer in between holds: a {@link ByteBuffer} cannot hold a large state. */
    private static final long CHUNK = 1 << 24;

    private StateFile() {
    }

    /** A state with room for {@code bodyBytes} of llama.cpp's. */
    static MemorySegment allocate(Arena arena, long vocabulary, long layers, long width, MemorySegment logits, long bodyBytes) {
        MemorySegment state = arena.allocate(HEADER_BYTES + logits.byteSize() + bodyBytes, Long.BYTES);
        state.set(LONG, 0, MAGIC);
        state.set(LONG, VOCABULARY, vocabulary);
        state.set(LONG, LAYERS, layers);
        state.set(LONG, WIDTH, width);
        state.set(LONG, LOGITS, logits.byteSize());
        state.set(LONG, BODY, bodyBytes);
        MemorySegment.copy(logits, 0, state, HEADER_BYTES, logits.byteSize());
        return state;
    }

    static MemorySegment logits(MemorySegment state) {
        return state.asSlice(HEADER_BYTES, state.get(LONG, LOGITS));
    }

    static MemorySegment body(MemorySegment state) {
        return state.asSlice(HEADER_BYTES + state.get(LONG, LOGITS), state.get(LONG, BODY));
    }

    /** Writes the checksum of a state that is complete. */
    static MemorySegment seal(MemorySegment state) {
        state.set(LONG, CHECKSUM, checksum(state));
        return state;
    }

    private static long checksum(MemorySegment state) {
        CRC32C checksum = new CRC32C();
        for (long from = VOCABULARY; from < state.byteSize(); from += CHUNK) {
            checksum.update(state.asSlice(from, Math.min(CHUNK, state.byteSize() - from)).asByteBuffer());
        }
        return checksum.getValue();
    }

    /**
     * Checks that a state is whole and of a model of these measures.
     *
     * @throws LlamaException if it is not
     */
    static void check(MemorySegment state, long vocabulary, long layers, long width) {
        if (state.byteSize() < HEADER_BYTES || state.get(LONG, 0) != MAGIC) {
            throw new LlamaException("this is no saved state of a context");
        }
        long logits = state.get(LONG, LOGITS);
        long body = state.get(LONG, BODY);
        if (logits < 0 || body < 0 || logits > state.byteSize() || body > state.byteSize()
                || HEADER_BYTES + logits + body != state.byteSize() || state.get(LONG, CHECKSUM) != checksum(state)) {
            throw new LlamaException("the saved state is damaged: its length or checksum is wrong");
        }
        if (state.get(LONG, VOCABULARY) != vocabulary || state.get(LONG, LAYERS) != layers || state.get(LONG, WIDTH) != width
                || logits != 0 && logits != vocabulary * Float.BYTES) {
            throw new LlamaException("the saved state is of another model: one of " + state.get(LONG, LAYERS) + " layers, "
                    + state.get(LONG, WIDTH) + " wide, with " + state.get(LONG, VOCABULARY) + " tokens, and this one has "
                    + layers
                    + ", " + width + " and " + vocabulary);
        }
    }

    static void write(Path file, MemorySegment state) {
        Path target = file.toAbsolutePath();
        Path temporary = target.resolveSibling(target.getFileName() + ".part");
        try {
            try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.CREATE, StandardOpenOption.WRITE,
                    StandardOpenOption.TRUNCATE_EXISTING)) {
                for (long from = 0; from < state.byteSize(); from += CHUNK) {
                    ByteBuffer part = state.asSlice(from, Math.min(CHUNK, state.byteSize() - from)).asByteBuffer();
                    while (part.hasRemaining()) {
                        channel.write(part);
                    }
                }
            }
            Files.move(temporary, target, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            deleteQuietly(temporary, e);
            throw new LlamaException("the state cannot be saved to " + file + ": " + reason(e), e);
        }
    }

    private static void deleteQuietly(Path file, IOException because) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            because.addSuppressed(e);
        }
    }

    static MemorySegment read(Path file, Arena arena) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            long size = channel.size();
            MemorySegment state = arena.allocate(Math.max(1, size), Long.BYTES).asSlice(0, size);
            for (long from = 0; from < size; from += CHUNK) {
                ByteBuffer part = state.asSlice(from, Math.min(CHUNK, size - from)).asByteBuffer();
                while (part.hasRemaining()) {
                    if (channel.read(part) < 0) {
                        throw new EOFException("it became shorter while it was read");
                    }
                }
            }
            return state;
        } catch (IOException e) {
            throw new LlamaException("the state cannot be read from " + file + ": " + reason(e), e);
        }
    }

    private static String reason(IOException e) {
        return e instanceof NoSuchFileException ? "the file or its folder is not there" : e.getMessage();
    }
}
