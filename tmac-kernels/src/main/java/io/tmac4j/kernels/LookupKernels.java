package io.tmac4j.kernels;

import static io.tmac4j.kernels.GemmKernels.ADDRESS;
import static io.tmac4j.kernels.GemmKernels.OFFSET;
import static io.tmac4j.kernels.Species.BYTES;
import static io.tmac4j.kernels.Species.BYTES_128;
import static io.tmac4j.kernels.Species.BYTES_256;
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
import jdk.incubator.vector.VectorSpecies;

/**
 * First stage of an mpGEMV: looks up the codes of four tiles, so that one load of each table serves all of them, and leaves sums
 * of bytes in a few kilobytes of scratch memory (arXiv 2407.00088, by byte shuffles). The four tiles are four streams of memory,
 * as in {@link WordSums}. A tile has {@link LookupMatrix#VECTORS} vectors of rows, which are taken one after the other: the later
 * ones come from the first-level cache.
 *
 * <p>Bytes are summed without widening: {@code a} sums them as 16-bit pairs, {@code s} sums the same shifted right by 8 as ints.
 * With b0 to b3 the sums of the bytes of an int lane, all modulo 2^16, {@code a} holds b0 + 256 b1 and b2 + 256 b3, and
 * {@code s} holds b1 + 256 b2 and b3: exact as long as each sum is below 2^16.
 *
 * <p>The shape of these methods is C2's wish, see {@link WordSums}.
 */
final class LookupKernels {

    private static final MemorySegment ALL = OffHeap.ALL;
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;

    /** Masks a code to a nibble; C2 does so for a shuffle of 16 bytes, and {@link LookupTables#TABLE_BYTES} serves one of 32. */
    static final byte NIBBLE = (byte) (LANES <= 32 ? -1 : 15);

    /** A table as it is loaded. */
    static final VectorSpecies<Byte> TABLE = LANES == 32 ? BYTES : BYTES_128;

    /** A table of triples as it is loaded, and what masks a code to their five bits; C2 does so for a shuffle of 32 bytes. */
    private static final VectorSpecies<Byte> TRIPLES = LANES == 32 ? BYTES : BYTES_256;
    private static final byte FIVE_BITS = (byte) (LANES <= 32 ? -1 : 31);

    private static final int VECTORS = LookupMatrix.VECTORS;

    /** Rows a tile, the distance of code bytes. */
    private static final int TILE_ROWS = VECTORS * LANES;

    /** Bytes that a block leaves for a vector of rows: {@code a} and {@code s} of four tiles. */
    static final int SUMS = 2 * PackedMatrix.TILES * LANES;

    private LookupKernels() {
    }

