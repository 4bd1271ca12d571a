package io.tmac4j.kernels;

/**
 * Transposes 4 x 4 bit matrices, one in each nibble column of four words: bit {@code j} of a nibble of plane {@code b} is bit
 * {@code b} of the same nibble of word {@code j} (Hacker's Delight, 7-3, on two levels).
 */
final class Bits {

    private static final long EVEN = 0x5555555555555555L;
    private static final long PAIRS = 0x3333333333333333L;

    private Bits() {
    }

    /** Four words of four bytes, in order in {@code first} and {@code second}: planes 3 (low half) and 2 (high half). */
    static long upperPlanes(long first, long second) {
        long odd = oddBits(evenWords(first, second), oddWords(first, second));
        long even = evenBits(evenWords(first, second), oddWords(first, second));
        return upper(odd, odd >>> 32) & 0xffffffffL | upper(even, even >>> 32) << 32;
    }

    /** Four words of four bytes, in order in {@code first} and {@code second}: planes 1 (low half) and 0 (high half). */
    static long lowerPlanes(long first, long second) {
        long odd = oddBits(evenWords(first, second), oddWords(first, second));
        long even = evenBits(evenWords(first, second), oddWords(first, second));
        return lower(odd, odd >>> 32) & 0xffffffffL | lower(even, even >>> 32) << 32;
    }

    /** Four words of eight bytes to planes 3, 2, 1, 0. */
    static void planes(long x0, long x1, long x2, long x3, long[] words, int at) {
        long even = evenBits(x0, x1);
        long odd = oddBits(x0, x1);
        long even2 = evenBits(x2, x3);
        long odd2 = oddBits(x2, x3);
        words[at] = upper(odd, odd2);
        words[at + 1] = upper(even, even2);
        words[at + 2] = lower(odd, odd2);
        words[at + 3] = lower(even, even2);
    }

    /** Words 0 and 2. */
    private static long evenWords(long first, long second) {
        return first & 0xffffffffL | second << 32;
    }

    /** Words 1 and 3. */
    private static long oddWords(long first, long second) {
        return first >>> 32 | second & 0xffffffff00000000L;
    }

    private static long evenBits(long x, long y) {
        return x & EVEN | (y & EVEN) << 1;
    }

    private static long oddBits(long x, long y) {
        return x >>> 1 & EVEN | y & ~EVEN;
    }

    private static long lower(long x, long y) {
        return x & PAIRS | (y & PAIRS) << 2;
    }

    private static long upper(long x, long y) {
        return x >>> 2 & PAIRS | y & ~PAIRS;
    }

    /**
     * Transposes 8 x 8 bytes: byte {@code j} of word {@code i * stride} becomes byte {@code i} of word {@code j}, stored at
     * {@code to + j * step}.
     */
    static void transposeBytes(long[] words, int at, int stride, long to, long step) {
        long a = words[at];
        long b = words[at + stride];
        long c = words[at + 2 * stride];
        long d = words[at + 3 * stride];
        long e = words[at + 4 * stride];
        long f = words[at + 5 * stride];
        long g = words[at + 6 * stride];
        long h = words[at + 7 * stride];
        // exchange 4 x 4, then 2 x 2, then single bytes
        long t;
        t = (a >>> 32 ^ e) & 0xffffffffL;
        a ^= t << 32;
        e ^= t;
        t = (b >>> 32 ^ f) & 0xffffffffL;
        b ^= t << 32;
        f ^= t;
        t = (c >>> 32 ^ g) & 0xffffffffL;
        c ^= t << 32;
        g ^= t;
        t = (d >>> 32 ^ h) & 0xffffffffL;
        d ^= t << 32;
        h ^= t;
        t = (a >>> 16 ^ c) & 0x0000ffff0000ffffL;
        a ^= t << 16;
        c ^= t;
        t = (b >>> 16 ^ d) & 0x0000ffff0000ffffL;
        b ^= t << 16;
        d ^= t;
        t = (e >>> 16 ^ g) & 0x0000ffff0000ffffL;
        e ^= t << 16;
        g ^= t;
        t = (f >>> 16 ^ h) & 0x0000ffff0000ffffL;
        f ^= t << 16;
        h ^= t;
        t = (a >>> 8 ^ b) & 0x00ff00ff00ff00ffL;
        Memory.i64(to, a ^ t << 8);
        Memory.i64(to + step, b ^ t);
        t = (c >>> 8 ^ d) & 0x00ff00ff00ff00ffL;
        Memory.i64(to + 2 * step, c ^ t << 8);
        Memory.i64(to + 3 * step, d ^ t);
        t = (e >>> 8 ^ f) & 0x00ff00ff00ff00ffL;
        Memory.i64(to + 4 * step, e ^ t << 8);
        Memory.i64(to + 5 * step, f ^ t);
        t = (g >>> 8 ^ h) & 0x00ff00ff00ff00ffL;
        Memory.i64(to + 6 * step, g ^ t << 8);
        Memory.i64(to + 7 * step, h ^ t);
    }
}
