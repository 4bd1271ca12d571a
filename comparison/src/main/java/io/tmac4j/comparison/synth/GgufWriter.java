package io.tmac4j.comparison.synth;

import io.tmac4j.bindings.GgmlType;
import io.tmac4j.comparison.Failure;
import io.tmac4j.comparison.output.WholeFile;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Writes a GGUF file of version 3 (the format of {@code gguf.h}): metadata, tensor infos, then tensor data that is asked for in
 * chunks, by several threads, and never held as a whole. The file appears under its name only when it is complete.
 */
public final class GgufWriter {

    /** Says how far the writing has come. Called by several threads. */
    @FunctionalInterface
    public interface Progress {
        /** A listener that does not care. */
        Progress NONE = (done, total) -> { };

        /** So many bytes of tensor data are written, of so many. */
        void written(long done, long total);
    }

    /** The bytes of one tensor. Asked by several threads at once, in any order. */
    @FunctionalInterface
    public interface Content {
        /** Fills the first {@code length} bytes: whole blocks. All chunks of a tensor but the last are equally long. */
        void fill(long chunk, byte[] into, int length);
    }

    private record Tensor(String name, GgmlType type, long[] dimensions, long offset, long bytes, Content content) {

        int chunkBytes() {
            return Math.max(1, CHUNK_BYTES / type.blockBytes()) * type.blockBytes();
        }
    }

    private record Chunk(Tensor tensor, long index, long offset, int length) {
    }

    private static final int MAGIC = 0x46554747; // "GGUF"
    private static final int VERSION = 3;
    private static final int ALIGNMENT = 32;
    /** Large enough that a write call does not show, small enough that cancelling is quick. */
    private static final int CHUNK_BYTES = 1 << 20;

    private static final int UINT32 = 4;
    private static final int INT32 = 5;
    private static final int FLOAT32 = 6;
    private static final int BOOL = 7;
    private static final int STRING = 8;
    private static final int ARRAY = 9;

    private final Map<String, byte[]> metadata = new LinkedHashMap<>();
    private final Map<String, Tensor> tensors = new LinkedHashMap<>();
    private long dataBytes;

    /** Adds a metadata value; a second value of the same key replaces the first. */
    public GgufWriter put(String key, String value) {
        return put(key, new Encoder().u32(STRING).string(value));
    }

    /** Adds an unsigned 32-bit value. */
    public GgufWriter putUnsigned(String key, int value) {
        return put(key, new Encoder().u32(UINT32).u32(value));
    }

    /** Adds a 32-bit floating-point value. */
    public GgufWriter put(String key, float value) {
        return put(key, new Encoder().u32(FLOAT32).u32(Float.floatToRawIntBits(value)));
    }

    /** Adds a boolean. */
    public GgufWriter put(String key, boolean value) {
        return put(key, new Encoder().u32(BOOL).u8(value ? 1 : 0));
    }

    /** Adds an array of strings. */
    public GgufWriter put(String key, List<String> values) {
        Encoder encoder = new Encoder().u32(ARRAY).u32(STRING).u64(values.size());
        values.forEach(encoder::string);
        return put(key, encoder);
    }

    /** Adds an array of 32-bit floating-point values. */
    public GgufWriter put(String key, float[] values) {
        Encoder encoder = new Encoder().u32(ARRAY).u32(FLOAT32).u64(values.length);
        for (float value : values) {
            encoder.u32(Float.floatToRawIntBits(value));
        }
        return put(key, encoder);
    }

    /** Adds an array of signed 32-bit values. */
    public GgufWriter put(String key, int[] values) {
        Encoder encoder = new Encoder().u32(ARRAY).u32(INT32).u64(values.length);
        for (int value : values) {
            encoder.u32(value);
        }
        return put(key, encoder);
    }

    private GgufWriter put(String key, Encoder value) {
        metadata.put(key, value.bytes.toByteArray());
        return this;
    }

    /**
     * Adds a tensor.
     *
     * @param dimensions its extents, the row length first
     * @throws IllegalArgumentException if its rows are no whole number of blocks, or the name is taken
     */
    public GgufWriter tensor(String name, GgmlType type, Content content, long... dimensions) {
        long bytes = type.rowBytes(dimensions[0]);
        for (int i = 1; i < dimensions.length; i++) {
            bytes = Math.multiplyExact(bytes, dimensions[i]);
        }
        if (tensors.putIfAbsent(name, new Tensor(name, type, dimensions.clone(), dataBytes, bytes, content)) != null) {
            throw new IllegalArgumentException("two tensors are named " + name);
        }
        dataBytes = aligned(Math.addExact(dataBytes, bytes));
        return this;
    }

    /** Size of the file in bytes. */
    public long fileBytes() {
        return header().length + dataBytes;
    }

