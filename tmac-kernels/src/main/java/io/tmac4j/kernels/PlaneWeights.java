package io.tmac4j.kernels;

import static io.tmac4j.kernels.GemmKernels.ADDRESS;
import static io.tmac4j.kernels.GemmKernels.OFFSET;
import static io.tmac4j.kernels.Species.INTS;
import static io.tmac4j.kernels.Species.LANES;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import io.tmac4j.bindings.spi.OffHeap;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * Unpacks the codes of three and four bit planes into 16-bit weights, each twice in an int, in the order of the tables of
 * {@link TileForm} and of the rows: what {@link GemmKernels#productSums} multiplies. The codes of one nibble are put
 * together as bytes, four rows' in an int, then spread into four ints: a quarter of the rows for each byte of the int.
 */
final class PlaneWeights {

    private static final MemorySegment ALL = OffHeap.ALL;
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;

    /** The lowest bit of each byte. */
    private static final int LOW_BITS = 0x01010101;

    private PlaneWeights() {
    }

    /**
     * Unpacks one nibble of each code byte of a part.
     *
     * @param codes   first code byte of the part
     * @param nibble  0 for the low nibbles, 1 for the high ones
     * @param target  first weight; a weight takes {@code tileRows} ints, and the weights of one table four times that
     * @param stride  bytes from the weights of one code byte to those of the next
     */
    static void unpack(PackedLayout layout, GemmShape shape, long codes, int nibble, long target, long stride) {
        int rows = layout.tileRows();
        for (int i = 0; i < shape.partBytes(); i++) {
            for (int vector = 0; vector < layout.vectors(); vector++) {
                long at = codes + (long) i * rows + (long) vector * LANES;
                long to = target + i * stride + 4L * vector * LANES;
                if (layout.form().planes() == 4) {
                    fourPlanes(at, (long) shape.partBytes() * rows, 4 * nibble, to, 4L * rows);
                } else {
                    threePlanes(at, (long) shape.partBytes() * rows, 4 * nibble, to, 4L * rows);
                }
            }
        }
    }

    private static void fourPlanes(long firstCode, long nextPlane, int shift, long firstTarget, long nextWeight) {
        long codes = firstCode & ADDRESS;
        long planeStride = nextPlane & OFFSET;
        IntVector p3 = IntVector.fromMemorySegment(INTS, ALL, codes, LITTLE).lanewise(LSHR, shift);
        IntVector p2 = IntVector.fromMemorySegment(INTS, ALL, codes + planeStride, LITTLE).lanewise(LSHR, shift);
        IntVector p1 = IntVector.fromMemorySegment(INTS, ALL, codes + 2 * planeStride, LITTLE).lanewise(LSHR, shift);
        IntVector p0 = IntVector.fromMemorySegment(INTS, ALL, codes + 3 * planeStride, LITTLE).lanewise(LSHR, shift);
        for (int j = 0; j < 4; j++) {
            IntVector b3 = p3.lanewise(LSHR, j).and(LOW_BITS);
            IntVector b2 = p2.lanewise(LSHR, j).and(LOW_BITS);
            IntVector b1 = p1.lanewise(LSHR, j).and(LOW_BITS);
            IntVector b0 = p0.lanewise(LSHR, j).and(LOW_BITS);
            IntVector c = b3.lanewise(LSHL, 3).or(b2.lanewise(LSHL, 2)).or(b1.lanewise(LSHL, 1)).or(b0);
            long to = (firstTarget & ADDRESS) + (j * nextWeight & OFFSET);
            IntVector q0 = c.and(0xff);
            ShortVector w0 = q0.or(q0.lanewise(LSHL, 16)).reinterpretAsShorts().sub((short) 8);
            w0.reinterpretAsInts().intoMemorySegment(ALL, to, LITTLE);
            IntVector q1 = c.lanewise(LSHR, 8).and(0xff);
            ShortVector w1 = q1.or(q1.lanewise(LSHL, 16)).reinterpretAsShorts().sub((short) 8);
            w1.reinterpretAsInts().intoMemorySegment(ALL, to + LANES, LITTLE);
            IntVector q2 = c.lanewise(LSHR, 16).and(0xff);
            ShortVector w2 = q2.or(q2.lanewise(LSHL, 16)).reinterpretAsShorts().sub((short) 8);
            w2.reinterpretAsInts().intoMemorySegment(ALL, to + 2L * LANES, LITTLE);
            IntVector q3 = c.lanewise(LSHR, 24);
            ShortVector w3 = q3.or(q3.lanewise(LSHL, 16)).reinterpretAsShorts().sub((short) 8);
            w3.reinterpretAsInts().intoMemorySegment(ALL, to + 3L * LANES, LITTLE);
        }
    }

    private static void threePlanes(long firstCode, long nextPlane, int shift, long firstTarget, long nextWeight) {
        long codes = firstCode & ADDRESS;
        long planeStride = nextPlane & OFFSET;
        IntVector p2 = IntVector.fromMemorySegment(INTS, ALL, codes, LITTLE).lanewise(LSHR, shift);
        IntVector p1 = IntVector.fromMemorySegment(INTS, ALL, codes + planeStride, LITTLE).lanewise(LSHR, shift);
        IntVector p0 = IntVector.fromMemorySegment(INTS, ALL, codes + 2 * planeStride, LITTLE).lanewise(LSHR, shift);
        for (int j = 0; j < 4; j++) {
            IntVector b2 = p2.lanewise(LSHR, j).and(LOW_BITS);
            IntVector b1 = p1.lanewise(LSHR, j).and(LOW_BITS);
            IntVector b0 = p0.lanewise(LSHR, j).and(LOW_BITS);
            IntVector c = b2.lanewise(LSHL, 2).or(b1.lanewise(LSHL, 1)).or(b0);
            long to = (firstTarget & ADDRESS) + (j * nextWeight & OFFSET);
            IntVector q0 = c.and(0xff);
            ShortVector w0 = q0.or(q0.lanewise(LSHL, 16)).reinterpretAsShorts().sub((short) 4);
            w0.reinterpretAsInts().intoMemorySegment(ALL, to, LITTLE);
            IntVector q1 = c.lanewise(LSHR, 8).and(0xff);
            ShortVector w1 = q1.or(q1.lanewise(LSHL, 16)).reinterpretAsShorts().sub((short) 4);
            w1.reinterpretAsInts().intoMemorySegment(ALL, to + LANES, LITTLE);
            IntVector q2 = c.lanewise(LSHR, 16).and(0xff);
            ShortVector w2 = q2.or(q2.lanewise(LSHL, 16)).reinterpretAsShorts().sub((short) 4);
            w2.reinterpretAsInts().intoMemorySegment(ALL, to + 2L * LANES, LITTLE);
            IntVector q3 = c.lanewise(LSHR, 24);
            ShortVector w3 = q3.or(q3.lanewise(LSHL, 16)).reinterpretAsShorts().sub((short) 4);
            w3.reinterpretAsInts().intoMemorySegment(ALL, to + 3L * LANES, LITTLE);
        }
    }
}
