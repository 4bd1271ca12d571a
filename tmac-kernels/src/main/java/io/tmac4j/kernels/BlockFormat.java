package io.tmac4j.kernels;

import io.tmac4j.bindings.GgmlType;
import java.util.Arrays;
import java.util.Optional;

/**
 * All knowledge of one of ggml's block formats: what its bits mean (llama.cpp v0.4.0, {@code ggml-common.h} and the
 * {@code dequantize_row_*} functions of {@code ggml-quants.c}) and how they become code bytes of a {@link TileForm}.
 */
sealed interface BlockFormat {

    /** The formats that the engine takes. */
    BlockFormat[] ALL = {
        new Q1_0(), new Q2_0(), new TQ1_0(), new TQ2_0(), new Q2_K(), new Q3_K(), new Q4_0(), new Q4_1(), new Q4_K()
    };

    /** The format of a type, or empty if the engine does not take it. */
    static Optional<BlockFormat> of(GgmlType type) {
        return Arrays.stream(ALL).filter(format -> format.type() == type).findFirst();
    }

    /** ggml's type. */
    GgmlType type();

    /** The form in which it is packed. */
    TileForm form();

    /** Unpacks the block at {@code address}: the specification that all else is tested against. */
    void read(long address, Block into);

    /** Where the f16 numbers stand in a block, in the order of the packed form. */
    int halfOffset(int index);

    /**
     * Writes the code bytes, in the order of {@link TileForm#codeByte}, and then the sub-block bytes of the block at
     * {@code address}, eight to a word, the first in the lowest byte. All of them fill whole words.
     */
    void encode(long address, long[] words, int at);

    /** Weights in a sub-block. */
    default int subWeights() {
        return form().blockWeights() / form().subBlocks();
    }

    /** Words that {@link #encode} writes. */
    default int words() {
        return (form().codeBytes() + form().subBytes()) / Long.BYTES;
    }

    /** 128 weights of +1 or -1. */
    final class Q1_0 implements BlockFormat {

        @Override
        public GgmlType type() {
            return GgmlType.Q1_0;
        }

        @Override
        public TileForm form() {
            return TileForm.Q1_0;
        }

        @Override
        public void read(long address, Block into) {
            into.plain(Memory.f16(address));
            for (int i = 0; i < 128; i++) {
                into.codes[i] = 2 * (Memory.u8(address + 2 + i / 8) >> i % 8 & 1) - 1;
            }
        }

        @Override
        public int halfOffset(int index) {
            return 0;
        }

        @Override
        public void encode(long address, long[] words, int at) {
            words[at] = Memory.i64(address + 2);
            words[at + 1] = Memory.i64(address + 10);
        }
    }

    /** 64 weights of -1, 0, 1 or 2. */
    final class Q2_0 implements BlockFormat {

        @Override
        public GgmlType type() {
            return GgmlType.Q2_0;
        }

        @Override
        public TileForm form() {
            return TileForm.Q2_0;
        }

        @Override
        public void read(long address, Block into) {
            into.plain(Memory.f16(address));
            for (int i = 0; i < 64; i++) {
                into.codes[i] = (Memory.u8(address + 2 + i / 4) >> 2 * (i % 4) & 3) - 1;
            }
        }

        @Override
        public int halfOffset(int index) {
            return 0;
        }

        @Override
        public void encode(long address, long[] words, int at) {
            words[at] = Memory.i64(address + 2);
            words[at + 1] = Memory.i64(address + 10);
        }
    }

    /** 256 weights of -1, 0 or 1, five to a byte as a fixed-point fraction in base 3, sixteen of them four to a byte. */
    final class TQ1_0 implements BlockFormat {

        private static final int QH = 48;
        private static final int SCALE = 52;
        private static final int[] POWERS = {1, 3, 9, 27, 81};

        /** For each byte its five trits, two bits each, the first in the lowest. */
        private static final short[] TRITS = trits();

        private static short[] trits() {
            short[] all = new short[256];
            for (int b = 0; b < 256; b++) {
                for (int n = 0; n < 5; n++) {
                    all[b] |= (short) (trit(b, n) << 2 * n);
                }
            }
            return all;
        }

        /** Digit {@code n} after the point: the byte times 3^n, its whole part dropped, times 3. */
        private static int trit(int b, int n) {
            return (b * POWERS[n] & 0xff) * 3 >> 8;
        }

        @Override
        public GgmlType type() {
            return GgmlType.TQ1_0;
        }

        @Override
        public TileForm form() {
            return TileForm.TQ1_0;
        }

