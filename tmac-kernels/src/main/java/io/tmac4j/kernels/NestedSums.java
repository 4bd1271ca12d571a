package io.tmac4j.kernels;

import static io.tmac4j.kernels.GemmKernels.ADDRESS;
import static io.tmac4j.kernels.GemmKernels.OFFSET;
import static io.tmac4j.kernels.Species.BYTES;
import static io.tmac4j.kernels.Species.INTS;
import static jdk.incubator.vector.VectorOperators.LSHR;

import io.tmac4j.bindings.spi.OffHeap;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * First stage of an mpGEMV of looked-up weights whose sub-blocks of 16 have scales of their own: the sums of each sub-block, for
 * {@link NestedScales}: {@code a}, of 16-bit numbers of two bytes each, and {@code s}, of their upper bytes.
 *
 * <p>Two bits of a weight are looked up in pairs. A third one is looked up for four weights at a time, in tables of its own that
 * come first in a sub-block; their entries are of steps twice as great, and so their sums are doubled.
 *
 * <p>Each method works on one tile at a time, with few vectors alive: with four tiles at once C2 stores and loads more
 * than it saves. The shape of these methods is C2's wish, see {@link WordSums}.
 */
final class NestedSums {

    /** Sub-blocks of a block. */
    static final int SUB_BLOCKS = 16;

    /** Weights of a sub-block, and its tables of two weights each. */
    static final int SUB_WEIGHTS = 16;
    static final int PAIR_TABLES = SUB_WEIGHTS / 2;

    /** Tables of the third bit of a sub-block, of four weights each. */
    static final int HIGH_TABLES = SUB_WEIGHTS / 4;

    /** Tables of a sub-block of three bits. */
    static final int THREE_BIT_TABLES = HIGH_TABLES + PAIR_TABLES;

    /** Code bytes of a sub-block of two bits, and of three. */
    private static final int TWO_BIT_BYTES = PAIR_TABLES / 2;
    private static final int THREE_BIT_BYTES = THREE_BIT_TABLES / 2;

    private static final MemorySegment ALL = OffHeap.ALL;
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;
    private static final int ENTRIES = LookupTables.TABLE_BYTES;

    /** A table as it is loaded, and what masks a code, as in {@link LookupKernels}. */
    private static final VectorSpecies<Byte> TABLE = LookupKernels.TABLE;
    private static final byte NIBBLE = LookupKernels.NIBBLE;

    /** Whether an index needs a mask, of vectors with more than two tables' entries. */
    private static final boolean MASKS = NIBBLE != -1;

    /** Rows of a tile, of a vector, and vectors a tile. */
    private static final int ROWS = LookupMatrix.TILE_ROWS;
    private static final int SUM_ROWS = Species.LANES;
    private static final int VECTORS = ROWS / SUM_ROWS;

    private static final int VECTOR_SHIFT = Integer.numberOfTrailingZeros(VECTORS);

    /** Sub-blocks of a tile before it is the next one's turn: few, so that all four are fetched ahead. */
    private static final int TURN_SUBS = 4;
    private static final int TURNS = SUB_BLOCKS / TURN_SUBS * PackedMatrix.TILES;

    /** Bytes of the sums of a block of a tile. */
    static final int TILE_SUMS = 2 * SUB_BLOCKS * ROWS;

    private static final int LOW_HALF = 0xffff;

    private NestedSums() {
    }

