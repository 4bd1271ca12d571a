package io.tmac4j.bindings;

import io.tmac4j.bindings.GgufFile.Value;
import io.tmac4j.bindings.GgufFile.ValueType;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reads the head of a GGUF file. No count or length is believed before the rest of the file is known to be large enough for
 * it, so memory stays within a small multiple of the file's own head.
 */
final class GgufReader {

    private static final int MAGIC = 0x46554747;
    private static final int NEWEST_VERSION = 3;
    private static final int MAX_DIMENSIONS = 4;

    /** {@code GGML_MAX_NAME} with its zero at the end. */
    private static final int MAX_TENSOR_NAME = 63;
    private static final int DEFAULT_ALIGNMENT = 32;

    /** Far above any real file; llama.cpp compares every name with every other, so that more would take it hours. */
    private static final int MAX_TENSORS = 1 << 16;
    private static final int MAX_KEYS = 1 << 16;
    private static final int MAX_KEY_BYTES = 1 << 16;

    /** The largest vocabularies take some 20 MB. */
    private static final long MAX_HEAD_BYTES = 1L << 29;

    private static final int BUFFER_BYTES = 1 << 16;

    private final Path file;
    private final FileChannel channel;
    private final long size;
    private final ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN).limit(0);
    /** File position of the end of {@link #buffer}. */
    private long filled;

    private GgufReader(Path file, FileChannel channel, long size) {
        this.file = file;
        this.channel = channel;
        this.size = size;
    }

    static GgufFile read(Path file) {
        try {
            // a pipe or a device would block or never end
            if (Files.exists(file) && !Files.isRegularFile(file)) {
                throw new GgufException(file + " is " + (Files.isDirectory(file) ? "a folder" : "no regular file")
                        + "; name a GGUF file");
            }
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
                return new GgufReader(file, channel, channel.size()).read();
            }
        } catch (NoSuchFileException e) {
            throw new GgufException(file + " is not there; name a GGUF file", e);
        } catch (AccessDeniedException e) {
            throw new GgufException(file + " may not be read: permission is denied", e);
        } catch (EOFException e) {
            throw new GgufException(file + " became shorter while it was read", e);
        } catch (IOException e) {
            throw new GgufException(file + " cannot be read: " + e.getMessage(), e);
        }
    }

    private GgufFile read() throws IOException {
        if (size == 0) {
            throw bad("is empty");
        }
        int version = readVersion();
        long tensorCount = readLong("number of tensors");
        long keyCount = readLong("number of keys");
        checkCount("tensors", tensorCount, MAX_TENSORS, Long.BYTES + Integer.BYTES + Integer.BYTES + Long.BYTES);
        checkCount("keys", keyCount, MAX_KEYS, Long.BYTES + Integer.BYTES + 1);
        Map<String, Value> values = readValues((int) keyCount);
        int alignment = alignment(values);
        List<GgufTensor> tensors = readTensors((int) tensorCount, alignment);
        long end = position();
        long dataOffset = tensors.isEmpty() ? end : pad(end, alignment);
        for (GgufTensor tensor : tensors) {
            long last = dataOffset + tensor.offset() + tensor.byteSize();
            if (last < 0 || last > size) {
                throw bad("is cut off: the data of tensor " + quote(tensor.name()) + " ends at byte "
                        + Long.toUnsignedString(last) + " and the file has " + size + "; get the file again");
            }
        }
        return new GgufFile(file, version, values, tensors, dataOffset, alignment);
    }

    private int readVersion() throws IOException {
        if (size < Integer.BYTES || peekMagic() != MAGIC) {
            byte[] start = new byte[(int) Math.min(Integer.BYTES, size)];
            readBytes(start, start.length);
            throw bad("is no GGUF file: it begins with " + quote(new String(start, StandardCharsets.ISO_8859_1))
                    + " instead of \"GGUF\"");
        }
        readInt("magic");
        int version = readInt("version");
        if (version != 0 && (version & 0xFFFF) == 0) {
            throw bad("has its bytes in big-endian order; convert the model again for this processor");
        }
        if (version < 2 || version > NEWEST_VERSION) {
            throw bad("has GGUF version " + Integer.toUnsignedString(version) + "; versions 2 and 3 can be read");
        }
        return version;
    }

    private int peekMagic() throws IOException {
        need(Integer.BYTES, "magic");
        return buffer.getInt(buffer.position());
    }

    private void checkCount(String what, long count, int most, int leastBytes) throws IOException {
        if (count < 0 || count > most || count > remaining() / leastBytes) {
            throw bad("claims " + Long.toUnsignedString(count) + " " + what + ", which "
                    + (count < 0 || count > most ? "is more than " + most : "its " + size + " bytes cannot hold"));
        }
    }

    private Map<String, Value> readValues(int count) throws IOException {
        Map<String, Value> values = new LinkedHashMap<>();
        for (int i = 0; i < count; i++) {
            String key = readString("key " + i, MAX_KEY_BYTES);
            if (key.isEmpty() || key.indexOf('\0') >= 0) {
                throw bad("has " + (key.isEmpty() ? "an empty key" : "a key with a zero byte") + ", number " + i);
            }
            ValueType type = valueType(key, readInt("type of key " + quote(key)));
            boolean isArray = type == ValueType.ARRAY;
            Value value;
            if (isArray) {
                ValueType element = valueType(key, readInt("type of key " + quote(key)));
                value = new Value(element, true, readArray(key, element, readLong("length of key " + quote(key))));
            } else {
                value = new Value(type, false, readScalar(key, type));
            }
            if (values.put(key, value) != null) {
                throw bad("has the key " + quote(key) + " twice");
            }
            if (position() > MAX_HEAD_BYTES) {
                throw bad("has more than " + MAX_HEAD_BYTES + " bytes of metadata");
            }
        }
        return values;
    }

    private ValueType valueType(String key, int number) {
        ValueType[] types = ValueType.values();
        if (number < 0 || number >= types.length) {
            throw bad("has the key " + quote(key) + " of type " + Integer.toUnsignedString(number) + "; types go from 0 to "
                    + (types.length - 1));
        }
        return types[number];
    }

    private Object readScalar(String key, ValueType type) throws IOException {
        String what = "value of key " + quote(key);
        return switch (type) {
            case UINT8 -> readByte(what) & 0xFF;
            case INT8 -> (int) readByte(what);
            case UINT16 -> readShort(what) & 0xFFFF;
            case INT16 -> (int) readShort(what);
            case UINT32 -> Integer.toUnsignedLong(readInt(what));
            case INT32 -> readInt(what);
            case FLOAT32 -> Float.intBitsToFloat(readInt(what));
            case BOOL -> readByte(what) != 0;
            case STRING -> readString(what, Integer.MAX_VALUE);
            case UINT64, INT64 -> readLong(what);
            case FLOAT64 -> Double.longBitsToDouble(readLong(what));
            case ARRAY -> throw new IllegalArgumentException("an array is no scalar");
        };
    }

    private Object readArray(String key, ValueType type, long length) throws IOException {
        if (type == ValueType.ARRAY) {
            throw bad("has the key " + quote(key) + " with arrays inside of an array, which llama.cpp does not read");
        }
        if (length < 0 || length > remaining() / type.leastBytes || length * type.leastBytes > MAX_HEAD_BYTES) {
            throw bad("claims " + Long.toUnsignedString(length) + " values for the key " + quote(key) + ", which its " + size
                    + " bytes cannot hold");
        }
        int count = (int) length;
        String what = "values of key " + quote(key);
        switch (type) {
            case UINT8, INT8 -> {
                byte[] array = new byte[count];
                readBytes(array, count);
                return array;
            }
            case BOOL -> {
                boolean[] array = new boolean[count];
                for (int i = 0; i < count; i++) {
                    array[i] = readByte(what) != 0;
                }
                return array;
            }
            case UINT16, INT16 -> {
                short[] array = new short[count];
                for (int i = 0; i < count; i++) {
                    array[i] = readShort(what);
                }
                return array;
            }
            case UINT32, INT32 -> {
                int[] array = new int[count];
                for (int i = 0; i < count; i++) {
                    array[i] = readInt(what);
                }
                return array;
            }
            case FLOAT32 -> {
                float[] array = new float[count];
                for (int i = 0; i < count; i++) {
                    array[i] = Float.intBitsToFloat(readInt(what));
                }
                return array;
            }
            case UINT64, INT64 -> {
                long[] array = new long[count];
                for (int i = 0; i < count; i++) {
                    array[i] = readLong(what);
                }
                return array;
            }
            case FLOAT64 -> {
                double[] array = new double[count];
                for (int i = 0; i < count; i++) {
                    array[i] = Double.longBitsToDouble(readLong(what));
                }
                return array;
            }
            default -> {
                return readStrings(key, count);
            }
        }
    }

    private GgufStrings readStrings(String key, int count) throws IOException {
        int[] ends = new int[count];
        byte[] bytes = new byte[(int) Math.min(remaining(), 16L * count)];
        int used = 0;
        for (int i = 0; i < count; i++) {
            int length = readLength("string " + i + " of key " + quote(key), (int) MAX_HEAD_BYTES - used);
            if (length > bytes.length - used) {
                bytes = Arrays.copyOf(bytes, (int) Math.min(MAX_HEAD_BYTES, Math.max(used + (long) length, 2L * bytes.length)));
            }
            readBytes(bytes, used, length);
            used += length;
            ends[i] = used;
        }
        return new GgufStrings(Arrays.copyOf(bytes, used), ends);
    }

    private int alignment(Map<String, Value> values) {
        Value value = values.get("general.alignment");
        if (value == null) {
            return DEFAULT_ALIGNMENT;
        }
        if (value.isArray() || value.type() != ValueType.UINT32) {
            throw bad("has an alignment that is no uint32");
        }
        long alignment = (Long) value.value();
        if (Long.bitCount(alignment) != 1 || alignment > 1 << 20) {
            throw bad("has the alignment " + alignment + "; it must be a power of two up to " + (1 << 20));
        }
        return (int) alignment;
    }

    private List<GgufTensor> readTensors(int count, int alignment) throws IOException {
        List<GgufTensor> tensors = new ArrayList<>(count);
        Set<String> names = HashSet.newHashSet(count);
        long expected = 0;
        for (int i = 0; i < count; i++) {
            String name = readString("name of tensor " + i, MAX_TENSOR_NAME);
            if (name.isEmpty() || name.indexOf('\0') >= 0) {
                throw bad("has a tensor " + (name.isEmpty() ? "without a name" : "with a zero byte in its name") + ", number "
                        + i);
            }
            if (!names.add(name)) {
                throw bad("has the tensor " + quote(name) + " twice");
            }
            GgufTensor tensor = readTensor(name);
            if (tensor.offset() != expected) {
                throw bad("has the tensor " + quote(name) + " at offset " + Long.toUnsignedString(tensor.offset())
                        + ", where " + expected + " was expected: tensors must follow one another");
            }
            try {
                expected = Math.addExact(expected, pad(tensor.byteSize(), alignment));
            } catch (ArithmeticException e) {
                throw tooLarge(tensor.name(), tensor.dimensions());
            }
            tensors.add(tensor);
        }
        return tensors;
    }

    private GgufTensor readTensor(String name) throws IOException {
        String what = "tensor " + quote(name);
        int count = readInt("dimensions of " + what);
        if (count < 1 || count > MAX_DIMENSIONS) {
            throw bad("has the " + what + " of " + Integer.toUnsignedString(count) + " dimensions; there may be 1 to "
                    + MAX_DIMENSIONS);
        }
        long[] dimensions = new long[count];
        for (int i = 0; i < count; i++) {
            dimensions[i] = readLong("dimensions of " + what);
            if (dimensions[i] < 1) {
                throw bad("has the " + what + " with a dimension of " + dimensions[i]);
            }
        }
        int number = readInt("type of " + what);
        GgmlType type = GgmlType.ofId(number).orElseThrow(() ->
                bad("has the " + what + " of type " + Integer.toUnsignedString(number)
                        + ", which llama.cpp v0.4.0 does not know"));
        if (dimensions[0] % type.blockSize() != 0) {
            throw bad("has the " + what + " with rows of " + dimensions[0] + " weights, which is no multiple of the "
                    + type.blockSize() + " in a block of " + type.ggmlName());
        }
        GgufTensor tensor = new GgufTensor(name, type, dimensions, readLong("offset of " + what));
        try {
            // ggml counts weights in an int64, so their number must fit as well as the bytes
            tensor.elements();
            pad(tensor.byteSize(), 1 << 20);
        } catch (ArithmeticException e) {
            throw tooLarge(name, dimensions);
        }
        return tensor;
    }

    private GgufException tooLarge(String name, long[] dimensions) {
        return bad("has the tensor " + quote(name) + " of " + Arrays.toString(dimensions) + " weights, which no memory can hold");
    }

    private static long pad(long value, int alignment) {
        return Math.addExact(value, alignment - 1) & -alignment;
    }

    private long position() {
        return filled - buffer.remaining();
    }

    private long remaining() {
        return size - position();
    }

    private int readLength(String what, int most) throws IOException {
        long length = readLong("length of " + what);
        if (length < 0 || length > most) {
            throw bad("has a " + what + " of " + Long.toUnsignedString(length) + " bytes; there may be " + most);
        }
        checkThere(length, what);
        return (int) length;
    }

    private String readString(String what, int most) throws IOException {
        byte[] bytes = new byte[readLength(what, (int) Math.min(most, MAX_HEAD_BYTES))];
        readBytes(bytes, bytes.length);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private byte readByte(String what) throws IOException {
        need(Byte.BYTES, what);
        return buffer.get();
    }

    private short readShort(String what) throws IOException {
        need(Short.BYTES, what);
        return buffer.getShort();
    }

    private int readInt(String what) throws IOException {
        need(Integer.BYTES, what);
        return buffer.getInt();
    }

    private long readLong(String what) throws IOException {
        need(Long.BYTES, what);
        return buffer.getLong();
    }

    private void readBytes(byte[] into, int count) throws IOException {
        readBytes(into, 0, count);
    }

    /** Reads bytes that {@link #checkThere} found to be there. */
    private void readBytes(byte[] into, int from, int count) throws IOException {
        int done = 0;
        while (done < count) {
            need(1, "string");
            int part = Math.min(count - done, buffer.remaining());
            buffer.get(into, from + done, part);
            done += part;
        }
    }

    private void checkThere(long bytes, String what) {
        if (bytes > remaining()) {
            throw bad("is cut off: it ends within the " + what + "; get the file again");
        }
    }

    private void need(int bytes, String what) throws IOException {
        if (buffer.remaining() >= bytes) {
            return;
        }
        checkThere(bytes, what);
        buffer.compact();
        while (buffer.position() < bytes) {
            int count = channel.read(buffer, filled);
            if (count < 0) {
                throw new EOFException();
            }
            filled += count;
        }
        buffer.flip();
    }

    private GgufException bad(String what) {
        return new GgufException(file + " " + what);
    }

    /** Text from the file for a message: short and without characters that a terminal would act on. */
    static String quote(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        text.codePoints().limit(64).forEach(c -> {
            if (c < ' ' || c >= 0x7F && c < 0xA0 || Character.getType(c) == Character.FORMAT || c >= 0xD800 && c < 0xE000) {
                quoted.append(String.format("\\u%04x", c));
            } else {
                quoted.appendCodePoint(c);
            }
        });
        return quoted.append(text.length() > 64 ? "...\"" : "\"").toString();
    }
}
