package io.tmac4j.kernels;

import io.tmac4j.bindings.spi.OffHeap;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Little-endian, unaligned access to absolute addresses. */
public final class Memory {

    static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private Memory() {
    }

    /** The unsigned byte at {@code address}. */
    public static int u8(long address) {
        return OffHeap.ALL.get(ValueLayout.JAVA_BYTE, address) & 0xff;
    }

    public static short i16(long address) {
        return OffHeap.ALL.get(SHORT, address);
    }

    public static int i32(long address) {
        return OffHeap.ALL.get(INT, address);
    }

    public static long i64(long address) {
        return OffHeap.ALL.get(LONG, address);
    }

    public static float f32(long address) {
        return OffHeap.ALL.get(FLOAT, address);
    }

    /** The f16 number at {@code address}. */
    public static float f16(long address) {
        return Float.float16ToFloat(i16(address));
    }

    public static void i8(long address, byte value) {
        OffHeap.ALL.set(ValueLayout.JAVA_BYTE, address, value);
    }

    public static void i16(long address, short value) {
        OffHeap.ALL.set(SHORT, address, value);
    }

    public static void i32(long address, int value) {
        OffHeap.ALL.set(INT, address, value);
    }

    public static void i64(long address, long value) {
        OffHeap.ALL.set(LONG, address, value);
    }

    public static void f32(long address, float value) {
        OffHeap.ALL.set(FLOAT, address, value);
    }

    /** Copies bytes between ranges that do not overlap. */
    public static void copy(long from, long to, long bytes) {
        MemorySegment.copy(OffHeap.ALL, from, OffHeap.ALL, to, bytes);
    }

    /** Sets bytes, a multiple of 8, to 0. */
    public static void clear(long address, long bytes) {
        for (long at = 0; at < bytes; at += Long.BYTES) {
            i64(address + at, 0);
        }
    }
}
