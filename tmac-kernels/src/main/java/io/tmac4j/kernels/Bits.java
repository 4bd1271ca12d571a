package io.tmac4j.kernels;

/** Transposes bytes. */
final class Bits {

    private Bits() {
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