    /**
     * Sums {@code blocks} blocks: at most 128 lookups, sums of at most 128 * 255 = 32640.
     *
     * @param codes      first code byte of the first tile
     * @param next1      bytes from it to the first code byte of the second tile, which stands behind
     * @param next2      the same for the third
     * @param next3      the same for the fourth
     * @param blockBytes distance of blocks
     * @param tables     tables of the first block
     * @param tableBytes distance of the tables of blocks
     * @param target     where the sums go, {@link #SUMS} bytes a vector of rows, the vectors of a block together
     */
    static void sums(long codes, long next1, long next2, long next3, int blocks, int codeBytes, int blockBytes, long tables,
            int tableBytes, long target) {
        ShortVector zero = ShortVector.zero(SHORTS);
        ByteVector nibbles = ByteVector.broadcast(BYTES, NIBBLE);
        long d1 = next1 & OFFSET;
        long d2 = next2 & OFFSET;
        long d3 = next3 & OFFSET;
        for (int vector = 0; vector < blocks * VECTORS; vector++) {
            int block = vector / VECTORS;
            long p = codes + (long) block * blockBytes + (vector % VECTORS * LANES);
            long t = tables + (long) block * tableBytes;
            ShortVector a0 = zero;
            ShortVector a1 = zero;
            ShortVector a2 = zero;
            ShortVector a3 = zero;
            ShortVector s0 = zero;
            ShortVector s1 = zero;
            ShortVector s2 = zero;
            ShortVector s3 = zero;
            for (int i = 0; i < codeBytes; i++) {
                long at = (p & ADDRESS) + ((long) i * TILE_ROWS & OFFSET);
                long table = (t & ADDRESS) + (2L * LookupTables.TABLE_BYTES * i & OFFSET);
                ByteVector lows = (ByteVector) ByteVector.fromMemorySegment(TABLE, ALL, table, LITTLE)
                        .reinterpretShape(BYTES, 0);
                ByteVector highs = (ByteVector) ByteVector.fromMemorySegment(TABLE, ALL, table + LookupTables.TABLE_BYTES, LITTLE)
                        .reinterpretShape(BYTES, 0);
                ByteVector x0 = ByteVector.fromMemorySegment(BYTES, ALL, at, LITTLE);
                ByteVector v0 = x0.and(nibbles).selectFrom(lows);
                ByteVector w0 = x0.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes().and(nibbles).selectFrom(highs);
                a0 = v0.reinterpretAsShorts().add(w0.reinterpretAsShorts()).add(a0);
                s0 = v0.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()
                        .add(w0.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()).add(s0);
                ByteVector x1 = ByteVector.fromMemorySegment(BYTES, ALL, at + d1, LITTLE);
                ByteVector v1 = x1.and(nibbles).selectFrom(lows);
                ByteVector w1 = x1.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes().and(nibbles).selectFrom(highs);
                a1 = v1.reinterpretAsShorts().add(w1.reinterpretAsShorts()).add(a1);
                s1 = v1.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()
                        .add(w1.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()).add(s1);
                ByteVector x2 = ByteVector.fromMemorySegment(BYTES, ALL, at + d2, LITTLE);
                ByteVector v2 = x2.and(nibbles).selectFrom(lows);
                ByteVector w2 = x2.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes().and(nibbles).selectFrom(highs);
                a2 = v2.reinterpretAsShorts().add(w2.reinterpretAsShorts()).add(a2);
                s2 = v2.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()
                        .add(w2.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()).add(s2);
                ByteVector x3 = ByteVector.fromMemorySegment(BYTES, ALL, at + d3, LITTLE);
                ByteVector v3 = x3.and(nibbles).selectFrom(lows);
                ByteVector w3 = x3.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes().and(nibbles).selectFrom(highs);
                a3 = v3.reinterpretAsShorts().add(w3.reinterpretAsShorts()).add(a3);
                s3 = v3.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()
                        .add(w3.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()).add(s3);
            }
            long to = (target & ADDRESS) + ((long) vector * SUMS & OFFSET);
            zero.add(a0).intoMemorySegment(ALL, to, LITTLE);
            zero.add(s0).intoMemorySegment(ALL, to + LANES, LITTLE);
            zero.add(a1).intoMemorySegment(ALL, to + 2 * LANES, LITTLE);
            zero.add(s1).intoMemorySegment(ALL, to + 3 * LANES, LITTLE);
            zero.add(a2).intoMemorySegment(ALL, to + 4 * LANES, LITTLE);
            zero.add(s2).intoMemorySegment(ALL, to + 5 * LANES, LITTLE);
            zero.add(a3).intoMemorySegment(ALL, to + 6 * LANES, LITTLE);
            zero.add(s3).intoMemorySegment(ALL, to + 7 * LANES, LITTLE);
        }
    }

