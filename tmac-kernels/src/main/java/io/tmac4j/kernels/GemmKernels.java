package io.tmac4j.kernels;

import static io.tmac4j.kernels.WideSpecies.BYTES;
import static io.tmac4j.kernels.WideSpecies.FLOATS;
import static io.tmac4j.kernels.WideSpecies.INTS;
import static io.tmac4j.kernels.WideSpecies.SHORTS;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import io.tmac4j.bindings.spi.OffHeap;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * mpGEMM kernels. Weights of one plane go by vector lookup tables (arXiv 2512.06443): an entry is a vector over columns, a lookup
 * one load and one 16-bit addition. The index is the same for all columns, so it is a scalar: eight rows' code bytes are one
 * long. Weights of three and four bits are multiplied instead. Both give the same exact 16-bit sums, which become floats by
 * the same methods.
 *
 * <p>Eight rows with one accumulator each were fastest at every vector width (512 bits: 550 GFLOPS for 2-bit weights, 32 columns;
 * four rows 450, one row 310; two vectors an entry 500). A lookup is then a shift, a mask and an addition from memory.
 * Addresses and offsets are masked with {@link #ADDRESS} and {@link #OFFSET}: C2 then knows that they are neither negative nor
 * near the end of {@link OffHeap#ALL} and drops every bounds check, which doubles the speed. Memory is read without helper
 * methods: C2 stops to inline them in methods of this size ({@code NodeCountInliningCutoff}), where the Vector API's own methods
 * are forced in, and vectors that cross a call cost a hundredfold.
 *
 * <p>Codes are read two iterations before they are needed, and addresses go on from iteration to iteration: else each waits
 * for its codes, since a processor has room for few loads that wait (28 on a Zen 1, where this takes a fifth off the loops). C2
 * makes one iteration of two; of one it would make none.
 */
final class GemmKernels {

    /** Rows that are worked on together: the bytes of a long. */
    static final int ROWS = 8;

    /** Bytes of a table. */
    static final long TABLE = 16L * BYTES;

    /** Bytes of a table of three ternary weights: 27 entries, with room for {@link TritOffsets#third}. */
    static final long TRIT_TABLE = 33L * BYTES;

    private static final MemorySegment ALL = OffHeap.ALL;
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;

    /** Any address, and to C2 a number between 0 and 2^62. */
    static final long ADDRESS = (1L << 62) - 1;

    /** Any offset, and to C2 a number that an address can be added to without leaving memory. */
    static final long OFFSET = (1L << 40) - 1;

    /** log2 of the bytes of a table entry. */
    private static final int SHIFT = Integer.numberOfTrailingZeros(BYTES);

    /** Offsets of entries. */
    private static final long ENTRIES = 15L << SHIFT;

    private static final int UPPER_HALF = 0xffff0000;
    private static final int LOWER_HALF = 0xffff;

    /** The upper bytes of both halves of an int. */
    private static final int UPPER_BYTES = 0xff00ff00;

    private GemmKernels() {
    }

    /**
     * Sums by tables whose nibbles count alike, for consecutive parts of the codes of all rows of a tile:
     * {@code sums[row] = sum of lookups}, 16 bits a column.
     *
     * @param tables       first table
     * @param nextTables   bytes from a part's first table to the next part's; 0 if all have the same
     * @param codes        first code byte; two more than all parts have are read
     * @param count        code bytes of a part
     * @param parts        blocks or sub-blocks of a tile, or tiles
     * @param stride       bytes from one code byte of a row to the next; rows of the tile
     * @param quarter      a quarter of the byte lanes of a decode vector: how far apart the rows of neighbouring lanes are
     * @param sums         a vector a row, {@code stride} of them a part
     */
    static void tableSums(long tables, long nextTables, long codes, int count, int parts, int stride, int quarter,
            long sums) {
        ShortVector zero = ShortVector.zero(SHORTS);
        long table = tables & ADDRESS;
        long far = (long) quarter * BYTES & OFFSET;
        for (int lane = 0; lane < stride; lane += ROWS) {
            long code = (codes & ADDRESS) + (lane & OFFSET);
            long first = firstRow(lane, quarter);
            long x1 = ALL.get(Memory.LONG, code);
            long x2 = ALL.get(Memory.LONG, code + stride);
            long from = code + 2L * stride & ADDRESS;
            for (int part = 0; part < parts; part++) {
                long t = table + (part * nextTables & OFFSET);
                ShortVector a0 = zero;
                ShortVector a1 = zero;
                ShortVector a2 = zero;
                ShortVector a3 = zero;
                ShortVector a4 = zero;
                ShortVector a5 = zero;
                ShortVector a6 = zero;
                ShortVector a7 = zero;
                for (int i = 0; i < count; i++) {
                    long x = x1;
                    x1 = x2;
                    x2 = ALL.get(Memory.LONG, from);
                    from = from + stride & ADDRESS;
                    long u = t + TABLE & ADDRESS;
                    a0 = ShortVector.fromMemorySegment(SHORTS, ALL, t + (x << SHIFT & ENTRIES), LITTLE).add(a0);
                    a0 = ShortVector.fromMemorySegment(SHORTS, ALL, u + (x << SHIFT - 4 & ENTRIES), LITTLE).add(a0);
                    a1 = ShortVector.fromMemorySegment(SHORTS, ALL, t + (x >>> 8 - SHIFT & ENTRIES), LITTLE).add(a1);
                    a1 = ShortVector.fromMemorySegment(SHORTS, ALL, u + (x >>> 12 - SHIFT & ENTRIES), LITTLE).add(a1);
                    a2 = ShortVector.fromMemorySegment(SHORTS, ALL, t + (x >>> 16 - SHIFT & ENTRIES), LITTLE).add(a2);
                    a2 = ShortVector.fromMemorySegment(SHORTS, ALL, u + (x >>> 20 - SHIFT & ENTRIES), LITTLE).add(a2);
                    a3 = ShortVector.fromMemorySegment(SHORTS, ALL, t + (x >>> 24 - SHIFT & ENTRIES), LITTLE).add(a3);
                    a3 = ShortVector.fromMemorySegment(SHORTS, ALL, u + (x >>> 28 - SHIFT & ENTRIES), LITTLE).add(a3);
                    a4 = ShortVector.fromMemorySegment(SHORTS, ALL, t + (x >>> 32 - SHIFT & ENTRIES), LITTLE).add(a4);
                    a4 = ShortVector.fromMemorySegment(SHORTS, ALL, u + (x >>> 36 - SHIFT & ENTRIES), LITTLE).add(a4);
                    a5 = ShortVector.fromMemorySegment(SHORTS, ALL, t + (x >>> 40 - SHIFT & ENTRIES), LITTLE).add(a5);
                    a5 = ShortVector.fromMemorySegment(SHORTS, ALL, u + (x >>> 44 - SHIFT & ENTRIES), LITTLE).add(a5);
                    a6 = ShortVector.fromMemorySegment(SHORTS, ALL, t + (x >>> 48 - SHIFT & ENTRIES), LITTLE).add(a6);
                    a6 = ShortVector.fromMemorySegment(SHORTS, ALL, u + (x >>> 52 - SHIFT & ENTRIES), LITTLE).add(a6);
                    a7 = ShortVector.fromMemorySegment(SHORTS, ALL, t + (x >>> 56 - SHIFT & ENTRIES), LITTLE).add(a7);
                    a7 = ShortVector.fromMemorySegment(SHORTS, ALL, u + (x >>> 60 - SHIFT & ENTRIES), LITTLE).add(a7);
                    t = t + 2 * TABLE & ADDRESS;
                }
                long to = (sums & ADDRESS) + ((part * (long) stride + first) * BYTES & OFFSET);
                long next = to + BYTES;
                zero.add(a0).intoMemorySegment(ALL, to, LITTLE);
                zero.add(a1).intoMemorySegment(ALL, to + far, LITTLE);
                zero.add(a2).intoMemorySegment(ALL, to + 2 * far, LITTLE);
                zero.add(a3).intoMemorySegment(ALL, to + 3 * far, LITTLE);
                zero.add(a4).intoMemorySegment(ALL, next, LITTLE);
                zero.add(a5).intoMemorySegment(ALL, next + far, LITTLE);
                zero.add(a6).intoMemorySegment(ALL, next + 2 * far, LITTLE);
                zero.add(a7).intoMemorySegment(ALL, next + 3 * far, LITTLE);
            }
        }
    }

    /**
     * Sums by tables of three ternary weights for {@link Species#LANES} / 2 rows: {@code sums[row] += sum of lookups}, 16 bits a
     * column. An index is no field of the codes here, so {@link TritOffsets} makes offsets of them, by vectors; a third fewer
     * lookups pay for that.
     *
     * @param tables  first table
     * @param offsets bytes from the first table to entries; those of two further tables are read, whatever stands there
     * @param sums    a vector a row: lanes {@code m} and {@code m + 2} belong to neighbouring rows
     * @param apart   bytes from the sum of an even lane to that of the odd one beside it
     */
    static void tritSums(long tables, long offsets, long sums, long apart) {
        ShortVector zero = ShortVector.zero(SHORTS);
        long table = tables & ADDRESS;
        long far = apart & OFFSET;
        for (int lane = 0; lane < Species.LANES / 2; lane += ROWS) {
            long to = (sums & ADDRESS) + ((long) lane / 2 * BYTES & OFFSET);
            long farTo = to + far;
            ShortVector a0 = ShortVector.fromMemorySegment(SHORTS, ALL, to, LITTLE);
            ShortVector a1 = ShortVector.fromMemorySegment(SHORTS, ALL, farTo, LITTLE);
            ShortVector a2 = ShortVector.fromMemorySegment(SHORTS, ALL, to + BYTES, LITTLE);
            ShortVector a3 = ShortVector.fromMemorySegment(SHORTS, ALL, farTo + BYTES, LITTLE);
            ShortVector a4 = ShortVector.fromMemorySegment(SHORTS, ALL, to + 2 * BYTES, LITTLE);
            ShortVector a5 = ShortVector.fromMemorySegment(SHORTS, ALL, farTo + 2 * BYTES, LITTLE);
            ShortVector a6 = ShortVector.fromMemorySegment(SHORTS, ALL, to + 3 * BYTES, LITTLE);
            ShortVector a7 = ShortVector.fromMemorySegment(SHORTS, ALL, farTo + 3 * BYTES, LITTLE);
            long first = offsets + 2L * lane & ADDRESS;
            long x1 = ALL.get(Memory.LONG, first);
            long y1 = ALL.get(Memory.LONG, first + 8);
            long x2 = ALL.get(Memory.LONG, first + Species.LANES);
            long y2 = ALL.get(Memory.LONG, first + Species.LANES + 8);
            for (int i = 0; i < GemmShape.STEP_TRITS; i++) {
                long c = first + ((i + 2L) * Species.LANES & OFFSET);
                long x = x1;
                long y = y1;
                x1 = x2;
                y1 = y2;
                x2 = ALL.get(Memory.LONG, c);
                y2 = ALL.get(Memory.LONG, c + 8);
                a0 = ShortVector.fromMemorySegment(SHORTS, ALL, table + (x & 0xffff), LITTLE).add(a0);
                a1 = ShortVector.fromMemorySegment(SHORTS, ALL, table + (x >>> 16 & 0xffff), LITTLE).add(a1);
                a2 = ShortVector.fromMemorySegment(SHORTS, ALL, table + (x >>> 32 & 0xffff), LITTLE).add(a2);
                a3 = ShortVector.fromMemorySegment(SHORTS, ALL, table + (x >>> 48), LITTLE).add(a3);
                a4 = ShortVector.fromMemorySegment(SHORTS, ALL, table + (y & 0xffff), LITTLE).add(a4);
                a5 = ShortVector.fromMemorySegment(SHORTS, ALL, table + (y >>> 16 & 0xffff), LITTLE).add(a5);
                a6 = ShortVector.fromMemorySegment(SHORTS, ALL, table + (y >>> 32 & 0xffff), LITTLE).add(a6);
                a7 = ShortVector.fromMemorySegment(SHORTS, ALL, table + (y >>> 48), LITTLE).add(a7);
            }
            zero.add(a0).intoMemorySegment(ALL, to, LITTLE);
            zero.add(a1).intoMemorySegment(ALL, farTo, LITTLE);
            zero.add(a2).intoMemorySegment(ALL, to + BYTES, LITTLE);
            zero.add(a3).intoMemorySegment(ALL, farTo + BYTES, LITTLE);
            zero.add(a4).intoMemorySegment(ALL, to + 2 * BYTES, LITTLE);
            zero.add(a5).intoMemorySegment(ALL, farTo + 2 * BYTES, LITTLE);
            zero.add(a6).intoMemorySegment(ALL, to + 3 * BYTES, LITTLE);
            zero.add(a7).intoMemorySegment(ALL, farTo + 3 * BYTES, LITTLE);
        }
    }

    /**
     * Sums by tables with indices in words, eight a word, for all rows of consecutive tiles of words.
     *
     * @param tables    first table; a word uses eight of them, one after another
     * @param codes     the first word in the first tile
     * @param tileBytes bytes of a tile
     * @param rows      rows of all tiles
     * @param words     words that are looked up
     * @param begin     whether sums begin at 0, or go on from what {@code sums} holds
     * @param sums      a vector a row, in order
     */
    static void wordSums(long tables, long codes, long tileBytes, int rows, int words, boolean begin, long sums) {
        for (int row = 0; row < rows; row += ROWS) {
            long code = codes + row / WordLayout.TILE_ROWS * tileBytes + 4L * (row % WordLayout.TILE_ROWS) & ADDRESS;
            // tiles of four rows: the other half of the rows is in the next tile, if there is one
            long apart = WordLayout.TILE_ROWS >= ROWS ? 16 : row + 4 < rows ? tileBytes : 0;
            long to = (sums & ADDRESS) + ((long) row * BYTES & OFFSET);
            if (begin) {
                eightRows(tables, code, apart & OFFSET, words, to);
            } else {
                eightRowsMore(tables, code, apart & OFFSET, words, to);
            }
        }
    }

    /** Eight rows: four at {@code codes}, four {@code apart} bytes further on. */
    private static void eightRows(long tables, long codes, long apart, int words, long sums) {
        ShortVector zero = ShortVector.zero(SHORTS);
        long table = tables & ADDRESS;
        long to = sums & ADDRESS;
        long far = apart & OFFSET;
        ShortVector a0 = ShortVector.zero(SHORTS);
        ShortVector a1 = a0;
        ShortVector a2 = a0;
        ShortVector a3 = a0;
        ShortVector a4 = a0;
        ShortVector a5 = a0;
        ShortVector a6 = a0;
        ShortVector a7 = a0;
        for (int i = 0; i < 4 * words; i++) {
            int shift = (i & 3) * 8;
            long code = (codes & ADDRESS) + ((long) (i >> 2) * BYTES & OFFSET);
            long t = table + (2L * i * TABLE & OFFSET);
            long x = ALL.get(Memory.LONG, code) >>> shift;
            long y = ALL.get(Memory.LONG, code + 8) >>> shift;
            long z = ALL.get(Memory.LONG, code + far) >>> shift;
            long w = ALL.get(Memory.LONG, code + far + 8) >>> shift;
            long u = t + TABLE;
            a0 = ShortVector.fromMemorySegment(SHORTS, ALL, t + (x << SHIFT & ENTRIES), LITTLE).add(a0);
            a0 = ShortVector.fromMemorySegment(SHORTS, ALL, u + (x << SHIFT - 4 & ENTRIES), LITTLE).add(a0);
            a1 = ShortVector.fromMemorySegment(SHORTS, ALL, t + (x >>> 32 - SHIFT & ENTRIES), LITTLE).add(a1);
            a1 = ShortVector.fromMemorySegment(SHORTS, ALL, u + (x >>> 36 - SHIFT & ENTRIES), LITTLE).add(a1);
            a2 = ShortVector.fromMemorySegment(SHORTS, ALL, t + (y << SHIFT & ENTRIES), LITTLE).add(a2);
            a2 = ShortVector.fromMemorySegment(SHORTS, ALL, u + (y << SHIFT - 4 & ENTRIES), LITTLE).add(a2);
            a3 = ShortVector.fromMemorySegment(SHORTS, ALL, t + (y >>> 32 - SHIFT & ENTRIES), LITTLE).add(a3);
            a3 = ShortVector.fromMemorySegment(SHORTS, ALL, u + (y >>> 36 - SHIFT & ENTRIES), LITTLE).add(a3);
            a4 = ShortVector.fromMemorySegment(SHORTS, ALL, t + (z << SHIFT & ENTRIES), LITTLE).add(a4);
            a4 = ShortVector.fromMemorySegment(SHORTS, ALL, u + (z << SHIFT - 4 & ENTRIES), LITTLE).add(a4);
            a5 = ShortVector.fromMemorySegment(SHORTS, ALL, t + (z >>> 32 - SHIFT & ENTRIES), LITTLE).add(a5);
            a5 = ShortVector.fromMemorySegment(SHORTS, ALL, u + (z >>> 36 - SHIFT & ENTRIES), LITTLE).add(a5);
            a6 = ShortVector.fromMemorySegment(SHORTS, ALL, t + (w << SHIFT & ENTRIES), LITTLE).add(a6);
            a6 = ShortVector.fromMemorySegment(SHORTS, ALL, u + (w << SHIFT - 4 & ENTRIES), LITTLE).add(a6);
            a7 = ShortVector.fromMemorySegment(SHORTS, ALL, t + (w >>> 32 - SHIFT & ENTRIES), LITTLE).add(a7);
            a7 = ShortVector.fromMemorySegment(SHORTS, ALL, u + (w >>> 36 - SHIFT & ENTRIES), LITTLE).add(a7);
        }
        zero.add(a0).intoMemorySegment(ALL, to, LITTLE);
        zero.add(a1).intoMemorySegment(ALL, to + BYTES, LITTLE);
        zero.add(a2).intoMemorySegment(ALL, to + 2 * BYTES, LITTLE);
        zero.add(a3).intoMemorySegment(ALL, to + 3 * BYTES, LITTLE);
        zero.add(a4).intoMemorySegment(ALL, to + 4 * BYTES, LITTLE);
        zero.add(a5).intoMemorySegment(ALL, to + 5 * BYTES, LITTLE);
        zero.add(a6).intoMemorySegment(ALL, to + 6 * BYTES, LITTLE);
        zero.add(a7).intoMemorySegment(ALL, to + 7 * BYTES, LITTLE);
    }

    /** The same, added to what {@code sums} holds. */
    private static void eightRowsMore(long tables, long codes, long apart, int words, long sums) {
        ShortVector zero = ShortVector.zero(SHORTS);
        long table = tables & ADDRESS;
        long to = sums & ADDRESS;
        long far = apart & OFFSET;
        ShortVector a0 = ShortVector.fromMemorySegment(SHORTS, ALL, to, LITTLE);
        ShortVector a1 = ShortVector.fromMemorySegment(SHORTS, ALL, to + BYTES, LITTLE);
        ShortVector a2 = ShortVector.fromMemorySegment(SHORTS, ALL, to + 2 * BYTES, LITTLE);
        ShortVector a3 = ShortVector.fromMemorySegment(SHORTS, ALL, to + 3 * BYTES, LITTLE);
        ShortVector a4 = ShortVector.fromMemorySegment(SHORTS, ALL, to + 4 * BYTES, LITTLE);
        ShortVector a5 = ShortVector.fromMemorySegment(SHORTS, ALL, to + 5 * BYTES, LITTLE);
        ShortVector a6 = ShortVector.fromMemorySegment(SHORTS, ALL, to + 6 * BYTES, LITTLE);
        ShortVector a7 = ShortVector.fromMemorySegment(SHORTS, ALL, to + 7 * BYTES, LITTLE);
        for (int i = 0; i < 4 * words; i++) {
            int shift = (i & 3) * 8;
            long code = (codes & ADDRESS) + ((long) (i >> 2) * BYTES & OFFSET);
            long t = table + (2L * i * TABLE & OFFSET);
            long x = ALL.get(Memory.LONG, code) >>> shift;
            long y = ALL.get(Memory.LONG, code + 8) >>> shift;
            long z = ALL.get(Memory.LONG, code + far) >>> shift;
            long w = ALL.get(Memory.LONG, code + far + 8) >>> shift;
            long u = t + TABLE;
            a0 = ShortVector.fromMemorySegment(SHORTS, ALL, t + (x << SHIFT & ENTRIES), LITTLE).add(a0);
            a0 = ShortVector.fromMemorySegment(SHORTS, ALL, u + (x << SHIFT - 4 & ENTRIES), LITTLE).add(a0);
            a1 = ShortVector.fromMemorySegment(SHORTS, ALL, t + (x >>> 32 - SHIFT & ENTRIES), LITTLE).add(a1);
            a1 = ShortVector.fromMemorySegment(SHORTS, ALL, u + (x >>> 36 - SHIFT & ENTRIES), LITTLE).add(a1);
            a2 = ShortVector.fromMemorySegment(SHORTS, ALL, t + (y << SHIFT & ENTRIES), LITTLE).add(a2);
            a2 = ShortVector.fromMemorySegment(SHORTS, ALL, u + (y << SHIFT - 4 & ENTRIES), LITTLE).add(a2);
            a3 = ShortVector.fromMemorySegment(SHORTS, ALL, t + (y >>> 32 - SHIFT & ENTRIES), LITTLE).add(a3);
            a3 = ShortVector.fromMemorySegment(SHORTS, ALL, u + (y >>> 36 - SHIFT & ENTRIES), LITTLE).add(a3);
            a4 = ShortVector.fromMemorySegment(SHORTS, ALL, t + (z << SHIFT & ENTRIES), LITTLE).add(a4);
            a4 = ShortVector.fromMemorySegment(SHORTS, ALL, u + (z << SHIFT - 4 & ENTRIES), LITTLE).add(a4);
            a5 = ShortVector.fromMemorySegment(SHORTS, ALL, t + (z >>> 32 - SHIFT & ENTRIES), LITTLE).add(a5);
            a5 = ShortVector.fromMemorySegment(SHORTS, ALL, u + (z >>> 36 - SHIFT & ENTRIES), LITTLE).add(a5);
            a6 = ShortVector.fromMemorySegment(SHORTS, ALL, t + (w << SHIFT & ENTRIES), LITTLE).add(a6);
            a6 = ShortVector.fromMemorySegment(SHORTS, ALL, u + (w << SHIFT - 4 & ENTRIES), LITTLE).add(a6);
            a7 = ShortVector.fromMemorySegment(SHORTS, ALL, t + (w >>> 32 - SHIFT & ENTRIES), LITTLE).add(a7);
            a7 = ShortVector.fromMemorySegment(SHORTS, ALL, u + (w >>> 36 - SHIFT & ENTRIES), LITTLE).add(a7);
        }
        zero.add(a0).intoMemorySegment(ALL, to, LITTLE);
        zero.add(a1).intoMemorySegment(ALL, to + BYTES, LITTLE);
        zero.add(a2).intoMemorySegment(ALL, to + 2 * BYTES, LITTLE);
        zero.add(a3).intoMemorySegment(ALL, to + 3 * BYTES, LITTLE);
        zero.add(a4).intoMemorySegment(ALL, to + 4 * BYTES, LITTLE);
        zero.add(a5).intoMemorySegment(ALL, to + 5 * BYTES, LITTLE);
        zero.add(a6).intoMemorySegment(ALL, to + 6 * BYTES, LITTLE);
        zero.add(a7).intoMemorySegment(ALL, to + 7 * BYTES, LITTLE);
    }

    /**
     * Sums by multiplication: {@code sums[row] = sum of weight[i][row] * activations[i]} over {@code count} weights, 16 bits a
     * column, for all rows of a tile. One multiplication and one addition a weight, where three or four bit planes would take
     * three or four lookups for every four weights, at less than half the rate of additions.
     *
     * @param weights     each weight twice in an int, {@code rows} ints a weight: a broadcast of ints is a plain load
     * @param activations a vector a weight
     */
    static void productSums(long weights, long activations, int count, int rows, long sums) {
        ShortVector zero = ShortVector.zero(SHORTS);
        for (int row = 0; row < rows; row += ROWS) {
            ShortVector a0 = zero;
            ShortVector a1 = a0;
            ShortVector a2 = a0;
            ShortVector a3 = a0;
            ShortVector a4 = a0;
            ShortVector a5 = a0;
            ShortVector a6 = a0;
            ShortVector a7 = a0;
            long weight = (weights & ADDRESS) + (4L * row & OFFSET);
            long activation = activations & ADDRESS;
            for (int i = 0; i < count; i++) {
                ShortVector x = ShortVector.fromMemorySegment(SHORTS, ALL, activation + ((long) i * BYTES & OFFSET), LITTLE);
                long w = weight + (4L * i * rows & OFFSET);
                a0 = x.mul(IntVector.broadcast(INTS, ALL.get(Memory.INT, w)).reinterpretAsShorts()).add(a0);
                a1 = x.mul(IntVector.broadcast(INTS, ALL.get(Memory.INT, w + 4)).reinterpretAsShorts()).add(a1);
                a2 = x.mul(IntVector.broadcast(INTS, ALL.get(Memory.INT, w + 8)).reinterpretAsShorts()).add(a2);
                a3 = x.mul(IntVector.broadcast(INTS, ALL.get(Memory.INT, w + 12)).reinterpretAsShorts()).add(a3);
                a4 = x.mul(IntVector.broadcast(INTS, ALL.get(Memory.INT, w + 16)).reinterpretAsShorts()).add(a4);
                a5 = x.mul(IntVector.broadcast(INTS, ALL.get(Memory.INT, w + 20)).reinterpretAsShorts()).add(a5);
                a6 = x.mul(IntVector.broadcast(INTS, ALL.get(Memory.INT, w + 24)).reinterpretAsShorts()).add(a6);
                a7 = x.mul(IntVector.broadcast(INTS, ALL.get(Memory.INT, w + 28)).reinterpretAsShorts()).add(a7);
            }
            long to = (sums & ADDRESS) + ((long) row * BYTES & OFFSET);
            zero.add(a0).intoMemorySegment(ALL, to, LITTLE);
            zero.add(a1).intoMemorySegment(ALL, to + BYTES, LITTLE);
            zero.add(a2).intoMemorySegment(ALL, to + 2 * BYTES, LITTLE);
            zero.add(a3).intoMemorySegment(ALL, to + 3 * BYTES, LITTLE);
            zero.add(a4).intoMemorySegment(ALL, to + 4 * BYTES, LITTLE);
            zero.add(a5).intoMemorySegment(ALL, to + 5 * BYTES, LITTLE);
            zero.add(a6).intoMemorySegment(ALL, to + 6 * BYTES, LITTLE);
            zero.add(a7).intoMemorySegment(ALL, to + 7 * BYTES, LITTLE);
        }
    }

    /**
     * The same for two column tiles, and an even number of weights: four rows together, so that six loads serve eight products.
     *
     * @param weights     as above; with a distance of rows that C2 knew it would unroll the loop and spill registers
     * @param activations as above
     * @param tileBytes   bytes from the activations of the first column tile to those of the second
     * @param sums        a vector a row of the first column tile
     * @param sumBytes    bytes from the sums of the first column tile to those of the second
     */
    static void productSumsOfTwo(long weights, long activations, long tileBytes, int count, int rows, long sums, long sumBytes) {
        ShortVector zero = ShortVector.zero(SHORTS);
        long next = tileBytes & OFFSET;
        long weightBytes = 4L * rows & OFFSET;
        for (int row = 0; row < rows; row += 4) {
            ShortVector a0 = zero;
            ShortVector a1 = zero;
            ShortVector a2 = zero;
            ShortVector a3 = zero;
            ShortVector b0 = zero;
            ShortVector b1 = zero;
            ShortVector b2 = zero;
            ShortVector b3 = zero;
            long weight = (weights & ADDRESS) + (4L * row & OFFSET);
            long activation = activations & ADDRESS;
            for (int i = 0; i < count; i += 2) {
                long v = activation + ((long) i * BYTES & OFFSET);
                long w = weight + (4L * i * rows & OFFSET);
                ShortVector x = ShortVector.fromMemorySegment(SHORTS, ALL, v, LITTLE);
                ShortVector y = ShortVector.fromMemorySegment(SHORTS, ALL, v + next, LITTLE);
                ShortVector f = IntVector.broadcast(INTS, ALL.get(Memory.INT, w)).reinterpretAsShorts();
                a0 = x.mul(f).add(a0);
                b0 = y.mul(f).add(b0);
                f = IntVector.broadcast(INTS, ALL.get(Memory.INT, w + 4)).reinterpretAsShorts();
                a1 = x.mul(f).add(a1);
                b1 = y.mul(f).add(b1);
                f = IntVector.broadcast(INTS, ALL.get(Memory.INT, w + 8)).reinterpretAsShorts();
                a2 = x.mul(f).add(a2);
                b2 = y.mul(f).add(b2);
                f = IntVector.broadcast(INTS, ALL.get(Memory.INT, w + 12)).reinterpretAsShorts();
                a3 = x.mul(f).add(a3);
                b3 = y.mul(f).add(b3);
                v += BYTES;
                w += weightBytes;
                x = ShortVector.fromMemorySegment(SHORTS, ALL, v, LITTLE);
                y = ShortVector.fromMemorySegment(SHORTS, ALL, v + next, LITTLE);
                f = IntVector.broadcast(INTS, ALL.get(Memory.INT, w)).reinterpretAsShorts();
                a0 = x.mul(f).add(a0);
                b0 = y.mul(f).add(b0);
                f = IntVector.broadcast(INTS, ALL.get(Memory.INT, w + 4)).reinterpretAsShorts();
                a1 = x.mul(f).add(a1);
                b1 = y.mul(f).add(b1);
                f = IntVector.broadcast(INTS, ALL.get(Memory.INT, w + 8)).reinterpretAsShorts();
                a2 = x.mul(f).add(a2);
                b2 = y.mul(f).add(b2);
                f = IntVector.broadcast(INTS, ALL.get(Memory.INT, w + 12)).reinterpretAsShorts();
                a3 = x.mul(f).add(a3);
                b3 = y.mul(f).add(b3);
            }
            long to = (sums & ADDRESS) + ((long) row * BYTES & OFFSET);
            long second = to + (sumBytes & OFFSET);
            zero.add(a0).intoMemorySegment(ALL, to, LITTLE);
            zero.add(a1).intoMemorySegment(ALL, to + BYTES, LITTLE);
            zero.add(a2).intoMemorySegment(ALL, to + 2 * BYTES, LITTLE);
            zero.add(a3).intoMemorySegment(ALL, to + 3 * BYTES, LITTLE);
            zero.add(b0).intoMemorySegment(ALL, second, LITTLE);
            zero.add(b1).intoMemorySegment(ALL, second + BYTES, LITTLE);
            zero.add(b2).intoMemorySegment(ALL, second + 2 * BYTES, LITTLE);
            zero.add(b3).intoMemorySegment(ALL, second + 3 * BYTES, LITTLE);
        }
    }

    /** The row of the tile that byte lane {@code lane}, a multiple of 4, holds; see {@link LookupLayout#rowOf}. */
    private static long firstRow(int lane, int quarter) {
        int inVector = lane & 4 * quarter - 1;
        return lane - inVector + inVector / 4;
    }

    /**
     * {@code floats[row] += sums[row] * rowScale[row] * columnScale}. A row's floats are two vectors, first the even columns
     * and then the odd ones: 16-bit sums in the upper halves of ints, times 2^16.
     *
     * @param columnScales two vectors, even and odd columns, times 2^-16
     */
    static void scale(long sums, long rowScales, long columnScales, int rows, long floats) {
        FloatVector c0 = FloatVector.fromMemorySegment(FLOATS, ALL, columnScales & ADDRESS, LITTLE);
        FloatVector c1 = FloatVector.fromMemorySegment(FLOATS, ALL, (columnScales & ADDRESS) + BYTES, LITTLE);
        for (int row = 0; row < rows; row++) {
            IntVector s = IntVector.fromMemorySegment(INTS, ALL, (sums & ADDRESS) + ((long) row * BYTES & OFFSET), LITTLE);
            FloatVector w = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, (rowScales & ADDRESS) + (4L * row & OFFSET)));
            long to = (floats & ADDRESS) + (2L * row * BYTES & OFFSET);
            FloatVector f0 = (FloatVector) s.lanewise(LSHL, 16).convert(I2F, 0);
            FloatVector f1 = (FloatVector) s.and(UPPER_HALF).convert(I2F, 0);
            f0 = f0.mul(c0).fma(w, FloatVector.fromMemorySegment(FLOATS, ALL, to, LITTLE));
            f1 = f1.mul(c1).fma(w, FloatVector.fromMemorySegment(FLOATS, ALL, to + BYTES, LITTLE));
            f0.intoMemorySegment(ALL, to, LITTLE);
            f1.intoMemorySegment(ALL, to + BYTES, LITTLE);
        }
    }

    /** As {@link #scale}, plus {@code rowMins[row] * columnSums}. */
    static void scaleWithMin(long sums, long rowScales, long rowMins, long columnScales, long columnSums, int rows, long floats) {
        FloatVector c0 = FloatVector.fromMemorySegment(FLOATS, ALL, columnScales & ADDRESS, LITTLE);
        FloatVector c1 = FloatVector.fromMemorySegment(FLOATS, ALL, (columnScales & ADDRESS) + BYTES, LITTLE);
        FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, ALL, columnSums & ADDRESS, LITTLE);
        FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, ALL, (columnSums & ADDRESS) + BYTES, LITTLE);
        for (int row = 0; row < rows; row++) {
            IntVector s = IntVector.fromMemorySegment(INTS, ALL, (sums & ADDRESS) + ((long) row * BYTES & OFFSET), LITTLE);
            FloatVector w = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, (rowScales & ADDRESS) + (4L * row & OFFSET)));
            FloatVector m = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, (rowMins & ADDRESS) + (4L * row & OFFSET)));
            long to = (floats & ADDRESS) + (2L * row * BYTES & OFFSET);
            FloatVector f0 = (FloatVector) s.lanewise(LSHL, 16).convert(I2F, 0);
            FloatVector f1 = (FloatVector) s.and(UPPER_HALF).convert(I2F, 0);
            f0 = f0.mul(c0).fma(w, b0.fma(m, FloatVector.fromMemorySegment(FLOATS, ALL, to, LITTLE)));
            f1 = f1.mul(c1).fma(w, b1.fma(m, FloatVector.fromMemorySegment(FLOATS, ALL, to + BYTES, LITTLE)));
            f0.intoMemorySegment(ALL, to, LITTLE);
            f1.intoMemorySegment(ALL, to + BYTES, LITTLE);
        }
    }

    /**
     * {@code floats[row] += columnScale * (sum over four sub-blocks of sums[row] * rowScale[row])}.
     *
     * @param sums      sums of the first sub-block; the others follow, {@code rows} vectors each
     * @param rowScales scales of the first sub-block; the others follow, {@code rows} floats each
     */
    static void scaleFour(long sums, long rowScales, long columnScales, int rows, long floats) {
        FloatVector c0 = FloatVector.fromMemorySegment(FLOATS, ALL, columnScales & ADDRESS, LITTLE);
        FloatVector c1 = FloatVector.fromMemorySegment(FLOATS, ALL, (columnScales & ADDRESS) + BYTES, LITTLE);
        long nextSums = (long) rows * BYTES & OFFSET;
        long next = 4L * rows & OFFSET;
        for (int row = 0; row < rows; row++) {
            long from = (sums & ADDRESS) + ((long) row * BYTES & OFFSET);
            long scale = (rowScales & ADDRESS) + (4L * row & OFFSET);
            IntVector s = IntVector.fromMemorySegment(INTS, ALL, from, LITTLE);
            FloatVector w = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, scale));
            FloatVector e = (FloatVector) s.lanewise(LSHL, 16).convert(I2F, 0);
            FloatVector o = (FloatVector) s.and(UPPER_HALF).convert(I2F, 0);
            FloatVector f0 = e.mul(w);
            FloatVector f1 = o.mul(w);
            s = IntVector.fromMemorySegment(INTS, ALL, from + nextSums, LITTLE);
            w = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, scale + next));
            e = (FloatVector) s.lanewise(LSHL, 16).convert(I2F, 0);
            o = (FloatVector) s.and(UPPER_HALF).convert(I2F, 0);
            f0 = e.fma(w, f0);
            f1 = o.fma(w, f1);
            s = IntVector.fromMemorySegment(INTS, ALL, from + 2 * nextSums, LITTLE);
            w = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, scale + 2 * next));
            e = (FloatVector) s.lanewise(LSHL, 16).convert(I2F, 0);
            o = (FloatVector) s.and(UPPER_HALF).convert(I2F, 0);
            f0 = e.fma(w, f0);
            f1 = o.fma(w, f1);
            s = IntVector.fromMemorySegment(INTS, ALL, from + 3 * nextSums, LITTLE);
            w = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, scale + 3 * next));
            e = (FloatVector) s.lanewise(LSHL, 16).convert(I2F, 0);
            o = (FloatVector) s.and(UPPER_HALF).convert(I2F, 0);
            f0 = e.fma(w, f0);
            f1 = o.fma(w, f1);
            long to = (floats & ADDRESS) + (2L * row * BYTES & OFFSET);
            f0.fma(c0, FloatVector.fromMemorySegment(FLOATS, ALL, to, LITTLE)).intoMemorySegment(ALL, to, LITTLE);
            f1.fma(c1, FloatVector.fromMemorySegment(FLOATS, ALL, to + BYTES, LITTLE)).intoMemorySegment(ALL, to + BYTES, LITTLE);
        }
    }

    /**
     * {@code products[row] += sum over four sub-blocks of sums[row] * rowScale[row]}, where such a product fits 16 bits. A row's
     * products are two vectors: their sum modulo 2^16, and the sum of their upper bytes. As in {@link NestedScales#scaleSixBits}
     * both together give the sum of 16 exactly.
     *
     * @param sums      sums of the first sub-block; the others follow, {@code rows} vectors each
     * @param rowScales scales of the first sub-block, each in both halves of an int; the others follow, {@code rows} ints each
     */
    static void multiplyFour(long sums, long rowScales, int rows, long products) {
        long nextSums = (long) rows * BYTES & OFFSET;
        long next = 4L * rows & OFFSET;
        for (int row = 0; row < rows; row++) {
            long from = (sums & ADDRESS) + ((long) row * BYTES & OFFSET);
            long scale = (rowScales & ADDRESS) + (4L * row & OFFSET);
            long to = (products & ADDRESS) + (2L * row * BYTES & OFFSET);
            ShortVector p0 = IntVector.broadcast(INTS, ALL.get(Memory.INT, scale)).reinterpretAsShorts()
                    .mul(ShortVector.fromMemorySegment(SHORTS, ALL, from, LITTLE));
            ShortVector p1 = IntVector.broadcast(INTS, ALL.get(Memory.INT, scale + next)).reinterpretAsShorts()
                    .mul(ShortVector.fromMemorySegment(SHORTS, ALL, from + nextSums, LITTLE));
            ShortVector p2 = IntVector.broadcast(INTS, ALL.get(Memory.INT, scale + 2 * next)).reinterpretAsShorts()
                    .mul(ShortVector.fromMemorySegment(SHORTS, ALL, from + 2 * nextSums, LITTLE));
            ShortVector p3 = IntVector.broadcast(INTS, ALL.get(Memory.INT, scale + 3 * next)).reinterpretAsShorts()
                    .mul(ShortVector.fromMemorySegment(SHORTS, ALL, from + 3 * nextSums, LITTLE));
            ShortVector high = p0.lanewise(ASHR, 8).add(p1.lanewise(ASHR, 8)).add(p2.lanewise(ASHR, 8).add(p3.lanewise(ASHR, 8)));
            ShortVector.fromMemorySegment(SHORTS, ALL, to, LITTLE).add(p0.add(p1).add(p2.add(p3)))
                    .intoMemorySegment(ALL, to, LITTLE);
            ShortVector.fromMemorySegment(SHORTS, ALL, to + BYTES, LITTLE).add(high).intoMemorySegment(ALL, to + BYTES, LITTLE);
        }
    }

    /**
     * {@code floats[row] += sum of products[row] * rowScale[row] * columnScale}, for what {@link #multiplyFour} has left of a
     * block; products become 0.
     */
    static void scaleProducts(long products, long rowScales, long columnScales, int rows, long floats) {
        FloatVector c0 = FloatVector.fromMemorySegment(FLOATS, ALL, columnScales & ADDRESS, LITTLE).mul(0x1p16f);
        FloatVector c1 = FloatVector.fromMemorySegment(FLOATS, ALL, (columnScales & ADDRESS) + BYTES, LITTLE).mul(0x1p16f);
        IntVector zero = IntVector.zero(INTS);
        for (int row = 0; row < rows; row++) {
            long from = (products & ADDRESS) + (2L * row * BYTES & OFFSET);
            long to = (floats & ADDRESS) + (2L * row * BYTES & OFFSET);
            FloatVector w = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, (rowScales & ADDRESS) + (4L * row & OFFSET)));
            IntVector high = IntVector.fromMemorySegment(INTS, ALL, from + BYTES, LITTLE);
            IntVector rest = ShortVector.fromMemorySegment(SHORTS, ALL, from, LITTLE)
                    .sub(high.lanewise(LSHL, 8).and(UPPER_BYTES).reinterpretAsShorts()).reinterpretAsInts();
            IntVector even = high.lanewise(LSHL, 16).lanewise(ASHR, 8).add(rest.and(LOWER_HALF));
            IntVector odd = high.and(UPPER_HALF).lanewise(ASHR, 8).add(rest.lanewise(LSHR, 16));
            FloatVector f0 = (FloatVector) even.convert(I2F, 0);
            FloatVector f1 = (FloatVector) odd.convert(I2F, 0);
            f0.mul(c0).fma(w, FloatVector.fromMemorySegment(FLOATS, ALL, to, LITTLE)).intoMemorySegment(ALL, to, LITTLE);
            f1.mul(c1).fma(w, FloatVector.fromMemorySegment(FLOATS, ALL, to + BYTES, LITTLE))
                    .intoMemorySegment(ALL, to + BYTES, LITTLE);
            zero.intoMemorySegment(ALL, from, LITTLE);
            zero.intoMemorySegment(ALL, from + BYTES, LITTLE);
        }
    }

    /** {@code floats[row] += sum over four sub-blocks of rowMins[row] * columnSums}; laid out as in {@link #scaleFour}. */
    static void addFourMins(long rowMins, long columnSums, int rows, long floats) {
        long columns = columnSums & ADDRESS;
        FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, ALL, columns, LITTLE);
        FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, ALL, columns + BYTES, LITTLE);
        FloatVector b2 = FloatVector.fromMemorySegment(FLOATS, ALL, columns + 2 * BYTES, LITTLE);
        FloatVector b3 = FloatVector.fromMemorySegment(FLOATS, ALL, columns + 3 * BYTES, LITTLE);
        FloatVector b4 = FloatVector.fromMemorySegment(FLOATS, ALL, columns + 4 * BYTES, LITTLE);
        FloatVector b5 = FloatVector.fromMemorySegment(FLOATS, ALL, columns + 5 * BYTES, LITTLE);
        FloatVector b6 = FloatVector.fromMemorySegment(FLOATS, ALL, columns + 6 * BYTES, LITTLE);
        FloatVector b7 = FloatVector.fromMemorySegment(FLOATS, ALL, columns + 7 * BYTES, LITTLE);
        long next = 4L * rows & OFFSET;
        for (int row = 0; row < rows; row++) {
            long min = (rowMins & ADDRESS) + (4L * row & OFFSET);
            long to = (floats & ADDRESS) + (2L * row * BYTES & OFFSET);
            FloatVector m = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, min));
            FloatVector f0 = b0.fma(m, FloatVector.fromMemorySegment(FLOATS, ALL, to, LITTLE));
            FloatVector f1 = b1.fma(m, FloatVector.fromMemorySegment(FLOATS, ALL, to + BYTES, LITTLE));
            m = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, min + next));
            f0 = b2.fma(m, f0);
            f1 = b3.fma(m, f1);
            m = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, min + 2 * next));
            f0 = b4.fma(m, f0);
            f1 = b5.fma(m, f1);
            m = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, min + 3 * next));
            b6.fma(m, f0).intoMemorySegment(ALL, to, LITTLE);
            b7.fma(m, f1).intoMemorySegment(ALL, to + BYTES, LITTLE);
        }
    }

    /** Copies the float of one column out of each of {@code rows} rows. */
    static void copyColumn(long floats, int rows, long destination) {
        long from = floats & ADDRESS;
        long to = destination & ADDRESS;
        for (int row = 0; row < rows; row++) {
            Memory.f32(to + (4L * row & OFFSET), Memory.f32(from + (2L * row * BYTES & OFFSET)));
        }
    }
}
