package io.tmac4j.kernels;

import static io.tmac4j.kernels.GemmKernels.ADDRESS;
import static io.tmac4j.kernels.GemmKernels.OFFSET;
import static io.tmac4j.kernels.ScaleKernels.HALF_BITS;
import static io.tmac4j.kernels.WideSpecies.FLOATS;
import static io.tmac4j.kernels.WideSpecies.HALVES;
import static io.tmac4j.kernels.WideSpecies.INTS;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.S2I;

import io.tmac4j.bindings.spi.OffHeap;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/** Unpacks scales and mins of the rows of tiles into floats in the order of the rows, as the mpGEMM kernels want them. */
final class RowScales {

    private static final MemorySegment ALL = OffHeap.ALL;
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;

    /** What such an f32 number lacks, since its exponent counts from 127 and not from 15. */
    private static final float HALF_STEP = 0x1p112f;

    private RowScales() {
    }

    /** The f16 scales of a tile packed for lookups, see {@link LookupLayout}: an int has those of two quarters of a vector. */
    static void lookup(LookupLayout layout, long block, long scales) {
        IntVector halfBits = IntVector.broadcast(Species.INTS, HALF_BITS);
        FloatVector step = FloatVector.broadcast(Species.FLOATS, HALF_STEP);
        int bytes = 2 * layout.tileRows();
        long halves = block + layout.halvesOffset();
        for (int half = 0; half < bytes; half += Species.LANES) {
            long from = (halves & ADDRESS) + (half & OFFSET);
            long to = (scales & ADDRESS) + (2L * half & OFFSET);
            IntVector x = IntVector.fromMemorySegment(Species.INTS, ALL, from, LITTLE);
            step.mul(x.lanewise(LSHL, 16).lanewise(ASHR, 3).and(halfBits).reinterpretAsFloats())
                    .intoMemorySegment(ALL, to, LITTLE);
            step.mul(x.lanewise(ASHR, 3).and(halfBits).reinterpretAsFloats())
                    .intoMemorySegment(ALL, to + Species.LANES, LITTLE);
        }
    }

    /** f16 scales of a block of {@code tiles} tiles of words without mins. */
    static void halves(long halves, long tileBytes, int tiles, long to) {
        for (int tile = 0; tile < tiles; tile++) {
            half(halves + tile * tileBytes).intoMemorySegment(ALL, to + (long) tile * WordLayout.WORD, LITTLE);
        }
    }

    /** The scales of a block of one tile that are the upper halves of f32 numbers. */
    static void powers(long halves, long to) {
        IntVector h = (IntVector) ShortVector.fromMemorySegment(HALVES, ALL, halves, LITTLE).convertShape(S2I, INTS, 0);
        h.lanewise(LSHL, 16).intoMemorySegment(ALL, to, LITTLE);
    }

    private static FloatVector half(long address) {
        IntVector h = (IntVector) ShortVector.fromMemorySegment(HALVES, ALL, address, LITTLE).convertShape(S2I, INTS, 0);
        return h.lanewise(LSHL, 13).and(HALF_BITS).reinterpretAsFloats().mul(HALF_STEP);
    }

    /** f16 scales of a block of {@code tiles} tiles of words, and its mins plus {@code lack} times the scales. */
    static void halvesMins(long halves, long tileBytes, int tiles, int lack, long scales, long mins) {
        for (int tile = 0; tile < tiles; tile++) {
            long at = (long) tile * WordLayout.WORD;
            FloatVector scale = quarterHalves(halves + tile * tileBytes, 16, HALF_STEP);
            scale.intoMemorySegment(ALL, scales + at, LITTLE);
            quarterHalves(halves + tile * tileBytes, 0, HALF_STEP).add(scale.mul(lack)).intoMemorySegment(ALL, mins + at, LITTLE);
        }
    }