    /**
     * The same for entries of at most 127, of which the two of a code byte are added as bytes. Tables of blocks are back to back.
     */
    static void pairSums(long codes, long next1, long next2, long next3, int blocks, int codeBytes, int blockBytes, long tables,
            long target) {
        ShortVector zero = ShortVector.zero(SHORTS);
        ByteVector nibbles = ByteVector.broadcast(BYTES, NIBBLE);
        long d1 = next1 & OFFSET;
        long d2 = next2 & OFFSET;
        long d3 = next3 & OFFSET;
        for (int vector = 0; vector < blocks * VECTORS; vector++) {
            int block = vector / VECTORS;
            long p = codes + (long) block * blockBytes + (vector % VECTORS * LANES);
            long t = tables + 2L * LookupTables.TABLE_BYTES * block * codeBytes;
            ShortVector a0 = zero;
            ShortVector a1 = zero;
            ShortVector a2 = zero;
            ShortVector a3 = zero;
            ShortVector s0 = zero;
            ShortVector s1 = zero;
            ShortVector s2 = zero;
            ShortVector s3 = zero;
            for (int i = 0; i < codeBytes; i++) {
                long at = (p & ADDRESS) + ((long) i * TILE_ROWS & OFFSET);
                long table = (t & ADDRESS) + (2L * LookupTables.TABLE_BYTES * i & OFFSET);
                ByteVector lows = (ByteVector) ByteVector.fromMemorySegment(TABLE, ALL, table, LITTLE)
                        .reinterpretShape(BYTES, 0);
                ByteVector highs = (ByteVector) ByteVector.fromMemorySegment(TABLE, ALL, table + LookupTables.TABLE_BYTES, LITTLE)
                        .reinterpretShape(BYTES, 0);
                ByteVector x0 = ByteVector.fromMemorySegment(BYTES, ALL, at, LITTLE);
                ByteVector v0 = x0.and(nibbles).selectFrom(lows);
                ByteVector w0 = x0.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes().and(nibbles).selectFrom(highs);
                ByteVector u0 = v0.add(w0);
                a0 = u0.reinterpretAsShorts().add(a0);
                s0 = u0.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts().add(s0);
                ByteVector x1 = ByteVector.fromMemorySegment(BYTES, ALL, at + d1, LITTLE);
                ByteVector v1 = x1.and(nibbles).selectFrom(lows);
                ByteVector w1 = x1.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes().and(nibbles).selectFrom(highs);
                ByteVector u1 = v1.add(w1);
                a1 = u1.reinterpretAsShorts().add(a1);
                s1 = u1.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts().add(s1);
                ByteVector x2 = ByteVector.fromMemorySegment(BYTES, ALL, at + d2, LITTLE);
                ByteVector v2 = x2.and(nibbles).selectFrom(lows);
                ByteVector w2 = x2.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes().and(nibbles).selectFrom(highs);
                ByteVector u2 = v2.add(w2);
                a2 = u2.reinterpretAsShorts().add(a2);
                s2 = u2.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts().add(s2);
                ByteVector x3 = ByteVector.fromMemorySegment(BYTES, ALL, at + d3, LITTLE);
                ByteVector v3 = x3.and(nibbles).selectFrom(lows);
                ByteVector w3 = x3.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes().and(nibbles).selectFrom(highs);
                ByteVector u3 = v3.add(w3);
                a3 = u3.reinterpretAsShorts().add(a3);
                s3 = u3.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts().add(s3);
            }
            long to = (target & ADDRESS) + ((long) vector * SUMS & OFFSET);
            zero.add(a0).intoMemorySegment(ALL, to, LITTLE);
            zero.add(s0).intoMemorySegment(ALL, to + LANES, LITTLE);
            zero.add(a1).intoMemorySegment(ALL, to + 2 * LANES, LITTLE);
            zero.add(s1).intoMemorySegment(ALL, to + 3 * LANES, LITTLE);
            zero.add(a2).intoMemorySegment(ALL, to + 4 * LANES, LITTLE);
            zero.add(s2).intoMemorySegment(ALL, to + 5 * LANES, LITTLE);
            zero.add(a3).intoMemorySegment(ALL, to + 6 * LANES, LITTLE);
            zero.add(s3).intoMemorySegment(ALL, to + 7 * LANES, LITTLE);
        }
    }