    /**
     * Writes the file; one of the same name is replaced. Whatever goes wrong, full disk and interruption included, leaves no
     * incomplete file behind.
     *
     * @throws Failure     if there is no such folder, no permission, too little space, or writing fails
     * @throws IOException if the thread is interrupted, or the folder's free space cannot be asked for
     */
    public void write(Path target, Progress progress) throws IOException {
        Path file = target.toAbsolutePath().normalize();
        Path folder = file.getParent();
        WholeFile.requireWritable(target);
        byte[] header = header();
        requireSpace(target, header.length + dataBytes, Files.getFileStore(folder).getUsableSpace());
        try (PartFile output = PartFile.of(file)) {
            output.write(header, header.length, 0);
            writeData(output, header.length, progress);
            output.complete();
        } catch (InterruptedIOException interrupted) {
            throw interrupted;
        } catch (ClosedChannelException ending) {
            throw new Failure("cannot write " + target + ": the program was told to end; the incomplete file was removed",
                    ending);
        } catch (AccessDeniedException denied) {
            throw new Failure("cannot write " + target + ": no permission to write in the folder " + folder, denied);
        } catch (FileSystemException failed) {
            throw new Failure("cannot write " + target + ": " + failed.getReason(), failed);
        } catch (IOException failed) {
            throw new Failure("cannot write " + target + ": " + failed.getMessage() + "; the incomplete file was removed",
                    failed);
        }
    }

    /** Refuses before anything is written. */
    static void requireSpace(Path target, long needed, long free) {
        if (needed > free) {
            throw new Failure("cannot write " + target + ": it needs " + size(needed) + " but only " + size(free)
                    + " are free there; make room or name a file on another disk");
        }
    }

    private static String size(long bytes) {
        return bytes < 1 << 20 ? bytes + " bytes" : String.format(Locale.ROOT, "%,d bytes (%.1f GB)", bytes, bytes / 1e9);
    }

    private byte[] header() {
        Encoder encoder = new Encoder().u32(MAGIC).u32(VERSION).u64(tensors.size()).u64(metadata.size());
        metadata.forEach((key, value) -> encoder.string(key).raw(value));
        for (Tensor tensor : tensors.values()) {
            encoder.string(tensor.name).u32(tensor.dimensions.length);
            for (long extent : tensor.dimensions) {
                encoder.u64(extent);
            }
            encoder.u32(tensor.type.id()).u64(tensor.offset);
        }
        return encoder.raw(new byte[(int) (aligned(encoder.bytes.size()) - encoder.bytes.size())]).bytes.toByteArray();
    }

    private static long aligned(long offset) {
        return (offset + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    private void writeData(PartFile output, long start, Progress progress) throws IOException {
        List<Chunk> chunks = new ArrayList<>();
        for (Tensor tensor : tensors.values()) {
            int step = tensor.chunkBytes();
            for (long offset = 0; offset < tensor.bytes; offset += step) {
                chunks.add(new Chunk(tensor, offset / step, start + tensor.offset + offset,
                        (int) Math.min(step, tensor.bytes - offset)));
            }
        }
        AtomicInteger next = new AtomicInteger();
        AtomicLong done = new AtomicLong();
        AtomicReference<Throwable> failure = new AtomicReference<>();
        Runnable work = () -> {
            byte[] buffer = new byte[CHUNK_BYTES];
            try {
                for (int i = next.getAndIncrement(); i < chunks.size() && failure.get() == null; i = next.getAndIncrement()) {
                    Chunk chunk = chunks.get(i);
                    chunk.tensor.content.fill(chunk.index, buffer, chunk.length);
                    output.write(buffer, chunk.length, chunk.offset);
                    progress.written(done.addAndGet(chunk.length), dataBytes);
                }
            } catch (IOException | RuntimeException | Error e) {
                failure.compareAndSet(null, e);
            }
        };
        List<Thread> helpers = new ArrayList<>();
        for (int i = 0; i < Math.min(Runtime.getRuntime().availableProcessors(), chunks.size()); i++) {
            helpers.add(Thread.ofPlatform().name("gguf-writer-" + i).daemon().start(work));
        }
        join(helpers, failure);
        switch (failure.get()) {
            case null -> output.pad(start + dataBytes);
            case IOException io -> throw io;
            case RuntimeException runtime -> throw runtime;
            case Error error -> throw error;
            case Throwable other -> throw new IllegalStateException(other);
        }
    }

    /** Waits for all of them, also when interrupted: they then stop after their chunk. */
    private static void join(List<Thread> helpers, AtomicReference<Throwable> failure) {
        boolean interrupted = false;
        for (Thread helper : helpers) {
            while (helper.isAlive()) {
                try {
                    helper.join();
                } catch (InterruptedException stop) {
                    interrupted = true;
                    failure.compareAndSet(null, new InterruptedIOException("interrupted; the incomplete file was removed"));
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Little-endian values one after another. */
    private static final class Encoder {

        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        Encoder u8(int value) {
            bytes.write(value);
            return this;
        }

        Encoder u32(int value) {
            return raw(ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array());
        }

        Encoder u64(long value) {
            return raw(ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array());
        }

        Encoder string(String value) {
            byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
            return u64(utf8.length).raw(utf8);
        }

        Encoder raw(byte[] value) {
            bytes.writeBytes(value);
            return this;
        }
    }
}
