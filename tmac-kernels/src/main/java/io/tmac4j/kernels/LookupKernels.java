package io.tmac4j.kernels;

import static io.tmac4j.kernels.Species.BYTES;
import static io.tmac4j.kernels.Species.BYTES_128;
import static io.tmac4j.kernels.Species.LANES;
import static io.tmac4j.kernels.Species.SHORTS;
import static jdk.incubator.vector.VectorOperators.LSHR;

import io.tmac4j.bindings.spi.OffHeap;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.ShortVector;

/**
 * First stage of an mpGEMV: looks up the codes of a tile, two vectors of rows at a time, so that both use one load of each table,
 * and leaves sums of bytes in a few kilobytes of scratch memory (arXiv 2407.00088, by byte shuffles).
 *
 * <p>Bytes are summed without widening: {@code a} sums them as 16-bit pairs, {@code s} sums the same shifted right by 8 as ints.
 * With b0 to b3 the sums of the bytes of an int lane, all modulo 2^16, {@code a} holds b0 + 256 b1 and b2 + 256 b3, and
 * {@code s} holds b1 + 256 b2 and b3: exact as long as each sum is below 2^16.
 *
 * <p>The shape of these methods is C2's wish. Vector operations are written out, not put into helper methods: beyond a number of
 * nodes C2 still inlines the operations themselves, but no helper any more, and then every vector of the loop is an object. Loops
 * count addresses up to an end, not an index: counted loops of so few turns are cut into a loop before, a main loop and a
 * loop after,
 * whose preparation costs as much as the lookups.
 */
final class LookupKernels {

    private static final MemorySegment ALL = OffHeap.ALL;
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;

    /** Masks a code to a nibble. A shuffle of 16 bytes does so by itself; and with all bits set C2 drops. */
    private static final byte NIBBLE = (byte) (LANES == 16 ? -1 : 15);

    /** Rows a tile, the distance of code bytes. */
    private static final int TILE = LookupMatrix.VECTORS * LANES;

    /** Bytes that a block leaves: two vectors, {@code a} and {@code s} of each. */
    static final int SUMS = 4 * LANES;

    private LookupKernels() {
    }

    /**
     * Sums {@code blocks} blocks: at most 128 lookups, sums of at most 128 * 255 = 32640.
     *
     * @param p        first code byte
     * @param skip     bytes from the last code byte of a block to the first of the next one
     */
    static void sums(long p, int blocks, int codeBytes, int skip, long tables, long sums) {
        ShortVector zero = ShortVector.zero(SHORTS);
        long code = p;
        long t = tables;
        long to = sums;
        for (int block = 0; block < blocks; block++) {
            ShortVector a0 = zero;
            ShortVector s0 = a0;
            ShortVector a1 = a0;
            ShortVector s1 = a0;
            long end = code + (long) codeBytes * TILE;
            do {
                ByteVector x = ByteVector.fromMemorySegment(BYTES, ALL, code, LITTLE);
                ByteVector y = ByteVector.fromMemorySegment(BYTES, ALL, code + LANES, LITTLE);
                ByteVector lows = (ByteVector) ByteVector.fromMemorySegment(BYTES_128, ALL, t, LITTLE).reinterpretShape(BYTES, 0);
                ByteVector highs = (ByteVector) ByteVector.fromMemorySegment(BYTES_128, ALL, t + 16, LITTLE)
                        .reinterpretShape(BYTES, 0);
                ByteVector v = x.and(NIBBLE).selectFrom(lows);
                ByteVector w = y.and(NIBBLE).selectFrom(lows);
                ByteVector xh = x.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes().and(NIBBLE).selectFrom(highs);
                ByteVector yh = y.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes().and(NIBBLE).selectFrom(highs);
                a0 = v.reinterpretAsShorts().add(xh.reinterpretAsShorts()).add(a0);
                s0 = v.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()
                        .add(xh.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()).add(s0);
                a1 = w.reinterpretAsShorts().add(yh.reinterpretAsShorts()).add(a1);
                s1 = w.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()
                        .add(yh.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()).add(s1);
                code += TILE;
                t += 32;
            } while (code != end);
            zero.add(a0).intoMemorySegment(ALL, to, LITTLE);
            zero.add(s0).intoMemorySegment(ALL, to + LANES, LITTLE);
            zero.add(a1).intoMemorySegment(ALL, to + 2 * LANES, LITTLE);
            zero.add(s1).intoMemorySegment(ALL, to + 3 * LANES, LITTLE);
            to += SUMS;
            code += skip;
        }
    }
}