    /** The same for the units of {@link Triples}: with {@link #lastTriples} a block has 88 lookups, of at most 255. */
    static void tripleSums(long codes, long next1, long next2, long next3, int blocks, int blockBytes, long tables,
            long target) {
        ShortVector zero = ShortVector.zero(SHORTS);
        ByteVector fiveBits = ByteVector.broadcast(BYTES, FIVE_BITS);
        IntVector lowThree = IntVector.broadcast(INTS, 0x07070707);
        IntVector highTwo = IntVector.broadcast(INTS, 0x18181818);
        long d1 = next1 & OFFSET;
        long d2 = next2 & OFFSET;
        long d3 = next3 & OFFSET;
        for (int vector = 0; vector < blocks * VECTORS; vector++) {
            int block = vector / VECTORS;
            long p = codes + (long) block * blockBytes + (vector % VECTORS * LANES);
            long t = tables + (long) block * Triples.TABLES * Triples.TABLE_BYTES;
            long to = (target & ADDRESS) + ((long) vector * SUMS & OFFSET);
            ShortVector a0 = zero;
            ShortVector s0 = zero;
            ShortVector a1 = zero;
            ShortVector s1 = zero;
            ShortVector a2 = zero;
            ShortVector s2 = zero;
            ShortVector a3 = zero;
            ShortVector s3 = zero;
            for (int i = 0; i < Triples.UNITS; i++) {
                long at = (p & ADDRESS) + ((long) i * Triples.UNIT_BYTES * TILE_ROWS & OFFSET);
                long table = (t & ADDRESS) + (4L * Triples.TABLE_BYTES * i & OFFSET);
                ByteVector first = (ByteVector) ByteVector.fromMemorySegment(TRIPLES, ALL, table, LITTLE)
                        .reinterpretShape(BYTES, 0);
                ByteVector second = (ByteVector) ByteVector
                        .fromMemorySegment(TRIPLES, ALL, table + Triples.TABLE_BYTES, LITTLE).reinterpretShape(BYTES, 0);
                ByteVector third = (ByteVector) ByteVector
                        .fromMemorySegment(TRIPLES, ALL, table + 2 * Triples.TABLE_BYTES, LITTLE).reinterpretShape(BYTES, 0);
                ByteVector fourth = (ByteVector) ByteVector
                        .fromMemorySegment(TRIPLES, ALL, table + 3 * Triples.TABLE_BYTES, LITTLE).reinterpretShape(BYTES, 0);
                ByteVector x0 = ByteVector.fromMemorySegment(BYTES, ALL, at, LITTLE);
                ByteVector y0 = ByteVector.fromMemorySegment(BYTES, ALL, at + TILE_ROWS, LITTLE);
                ByteVector v0 = x0.and(fiveBits).selectFrom(first);
                ByteVector w0 = y0.and(fiveBits).selectFrom(second);
                a0 = v0.reinterpretAsShorts().add(w0.reinterpretAsShorts()).add(a0);
                s0 = v0.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()
                        .add(w0.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()).add(s0);
                v0 = ByteVector.fromMemorySegment(BYTES, ALL, at + 2 * TILE_ROWS, LITTLE).and(fiveBits)
                        .selectFrom(third);
                w0 = x0.reinterpretAsInts().lanewise(LSHR, 5).and(lowThree)
                        .or(y0.reinterpretAsInts().lanewise(LSHR, 2).and(highTwo)).reinterpretAsBytes()
                        .selectFrom(fourth);
                a0 = v0.reinterpretAsShorts().add(w0.reinterpretAsShorts()).add(a0);
                s0 = v0.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()
                        .add(w0.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()).add(s0);
                ByteVector x1 = ByteVector.fromMemorySegment(BYTES, ALL, at + d1, LITTLE);
                ByteVector y1 = ByteVector.fromMemorySegment(BYTES, ALL, at + d1 + TILE_ROWS, LITTLE);
                ByteVector v1 = x1.and(fiveBits).selectFrom(first);
                ByteVector w1 = y1.and(fiveBits).selectFrom(second);
                a1 = v1.reinterpretAsShorts().add(w1.reinterpretAsShorts()).add(a1);
                s1 = v1.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()
                        .add(w1.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()).add(s1);
                v1 = ByteVector.fromMemorySegment(BYTES, ALL, at + d1 + 2 * TILE_ROWS, LITTLE).and(fiveBits)
                        .selectFrom(third);
                w1 = x1.reinterpretAsInts().lanewise(LSHR, 5).and(lowThree)
                        .or(y1.reinterpretAsInts().lanewise(LSHR, 2).and(highTwo)).reinterpretAsBytes()
                        .selectFrom(fourth);
                a1 = v1.reinterpretAsShorts().add(w1.reinterpretAsShorts()).add(a1);
                s1 = v1.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()
                        .add(w1.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()).add(s1);
                ByteVector x2 = ByteVector.fromMemorySegment(BYTES, ALL, at + d2, LITTLE);
                ByteVector y2 = ByteVector.fromMemorySegment(BYTES, ALL, at + d2 + TILE_ROWS, LITTLE);
                ByteVector v2 = x2.and(fiveBits).selectFrom(first);
                ByteVector w2 = y2.and(fiveBits).selectFrom(second);
                a2 = v2.reinterpretAsShorts().add(w2.reinterpretAsShorts()).add(a2);
                s2 = v2.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()
                        .add(w2.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()).add(s2);
                v2 = ByteVector.fromMemorySegment(BYTES, ALL, at + d2 + 2 * TILE_ROWS, LITTLE).and(fiveBits)
                        .selectFrom(third);
                w2 = x2.reinterpretAsInts().lanewise(LSHR, 5).and(lowThree)
                        .or(y2.reinterpretAsInts().lanewise(LSHR, 2).and(highTwo)).reinterpretAsBytes()
                        .selectFrom(fourth);
                a2 = v2.reinterpretAsShorts().add(w2.reinterpretAsShorts()).add(a2);
                s2 = v2.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()
                        .add(w2.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()).add(s2);
                ByteVector x3 = ByteVector.fromMemorySegment(BYTES, ALL, at + d3, LITTLE);
                ByteVector y3 = ByteVector.fromMemorySegment(BYTES, ALL, at + d3 + TILE_ROWS, LITTLE);
                ByteVector v3 = x3.and(fiveBits).selectFrom(first);
                ByteVector w3 = y3.and(fiveBits).selectFrom(second);
                a3 = v3.reinterpretAsShorts().add(w3.reinterpretAsShorts()).add(a3);
                s3 = v3.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()
                        .add(w3.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()).add(s3);
                v3 = ByteVector.fromMemorySegment(BYTES, ALL, at + d3 + 2 * TILE_ROWS, LITTLE).and(fiveBits)
                        .selectFrom(third);
                w3 = x3.reinterpretAsInts().lanewise(LSHR, 5).and(lowThree)
                        .or(y3.reinterpretAsInts().lanewise(LSHR, 2).and(highTwo)).reinterpretAsBytes()
                        .selectFrom(fourth);
                a3 = v3.reinterpretAsShorts().add(w3.reinterpretAsShorts()).add(a3);
                s3 = v3.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()
                        .add(w3.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()).add(s3);
            }
            zero.add(a0).intoMemorySegment(ALL, to, LITTLE);
            zero.add(s0).intoMemorySegment(ALL, to + LANES, LITTLE);
            zero.add(a1).intoMemorySegment(ALL, to + 2 * LANES, LITTLE);
            zero.add(s1).intoMemorySegment(ALL, to + 3 * LANES, LITTLE);
            zero.add(a2).intoMemorySegment(ALL, to + 4 * LANES, LITTLE);
            zero.add(s2).intoMemorySegment(ALL, to + 5 * LANES, LITTLE);
            zero.add(a3).intoMemorySegment(ALL, to + 6 * LANES, LITTLE);
            zero.add(s3).intoMemorySegment(ALL, to + 7 * LANES, LITTLE);
        }
    }