    /**
     * Sums of the sub-blocks of a block of four tiles, which take turns: they are four streams of memory, see {@link WordSums}.
     *
     * @param codes  first code byte of the block in the first tile
     * @param tiles  four longs: bytes from there to the same in each tile, 0 for the first
     * @param tables tables of the block
     * @param starts what {@code a} and {@code s} begin with, two ints a sub-block, see {@link #starts}
     * @param target where {@code a} of the first tile goes, and {@code s} {@link LookupMatrix#TILE_ROWS} bytes behind; then
     *               those of the next sub-block, and {@link #TILE_SUMS} bytes behind those of the next tile
     */
    static void twoBits(long codes, long tiles, long tables, long starts, long target) {
        ByteVector nibbles = ByteVector.broadcast(BYTES, NIBBLE);
        int eight = Unfolded.number(Byte.SIZE);
        for (int turn = 0; turn < TURNS; turn++) {
            int tile = turn & PackedMatrix.TILES - 1;
            int firstSub = turn / PackedMatrix.TILES * TURN_SUBS;
            long first = codes + (long) firstSub * TWO_BIT_BYTES * ROWS
                    + ALL.get(Memory.LONG, (tiles & ADDRESS) + (8L * tile & OFFSET));
            long firstTable = tables + (long) firstSub * PAIR_TABLES * ENTRIES;
            long firstStart = starts + 8L * firstSub;
            long firstTarget = target + (long) tile * TILE_SUMS + 2L * firstSub * ROWS;
            for (int i = 0; i < TURN_SUBS * VECTORS; i++) {
                int sub = i >> VECTOR_SHIFT;
                int row = (i & VECTORS - 1) * SUM_ROWS;
                long p = (first & ADDRESS) + ((long) sub * TWO_BIT_BYTES * ROWS + row & OFFSET);
                long t = (firstTable & ADDRESS) + ((long) sub * PAIR_TABLES * ENTRIES & OFFSET);
                long start = (firstStart & ADDRESS) + (8L * sub & OFFSET);
                long to = (firstTarget & ADDRESS) + (2L * sub * ROWS + row & OFFSET);
                ShortVector a = IntVector.broadcast(INTS, ALL.get(Memory.INT, start)).reinterpretAsShorts();
                ShortVector s = IntVector.broadcast(INTS, ALL.get(Memory.INT, start + 4)).reinterpretAsShorts();
                ByteVector t0 = (ByteVector) ByteVector.fromMemorySegment(TABLE, ALL, t, LITTLE)
                        .reinterpretShape(BYTES, 0);
                ByteVector u0 = (ByteVector) ByteVector.fromMemorySegment(TABLE, ALL, t + ENTRIES, LITTLE)
                        .reinterpretShape(BYTES, 0);
                ByteVector t1 = (ByteVector) ByteVector.fromMemorySegment(TABLE, ALL, t + 2 * ENTRIES, LITTLE)
                        .reinterpretShape(BYTES, 0);
                ByteVector u1 = (ByteVector) ByteVector.fromMemorySegment(TABLE, ALL, t + 3 * ENTRIES, LITTLE)
                        .reinterpretShape(BYTES, 0);
                ByteVector t2 = (ByteVector) ByteVector.fromMemorySegment(TABLE, ALL, t + 4 * ENTRIES, LITTLE)
                        .reinterpretShape(BYTES, 0);
                ByteVector u2 = (ByteVector) ByteVector.fromMemorySegment(TABLE, ALL, t + 5 * ENTRIES, LITTLE)
                        .reinterpretShape(BYTES, 0);
                ByteVector t3 = (ByteVector) ByteVector.fromMemorySegment(TABLE, ALL, t + 6 * ENTRIES, LITTLE)
                        .reinterpretShape(BYTES, 0);
                ByteVector u3 = (ByteVector) ByteVector.fromMemorySegment(TABLE, ALL, t + 7 * ENTRIES, LITTLE)
                        .reinterpretShape(BYTES, 0);
                ByteVector x0 = ByteVector.fromMemorySegment(BYTES, ALL, p, LITTLE);
                ShortVector v0 = x0.and(nibbles).selectFrom(t0).reinterpretAsShorts();
                ShortVector w0 = x0.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes().and(nibbles).selectFrom(u0)
                        .reinterpretAsShorts();
                a = v0.add(w0).add(a);
                s = v0.lanewise(LSHR, eight).add(w0.lanewise(LSHR, eight)).add(s);
                ByteVector x1 = ByteVector.fromMemorySegment(BYTES, ALL, p + ROWS, LITTLE);
                ShortVector v1 = x1.and(nibbles).selectFrom(t1).reinterpretAsShorts();
                ShortVector w1 = x1.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes().and(nibbles).selectFrom(u1)
                        .reinterpretAsShorts();
                a = v1.add(w1).add(a);
                s = v1.lanewise(LSHR, eight).add(w1.lanewise(LSHR, eight)).add(s);
                ByteVector x2 = ByteVector.fromMemorySegment(BYTES, ALL, p + 2 * ROWS, LITTLE);
                ShortVector v2 = x2.and(nibbles).selectFrom(t2).reinterpretAsShorts();
                ShortVector w2 = x2.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes().and(nibbles).selectFrom(u2)
                        .reinterpretAsShorts();
                a = v2.add(w2).add(a);
                s = v2.lanewise(LSHR, eight).add(w2.lanewise(LSHR, eight)).add(s);
                ByteVector x3 = ByteVector.fromMemorySegment(BYTES, ALL, p + 3 * ROWS, LITTLE);
                ShortVector v3 = x3.and(nibbles).selectFrom(t3).reinterpretAsShorts();
                ShortVector w3 = x3.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes().and(nibbles).selectFrom(u3)
                        .reinterpretAsShorts();
                a = v3.add(w3).add(a);
                s = v3.lanewise(LSHR, eight).add(w3.lanewise(LSHR, eight)).add(s);
                a.intoMemorySegment(ALL, to, LITTLE);
                s.intoMemorySegment(ALL, to + ROWS, LITTLE);
            }
        }
    }

