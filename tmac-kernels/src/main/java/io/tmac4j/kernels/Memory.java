package io.tmac4j.kernels;

import io.tmac4j.bindings.spi.OffHeap;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Little-endian, unaligned access to absolute addresses. */
final class Memory {

    static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private Memory() {
    }

    /** The unsigned byte at {@code address}. */
    static int u8(long address) {
        return OffHeap.ALL.get(ValueLayout.JAVA_BYTE, address) & 0xff;
    }

    static short i16(long address) {
        return OffHeap.ALL.get(SHORT, address);
    }

    static int i32(long address) {
        return OffHeap.ALL.get(INT, address);
    }

    static long i64(long address) {
        return OffHeap.ALL.get(LONG, address);
    }

    static float f32(long address) {
        return OffHeap.ALL.get(FLOAT, address);
    }

    /** The f16 number at {@code address}. */
    static float f16(long address) {
        return Float.float16ToFloat(i16(address));
    }

    static void i16(long address, short value) {
        OffHeap.ALL.set(SHORT, address, value);
    }

    static void i32(long address, int value) {
        OffHeap.ALL.set(INT, address, value);
    }

    static void i64(long address, long value) {
        OffHeap.ALL.set(LONG, address, value);
    }

    static void f32(long address, float value) {
        OffHeap.ALL.set(FLOAT, address, value);
    }

    /** Copies bytes between ranges that do not overlap. */
    static void copy(long from, long to, long bytes) {
        MemorySegment.copy(OffHeap.ALL, from, OffHeap.ALL, to, bytes);
    }

    /** Sets bytes, a multiple of 8, to 0. */
    static void clear(long address, long bytes) {
        for (long at = 0; at < bytes; at += Long.BYTES) {
            i64(address + at, 0);
        }
    }
}