    /** Adds the last code bytes of the steps to sums of units: a method of its own, for C2 compiles none with all of them. */
    static void lastTriples(long codes, long next1, long next2, long next3, int blocks, int blockBytes, long tables,
            long target) {
        ShortVector zero = ShortVector.zero(SHORTS);
        ByteVector fiveBits = ByteVector.broadcast(BYTES, FIVE_BITS);
        long d1 = next1 & OFFSET;
        long d2 = next2 & OFFSET;
        long d3 = next3 & OFFSET;
        for (int vector = 0; vector < blocks * VECTORS; vector++) {
            int block = vector / VECTORS;
            long p = codes + (long) block * blockBytes + (vector % VECTORS * LANES);
            long t = tables + (long) block * Triples.TABLES * Triples.TABLE_BYTES;
            long to = (target & ADDRESS) + ((long) vector * SUMS & OFFSET);
            ShortVector a0 = ShortVector.fromMemorySegment(SHORTS, ALL, to, LITTLE);
            ShortVector s0 = ShortVector.fromMemorySegment(SHORTS, ALL, to + LANES, LITTLE);
            ShortVector a1 = ShortVector.fromMemorySegment(SHORTS, ALL, to + 2 * LANES, LITTLE);
            ShortVector s1 = ShortVector.fromMemorySegment(SHORTS, ALL, to + 3 * LANES, LITTLE);
            ShortVector a2 = ShortVector.fromMemorySegment(SHORTS, ALL, to + 4 * LANES, LITTLE);
            ShortVector s2 = ShortVector.fromMemorySegment(SHORTS, ALL, to + 5 * LANES, LITTLE);
            ShortVector a3 = ShortVector.fromMemorySegment(SHORTS, ALL, to + 6 * LANES, LITTLE);
            ShortVector s3 = ShortVector.fromMemorySegment(SHORTS, ALL, to + 7 * LANES, LITTLE);
            for (int i = 0; i < Triples.STEPS; i++) {
                long at = (p & ADDRESS) + ((long) (Triples.UNITS * Triples.UNIT_BYTES + i) * TILE_ROWS & OFFSET);
                long table = (t & ADDRESS) + ((long) Triples.TABLE_BYTES * (Triples.UNIT_TABLES + 2 * i) & OFFSET);
                ByteVector first = (ByteVector) ByteVector.fromMemorySegment(TRIPLES, ALL, table, LITTLE)
                        .reinterpretShape(BYTES, 0);
                ByteVector second = (ByteVector) ByteVector
                        .fromMemorySegment(TRIPLES, ALL, table + Triples.TABLE_BYTES, LITTLE).reinterpretShape(BYTES, 0);
                ByteVector x0 = ByteVector.fromMemorySegment(BYTES, ALL, at, LITTLE);
                ByteVector v0 = x0.and(fiveBits).selectFrom(first);
                ByteVector w0 = x0.reinterpretAsInts().lanewise(LSHR, 5).reinterpretAsBytes().and(fiveBits)
                        .selectFrom(second);
                a0 = v0.reinterpretAsShorts().add(w0.reinterpretAsShorts()).add(a0);
                s0 = v0.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()
                        .add(w0.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()).add(s0);
                ByteVector x1 = ByteVector.fromMemorySegment(BYTES, ALL, at + d1, LITTLE);
                ByteVector v1 = x1.and(fiveBits).selectFrom(first);
                ByteVector w1 = x1.reinterpretAsInts().lanewise(LSHR, 5).reinterpretAsBytes().and(fiveBits)
                        .selectFrom(second);
                a1 = v1.reinterpretAsShorts().add(w1.reinterpretAsShorts()).add(a1);
                s1 = v1.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()
                        .add(w1.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()).add(s1);
                ByteVector x2 = ByteVector.fromMemorySegment(BYTES, ALL, at + d2, LITTLE);
                ByteVector v2 = x2.and(fiveBits).selectFrom(first);
                ByteVector w2 = x2.reinterpretAsInts().lanewise(LSHR, 5).reinterpretAsBytes().and(fiveBits)
                        .selectFrom(second);
                a2 = v2.reinterpretAsShorts().add(w2.reinterpretAsShorts()).add(a2);
                s2 = v2.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()
                        .add(w2.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()).add(s2);
                ByteVector x3 = ByteVector.fromMemorySegment(BYTES, ALL, at + d3, LITTLE);
                ByteVector v3 = x3.and(fiveBits).selectFrom(first);
                ByteVector w3 = x3.reinterpretAsInts().lanewise(LSHR, 5).reinterpretAsBytes().and(fiveBits)
                        .selectFrom(second);
                a3 = v3.reinterpretAsShorts().add(w3.reinterpretAsShorts()).add(a3);
                s3 = v3.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()
                        .add(w3.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()).add(s3);
            }
            zero.add(a0).intoMemorySegment(ALL, to, LITTLE);
            zero.add(s0).intoMemorySegment(ALL, to + LANES, LITTLE);
            zero.add(a1).intoMemorySegment(ALL, to + 2 * LANES, LITTLE);
            zero.add(s1).intoMemorySegment(ALL, to + 3 * LANES, LITTLE);
            zero.add(a2).intoMemorySegment(ALL, to + 4 * LANES, LITTLE);
            zero.add(s2).intoMemorySegment(ALL, to + 5 * LANES, LITTLE);
            zero.add(a3).intoMemorySegment(ALL, to + 6 * LANES, LITTLE);
            zero.add(s3).intoMemorySegment(ALL, to + 7 * LANES, LITTLE);
        }
    }
}
