package io.tmac4j.kernels;

import static io.tmac4j.kernels.WideSpecies.BYTES;
import static io.tmac4j.kernels.WideSpecies.INTS;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import io.tmac4j.bindings.spi.OffHeap;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * First stage of an mpGEMV with weights in words: the integer sums of the fields times the activations, without masks; see
 * {@link WordColumns} for why that is exact. A field costs a shift, a multiplication and an addition for all rows of a tile, and
 * the broadcast of the coefficient serves four tiles.
 *
 * <p>The four tiles stand far apart, so that a core reads four streams: one stream reached 11.6 GB/s on a core of an AMD Zen 3, four
 * reached 15.1. Vector operations are written out, not put into helper methods: past a number of nodes C2 inlines no helper any
 * more, and then every vector is an object.
 */
final class WordSums {

    /** Tiles that are worked on together. */
    static final int TILES = 4;

    /** Bytes of a sum: a vector for each tile. The two halves of a lane, added modulo 2^16, are the sum of the row. */
    static final int SUM = TILES * BYTES;

    /** Coefficients of a word of three bits that belongs to one sum; one that two sums share has one more. */
    static final int THREE_BITS_COEFFICIENTS = 6;

    private static final MemorySegment ALL = OffHeap.ALL;
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;

    /** Any address, and to C2 a number between 0 and 2^62: it then drops bounds checks. */
    private static final long ADDRESS = GemmKernels.ADDRESS;

    private WordSums() {
    }