        @Override
        public void read(long address, Block into) {
            into.plain(Memory.f16(address + SCALE));
            for (int i = 0; i < 32; i++) {
                readByte(address + i, 5, 32, into.codes, i);
            }
            for (int i = 0; i < 16; i++) {
                readByte(address + 32 + i, 5, 16, into.codes, 160 + i);
            }
            for (int i = 0; i < 4; i++) {
                readByte(address + QH + i, 4, 4, into.codes, 240 + i);
            }
        }

        private static void readByte(long address, int trits, int stride, int[] codes, int at) {
            for (int n = 0; n < trits; n++) {
                codes[at + n * stride] = trit(Memory.u8(address), n) - 1;
            }
        }

        @Override
        public int halfOffset(int index) {
            return SCALE;
        }

        @Override
        public void encode(long address, long[] words, int at) {
            words[at + 4] = encodeBytes(address, 32, words, at);
            long lastFifths = encodeBytes(address + 32, 16, words, at + 5);
            long high = 0;
            for (int i = 0; i < 4; i++) {
                high |= (TRITS[Memory.u8(address + QH + i)] & 0xffL) << 8 * i;
            }
            words[at + 7] = lastFifths & 0xffffffffL | high << 32;
        }

        /** Writes the first four trits of {@code n} bytes; returns the fifth ones: byte i has those of bytes i, i + n/4, ... */
        private static long encodeBytes(long address, int n, long[] words, int at) {
            long fifths = 0;
            for (int i = 0; i < n; i += 8) {
                long word = 0;
                for (int j = 0; j < 8; j++) {
                    int trits = TRITS[Memory.u8(address + i + j)];
                    word |= (trits & 0xffL) << 8 * j;
                    int quarter = n / 4;
                    fifths |= (long) (trits >> 8) << 8 * ((i + j) % quarter) + 2 * ((i + j) / quarter);
                }
                words[at + i / 8] = word;
            }
            return fifths;
        }
    }

    /** 256 weights of -1, 0 or 1, two bits each. */
    final class TQ2_0 implements BlockFormat {

        private static final int SCALE = 64;

        @Override
        public GgmlType type() {
            return GgmlType.TQ2_0;
        }

        @Override
        public TileForm form() {
            return TileForm.TQ2_0;
        }

        @Override
        public void read(long address, Block into) {
            into.plain(Memory.f16(address + SCALE));
            for (int i = 0; i < 256; i++) {
                into.codes[i] = (Memory.u8(address + i / 128 * 32 + i % 32) >> 2 * (i % 128 / 32) & 3) - 1;
            }
        }

        @Override
        public int halfOffset(int index) {
            return SCALE;
        }

        @Override
        public void encode(long address, long[] words, int at) {
            for (int i = 0; i < 8; i++) {
                words[at + i] = Memory.i64(address + 8 * i);
            }
        }
    }

    /** 16 sub-blocks of 16 weights of 0 to 3, four-bit scales and mins. */
    final class Q2_K implements BlockFormat {

        private static final int CODES = 16;
        private static final int SCALE = 80;
        private static final long PAIRS = 0x3333333333333333L;
        private static final long LOW = 0x0f0f0f0f0f0f0f0fL;

        @Override
        public GgmlType type() {
            return GgmlType.Q2_K;
        }

        @Override
        public TileForm form() {
            return TileForm.Q2_K;
        }

        @Override
        public void read(long address, Block into) {
            into.scale = Memory.f16(address + SCALE);
            into.min = -Memory.f16(address + SCALE + 2);
            for (int i = 0; i < 256; i++) {
                into.codes[i] = Memory.u8(address + CODES + i / 128 * 32 + i % 32) >> 2 * (i % 128 / 32) & 3;
            }
            for (int sub = 0; sub < 16; sub++) {
                into.scales[sub] = Memory.u8(address + sub) & 15;
                into.mins[sub] = Memory.u8(address + sub) >> 4;
            }
        }

        @Override
        public int halfOffset(int index) {
            return SCALE + 2 * index;
        }

        @Override
        public void encode(long address, long[] words, int at) {
            // byte l of a half holds weights l of sub-blocks 2j + h at bits 2j; weights l and l + 8 form a pair
            for (int h = 0; h < 2; h++) {
                long a = Memory.i64(address + CODES + 16 * h);
                long b = Memory.i64(address + CODES + 16 * h + 8);
                long c = Memory.i64(address + CODES + 32 + 16 * h);
                long d = Memory.i64(address + CODES + 32 + 16 * h + 8);
                long even0 = a & PAIRS | (b & PAIRS) << 2;
                long odd0 = a >>> 2 & PAIRS | b & ~PAIRS;
                long even1 = c & PAIRS | (d & PAIRS) << 2;
                long odd1 = c >>> 2 & PAIRS | d & ~PAIRS;
                words[at + h] = even0 & LOW | (even1 & LOW) << 4;
                words[at + 2 + h] = odd0 & LOW | (odd1 & LOW) << 4;
                words[at + 4 + h] = even0 >>> 4 & LOW | even1 & ~LOW;
                words[at + 6 + h] = odd0 >>> 4 & LOW | odd1 & ~LOW;
            }
            interleave(Memory.i64(address), Memory.i64(address + 8), words, at + 8);
        }