    /**
     * Scales of the four sub-blocks from {@code first} on of one tile, {@code stride} bytes apart; with mins also minus the mins,
     * plus {@code lack} times the scales.
     */
    static void nested(WordLayout layout, long tile, int block, int first, long stride, long scales, long mins) {
        WordForm form = layout.form();
        if (form.scales() == WordForm.Scales.ROUNDED) {
            RoundedScales.unpack(tile + layout.scales(block) + (long) first * WordLayout.WORD, stride, scales, mins);
            return;
        }
        int bits = form.scales() == WordForm.Scales.NIBBLES ? 4 : 8;
        int sign = form.scales() == WordForm.Scales.SIGNED_BYTES ? 1 << bits - 1 : 0;
        int shift = first * bits % Integer.SIZE;
        long word = (long) first * bits / Integer.SIZE * WordLayout.WORD;
        long halves = tile + layout.halves(block);
        if (form.minWords() > 0) {
            quarterHalves(halves, 16, HALF_STEP).intoMemorySegment(ALL, scales, LITTLE);
            quarterHalves(halves, 0, -HALF_STEP).intoMemorySegment(ALL, mins, LITTLE);
            products(tile + layout.mins(block) + word, bits, shift, 0, mins, stride);
        } else {
            half(halves).intoMemorySegment(ALL, scales, LITTLE);
        }
        products(tile + layout.scales(block) + word, bits, shift, sign, scales, stride);
        for (int i = 0; i < GemmShape.PARTS && form.minWords() > 0 && form.lack() != 0; i++) {
            addLack(form.lack(), scales + i * stride, mins + i * stride);
        }
    }

    /**
     * Four codes a row, times the number that stands where the first product goes. There is no branch between vectors: C2 would
     * keep both sides as objects.
     *
     * @param bits  bits of a code
     * @param shift where the first code stands in its word
     * @param sign  the bit that is the codes' sign, or 0
     */
    private static void products(long codes, int bits, int shift, int sign, long to, long stride) {
        FloatVector d = FloatVector.fromMemorySegment(FLOATS, ALL, to, LITTLE);
        IntVector x = IntVector.fromMemorySegment(INTS, ALL, codes, LITTLE);
        IntVector mask = IntVector.broadcast(INTS, (1 << bits) - 1);
        IntVector signs = IntVector.broadcast(INTS, sign);
        for (int i = 0; i < GemmShape.PARTS; i++) {
            IntVector code = x.lanewise(LSHR, shift + i * bits).and(mask);
            IntVector signed = code.sub(code.and(signs).lanewise(LSHL, 1));
            ((FloatVector) signed.convert(I2F, 0)).mul(d).intoMemorySegment(ALL, to + i * stride, LITTLE);
        }
    }

    private static void addLack(int lack, long scales, long mins) {
        FloatVector scale = FloatVector.fromMemorySegment(FLOATS, ALL, scales, LITTLE);
        FloatVector.fromMemorySegment(FLOATS, ALL, mins, LITTLE).add(scale.mul(lack)).intoMemorySegment(ALL, mins, LITTLE);
    }

    /**
     * Scales of six bits of the four sub-blocks from {@code first} on, an even one, of a tile packed for lookups; those of a
     * sub-block are {@link LookupLayout#tileRows} floats.
     */
    static void nested(LookupLayout layout, long block, int first, long scales) {
        int rows = layout.tileRows();
        int lanes = layout.lanes();
        for (int vector = 0; vector < rows; vector += lanes) {
            for (int quarter = 0; quarter < 4; quarter++) {
                long half = block + layout.halvesOffset() + 2L * vector + quarter / 2 * lanes;
                long at = block + layout.scalesOffset() + (long) first * rows + 2L * vector + quarter % 2 * (long) lanes;
                long to = vector + (long) quarter * lanes / 4 << 2;
                codes(half, 16 - quarter % 2 * 16, at, 2L * rows, quarter / 2 * 16, NestedScales.SIX_BITS_MASK,
                        NestedScales.SIX_BITS_CENTRE, scales + to, 4L * rows);
            }
        }
    }

