package io.tmac4j.kernels;

import io.tmac4j.bindings.GgmlType;
import java.util.Arrays;
import java.util.Optional;

/**
 * All knowledge of one of ggml's block formats: what its bits mean (llama.cpp v0.4.0, {@code ggml-common.h} and the
 * {@code dequantize_row_*} functions of {@code ggml-quants.c}) and how they become words or table indices.
 */
sealed interface BlockFormat permits BlockFormat.Q1_0, BlockFormat.Q2_0, BlockFormat.TQ1_0, BlockFormat.TQ2_0,
        BlockFormat.Q2_K, BlockFormat.Q3_K, BlockFormat.Q4_0, BlockFormat.Q4_1, BlockFormat.Q4_K, BlockFormat.IQ4_NL,
        BlockFormat.IQ4_XS, BlockFormat.MXFP4, NarrowedFormat {

    /** The formats that the engine takes. */
    BlockFormat[] ALL = {
        new Q1_0(), new Q2_0(), new TQ1_0(), new TQ2_0(), new Q2_K(), new Q3_K(), new Q4_0(), new Q4_1(), new Q4_K(),
        new IQ4_NL(), new IQ4_XS(), new MXFP4()
    };

    /** The format of a type, or empty if the engine does not take it. */
    static Optional<BlockFormat> of(GgmlType type) {
        return Arrays.stream(ALL).filter(format -> format.type() == type).findFirst();
    }

    /** ggml's type. */
    GgmlType type();

    /** How its codes become words. */
    Optional<WordForm> wordForm();

    /** The words that it is packed as in a mode: {@link #wordForm}, unless scales are rounded. */
    default Optional<WordForm> packedWords(TableMode mode) {
        return wordForm();
    }

    /** How its codes become table indices; none for types of four bits. */
    default Optional<LookupForm> lookupForm() {
        return Optional.empty();
    }

    /** f16 numbers a block. */
    default int halves() {
        return wordForm().map(WordForm::halves).orElse(1);
    }

    /** Weights with a scale of their own: those of a sub-block, or of the block. */
    default int subWeights() {
        return wordForm().map(WordForm::sumWeights).orElse(type().blockSize());
    }

    /** Unpacks the block at {@code address}: the specification that all else is tested against. */
    void read(long address, Block into);

    /** Where the f16 numbers stand in a block, in the order of the packed form. */
    int halfOffset(int index);

    /** The 16 bits of number {@code index} of the block at {@code address} as they are packed: those of an f16 number. */
    default short half(long address, int index) {
        return Memory.i16(address + halfOffset(index));
    }

    /** How many of them are f16 numbers in ggml's layout too: all, unless the scale is a power of two. */
    default int f16Numbers() {
        return halves();
    }

    /**
     * Whether the block at {@code address} of ternary weights has a code of 3, a weight of 2: tables have no entry for it, and
     * 16-bit sums may overflow.
     */
    default boolean hasCodeThree(long address) {
        return false;
    }

    /**
     * Writes the code bytes of the block at {@code address} as {@link LookupForm} orders them, eight to a word, the first in
     * the lowest
     * byte. All of them fill whole words.
     */
    default void encodeIndices(long address, long[] words, int at) {
        throw new UnsupportedOperationException(type() + " has no lookup form");
    }

    /** The bits of the scale of a sub-block of the block at {@code address}; if it has a min, this is in the high nibble. */
    default byte scaleByte(long address, int subBlock) {
        throw new UnsupportedOperationException(type() + " has no sub-blocks that are looked up");
    }

    /** Writes the words of the block at {@code address}: those of codes, then of scales, then of mins, see {@link WordForm}. */
    default void encodeWords(long address, int[] words) {
        throw new UnsupportedOperationException(type() + " has no word form");
    }

    /** Copies {@code count} words as they are. */
    private static void copyWords(long address, int count, int[] words) {
        for (int i = 0; i < count; i++) {
            words[i] = Memory.i32(address + 4L * i);
        }
    }

    /** The words of 32 codes of four bits, of which the first 16 stand in the low nibbles of 16 bytes: four bytes a word. */
    private static void fourBitWords(long codes, int[] words) {
        for (int i = 0; i < 4; i++) {
            words[i] = nibblesApart(Memory.i32(codes + 4L * i));
        }
    }

    /** Brings the low nibbles of four bytes into the low half of a word, the high ones into the high half. */
    private static int nibblesApart(int bytes) {
        int nibbles = (bytes ^ bytes >>> 4) & 0x00f000f0;
        int x = bytes ^ nibbles ^ nibbles << 4;
        int pairs = (x ^ x >>> 8) & 0x0000ff00;
        return x ^ pairs ^ pairs << 8;
    }

    /**
     * Two bits of the codes of a sub-block of 16; those of the whole block stand at {@code codes}. Byte {@code i} has those of
     * weights i, i + 4, i + 8 and i + 12.
     */
    private static int twoBits(long codes, int subBlock) {
        long from = codes + subBlock / 8 * 32 + subBlock % 2 * 16;
        int shift = subBlock % 8 / 2 * 2;
        int mask = 0x03030303;
        return Memory.i32(from) >>> shift & mask | (Memory.i32(from + 4) >>> shift & mask) << 2
                | (Memory.i32(from + 8) >>> shift & mask) << 4 | (Memory.i32(from + 12) >>> shift & mask) << 6;
    }

    /** 128 weights of +1 or -1. */
    final class Q1_0 implements BlockFormat {

        @Override
        public GgmlType type() {
            return GgmlType.Q1_0;
        }

        @Override
        public Optional<WordForm> wordForm() {
            return Optional.empty();
        }

        @Override
        public Optional<LookupForm> lookupForm() {
            return Optional.of(LookupForm.Q1_0);
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
        public void encodeIndices(long address, long[] words, int at) {
            words[at] = Memory.i64(address + 2);
            words[at + 1] = Memory.i64(address + 10);
        }
    }

    /** 64 weights of -1, 0, 1 or 2. */
    final class Q2_0 implements BlockFormat {

        private final boolean ternary;

        Q2_0() {
            this(false);
        }

        /** @param ternary whether there is no weight of 2 */
        Q2_0(boolean ternary) {
            this.ternary = ternary;
        }

        @Override
        public GgmlType type() {
            return GgmlType.Q2_0;
        }

        @Override
        public Optional<WordForm> wordForm() {
            return Optional.of(WordForm.Q2_0);
        }

        @Override
        public Optional<LookupForm> lookupForm() {
            return Optional.of(ternary ? LookupForm.Q2_0_TERNARY : LookupForm.Q2_0);
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
        public void encodeIndices(long address, long[] words, int at) {
            words[at] = Memory.i64(address + 2);
            words[at + 1] = Memory.i64(address + 10);
        }

        @Override
        public void encodeWords(long address, int[] words) {
            copyWords(address + 2, 4, words);
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
        public Optional<WordForm> wordForm() {
            return Optional.of(WordForm.TQ1_0);
        }

        @Override
        public Optional<LookupForm> lookupForm() {
            return Optional.of(LookupForm.TQ1_0);
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
        public void encodeIndices(long address, long[] words, int at) {
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

        @Override
        public void encodeWords(long address, int[] words) {
            long[] bytes = new long[8];
            encodeIndices(address, bytes, 0);
            for (int i = 0; i < 8; i++) {
                words[2 * i] = (int) bytes[i];
                words[2 * i + 1] = (int) (bytes[i] >>> 32);
            }
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
        public Optional<WordForm> wordForm() {
            return Optional.of(WordForm.TQ2_0);
        }

        @Override
        public Optional<LookupForm> lookupForm() {
            return Optional.of(LookupForm.TQ2_0);
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
        public boolean hasCodeThree(long address) {
            long threes = 0;
            for (int i = 0; i < SCALE; i += Long.BYTES) {
                long codes = Memory.i64(address + i);
                threes |= codes & codes >>> 1;
            }
            return (threes & 0x5555555555555555L) != 0;
        }

        @Override
        public void encodeIndices(long address, long[] words, int at) {
            for (int i = 0; i < 8; i++) {
                words[at + i] = Memory.i64(address + 8 * i);
            }
        }

        @Override
        public void encodeWords(long address, int[] words) {
            copyWords(address, 16, words);
        }
    }

    /** 16 sub-blocks of 16 weights of 0 to 3, four-bit scales and mins. */
    final class Q2_K implements BlockFormat {

        private static final int CODES = 16;
        private static final int SCALE = 80;
        private static final long LOW = 0x0f0f0f0f0f0f0f0fL;

        @Override
        public GgmlType type() {
            return GgmlType.Q2_K;
        }

        @Override
        public Optional<WordForm> wordForm() {
            return Optional.of(WordForm.Q2_K);
        }

        @Override
        public Optional<LookupForm> lookupForm() {
            return Optional.of(LookupForm.Q2_K);
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
        public byte scaleByte(long address, int subBlock) {
            return (byte) Memory.u8(address + subBlock);
        }

        @Override
        public void encodeIndices(long address, long[] words, int at) {
            for (int i = 0; i < 8; i++) {
                words[at + i] = twoBits(address + CODES, 2 * i) & 0xffffffffL
                        | (long) twoBits(address + CODES, 2 * i + 1) << 32;
            }
        }

        @Override
        public void encodeWords(long address, int[] words) {
            for (int sub = 0; sub < 16; sub++) {
                words[sub] = twoBits(address + CODES, sub);
            }
            for (int i = 0; i < 2; i++) {
                long scalesAndMins = Memory.i64(address + 8 * i);
                words[16 + i] = (int) Long.compress(scalesAndMins, LOW);
                words[18 + i] = (int) Long.compress(scalesAndMins, ~LOW);
            }
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
        public Optional<WordForm> wordForm() {
            return Optional.of(WordForm.Q3_K);
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
                into.scales[sub] = scaleByte(address, sub) - 32;
                into.mins[sub] = 0;
            }
        }

        @Override
        public byte scaleByte(long address, int subBlock) {
            int low = Memory.u8(address + SCALES + subBlock % 8) >> subBlock / 8 * 4 & 15;
            int high = Memory.u8(address + SCALES + 8 + subBlock % 4) >> subBlock / 4 * 2 & 3;
            return (byte) (low + 16 * high);
        }

        @Override
        public Optional<LookupForm> lookupForm() {
            return Optional.of(LookupForm.Q3_K);
        }

        /** Six bytes a sub-block: the third bits of four weights a nibble, then the other two. */
        @Override
        public void encodeIndices(long address, long[] words, int at) {
            Arrays.fill(words, at, at + 12, 0);
            for (int sub = 0; sub < 16; sub++) {
                long codes = highBits(address + sub % 2 * 16, sub / 2) | (twoBits(address + CODES, sub) & 0xffffffffL) << 16;
                int bit = 48 * sub % Long.SIZE;
                int word = at + 48 * sub / Long.SIZE;
                words[word] |= codes << bit;
                if (bit > 16) {
                    words[word + 1] |= codes >>> Long.SIZE - bit;
                }
            }
        }

        /** Bits {@code bit} of 16 bytes: nibble {@code i} has those of bytes i, i + 4, i + 8 and i + 12. */
        private static long highBits(long address, int bit) {
            long mask = 0x0101010101010101L << bit;
            long bits = Long.compress(Memory.i64(address), mask) | Long.compress(Memory.i64(address + 8), mask) << 8;
            long nibbles = 0;
            for (int i = 0; i < 4; i++) {
                nibbles |= Long.expand(bits >>> 4 * i, 0x1111L << i);
            }
            return nibbles;
        }

        @Override
        public int halfOffset(int index) {
            return SCALE;
        }

        @Override
        public void encodeWords(long address, int[] words) {
            for (int j = 0; j < 8; j++) {
                // 32 weights: two bits of each byte of codes, one bit of each byte of high bits
                long codes = address + CODES + j / 4 * 32;
                int shift = 2 * (j % 4);
                long first = sum(codes, shift, address, j);
                long second = sum(codes + 16, shift, address + 16, j);
                WordForm.threeBitWords(first, second, j, words);
            }
            long scales = Memory.i64(address + SCALES);
            long high = Memory.i32(address + SCALES + 8) & 0xffffffffL;
            long firstHigh = high & 0x03030303L | (high >>> 2 & 0x03030303L) << 32;
            long secondHigh = high >>> 4 & 0x03030303L | (high >>> 6 & 0x03030303L) << 32;
            long firstScales = minus32(scales & LOW | firstHigh << 4);
            long secondScales = minus32(scales >>> 4 & LOW | secondHigh << 4);
            words[24] = (int) firstScales;
            words[25] = (int) (firstScales >>> 32);
            words[26] = (int) secondScales;
            words[27] = (int) (secondScales >>> 32);
        }

        /** The codes of 16 weights, three bits each. */
        private static long sum(long codes, int shift, long highs, int highBit) {
            return threeBits(Memory.i64(codes) >>> shift, Memory.i64(highs) >>> highBit)
                    | threeBits(Memory.i64(codes + 8) >>> shift, Memory.i64(highs + 8) >>> highBit) << 24;
        }

        private static long threeBits(long low, long high) {
            return Long.compress(low & 0x0303030303030303L | (high & 0x0101010101010101L) << 2, 0x0707070707070707L);
        }

        /** Six-bit numbers in bytes, minus 32, as signed bytes. */
        private static long minus32(long x) {
            long flipped = x ^ 0x2020202020202020L;
            return flipped | (flipped & 0x2020202020202020L) << 1 | (flipped & 0x2020202020202020L) << 2;
        }
    }

    /** 32 weights of -8 to 7. */
    final class Q4_0 implements BlockFormat {

        @Override
        public GgmlType type() {
            return GgmlType.Q4_0;
        }

        @Override
        public Optional<WordForm> wordForm() {
            return Optional.of(WordForm.Q4_0);
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
        public void encodeWords(long address, int[] words) {
            fourBitWords(address + 2, words);
        }
    }

    /** 32 weights of scale * (0 to 15) + min. */
    final class Q4_1 implements BlockFormat {

        @Override
        public GgmlType type() {
            return GgmlType.Q4_1;
        }

        @Override
        public Optional<WordForm> wordForm() {
            return Optional.of(WordForm.Q4_1);
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
        public void encodeWords(long address, int[] words) {
            fourBitWords(address + 4, words);
        }
    }

    /** 8 sub-blocks of 32 weights of 0 to 15, six-bit scales and mins. */
    final class Q4_K implements BlockFormat {

        private static final int SCALES = 4;
        private static final int CODES = 16;
        private static final int LOW = 0x0f0f0f0f;

        @Override
        public GgmlType type() {
            return GgmlType.Q4_K;
        }

        @Override
        public Optional<WordForm> wordForm() {
            return Optional.of(WordForm.Q4_K);
        }

        @Override
        public Optional<WordForm> packedWords(TableMode mode) {
            return Optional.of(mode != TableMode.EXACT && VectorWidth.chosen().multipliesSlowly() ? WordForm.Q4_K_ROUNDED
                    : WordForm.Q4_K);
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
        public void encodeWords(long address, int[] words) {
            for (int i = 0; i < 16; i++) {
                // of 32 bytes four of the first 16 and four of the others; the high nibbles are the next sub-block's
                long from = address + CODES + i / 4 * 32 + i % 4 * 4;
                int a = Memory.i32(from);
                int b = Memory.i32(from + 16);
                int to = i / 4 * 8 + i % 4;
                words[to] = nibblesApart(a & LOW | (b & LOW) << 4);
                words[to + 4] = nibblesApart(a >>> 4 & LOW | b & ~LOW);
            }
            int a = Memory.i32(address + SCALES);
            int b = Memory.i32(address + SCALES + 4);
            int c = Memory.i32(address + SCALES + 8);
            words[32] = a & 0x3f3f3f3f;
            words[33] = c & LOW | a >>> 2 & 0x30303030;
            words[34] = b & 0x3f3f3f3f;
            words[35] = c >>> 4 & LOW | b >>> 2 & 0x30303030;
        }
    }

    /** Reads 32 codes of four bits, the first 16 in the low nibbles, as values of a codebook. */
    private static void readCodebook(Codebook codebook, long address, int[] codes, int at) {
        for (int i = 0; i < 32; i++) {
            codes[at + i] = codebook.value(Memory.u8(address + i % 16) >> 4 * (i / 16) & 15);
        }
    }

    /** 32 weights of sixteen values from -127 to 113. */
    final class IQ4_NL implements BlockFormat {

        @Override
        public GgmlType type() {
            return GgmlType.IQ4_NL;
        }

        @Override
        public Optional<WordForm> wordForm() {
            return Optional.of(WordForm.IQ4_NL);
        }

        @Override
        public void read(long address, Block into) {
            into.plain(Memory.f16(address));
            readCodebook(Codebook.IQ4_NL, address + 2, into.codes, 0);
        }

        @Override
        public int halfOffset(int index) {
            return 0;
        }

        @Override
        public void encodeWords(long address, int[] words) {
            copyWords(address + 2, 4, words);
        }
    }

    /** 8 sub-blocks of 32 weights of IQ4_NL's values, six-bit scales of -32 to 31. */
    final class IQ4_XS implements BlockFormat {

        private static final int HIGH_SCALES = 2;
        private static final int LOW_SCALES = 4;
        private static final int CODES = 8;

        @Override
        public GgmlType type() {
            return GgmlType.IQ4_XS;
        }

        @Override
        public Optional<WordForm> wordForm() {
            return Optional.of(WordForm.IQ4_XS);
        }

        @Override
        public void read(long address, Block into) {
            into.scale = Memory.f16(address);
            into.min = 0;
            for (int sub = 0; sub < 8; sub++) {
                into.scales[sub] = scale(address, sub);
                into.mins[sub] = 0;
                readCodebook(Codebook.IQ4_NL, address + CODES + 16 * sub, into.codes, 32 * sub);
            }
        }

        private static int scale(long address, int sub) {
            int low = Memory.u8(address + LOW_SCALES + sub / 2) >> 4 * (sub % 2) & 15;
            int high = Memory.u8(address + HIGH_SCALES + sub / 4) >> 2 * (sub % 4) & 3;
            return low + 16 * high - 32;
        }

        @Override
        public int halfOffset(int index) {
            return 0;
        }

        @Override
        public void encodeWords(long address, int[] words) {
            copyWords(address + CODES, 32, words);
            for (int word = 0; word < 2; word++) {
                int scales = 0;
                for (int i = 0; i < 4; i++) {
                    scales |= (scale(address, 4 * word + i) & 0xff) << 8 * i;
                }
                words[32 + word] = scales;
            }
        }
    }

    /** 32 floats of four bits (0, 1/2, 1, 3/2, 2, 3, 4, 6 and negative), times a power of two that is a byte. */
    final class MXFP4 implements BlockFormat {

        private static final int CODES = 1;

        @Override
        public GgmlType type() {
            return GgmlType.MXFP4;
        }

        @Override
        public Optional<WordForm> wordForm() {
            return Optional.of(WordForm.MXFP4);
        }

        @Override
        public void read(long address, Block into) {
            into.plain(Float.intBitsToFloat(half(address, 0) << 16));
            readCodebook(Codebook.E2M1, address + CODES, into.codes, 0);
        }

        @Override
        public int f16Numbers() {
            return 0;
        }

        /** Where the byte of the scale stands. */
        @Override
        public int halfOffset(int index) {
            return 0;
        }

        /** The upper half of the scale as an f32 number, halved since the values of the codes are doubled. */
        @Override
        public short half(long address, int index) {
            int exponent = Memory.u8(address);
            // the two smallest are no normal numbers
            return (short) (exponent < 2 ? 0x20 << exponent : exponent - 1 << 7);
        }

        @Override
        public void encodeWords(long address, int[] words) {
            copyWords(address + CODES, 4, words);
        }
    }
}
