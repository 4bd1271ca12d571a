package io.tmac4j.comparison.synth;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * A stream of random bits, SplitMix64 (Steele, Lea, Flood 2014): integer arithmetic only, so that a seed gives the same bytes on
 * every platform, and cheap enough to outrun a disk.
 */
final class BlockRandom {

    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;

    private long state;

    private BlockRandom(long state) {
        this.state = state;
    }

    /** The stream of one chunk of one tensor: independent of which thread fills it and of which tensors come before. */
    static BlockRandom of(long seed, String tensor, long chunk) {
        long hash = mix(seed);
        for (int i = 0; i < tensor.length(); i++) {
            hash = mix(hash + tensor.charAt(i));
        }
        return new BlockRandom(mix(hash + chunk));
    }

    long nextLong() {
        state += GOLDEN_GAMMA;
        return mix(state);
    }

    /** A number in [0, bound), for bounds far below 2^32, where the bias of the multiplication does not show. */
    int below(int bound) {
        return (int) ((nextLong() >>> 32) * bound >>> 32);
    }

    /** A number in [0, 1) of 24 random bits. */
    float unit() {
        return (nextLong() >>> 40) * 0x1p-24f;
    }

    void fill(byte[] into, int from, int length) {
        int end = from + length;
        int i = from;
        for (; i + Long.BYTES <= end; i += Long.BYTES) {
            LONGS.set(into, i, nextLong());
        }
        if (i < end) {
            long last = nextLong();
            for (; i < end; i++, last >>>= Byte.SIZE) {
                into[i] = (byte) last;
            }
        }
    }

    private static long mix(long z) {
        long a = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
        long b = (a ^ a >>> 27) * 0x94D049BB133111EBL;
        return b ^ b >>> 31;
    }
}
