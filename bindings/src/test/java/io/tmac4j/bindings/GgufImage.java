package io.tmac4j.bindings;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.reflect.Array;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Random;

/**
 * A GGUF file taken apart, to be changed and written again. Unlike {@link GgufBytes} it keeps the file well-formed: counts,
 * lengths
 * and offsets fit whatever was changed, so that the change gets past the reader and meets what lies behind it.
 */
final class GgufImage {

    /** Numbers of value types in a file. */
    static final int UINT32 = 4;
    static final int INT32 = 5;
    static final int FLOAT32 = 6;
    static final int BOOL = 7;
    static final int STRING = 8;
    static final int ARRAY = 9;

    /** Several values of one type. */
    record Items(int type, List<Object> values) {
    }

    /** A key with its value: a {@code Number}, a {@code Boolean}, a {@code String} or {@link Items}. */
    record Key(String name, int type, Object value) {
    }

    /**
     * A tensor.
     *
     * @param data its bytes; if they are too few, zeros follow
     */
    record Tensor(String name, int type, long[] dimensions, byte[] data) {

        Tensor(String name, int type, long... dimensions) {
            this(name, type, dimensions, new byte[0]);
        }

        /** Bytes that the shape asks for, or -1 if no such tensor can be. */
        long byteSize() {
            GgmlType known = GgmlType.ofId(type).orElse(null);
            if (known == null || dimensions.length == 0 || dimensions[0] % known.blockSize() != 0) {
                return -1;
            }
            try {
                long size = known.rowBytes(dimensions[0]);
                for (int i = 1; i < dimensions.length; i++) {
                    size = Math.multiplyExact(size, dimensions[i]);
                }
                return size;
            } catch (ArithmeticException | IllegalArgumentException e) {
                return -1;
            }
        }
    }

    /** A file is not made larger than this for the sake of a tensor; a larger one is left without its data. */
    private static final long MAX_DATA = 1 << 22;

    final List<Key> keys = new ArrayList<>();
    final List<Tensor> tensors = new ArrayList<>();

    GgufImage key(String name, int type, Object value) {
        keys.add(new Key(name, type, value));
        return this;
    }

    GgufImage u32(String name, long value) {
        return key(name, UINT32, value);
    }

    GgufImage f32(String name, double value) {
        return key(name, FLOAT32, value);
    }

    GgufImage text(String name, String value) {
        return key(name, STRING, value);
    }

    GgufImage bool(String name, boolean value) {
        return key(name, BOOL, value);
    }

    GgufImage items(String name, int type, Collection<?> values) {
        return key(name, ARRAY, new Items(type, new ArrayList<>(values)));
    }

    GgufImage copy() {
        GgufImage copy = new GgufImage();
        copy.keys.addAll(keys);
        copy.tensors.addAll(tensors);
        return copy;
    }

    /** Replaces the value of a key, and leaves its type. */
    GgufImage with(String name, Object value) {
        keys.replaceAll(key -> key.name.equals(name) ? new Key(name, key.type, value) : key);
        return this;
    }

    /** Reads a well-formed file. */
    static GgufImage of(GgufFile file) throws IOException {
        GgufImage image = new GgufImage();
        for (String name : file.metadata().keySet()) {
            GgufFile.Value value = file.value(name).orElseThrow();
            if (value.isArray()) {
                image.key(name, ARRAY, new Items(value.type().ordinal(), list(value.value())));
            } else {
                image.key(name, value.type().ordinal(), value.value());
            }
        }
        try (RandomAccessFile in = new RandomAccessFile(file.file().toFile(), "r")) {
            for (GgufTensor tensor : file.tensors()) {
                byte[] data = new byte[(int) tensor.byteSize()];
                in.seek(file.dataOffset() + tensor.offset());
                in.readFully(data);
                image.tensors.add(new Tensor(tensor.name(), tensor.type().id(), tensor.dimensions(), data));
            }
        }
        return image;
    }

    private static List<Object> list(Object array) {
        if (array instanceof Collection<?> collection) {
            return new ArrayList<>(collection);
        }
        List<Object> list = new ArrayList<>();
        for (int i = 0, length = Array.getLength(array); i < length; i++) {
            list.add(Array.get(array, i));
        }
        return list;
    }

    /** The file, version 3. */
    byte[] bytes() {
        GgufBytes out = GgufBytes.header(3, tensors.size(), keys.size());
        for (Key key : keys) {
            out.key(key.name, key.type);
            if (key.type == ARRAY && key.value instanceof Items items) {
                out.u32(items.type).u64(items.values.size());
                items.values.forEach(value -> write(out, items.type, value));
            } else {
                write(out, key.type, key.value);
            }
        }
        long offset = 0;
        for (Tensor tensor : tensors) {
            out.tensor(tensor.name, tensor.type, offset, tensor.dimensions);
            offset += Math.max(0, tensor.byteSize()) + 31 & -32;
        }
        out.padTo(32);
        for (Tensor tensor : tensors) {
            long size = tensor.byteSize();
            if (size > 0 && size <= MAX_DATA) {
                out.raw(Arrays.copyOf(tensor.data, (int) size)).padTo(32);
            }
        }
        return out.bytes();
    }

    /** A value of whatever kind as one of a type, for a type may have been changed alone. */
    private static void write(GgufBytes out, int type, Object value) {
        Number number = switch (value) {
            case Number n -> n;
            case Boolean b -> b ? 1 : 0;
            case String s -> s.length();
            default -> 1;
        };
        switch (type) {
            case 0, 1, BOOL -> out.u8(number.intValue());
            case 2, 3 -> out.u16(number.intValue());
            case UINT32, INT32 -> out.u32((int) number.longValue());
            case FLOAT32 -> out.u32(Float.floatToRawIntBits(number.floatValue()));
            case 10, 11 -> out.u64(number.longValue());
            case 12 -> out.u64(Double.doubleToRawLongBits(number.doubleValue()));
            case STRING -> out.text(value instanceof Items ? "items" : value.toString());
            default -> out.u32(number.intValue());
        }
    }

    /** Random weights between -0.05 and 0.05 in a tensor of floats, random bytes in another. */
    static byte[] weights(int type, long bytes, long seed) {
        Random random = new Random(seed);
        byte[] data = new byte[(int) bytes];
        if (type == GgmlType.F32.id()) {
            ByteBuffer floats = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
            while (floats.remaining() >= Float.BYTES) {
                floats.putFloat((random.nextFloat() - 0.5f) * 0.1f);
            }
        } else {
            random.nextBytes(data);
        }
        return data;
    }
}