    /**
     * Sums of fields of two bits: {@code sums} sums of {@code words} words each, of four tiles.
     *
     * @param codes        first word of the first tile
     * @param next1        bytes from it to the first word of the second tile; {@code next2}, {@code next3}: third, fourth
     * @param coefficients see {@link WordColumns}
     * @param starts       what the sums begin with, {@code startStride} bytes apart
     * @param target       where the vectors of the four tiles go, {@link #SUM} bytes a sum
     */
    static void twoBits(long codes, long next1, long next2, long next3, int sums, int words, long coefficients, long starts,
            int startStride, long target) {
        long p = codes & ADDRESS;
        long d1 = next1;
        long d2 = next2;
        long d3 = next3;
        long c = coefficients & ADDRESS;
        long start = starts & ADDRESS;
        long to = target & ADDRESS;
        for (int sum = 0; sum < sums; sum++) {
            ShortVector a0 = IntVector.broadcast(INTS, ALL.get(Memory.INT, start)).reinterpretAsShorts();
            ShortVector a1 = a0;
            ShortVector a2 = a0;
            ShortVector a3 = a0;
            long end = p + (long) words * BYTES;
            do {
                IntVector x0 = IntVector.fromMemorySegment(INTS, ALL, p, LITTLE);
                IntVector x1 = IntVector.fromMemorySegment(INTS, ALL, p + d1, LITTLE);
                IntVector x2 = IntVector.fromMemorySegment(INTS, ALL, p + d2, LITTLE);
                IntVector x3 = IntVector.fromMemorySegment(INTS, ALL, p + d3, LITTLE);
                ShortVector f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c)).reinterpretAsShorts();
                a0 = a0.add(x0.reinterpretAsShorts().mul(f));
                a1 = a1.add(x1.reinterpretAsShorts().mul(f));
                a2 = a2.add(x2.reinterpretAsShorts().mul(f));
                a3 = a3.add(x3.reinterpretAsShorts().mul(f));
                f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 4)).reinterpretAsShorts();
                a0 = a0.add(x0.lanewise(LSHR, 2).reinterpretAsShorts().mul(f));
                a1 = a1.add(x1.lanewise(LSHR, 2).reinterpretAsShorts().mul(f));
                a2 = a2.add(x2.lanewise(LSHR, 2).reinterpretAsShorts().mul(f));
                a3 = a3.add(x3.lanewise(LSHR, 2).reinterpretAsShorts().mul(f));
                f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 8)).reinterpretAsShorts();
                a0 = a0.add(x0.lanewise(LSHR, 4).reinterpretAsShorts().mul(f));
                a1 = a1.add(x1.lanewise(LSHR, 4).reinterpretAsShorts().mul(f));
                a2 = a2.add(x2.lanewise(LSHR, 4).reinterpretAsShorts().mul(f));
                a3 = a3.add(x3.lanewise(LSHR, 4).reinterpretAsShorts().mul(f));
                f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 12)).reinterpretAsShorts();
                a0 = a0.add(x0.lanewise(LSHR, 6).reinterpretAsShorts().mul(f));
                a1 = a1.add(x1.lanewise(LSHR, 6).reinterpretAsShorts().mul(f));
                a2 = a2.add(x2.lanewise(LSHR, 6).reinterpretAsShorts().mul(f));
                a3 = a3.add(x3.lanewise(LSHR, 6).reinterpretAsShorts().mul(f));
                f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 16)).reinterpretAsShorts();
                a0 = a0.add(x0.lanewise(LSHR, 8).reinterpretAsShorts().mul(f));
                a1 = a1.add(x1.lanewise(LSHR, 8).reinterpretAsShorts().mul(f));
                a2 = a2.add(x2.lanewise(LSHR, 8).reinterpretAsShorts().mul(f));
                a3 = a3.add(x3.lanewise(LSHR, 8).reinterpretAsShorts().mul(f));
                f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 20)).reinterpretAsShorts();
                a0 = a0.add(x0.lanewise(LSHR, 10).reinterpretAsShorts().mul(f));
                a1 = a1.add(x1.lanewise(LSHR, 10).reinterpretAsShorts().mul(f));
                a2 = a2.add(x2.lanewise(LSHR, 10).reinterpretAsShorts().mul(f));
                a3 = a3.add(x3.lanewise(LSHR, 10).reinterpretAsShorts().mul(f));
                f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 24)).reinterpretAsShorts();
                a0 = a0.add(x0.lanewise(LSHR, 12).reinterpretAsShorts().mul(f));
                a1 = a1.add(x1.lanewise(LSHR, 12).reinterpretAsShorts().mul(f));
                a2 = a2.add(x2.lanewise(LSHR, 12).reinterpretAsShorts().mul(f));
                a3 = a3.add(x3.lanewise(LSHR, 12).reinterpretAsShorts().mul(f));
                f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 28)).reinterpretAsShorts();
                a0 = a0.add(x0.lanewise(LSHR, 14).reinterpretAsShorts().mul(f));
                a1 = a1.add(x1.lanewise(LSHR, 14).reinterpretAsShorts().mul(f));
                a2 = a2.add(x2.lanewise(LSHR, 14).reinterpretAsShorts().mul(f));
                a3 = a3.add(x3.lanewise(LSHR, 14).reinterpretAsShorts().mul(f));
                c += 32;
                p += BYTES;
            } while (p != end);
            a0.reinterpretAsInts().intoMemorySegment(ALL, to, LITTLE);
            a1.reinterpretAsInts().intoMemorySegment(ALL, to + BYTES, LITTLE);
            a2.reinterpretAsInts().intoMemorySegment(ALL, to + 2 * BYTES, LITTLE);
            a3.reinterpretAsInts().intoMemorySegment(ALL, to + 3 * BYTES, LITTLE);
            to += SUM;
            start += startStride;
        }
    }

    /** The same for fields of four bits. */
    static void fourBits(long codes, long next1, long next2, long next3, int sums, int words, long coefficients, long starts,
            int startStride, long target) {
        long p = codes & ADDRESS;
        long d1 = next1;
        long d2 = next2;
        long d3 = next3;
        long c = coefficients & ADDRESS;
        long start = starts & ADDRESS;
        long to = target & ADDRESS;
        for (int sum = 0; sum < sums; sum++) {
            ShortVector a0 = IntVector.broadcast(INTS, ALL.get(Memory.INT, start)).reinterpretAsShorts();
            ShortVector a1 = a0;
            ShortVector a2 = a0;
            ShortVector a3 = a0;
            long end = p + (long) words * BYTES;
            do {
                IntVector x0 = IntVector.fromMemorySegment(INTS, ALL, p, LITTLE);
                IntVector x1 = IntVector.fromMemorySegment(INTS, ALL, p + d1, LITTLE);
                IntVector x2 = IntVector.fromMemorySegment(INTS, ALL, p + d2, LITTLE);
                IntVector x3 = IntVector.fromMemorySegment(INTS, ALL, p + d3, LITTLE);
                ShortVector f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c)).reinterpretAsShorts();
                a0 = a0.add(x0.reinterpretAsShorts().mul(f));
                a1 = a1.add(x1.reinterpretAsShorts().mul(f));
                a2 = a2.add(x2.reinterpretAsShorts().mul(f));
                a3 = a3.add(x3.reinterpretAsShorts().mul(f));
                f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 4)).reinterpretAsShorts();
                a0 = a0.add(x0.lanewise(LSHR, 4).reinterpretAsShorts().mul(f));
                a1 = a1.add(x1.lanewise(LSHR, 4).reinterpretAsShorts().mul(f));
                a2 = a2.add(x2.lanewise(LSHR, 4).reinterpretAsShorts().mul(f));
                a3 = a3.add(x3.lanewise(LSHR, 4).reinterpretAsShorts().mul(f));
                f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 8)).reinterpretAsShorts();
                a0 = a0.add(x0.lanewise(LSHR, 8).reinterpretAsShorts().mul(f));
                a1 = a1.add(x1.lanewise(LSHR, 8).reinterpretAsShorts().mul(f));
                a2 = a2.add(x2.lanewise(LSHR, 8).reinterpretAsShorts().mul(f));
                a3 = a3.add(x3.lanewise(LSHR, 8).reinterpretAsShorts().mul(f));
                f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 12)).reinterpretAsShorts();
                a0 = a0.add(x0.lanewise(LSHR, 12).reinterpretAsShorts().mul(f));
                a1 = a1.add(x1.lanewise(LSHR, 12).reinterpretAsShorts().mul(f));
                a2 = a2.add(x2.lanewise(LSHR, 12).reinterpretAsShorts().mul(f));
                a3 = a3.add(x3.lanewise(LSHR, 12).reinterpretAsShorts().mul(f));
                c += 16;
                p += BYTES;
            } while (p != end);
            a0.reinterpretAsInts().intoMemorySegment(ALL, to, LITTLE);
            a1.reinterpretAsInts().intoMemorySegment(ALL, to + BYTES, LITTLE);
            a2.reinterpretAsInts().intoMemorySegment(ALL, to + 2 * BYTES, LITTLE);
            a3.reinterpretAsInts().intoMemorySegment(ALL, to + 3 * BYTES, LITTLE);
            to += SUM;
            start += startStride;
        }
    }

    /** The same for fields of eight bits. */
    static void eightBits(long codes, long next1, long next2, long next3, int sums, int words, long coefficients, long starts,
            int startStride, long target) {
        long p = codes & ADDRESS;
        long d1 = next1;
        long d2 = next2;
        long d3 = next3;
        long c = coefficients & ADDRESS;
        long start = starts & ADDRESS;
        long to = target & ADDRESS;
        for (int sum = 0; sum < sums; sum++) {
            ShortVector a0 = IntVector.broadcast(INTS, ALL.get(Memory.INT, start)).reinterpretAsShorts();
            ShortVector a1 = a0;
            ShortVector a2 = a0;
            ShortVector a3 = a0;
            long end = p + (long) words * BYTES;
            do {
                IntVector x0 = IntVector.fromMemorySegment(INTS, ALL, p, LITTLE);
                IntVector x1 = IntVector.fromMemorySegment(INTS, ALL, p + d1, LITTLE);
                IntVector x2 = IntVector.fromMemorySegment(INTS, ALL, p + d2, LITTLE);
                IntVector x3 = IntVector.fromMemorySegment(INTS, ALL, p + d3, LITTLE);
                ShortVector f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c)).reinterpretAsShorts();
                a0 = a0.add(x0.reinterpretAsShorts().mul(f));
                a1 = a1.add(x1.reinterpretAsShorts().mul(f));
                a2 = a2.add(x2.reinterpretAsShorts().mul(f));
                a3 = a3.add(x3.reinterpretAsShorts().mul(f));
                f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 4)).reinterpretAsShorts();
                a0 = a0.add(x0.lanewise(LSHR, 8).reinterpretAsShorts().mul(f));
                a1 = a1.add(x1.lanewise(LSHR, 8).reinterpretAsShorts().mul(f));
                a2 = a2.add(x2.lanewise(LSHR, 8).reinterpretAsShorts().mul(f));
                a3 = a3.add(x3.lanewise(LSHR, 8).reinterpretAsShorts().mul(f));
                c += 8;
                p += BYTES;
            } while (p != end);
            a0.reinterpretAsInts().intoMemorySegment(ALL, to, LITTLE);
            a1.reinterpretAsInts().intoMemorySegment(ALL, to + BYTES, LITTLE);
            a2.reinterpretAsInts().intoMemorySegment(ALL, to + 2 * BYTES, LITTLE);
            a3.reinterpretAsInts().intoMemorySegment(ALL, to + 3 * BYTES, LITTLE);
            to += SUM;
            start += startStride;
        }
    }

    /**
     * Begins sums of fields of three bits, see {@link WordForm#threeBitWords}: the words that two sums share. Eight of them follow the
     * sixteen others of a block.
     *
     * @param codes        first word of the first block
     * @param coefficients those of the first block
     * @param starts       what the sums begin with
     */
    static void threeBitStarts(long codes, long next1, long next2, long next3, int blocks, long coefficients, long starts,
            long target) {
        long p = (codes & ADDRESS) + 16 * BYTES;
        long d1 = next1;
        long d2 = next2;
        long d3 = next3;
        long c = (coefficients & ADDRESS) + 16 * 4 * THREE_BITS_COEFFICIENTS;
        long start = starts & ADDRESS;
        long to = target & ADDRESS;
        for (int block = 0; block < blocks; block++) {
            long end = p + 8 * BYTES;
            do {
                IntVector x0 = IntVector.fromMemorySegment(INTS, ALL, p, LITTLE);
                IntVector x1 = IntVector.fromMemorySegment(INTS, ALL, p + d1, LITTLE);
                IntVector x2 = IntVector.fromMemorySegment(INTS, ALL, p + d2, LITTLE);
                IntVector x3 = IntVector.fromMemorySegment(INTS, ALL, p + d3, LITTLE);
                ShortVector f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c)).reinterpretAsShorts();
                ShortVector b0 = x0.reinterpretAsShorts().mul(f);
                ShortVector b1 = x1.reinterpretAsShorts().mul(f);
                ShortVector b2 = x2.reinterpretAsShorts().mul(f);
                ShortVector b3 = x3.reinterpretAsShorts().mul(f);
                f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 4)).reinterpretAsShorts();
                b0 = b0.add(x0.lanewise(LSHR, 3).reinterpretAsShorts().mul(f));
                b1 = b1.add(x1.lanewise(LSHR, 3).reinterpretAsShorts().mul(f));
                b2 = b2.add(x2.lanewise(LSHR, 3).reinterpretAsShorts().mul(f));
                b3 = b3.add(x3.lanewise(LSHR, 3).reinterpretAsShorts().mul(f));
                f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 8)).reinterpretAsShorts();
                b0 = b0.add(x0.lanewise(LSHR, 6).reinterpretAsShorts().mul(f));
                b1 = b1.add(x1.lanewise(LSHR, 6).reinterpretAsShorts().mul(f));
                b2 = b2.add(x2.lanewise(LSHR, 6).reinterpretAsShorts().mul(f));
                b3 = b3.add(x3.lanewise(LSHR, 6).reinterpretAsShorts().mul(f));
                f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 12)).reinterpretAsShorts();
                b0 = b0.add(x0.lanewise(LSHR, 9).reinterpretAsShorts().mul(f));
                b1 = b1.add(x1.lanewise(LSHR, 9).reinterpretAsShorts().mul(f));
                b2 = b2.add(x2.lanewise(LSHR, 9).reinterpretAsShorts().mul(f));
                b3 = b3.add(x3.lanewise(LSHR, 9).reinterpretAsShorts().mul(f));
                f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 16)).reinterpretAsShorts();
                b0 = b0.add(x0.lanewise(LSHR, 12).reinterpretAsShorts().mul(f));
                b1 = b1.add(x1.lanewise(LSHR, 12).reinterpretAsShorts().mul(f));
                b2 = b2.add(x2.lanewise(LSHR, 12).reinterpretAsShorts().mul(f));
                b3 = b3.add(x3.lanewise(LSHR, 12).reinterpretAsShorts().mul(f));
                f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 20)).reinterpretAsShorts();
                b0 = b0.add(x0.lanewise(LSHR, 15).reinterpretAsShorts().mul(f));
                b1 = b1.add(x1.lanewise(LSHR, 15).reinterpretAsShorts().mul(f));
                b2 = b2.add(x2.lanewise(LSHR, 15).reinterpretAsShorts().mul(f));
                b3 = b3.add(x3.lanewise(LSHR, 15).reinterpretAsShorts().mul(f));
                f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 24)).reinterpretAsShorts();
                b0 = b0.add(x0.lanewise(LSHR, 16).reinterpretAsShorts().mul(f));
                b1 = b1.add(x1.lanewise(LSHR, 16).reinterpretAsShorts().mul(f));
                b2 = b2.add(x2.lanewise(LSHR, 16).reinterpretAsShorts().mul(f));
                b3 = b3.add(x3.lanewise(LSHR, 16).reinterpretAsShorts().mul(f));
                IntVector s = IntVector.broadcast(INTS, ALL.get(Memory.INT, start));
                s.add(b0.reinterpretAsInts().lanewise(LSHL, 16)).intoMemorySegment(ALL, to, LITTLE);
                s.add(b1.reinterpretAsInts().lanewise(LSHL, 16)).intoMemorySegment(ALL, to + BYTES, LITTLE);
                s.add(b2.reinterpretAsInts().lanewise(LSHL, 16)).intoMemorySegment(ALL, to + 2 * BYTES, LITTLE);
                s.add(b3.reinterpretAsInts().lanewise(LSHL, 16)).intoMemorySegment(ALL, to + 3 * BYTES, LITTLE);
                s = IntVector.broadcast(INTS, ALL.get(Memory.INT, start + 4));
                s.add(b0.reinterpretAsInts().and(0xffff0000)).intoMemorySegment(ALL, to + SUM, LITTLE);
                s.add(b1.reinterpretAsInts().and(0xffff0000)).intoMemorySegment(ALL, to + SUM + BYTES, LITTLE);
                s.add(b2.reinterpretAsInts().and(0xffff0000)).intoMemorySegment(ALL, to + SUM + 2 * BYTES, LITTLE);
                s.add(b3.reinterpretAsInts().and(0xffff0000)).intoMemorySegment(ALL, to + SUM + 3 * BYTES, LITTLE);
                c += 4 * (THREE_BITS_COEFFICIENTS + 1);
                p += BYTES;
                start += 8;
                to += 2 * SUM;
            } while (p != end);
            p += 16 * BYTES;
            c += 16 * 4 * THREE_BITS_COEFFICIENTS;
        }
    }

    /** Completes what {@link #threeBitStarts} has begun: the words that belong to one sum, sixteen a block. */
    static void threeBits(long codes, long next1, long next2, long next3, int blocks, long coefficients, long target) {
        long p = codes & ADDRESS;
        long d1 = next1;
        long d2 = next2;
        long d3 = next3;
        long c = coefficients & ADDRESS;
        long to = target & ADDRESS;
        for (int block = 0; block < blocks; block++) {
            long end = p + 16 * BYTES;
            do {
                ShortVector a0 = IntVector.fromMemorySegment(INTS, ALL, to, LITTLE).reinterpretAsShorts();
                ShortVector a1 = IntVector.fromMemorySegment(INTS, ALL, to + BYTES, LITTLE).reinterpretAsShorts();
                ShortVector a2 = IntVector.fromMemorySegment(INTS, ALL, to + 2 * BYTES, LITTLE).reinterpretAsShorts();
                ShortVector a3 = IntVector.fromMemorySegment(INTS, ALL, to + 3 * BYTES, LITTLE).reinterpretAsShorts();
                IntVector x0 = IntVector.fromMemorySegment(INTS, ALL, p, LITTLE);
                IntVector x1 = IntVector.fromMemorySegment(INTS, ALL, p + d1, LITTLE);
                IntVector x2 = IntVector.fromMemorySegment(INTS, ALL, p + d2, LITTLE);
                IntVector x3 = IntVector.fromMemorySegment(INTS, ALL, p + d3, LITTLE);
                ShortVector f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c)).reinterpretAsShorts();
                a0 = a0.add(x0.reinterpretAsShorts().mul(f));
                a1 = a1.add(x1.reinterpretAsShorts().mul(f));
                a2 = a2.add(x2.reinterpretAsShorts().mul(f));
                a3 = a3.add(x3.reinterpretAsShorts().mul(f));
                f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 4)).reinterpretAsShorts();
                a0 = a0.add(x0.lanewise(LSHR, 3).reinterpretAsShorts().mul(f));
                a1 = a1.add(x1.lanewise(LSHR, 3).reinterpretAsShorts().mul(f));
                a2 = a2.add(x2.lanewise(LSHR, 3).reinterpretAsShorts().mul(f));
                a3 = a3.add(x3.lanewise(LSHR, 3).reinterpretAsShorts().mul(f));
                f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 8)).reinterpretAsShorts();
                a0 = a0.add(x0.lanewise(LSHR, 6).reinterpretAsShorts().mul(f));
                a1 = a1.add(x1.lanewise(LSHR, 6).reinterpretAsShorts().mul(f));
                a2 = a2.add(x2.lanewise(LSHR, 6).reinterpretAsShorts().mul(f));
                a3 = a3.add(x3.lanewise(LSHR, 6).reinterpretAsShorts().mul(f));
                f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 12)).reinterpretAsShorts();
                a0 = a0.add(x0.lanewise(LSHR, 9).reinterpretAsShorts().mul(f));
                a1 = a1.add(x1.lanewise(LSHR, 9).reinterpretAsShorts().mul(f));
                a2 = a2.add(x2.lanewise(LSHR, 9).reinterpretAsShorts().mul(f));
                a3 = a3.add(x3.lanewise(LSHR, 9).reinterpretAsShorts().mul(f));
                f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 16)).reinterpretAsShorts();
                a0 = a0.add(x0.lanewise(LSHR, 12).reinterpretAsShorts().mul(f));
                a1 = a1.add(x1.lanewise(LSHR, 12).reinterpretAsShorts().mul(f));
                a2 = a2.add(x2.lanewise(LSHR, 12).reinterpretAsShorts().mul(f));
                a3 = a3.add(x3.lanewise(LSHR, 12).reinterpretAsShorts().mul(f));
                f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 20)).reinterpretAsShorts();
                a0 = a0.add(x0.lanewise(LSHR, 15).reinterpretAsShorts().mul(f));
                a1 = a1.add(x1.lanewise(LSHR, 15).reinterpretAsShorts().mul(f));
                a2 = a2.add(x2.lanewise(LSHR, 15).reinterpretAsShorts().mul(f));
                a3 = a3.add(x3.lanewise(LSHR, 15).reinterpretAsShorts().mul(f));
                a0.reinterpretAsInts().intoMemorySegment(ALL, to, LITTLE);
                a1.reinterpretAsInts().intoMemorySegment(ALL, to + BYTES, LITTLE);
                a2.reinterpretAsInts().intoMemorySegment(ALL, to + 2 * BYTES, LITTLE);
                a3.reinterpretAsInts().intoMemorySegment(ALL, to + 3 * BYTES, LITTLE);
                c += 4 * THREE_BITS_COEFFICIENTS;
                p += BYTES;
                to += SUM;
            } while (p != end);
            p += 8 * BYTES;
            c += 8 * 4 * (THREE_BITS_COEFFICIENTS + 1);
        }
    }
}