    /**
     * Scales, mins and the scale of a block of a tile packed for lookups, whose sub-blocks have a byte for both. Those of a
     * sub-block are {@link LookupLayout#tileRows} numbers.
     *
     * @param lack      what codes counted from their centre lack
     * @param scales    where scales go, as numbers in both halves of an int
     * @param mins      where minus the mins go, plus {@code lack} times the scales, as floats
     * @param rowScales where the f16 scales of the rows go as floats
     */
    static void nibbles(LookupLayout layout, long block, int lack, long scales, long mins, long rowScales) {
        int rows = layout.tileRows();
        int lanes = layout.lanes();
        for (int vector = 0; vector < rows; vector += lanes) {
            for (int quarter = 0; quarter < 4; quarter++) {
                long half = block + layout.halvesOffset() + 2L * vector + quarter / 2 * lanes;
                long at = block + layout.scalesOffset() + 2L * vector + quarter % 2 * (long) lanes;
                long to = vector + (long) quarter * lanes / 4 << 2;
                nibbles(half, 2L * rows, 16 - quarter % 2 * 16, lack, at, quarter / 2 * 16, rows, scales + to, mins + to,
                        rowScales + to);
            }
        }
    }

    private static void nibbles(long half, long nextHalf, int halfShift, int lack, long codes, int shift, int rows, long scales,
            long mins, long rowScales) {
        FloatVector d = quarterHalves(half, halfShift, HALF_STEP);
        FloatVector min = quarterHalves(half + nextHalf, halfShift, -HALF_STEP);
        FloatVector more = d.mul(lack);
        IntVector nibble = IntVector.broadcast(INTS, 15);
        d.intoMemorySegment(ALL, rowScales, LITTLE);
        for (int sub = 0; sub < NestedSums.SUB_BLOCKS; sub++) {
            long to = 4L * sub * rows & OFFSET;
            IntVector x = IntVector.fromMemorySegment(INTS, ALL, (codes & ADDRESS) + ((long) (sub & ~1) * rows & OFFSET), LITTLE)
                    .lanewise(LSHR, shift + (sub & 1) * 8);
            IntVector scale = x.and(nibble);
            scale.or(scale.lanewise(LSHL, 16)).intoMemorySegment(ALL, (scales & ADDRESS) + to, LITTLE);
            min.fma((FloatVector) x.lanewise(LSHR, 4).and(nibble).convert(I2F, 0), more.mul((FloatVector) scale.convert(I2F, 0)))
                    .intoMemorySegment(ALL, (mins & ADDRESS) + to, LITTLE);
        }
    }

    /** f16 numbers in ints, {@code halfShift} below their upper halves, as floats times {@code factor} and {@code 2^-112}. */
    private static FloatVector quarterHalves(long half, int halfShift, float factor) {
        return IntVector.fromMemorySegment(INTS, ALL, half, LITTLE).lanewise(LSHL, halfShift).lanewise(ASHR, 3).and(HALF_BITS)
                .reinterpretAsFloats().mul(factor);
    }

    /**
     * Four codes a row, less {@code centre}, times an f16 number.
     *
     * @param half      ints with the f16 numbers, {@code halfShift} below the upper half
     * @param codes     ints with the codes of two sub-blocks, 8 bits apart, from bit {@code shift} on
     * @param codeBytes bytes to the ints of the next two
     */
    private static void codes(long half, int halfShift, long codes, long codeBytes, int shift, int bits, int centre,
            long to, long targetBytes) {
        FloatVector d = quarterHalves(half, halfShift, HALF_STEP);
        IntVector mask = IntVector.broadcast(INTS, bits);
        IntVector less = IntVector.broadcast(INTS, centre);
        IntVector x = IntVector.fromMemorySegment(INTS, ALL, codes, LITTLE).lanewise(LSHR, shift);
        IntVector y = IntVector.fromMemorySegment(INTS, ALL, codes + codeBytes, LITTLE).lanewise(LSHR, shift);
        ((FloatVector) x.and(mask).sub(less).convert(I2F, 0)).mul(d).intoMemorySegment(ALL, to, LITTLE);
        ((FloatVector) x.lanewise(LSHR, 8).and(mask).sub(less).convert(I2F, 0)).mul(d)
                .intoMemorySegment(ALL, to + targetBytes, LITTLE);
        ((FloatVector) y.and(mask).sub(less).convert(I2F, 0)).mul(d).intoMemorySegment(ALL, to + 2 * targetBytes, LITTLE);
        ((FloatVector) y.lanewise(LSHR, 8).and(mask).sub(less).convert(I2F, 0)).mul(d)
                .intoMemorySegment(ALL, to + 3 * targetBytes, LITTLE);
    }
}
