package io.tmac4j.kernels;

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

    /** The f16 scales of a tile packed for lookups, see {@link LookupLayout}. */
    static void lookup(LookupLayout layout, long block, long scales) {
        long halves = block + layout.halvesOffset();
        for (int i = 0; i < layout.tileRows(); i += 2) {
            // two f16 numbers an int: rows of the quarters 0 and 1, or 2 and 3, of a vector
            int pair = Memory.i32(halves + 2L * i);
            int inVector = i % layout.lanes();
            int quarter = layout.lanes() / 4;
            int row = i - inVector + inVector / (2 * quarter) * 2 * quarter + inVector % (2 * quarter) / 2;
            Memory.f32(scales + 4L * row, Float.float16ToFloat((short) pair));
            Memory.f32(scales + 4L * (row + quarter), Float.float16ToFloat((short) (pair >> 16)));
        }
    }

    /** f16 numbers of a block of {@code tiles} tiles of words. */
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

    /** f16 mins of a block, plus {@code lack} times its scales, which stand at {@code scales}. */
    static void mins(long halves, long tileBytes, int tiles, int lack, long scales, long to) {
        for (int tile = 0; tile < tiles; tile++) {
            FloatVector scale = FloatVector.fromMemorySegment(FLOATS, ALL, scales + (long) tile * WordLayout.WORD, LITTLE);
            half(halves + tile * tileBytes).add(scale.mul(lack))
                    .intoMemorySegment(ALL, to + (long) tile * WordLayout.WORD, LITTLE);
        }
    }

    /**
     * Scales of the four sub-blocks from {@code first} on of one tile, {@code stride} bytes apart; with mins also minus the
     * mins, plus
     * {@code lack} times the scales.
     */
    static void nested(WordLayout layout, long tile, int block, int first, long stride, long scales, long mins) {
        WordForm form = layout.form();
        boolean nibbles = form.scales() == WordForm.Scales.NIBBLES;
        boolean signed = form.scales() == WordForm.Scales.SIGNED_BYTES;
        int bits = nibbles ? 4 : 8;
        long at = (long) first * bits / Integer.SIZE * WordLayout.WORD;
        FloatVector d = half(tile + layout.halves(block));
        FloatVector dmin = form.minWords() == 0 ? d : half(tile + layout.halves(block) + WordLayout.HALF);
        IntVector x = IntVector.fromMemorySegment(INTS, ALL, tile + layout.scales(block) + at, LITTLE);
        IntVector y = form.minWords() == 0 ? x : IntVector.fromMemorySegment(INTS, ALL, tile + layout.mins(block) + at, LITTLE);
        for (int i = 0; i < GemmShape.PARTS; i++) {
            int shift = (first + i) * bits % Integer.SIZE;
            // shifted to the top first, so that signed bytes keep their sign
            IntVector top = x.lanewise(LSHL, Integer.SIZE - bits - shift);
            IntVector code = signed ? top.lanewise(ASHR, Integer.SIZE - bits) : top.lanewise(LSHR, Integer.SIZE - bits);
            FloatVector scale = d.mul((FloatVector) code.convert(I2F, 0));
            scale.intoMemorySegment(ALL, scales + i * stride, LITTLE);
            if (form.minWords() > 0) {
                IntVector min = y.lanewise(LSHL, Integer.SIZE - bits - shift).lanewise(LSHR, Integer.SIZE - bits);
                scale.mul(form.lack()).sub(dmin.mul((FloatVector) min.convert(I2F, 0)))
                        .intoMemorySegment(ALL, mins + i * stride, LITTLE);
            }
        }
    }
}
