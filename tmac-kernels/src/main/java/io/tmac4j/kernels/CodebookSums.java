package io.tmac4j.kernels;

import static io.tmac4j.kernels.GemmKernels.ADDRESS;
import static io.tmac4j.kernels.GemmKernels.OFFSET;
import static io.tmac4j.kernels.WideSpecies.BYTES;
import static io.tmac4j.kernels.WideSpecies.INTS;
import static io.tmac4j.kernels.WideSpecies.SHORTS;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.B2S;
import static jdk.incubator.vector.VectorOperators.LSHR;

import io.tmac4j.bindings.spi.OffHeap;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * First stage of an mpGEMV with codes of four bits that stand for signed bytes: a shuffle of the codebook turns the codes of
 * half a vector into bytes, which are widened and multiplied with 16-bit activations. A half of a word has the low and the high
 * codes of two bytes; all rows' halves stand beside each other, see {@link WordMatrix#pack}. Sums are of 32 weights, a block's or
 * a sub-block's.
 *
 * <p>Loops over four tiles and written out as in {@link WordSums}, for the reasons given there.
 */
final class CodebookSums {

    /** Bytes of a codebook as a vector: what AVX2 shuffles at once, and all that NEON has; twice as many on 512 bits. */
    static final int TABLE = Math.max(16, BYTES / 2);

    /** Vectors of codes: half of the wide ones, where there are such. */
    static final VectorSpecies<Byte> CODES = VectorSpecies.of(byte.class, VectorShape.forBitSize(8 * TABLE));
    static final VectorSpecies<Integer> CODE_INTS = VectorSpecies.of(int.class, VectorShape.forBitSize(8 * TABLE));

    /** Halves of words of a sum. */
    private static final int HALVES = 8;

    private static final int SUM = WordSums.SUM;
    private static final MemorySegment ALL = OffHeap.ALL;
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;

    private CodebookSums() {
    }