    /**
     * The same for three bits: the tables of the third bit of a sub-block come before those of the other two. Whole vectors are
     * loaded of the tables, and indices masked only where it matters: with more to inline C2 made objects of the last sums when a
     * prompt had been processed before.
     */
    static void threeBits(long codes, long tiles, long tables, long starts, long target) {
        ByteVector nibbles = ByteVector.broadcast(BYTES, NIBBLE);
        for (int turn = 0; turn < TURNS; turn++) {
            int tile = turn & PackedMatrix.TILES - 1;
            int firstSub = turn / PackedMatrix.TILES * TURN_SUBS;
            long first = codes + (long) firstSub * THREE_BIT_BYTES * ROWS
                    + ALL.get(Memory.LONG, (tiles & ADDRESS) + (8L * tile & OFFSET));
            long firstTable = tables + (long) firstSub * THREE_BIT_TABLES * ENTRIES;
            long firstStart = starts + 8L * firstSub;
            long firstTarget = target + (long) tile * TILE_SUMS + 2L * firstSub * ROWS;
            for (int i = 0; i < TURN_SUBS * VECTORS; i++) {
                int sub = i >> VECTOR_SHIFT;
                int row = (i & VECTORS - 1) * SUM_ROWS;
                long p = (first & ADDRESS) + ((long) sub * THREE_BIT_BYTES * ROWS + row & OFFSET);
                long t = (firstTable & ADDRESS) + ((long) sub * THREE_BIT_TABLES * ENTRIES & OFFSET);
                long start = (firstStart & ADDRESS) + (8L * sub & OFFSET);
                long to = (firstTarget & ADDRESS) + (2L * sub * ROWS + row & OFFSET);
                ByteVector t0 = ByteVector.fromMemorySegment(BYTES, ALL, t, LITTLE);
                ByteVector u0 = ByteVector.fromMemorySegment(BYTES, ALL, t + ENTRIES, LITTLE);
                ByteVector t1 = ByteVector.fromMemorySegment(BYTES, ALL, t + 2 * ENTRIES, LITTLE);
                ByteVector u1 = ByteVector.fromMemorySegment(BYTES, ALL, t + 3 * ENTRIES, LITTLE);
                ByteVector x0 = ByteVector.fromMemorySegment(BYTES, ALL, p, LITTLE);
                ByteVector y0 = x0.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes();
                ByteVector v0 = (MASKS ? x0.and(nibbles) : x0).selectFrom(t0);
                ByteVector w0 = (MASKS ? y0.and(nibbles) : y0).selectFrom(u0);
                ShortVector a = v0.reinterpretAsShorts().add(w0.reinterpretAsShorts());
                ShortVector s = v0.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()
                        .add(w0.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts());
                ByteVector x1 = ByteVector.fromMemorySegment(BYTES, ALL, p + ROWS, LITTLE);
                ByteVector y1 = x1.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes();
                ByteVector v1 = (MASKS ? x1.and(nibbles) : x1).selectFrom(t1);
                ByteVector w1 = (MASKS ? y1.and(nibbles) : y1).selectFrom(u1);
                a = v1.reinterpretAsShorts().add(w1.reinterpretAsShorts()).add(a);
                s = v1.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()
                        .add(w1.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()).add(s);
                a = a.add(a).add(IntVector.broadcast(INTS, ALL.get(Memory.INT, start)).reinterpretAsShorts());
                s = s.add(s).add(IntVector.broadcast(INTS, ALL.get(Memory.INT, start + 4)).reinterpretAsShorts());
                ByteVector t2 = ByteVector.fromMemorySegment(BYTES, ALL, t + 4 * ENTRIES, LITTLE);
                ByteVector u2 = ByteVector.fromMemorySegment(BYTES, ALL, t + 5 * ENTRIES, LITTLE);
                ByteVector t3 = ByteVector.fromMemorySegment(BYTES, ALL, t + 6 * ENTRIES, LITTLE);
                ByteVector u3 = ByteVector.fromMemorySegment(BYTES, ALL, t + 7 * ENTRIES, LITTLE);
                ByteVector t4 = ByteVector.fromMemorySegment(BYTES, ALL, t + 8 * ENTRIES, LITTLE);
                ByteVector u4 = ByteVector.fromMemorySegment(BYTES, ALL, t + 9 * ENTRIES, LITTLE);
                ByteVector t5 = ByteVector.fromMemorySegment(BYTES, ALL, t + 10 * ENTRIES, LITTLE);
                ByteVector u5 = ByteVector.fromMemorySegment(BYTES, ALL, t + 11 * ENTRIES, LITTLE);
                ByteVector x2 = ByteVector.fromMemorySegment(BYTES, ALL, p + 2 * ROWS, LITTLE);
                ByteVector y2 = x2.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes();
                ByteVector v2 = (MASKS ? x2.and(nibbles) : x2).selectFrom(t2);
                ByteVector w2 = (MASKS ? y2.and(nibbles) : y2).selectFrom(u2);
                a = v2.reinterpretAsShorts().add(w2.reinterpretAsShorts()).add(a);
                s = v2.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()
                        .add(w2.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()).add(s);
                ByteVector x3 = ByteVector.fromMemorySegment(BYTES, ALL, p + 3 * ROWS, LITTLE);
                ByteVector y3 = x3.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes();
                ByteVector v3 = (MASKS ? x3.and(nibbles) : x3).selectFrom(t3);
                ByteVector w3 = (MASKS ? y3.and(nibbles) : y3).selectFrom(u3);
                a = v3.reinterpretAsShorts().add(w3.reinterpretAsShorts()).add(a);
                s = v3.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()
                        .add(w3.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()).add(s);
                ByteVector x4 = ByteVector.fromMemorySegment(BYTES, ALL, p + 4 * ROWS, LITTLE);
                ByteVector y4 = x4.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes();
                ByteVector v4 = (MASKS ? x4.and(nibbles) : x4).selectFrom(t4);
                ByteVector w4 = (MASKS ? y4.and(nibbles) : y4).selectFrom(u4);
                a = v4.reinterpretAsShorts().add(w4.reinterpretAsShorts()).add(a);
                s = v4.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()
                        .add(w4.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()).add(s);
                ByteVector x5 = ByteVector.fromMemorySegment(BYTES, ALL, p + 5 * ROWS, LITTLE);
                ByteVector y5 = x5.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes();
                ByteVector v5 = (MASKS ? x5.and(nibbles) : x5).selectFrom(t5);
                ByteVector w5 = (MASKS ? y5.and(nibbles) : y5).selectFrom(u5);
                a = v5.reinterpretAsShorts().add(w5.reinterpretAsShorts()).add(a);
                s = v5.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()
                        .add(w5.reinterpretAsInts().lanewise(LSHR, 8).reinterpretAsShorts()).add(s);
                a.intoMemorySegment(ALL, to, LITTLE);
                s.intoMemorySegment(ALL, to + ROWS, LITTLE);
            }
        }
    }

    /**
     * Stores what {@code a} and {@code s} begin with, for all sums of bytes to come out {@code offset} greater: an int of
     * each, with the 16 bits of two pairs of rows.
     *
     * @param ints whether {@code s} adds up bytes that were shifted as ints, as in {@link LookupKernels}: its low halves then
     *             also have 256 times the sum of the next even byte
     */
    static void starts(int offset, boolean ints, long to) {
        int both = 257 * offset & LOW_HALF;
        Memory.i32(to, both << 16 | both);
        Memory.i32(to + 4, offset << 16 | (ints ? both : offset & LOW_HALF));
    }
}
