package io.tmac4j.kernels;

import static io.tmac4j.kernels.Species.BYTES;
import static io.tmac4j.kernels.Species.BYTES_128;
import static io.tmac4j.kernels.Species.INTS;
import static io.tmac4j.kernels.Species.LANES;
import static io.tmac4j.kernels.Species.SHORTS;
import static jdk.incubator.vector.VectorOperators.LSHR;

import io.tmac4j.bindings.spi.OffHeap;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.IntVector;
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
    private static final int TILE = DecodeKernels.VECTORS * LANES;

    /** Bytes that a flat block leaves: two vectors, {@code a} and {@code s} of each. */
    static final int FLAT_SUMS = 4 * LANES;

    /** Bytes that a section leaves: {@code a} and {@code s} of the low nibbles of both vectors, then of the high nibbles. */
    static final int SECTION_SUMS = 8 * LANES;

    private LookupKernels() {
    }

    /**
     * Sums {@code blocks} blocks of one plane: at most 128 lookups, sums of at most 128 * 255 = 32640.
     *
     * @param p        first code byte
     * @param skip     bytes from the last code byte of a block to the first of the next one
     */
    static void onePlane(long p, int blocks, int planeBytes, int skip, long tables, long sums) {
        long code = p;
        long t = tables;
        long to = sums;
        for (int block = 0; block < blocks; block++) {
            ShortVector a0 = ShortVector.zero(SHORTS);
            ShortVector s0 = a0;
            ShortVector a1 = a0;
            ShortVector s1 = a0;
            long end = code + (long) planeBytes * TILE;
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
                a0 = a0.add(v.reinterpretAsShorts()).add(xh.reinterpretAsShorts());
                s0 = s0.add(v.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts())
                        .add(xh.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts());
                a1 = a1.add(w.reinterpretAsShorts()).add(yh.reinterpretAsShorts());
                s1 = s1.add(w.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts())
                        .add(yh.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts());
                code += TILE;
                t += 32;
            } while (code != end);
            a0.intoMemorySegment(ALL, to, LITTLE);
            s0.intoMemorySegment(ALL, to + LANES, LITTLE);
            a1.intoMemorySegment(ALL, to + 2 * LANES, LITTLE);
            s1.intoMemorySegment(ALL, to + 3 * LANES, LITTLE);
            to += FLAT_SUMS;
            code += skip;
        }
    }

    /** Sums {@code blocks} blocks of four planes of four bytes: 8 lookups a plane, sums of at most 15 * 8 * 255 = 30600. */
    static void fourPlanes(long p, int blocks, int skip, long tables, long sums) {
        long code = p;
        long blockTables = tables;
        long to = sums;
        for (int block = 0; block < blocks; block++) {
            ShortVector a0 = ShortVector.zero(SHORTS);
            ShortVector s0 = a0;
            ShortVector a1 = a0;
            ShortVector s1 = a0;
            long end = code + 16 * TILE;
            do {
                a0 = a0.add(a0);
                s0 = s0.add(s0);
                a1 = a1.add(a1);
                s1 = s1.add(s1);
                long t = blockTables;
                long planeEnd = code + 4 * TILE;
                do {
                    ByteVector x = ByteVector.fromMemorySegment(BYTES, ALL, code, LITTLE);
                    ByteVector y = ByteVector.fromMemorySegment(BYTES, ALL, code + LANES, LITTLE);
                    ByteVector lows = (ByteVector) ByteVector.fromMemorySegment(BYTES_128, ALL, t, LITTLE)
                            .reinterpretShape(BYTES, 0);
                    ByteVector highs = (ByteVector) ByteVector.fromMemorySegment(BYTES_128, ALL, t + 16, LITTLE)
                            .reinterpretShape(BYTES, 0);
                    ByteVector v = x.and(NIBBLE).selectFrom(lows);
                    ByteVector w = y.and(NIBBLE).selectFrom(lows);
                    ByteVector xh = x.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes().and(NIBBLE).selectFrom(highs);
                    ByteVector yh = y.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes().and(NIBBLE).selectFrom(highs);
                    a0 = a0.add(v.reinterpretAsShorts()).add(xh.reinterpretAsShorts());
                    s0 = s0.add(v.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts())
                            .add(xh.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts());
                    a1 = a1.add(w.reinterpretAsShorts()).add(yh.reinterpretAsShorts());
                    s1 = s1.add(w.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts())
                            .add(yh.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts());
                    code += TILE;
                    t += 32;
                } while (code != planeEnd);
            } while (code != end);
            a0.intoMemorySegment(ALL, to, LITTLE);
            s0.intoMemorySegment(ALL, to + LANES, LITTLE);
            a1.intoMemorySegment(ALL, to + 2 * LANES, LITTLE);
            s1.intoMemorySegment(ALL, to + 3 * LANES, LITTLE);
            to += FLAT_SUMS;
            blockTables += 128;
            code += skip;
        }
    }

    /**
     * Sums the sections of a block, low and high nibbles apart: at most 8 lookups a plane of at most 4 planes, sums of at most
     * 15 * 8 * 255 = 30600. Each sum begins at minus {@code bias}.
     */
    static void sections(long p, int sections, int planes, int planeBytes, int bias, long tables, long sums) {
        // the bias in each byte sum, once as 16-bit pairs, once as the shifted form
        ShortVector aBias = IntVector.broadcast(INTS, -bias * 257 & 0xffff | -bias * 257 << 16).reinterpretAsShorts();
        ShortVector sBias = IntVector.broadcast(INTS, -bias * 257 & 0xffff | -bias << 16).reinterpretAsShorts();
        long code = p;
        long sectionTables = tables;
        long to = sums;
        long last = sums + (long) sections * SECTION_SUMS;
        do {
            ShortVector a0 = aBias;
            ShortVector s0 = sBias;
            ShortVector a1 = aBias;
            ShortVector s1 = sBias;
            ShortVector c0 = aBias;
            ShortVector d0 = sBias;
            ShortVector c1 = aBias;
            ShortVector d1 = sBias;
            long end = code + (long) planes * planeBytes * TILE;
            while (true) {
                long t = sectionTables;
                long planeEnd = code + (long) planeBytes * TILE;
                do {
                    ByteVector x = ByteVector.fromMemorySegment(BYTES, ALL, code, LITTLE);
                    ByteVector y = ByteVector.fromMemorySegment(BYTES, ALL, code + LANES, LITTLE);
                    ByteVector lows = (ByteVector) ByteVector.fromMemorySegment(BYTES_128, ALL, t, LITTLE)
                            .reinterpretShape(BYTES, 0);
                    ByteVector highs = (ByteVector) ByteVector.fromMemorySegment(BYTES_128, ALL, t + 16, LITTLE)
                            .reinterpretShape(BYTES, 0);
                    ByteVector v = x.and(NIBBLE).selectFrom(lows);
                    ByteVector w = y.and(NIBBLE).selectFrom(lows);
                    ByteVector xh = x.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes().and(NIBBLE).selectFrom(highs);
                    ByteVector yh = y.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes().and(NIBBLE).selectFrom(highs);
                    a0 = a0.add(v.reinterpretAsShorts());
                    s0 = s0.add(v.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts());
                    a1 = a1.add(w.reinterpretAsShorts());
                    s1 = s1.add(w.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts());
                    c0 = c0.add(xh.reinterpretAsShorts());
                    d0 = d0.add(xh.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts());
                    c1 = c1.add(yh.reinterpretAsShorts());
                    d1 = d1.add(yh.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts());
                    code += TILE;
                    t += 32;
                } while (code != planeEnd);
                if (code == end) {
                    break;
                }
                a0 = a0.add(a0);
                s0 = s0.add(s0);
                a1 = a1.add(a1);
                s1 = s1.add(s1);
                c0 = c0.add(c0);
                d0 = d0.add(d0);
                c1 = c1.add(c1);
                d1 = d1.add(d1);
            }
            a0.intoMemorySegment(ALL, to, LITTLE);
            s0.intoMemorySegment(ALL, to + LANES, LITTLE);
            a1.intoMemorySegment(ALL, to + 2 * LANES, LITTLE);
            s1.intoMemorySegment(ALL, to + 3 * LANES, LITTLE);
            c0.intoMemorySegment(ALL, to + 4 * LANES, LITTLE);
            d0.intoMemorySegment(ALL, to + 5 * LANES, LITTLE);
            c1.intoMemorySegment(ALL, to + 6 * LANES, LITTLE);
            d1.intoMemorySegment(ALL, to + 7 * LANES, LITTLE);
            to += SECTION_SUMS;
            sectionTables += 32L * planeBytes;
        } while (to != last);
    }

    /** Sums the lookups of the mins in the high nibbles of 16 sub-block bytes: at most 16 * 255 = 4080. */
    static void nibbleMins(long p, long tables, long sums) {
        ShortVector a0 = ShortVector.zero(SHORTS);
        ShortVector s0 = a0;
        ShortVector a1 = a0;
        ShortVector s1 = a0;
        long sub = p;
        long t = tables;
        long end = p + 16 * TILE;
        do {
            ByteVector x = ByteVector.fromMemorySegment(BYTES, ALL, sub, LITTLE);
            ByteVector y = ByteVector.fromMemorySegment(BYTES, ALL, sub + LANES, LITTLE);
            ByteVector min = (ByteVector) ByteVector.fromMemorySegment(BYTES_128, ALL, t, LITTLE).reinterpretShape(BYTES, 0);
            ByteVector v = x.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes().and(NIBBLE).selectFrom(min);
            ByteVector w = y.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes().and(NIBBLE).selectFrom(min);
            a0 = a0.add(v.reinterpretAsShorts());
            s0 = s0.add(v.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts());
            a1 = a1.add(w.reinterpretAsShorts());
            s1 = s1.add(w.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts());
            sub += TILE;
            t += 16;
        } while (sub != end);
        a0.intoMemorySegment(ALL, sums, LITTLE);
        s0.intoMemorySegment(ALL, sums + LANES, LITTLE);
        a1.intoMemorySegment(ALL, sums + 2 * LANES, LITTLE);
        s1.intoMemorySegment(ALL, sums + 3 * LANES, LITTLE);
    }
}
