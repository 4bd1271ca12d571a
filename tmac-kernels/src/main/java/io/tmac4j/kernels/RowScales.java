package io.tmac4j.kernels;

import static io.tmac4j.kernels.Species.FLOATS;
import static io.tmac4j.kernels.Species.INTS;
import static io.tmac4j.kernels.Species.LANES;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import io.tmac4j.bindings.spi.OffHeap;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/** Unpacks scales and mins of the rows of a tile into floats in the order of the rows, as the mpGEMM kernels want them. */
final class RowScales {

    private static final MemorySegment ALL = OffHeap.ALL;
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;

    /** Sign and number bits of an f16 number that has been shifted into the place of an f32 number. */
    private static final int HALF_BITS = 0x8fffe000;

    /** What such an f32 number lacks, since its exponent counts from 127 and not from 15. */
    private static final float HALF_STEP = 0x1p112f;

    private RowScales() {
    }

    /** The f16 scale of each row of a block. */
    static void flat(PackedLayout layout, long block, long scales) {
        halves(layout.vectors(), block + layout.halvesOffset(), scales);
    }

    /** Scale and min of each row of a block; a min gets {@code lack} times the scale: codes are counted from their centre. */
    static void flatWithMins(PackedLayout layout, long block, int lack, long scales, long mins) {
        long halves = block + layout.halvesOffset();
        halves(layout.vectors(), halves, scales);
        halves(layout.vectors(), halves + 2L * layout.tileRows(), mins);
        for (int row = 0; row < layout.tileRows(); row += FLOATS.length()) {
            FloatVector scale = FloatVector.fromMemorySegment(FLOATS, ALL, scales + 4L * row, LITTLE);
            FloatVector min = FloatVector.fromMemorySegment(FLOATS, ALL, mins + 4L * row, LITTLE);
            scale.mul(lack).add(min).intoMemorySegment(ALL, mins + 4L * row, LITTLE);
        }
    }

    /** Scales of {@code count} sub-blocks from {@code first} on, in packed order: {@code tileRows} floats each. */
    static void nested(PackedLayout layout, long block, int first, int count, long scales) {
        int tileRows = layout.tileRows();
        halves(layout.vectors(), block + layout.halvesOffset(), scales);
        long bytes = block + layout.subBytesOffset() + (long) first * tileRows;
        // from the last sub-block to the first, where the block's scales stand meanwhile
        for (int sub = count - 1; sub >= 0; sub--) {
            for (int row = 0; row < tileRows; row += FLOATS.length()) {
                int lane = row / LANES * LANES;
                int shift = 24 - (row - lane) / FLOATS.length() * 8;
                IntVector x = IntVector.fromMemorySegment(INTS, ALL, bytes + (long) sub * tileRows + lane, LITTLE);
                FloatVector factor = (FloatVector) x.lanewise(LSHL, shift).lanewise(ASHR, 24).convert(I2F, 0);
                FloatVector d = FloatVector.fromMemorySegment(FLOATS, ALL, scales + 4L * row, LITTLE);
                d.mul(factor).intoMemorySegment(ALL, scales + 4L * (sub * tileRows + row), LITTLE);
            }
        }
    }

    /** As {@link #nested}, with minus the mins of the sub-blocks, plus {@code lack} times the scale. */
    static void nestedWithMins(PackedLayout layout, long block, int first, int count, int lack, long scales, long mins) {
        boolean nibbles = layout.form().mins() == TileForm.Mins.NIBBLE;
        int tileRows = layout.tileRows();
        halves(layout.vectors(), block + layout.halvesOffset(), scales);
        halves(layout.vectors(), block + layout.halvesOffset() + 2L * tileRows, mins);
        long bytes = block + layout.subBytesOffset() + (long) first * tileRows;
        long minBytes = nibbles ? bytes : bytes + (long) layout.form().subBlocks() * tileRows;
        int mask = nibbles ? 15 : 255;
        int minShift = nibbles ? 4 : 0;
        for (int sub = count - 1; sub >= 0; sub--) {
            for (int row = 0; row < tileRows; row += FLOATS.length()) {
                int lane = row / LANES * LANES;
                int shift = (row - lane) / FLOATS.length() * 8;
                IntVector x = IntVector.fromMemorySegment(INTS, ALL, bytes + (long) sub * tileRows + lane, LITTLE);
                IntVector y = IntVector.fromMemorySegment(INTS, ALL, minBytes + (long) sub * tileRows + lane, LITTLE);
                FloatVector factor = (FloatVector) x.lanewise(LSHR, shift).and(mask).convert(I2F, 0);
                FloatVector minFactor = (FloatVector) y.lanewise(LSHR, shift + minShift).and(mask).convert(I2F, 0);
                FloatVector d = FloatVector.fromMemorySegment(FLOATS, ALL, scales + 4L * row, LITTLE);
                FloatVector m = FloatVector.fromMemorySegment(FLOATS, ALL, mins + 4L * row, LITTLE);
                d = d.mul(factor);
                d.intoMemorySegment(ALL, scales + 4L * (sub * tileRows + row), LITTLE);
                d.mul(lack).sub(m.mul(minFactor)).intoMemorySegment(ALL, mins + 4L * (sub * tileRows + row), LITTLE);
            }
        }
    }

    /** Turns f16 numbers of {@code vectors} vectors of rows into floats. */
    private static void halves(int vectors, long halves, long to) {
        for (int i = 0; i < 2 * vectors; i++) {
            IntVector h = IntVector.fromMemorySegment(INTS, ALL, halves + (long) i * LANES, LITTLE);
            FloatVector low = h.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats().mul(HALF_STEP);
            FloatVector high = h.lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats().mul(HALF_STEP);
            low.intoMemorySegment(ALL, to + 2L * i * LANES, LITTLE);
            high.intoMemorySegment(ALL, to + 2L * i * LANES + LANES, LITTLE);
        }
    }
}