        /** Sub-blocks 0, 8, 1, 9, ...: the order of the sections' nibbles. */
        static void interleave(long first, long second, long[] words, int at) {
            words[at] = spread(first) | spread(second) << 8;
            words[at + 1] = spread(first >>> 32) | spread(second >>> 32) << 8;
        }

        /** The four low bytes at bytes 0, 2, 4, 6. */
        private static long spread(long x) {
            long y = x & 0xffffffffL;
            y = (y | y << 16) & 0x0000ffff0000ffffL;
            return (y | y << 8) & 0x00ff00ff00ff00ffL;
        }
    }

    /** 16 sub-blocks of 16 weights of -4 to 3, six-bit scales of -32 to 31. */
    final class Q3_K implements BlockFormat {

        private static final int CODES = 32;
        private static final int SCALES = 96;
        private static final long LOW = 0x0f0f0f0f0f0f0f0fL;
        private static final int SCALE = 108;

        @Override
        public GgmlType type() {
            return GgmlType.Q3_K;
        }

        @Override
        public TileForm form() {
            return TileForm.Q3_K;
        }

        @Override
        public void read(long address, Block into) {
            into.scale = Memory.f16(address + SCALE);
            into.min = 0;
            for (int i = 0; i < 256; i++) {
                int low = Memory.u8(address + CODES + i / 128 * 32 + i % 32) >> 2 * (i % 128 / 32) & 3;
                int high = Memory.u8(address + i % 32) >> i / 32 & 1;
                into.codes[i] = low + 4 * high - 4;
            }
            for (int sub = 0; sub < 16; sub++) {
                int low = Memory.u8(address + SCALES + sub % 8) >> sub / 8 * 4 & 15;
                int high = Memory.u8(address + SCALES + 8 + sub % 4) >> sub / 4 * 2 & 3;
                into.scales[sub] = low + 16 * high - 32;
                into.mins[sub] = 0;
            }
        }

        @Override
        public int halfOffset(int index) {
            return SCALE;
        }

        @Override
        public void encode(long address, long[] words, int at) {
            for (int h = 0; h < 2; h++) {
                long high0 = Memory.i64(address + 16 * h);
                long high1 = Memory.i64(address + 16 * h + 8);
                long first0 = Memory.i64(address + CODES + 16 * h);
                long first1 = Memory.i64(address + CODES + 16 * h + 8);
                long second0 = Memory.i64(address + CODES + 32 + 16 * h);
                long second1 = Memory.i64(address + CODES + 32 + 16 * h + 8);
                long highUpper = Bits.upperPlanes(high0, high1);
                long highLower = Bits.lowerPlanes(high0, high1);
                // the low two bits of each half of the block: sub-blocks j = 0, 1 in the low nibbles, j = 2, 3 in the high
                long upper1 = Bits.upperPlanes(first0, first1);
                long lower1 = Bits.lowerPlanes(first0, first1);
                long upper2 = Bits.upperPlanes(second0, second1);
                long lower2 = Bits.lowerPlanes(second0, second1);
                putSection(words, at, h, highLower >>> 32, lower1 & LOW | (lower2 & LOW) << 4);
                putSection(words, at, 2 + h, highLower, upper1 & LOW | (upper2 & LOW) << 4);
                putSection(words, at, 4 + h, highUpper >>> 32, lower1 >>> 4 & LOW | lower2 & ~LOW);
                putSection(words, at, 6 + h, highUpper, upper1 >>> 4 & LOW | upper2 & ~LOW);
            }
            long scales = Memory.i64(address + SCALES);
            long high = Memory.i32(address + SCALES + 8) & 0xffffffffL;
            long firstHigh = high & 0x03030303L | (high >>> 2 & 0x03030303L) << 32;
            long secondHigh = high >>> 4 & 0x03030303L | (high >>> 6 & 0x03030303L) << 32;
            long first = scales & 0x0f0f0f0f0f0f0f0fL | firstHigh << 4;
            long second = scales >>> 4 & 0x0f0f0f0f0f0f0f0fL | secondHigh << 4;
            Q2_K.interleave(minus32(first), minus32(second), words, at + 12);
        }

        /** Six-bit numbers in bytes, minus 32, as signed bytes. */
        private static long minus32(long x) {
            long flipped = x ^ 0x2020202020202020L;
            return flipped | (flipped & 0x2020202020202020L) << 1 | (flipped & 0x2020202020202020L) << 2;
        }