    /**
     * Sums that fit 16 bits in each half of a lane, of four tiles.
     *
     * @param table        {@link Codebook#table}
     * @param codes        first word of the first tile
     * @param next1        bytes from it to the first word of the second tile, which stands behind
     * @param next2        the same for the third
     * @param next3        the same for the fourth
     * @param coefficients for each half of a word the activations of its low codes, then of its high ones
     * @param target       where the vectors of the four tiles go, {@link WordSums#SUM} bytes a sum
     */
    static void narrow(byte[] table, long codes, long next1, long next2, long next3, int sums, long coefficients, long target) {
        ByteVector values = ByteVector.fromArray(CODES, table, 0);
        ShortVector zero = ShortVector.zero(SHORTS);
        long d1 = next1 & OFFSET;
        long d2 = next2 & OFFSET;
        long d3 = next3 & OFFSET;
        for (int sum = 0; sum < sums; sum++) {
            ShortVector a0 = zero;
            ShortVector a1 = a0;
            ShortVector a2 = a0;
            ShortVector a3 = a0;
            for (int half = sum * HALVES; half < (sum + 1) * HALVES; half++) {
                long p = (codes & ADDRESS) + ((long) half * (BYTES / 2) & OFFSET);
                long c = (coefficients & ADDRESS) + (8L * half & OFFSET);
                ShortVector f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c)).reinterpretAsShorts();
                ShortVector g = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 4)).reinterpretAsShorts();
                IntVector x = IntVector.fromMemorySegment(CODE_INTS, ALL, p, LITTLE);
                ShortVector v = (ShortVector) x.reinterpretAsBytes().selectFrom(values).convertShape(B2S, SHORTS, 0);
                ShortVector w = (ShortVector) x.lanewise(LSHR, 4).reinterpretAsBytes().selectFrom(values)
                        .convertShape(B2S, SHORTS, 0);
                a0 = v.mul(f).add(w.mul(g)).add(a0);
                x = IntVector.fromMemorySegment(CODE_INTS, ALL, p + d1, LITTLE);
                v = (ShortVector) x.reinterpretAsBytes().selectFrom(values).convertShape(B2S, SHORTS, 0);
                w = (ShortVector) x.lanewise(LSHR, 4).reinterpretAsBytes().selectFrom(values).convertShape(B2S, SHORTS, 0);
                a1 = v.mul(f).add(w.mul(g)).add(a1);
                x = IntVector.fromMemorySegment(CODE_INTS, ALL, p + d2, LITTLE);
                v = (ShortVector) x.reinterpretAsBytes().selectFrom(values).convertShape(B2S, SHORTS, 0);
                w = (ShortVector) x.lanewise(LSHR, 4).reinterpretAsBytes().selectFrom(values).convertShape(B2S, SHORTS, 0);
                a2 = v.mul(f).add(w.mul(g)).add(a2);
                x = IntVector.fromMemorySegment(CODE_INTS, ALL, p + d3, LITTLE);
                v = (ShortVector) x.reinterpretAsBytes().selectFrom(values).convertShape(B2S, SHORTS, 0);
                w = (ShortVector) x.lanewise(LSHR, 4).reinterpretAsBytes().selectFrom(values).convertShape(B2S, SHORTS, 0);
                a3 = v.mul(f).add(w.mul(g)).add(a3);
            }
            long to = (target & ADDRESS) + ((long) sum * SUM & OFFSET);
            zero.add(a0).intoMemorySegment(ALL, to, LITTLE);
            zero.add(a1).intoMemorySegment(ALL, to + BYTES, LITTLE);
            zero.add(a2).intoMemorySegment(ALL, to + 2 * BYTES, LITTLE);
            zero.add(a3).intoMemorySegment(ALL, to + 3 * BYTES, LITTLE);
        }
    }

    /**
     * Sums that need more than 16 bits, of four tiles: modulo 2^16, and of each two products the part above the low eight bits.
     * Two products fit 16 bits.
     *
     * @param target see {@link #narrow}
     * @param high   where the sums of the high parts go, laid out alike
     */
    static void wide(byte[] table, long codes, long next1, long next2, long next3, int sums, long coefficients, long target,
            long high) {
        ByteVector values = ByteVector.fromArray(CODES, table, 0);
        ShortVector zero = ShortVector.zero(SHORTS);
        long d1 = next1 & OFFSET;
        long d2 = next2 & OFFSET;
        long d3 = next3 & OFFSET;
        for (int sum = 0; sum < sums; sum++) {
            ShortVector a0 = zero;
            ShortVector a1 = a0;
            ShortVector a2 = a0;
            ShortVector a3 = a0;
            ShortVector h0 = a0;
            ShortVector h1 = a0;
            ShortVector h2 = a0;
            ShortVector h3 = a0;
            for (int half = sum * HALVES; half < (sum + 1) * HALVES; half++) {
                long p = (codes & ADDRESS) + ((long) half * (BYTES / 2) & OFFSET);
                long c = (coefficients & ADDRESS) + (8L * half & OFFSET);
                ShortVector f = IntVector.broadcast(INTS, ALL.get(Memory.INT, c)).reinterpretAsShorts();
                ShortVector g = IntVector.broadcast(INTS, ALL.get(Memory.INT, c + 4)).reinterpretAsShorts();
                IntVector x = IntVector.fromMemorySegment(CODE_INTS, ALL, p, LITTLE);
                ShortVector v = (ShortVector) x.reinterpretAsBytes().selectFrom(values).convertShape(B2S, SHORTS, 0);
                ShortVector w = (ShortVector) x.lanewise(LSHR, 4).reinterpretAsBytes().selectFrom(values)
                        .convertShape(B2S, SHORTS, 0);
                v = v.mul(f).add(w.mul(g));
                a0 = v.add(a0);
                h0 = v.lanewise(ASHR, 8).add(h0);
                x = IntVector.fromMemorySegment(CODE_INTS, ALL, p + d1, LITTLE);
                v = (ShortVector) x.reinterpretAsBytes().selectFrom(values).convertShape(B2S, SHORTS, 0);
                w = (ShortVector) x.lanewise(LSHR, 4).reinterpretAsBytes().selectFrom(values).convertShape(B2S, SHORTS, 0);
                v = v.mul(f).add(w.mul(g));
                a1 = v.add(a1);
                h1 = v.lanewise(ASHR, 8).add(h1);
                x = IntVector.fromMemorySegment(CODE_INTS, ALL, p + d2, LITTLE);
                v = (ShortVector) x.reinterpretAsBytes().selectFrom(values).convertShape(B2S, SHORTS, 0);
                w = (ShortVector) x.lanewise(LSHR, 4).reinterpretAsBytes().selectFrom(values).convertShape(B2S, SHORTS, 0);
                v = v.mul(f).add(w.mul(g));
                a2 = v.add(a2);
                h2 = v.lanewise(ASHR, 8).add(h2);
                x = IntVector.fromMemorySegment(CODE_INTS, ALL, p + d3, LITTLE);
                v = (ShortVector) x.reinterpretAsBytes().selectFrom(values).convertShape(B2S, SHORTS, 0);
                w = (ShortVector) x.lanewise(LSHR, 4).reinterpretAsBytes().selectFrom(values).convertShape(B2S, SHORTS, 0);
                v = v.mul(f).add(w.mul(g));
                a3 = v.add(a3);
                h3 = v.lanewise(ASHR, 8).add(h3);
            }
            long to = (target & ADDRESS) + ((long) sum * SUM & OFFSET);
            zero.add(a0).intoMemorySegment(ALL, to, LITTLE);
            zero.add(a1).intoMemorySegment(ALL, to + BYTES, LITTLE);
            zero.add(a2).intoMemorySegment(ALL, to + 2 * BYTES, LITTLE);
            zero.add(a3).intoMemorySegment(ALL, to + 3 * BYTES, LITTLE);
            to = (high & ADDRESS) + ((long) sum * SUM & OFFSET);
            zero.add(h0).intoMemorySegment(ALL, to, LITTLE);
            zero.add(h1).intoMemorySegment(ALL, to + BYTES, LITTLE);
            zero.add(h2).intoMemorySegment(ALL, to + 2 * BYTES, LITTLE);
            zero.add(h3).intoMemorySegment(ALL, to + 3 * BYTES, LITTLE);
        }
    }
}