        /** Planes 2 (low half of {@code high}), 1 and 0 of a section: 12 bytes, so an odd one begins in the middle of a word. */
        private static void putSection(long[] words, int at, int section, long high, long low) {
            int i = at + section * 3 / 2;
            if (section % 2 == 0) {
                words[i] = high & 0xffffffffL | low << 32;
                words[i + 1] = words[i + 1] & 0xffffffff00000000L | low >>> 32;
            } else {
                words[i] = words[i] & 0xffffffffL | high << 32;
                words[i + 1] = low;
            }
        }
    }

    /** 32 weights of -8 to 7. */
    final class Q4_0 implements BlockFormat {

        @Override
        public GgmlType type() {
            return GgmlType.Q4_0;
        }

        @Override
        public TileForm form() {
            return TileForm.Q4_0;
        }

        @Override
        public void read(long address, Block into) {
            into.plain(Memory.f16(address));
            for (int i = 0; i < 32; i++) {
                into.codes[i] = (Memory.u8(address + 2 + i % 16) >> 4 * (i / 16) & 15) - 8;
            }
        }

        @Override
        public int halfOffset(int index) {
            return 0;
        }

        @Override
        public void encode(long address, long[] words, int at) {
            long first = Memory.i64(address + 2);
            long second = Memory.i64(address + 10);
            words[at] = Bits.upperPlanes(first, second);
            words[at + 1] = Bits.lowerPlanes(first, second);
        }
    }

    /** 32 weights of scale * (0 to 15) + min. */
    final class Q4_1 implements BlockFormat {

        @Override
        public GgmlType type() {
            return GgmlType.Q4_1;
        }

        @Override
        public TileForm form() {
            return TileForm.Q4_1;
        }

        @Override
        public void read(long address, Block into) {
            into.plain(Memory.f16(address));
            into.min = Memory.f16(address + 2);
            into.mins[0] = 1;
            for (int i = 0; i < 32; i++) {
                into.codes[i] = Memory.u8(address + 4 + i % 16) >> 4 * (i / 16) & 15;
            }
        }

        @Override
        public int halfOffset(int index) {
            return 2 * index;
        }

        @Override
        public void encode(long address, long[] words, int at) {
            long first = Memory.i64(address + 4);
            long second = Memory.i64(address + 12);
            words[at] = Bits.upperPlanes(first, second);
            words[at + 1] = Bits.lowerPlanes(first, second);
        }
    }

    /** 8 sub-blocks of 32 weights of 0 to 15, six-bit scales and mins. */
    final class Q4_K implements BlockFormat {

        private static final int SCALES = 4;
        private static final int CODES = 16;

        @Override
        public GgmlType type() {
            return GgmlType.Q4_K;
        }

        @Override
        public TileForm form() {
            return TileForm.Q4_K;
        }

        @Override
        public void read(long address, Block into) {
            into.scale = Memory.f16(address);
            into.min = -Memory.f16(address + 2);
            for (int i = 0; i < 256; i++) {
                into.codes[i] = Memory.u8(address + CODES + i / 64 * 32 + i % 32) >> 4 * (i % 64 / 32) & 15;
            }
            for (int sub = 0; sub < 8; sub++) {
                int a = Memory.u8(address + SCALES + sub % 4);
                int b = Memory.u8(address + SCALES + 4 + sub % 4);
                int c = Memory.u8(address + SCALES + 8 + sub % 4);
                into.scales[sub] = sub < 4 ? a & 63 : c & 15 | a >> 6 << 4;
                into.mins[sub] = sub < 4 ? b & 63 : c >> 4 | b >> 6 << 4;
            }
        }

        @Override
        public int halfOffset(int index) {
            return 2 * index;
        }

        @Override
        public void encode(long address, long[] words, int at) {
            for (int section = 0; section < 4; section++) {
                long source = address + CODES + 32 * section;
                Bits.planes(Memory.i64(source), Memory.i64(source + 8), Memory.i64(source + 16), Memory.i64(source + 24),
                        words, at + 4 * section);
            }
            long a = Memory.i32(address + SCALES) & 0xffffffffL;
            long b = Memory.i32(address + SCALES + 4) & 0xffffffffL;
            long c = Memory.i32(address + SCALES + 8) & 0xffffffffL;
            words[at + 16] = a & 0x3f3f3f3fL | (c & 0x0f0f0f0fL | a >>> 2 & 0x30303030L) << 32;
            words[at + 17] = b & 0x3f3f3f3fL | (c >>> 4 & 0x0f0f0f0fL | b >>> 2 & 0x30303030L) << 32;
        }
    }
}
