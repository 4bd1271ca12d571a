package io.tmac4j.kernels;

import static io.tmac4j.kernels.WideSpecies.BYTES;
import static io.tmac4j.kernels.WideSpecies.COLUMNS;
import static io.tmac4j.kernels.WideSpecies.FLOATS;
import static io.tmac4j.kernels.WideSpecies.SHORTS;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;

import io.tmac4j.bindings.spi.OffHeap;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * Quantised activations of a column tile, step after step. A step holds vectors over the columns: the 16-bit activations in the
 * order of {@link GemmShape#order}, for weights with mins the sums of the activations that each sum covers, and the scales of its
 * blocks. Vectors of floats come in twos: first the even columns, then the odd ones.
 *
 * <p>The numbers are those of llama.cpp's {@code quantize_row_q8_0} (blocks of 32) and {@code quantize_row_q8_K} (blocks of 256),
 * so that the integer sums are the same, unless {@link GemmShape#sumLimit} wants a greater step; columns that a tile lacks are
 * zero.
 */
final class ColumnBlocks {

    /** Bytes of scratch memory that {@link #fill} needs. */
    static final long SCRATCH_BYTES = 256L * BYTES;

    private static final MemorySegment ALL = OffHeap.ALL;
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;

    /** Undoes that kernels take 16-bit sums as the upper halves of ints. */
    private static final float UPPER = 0x1p-16f;

    private ColumnBlocks() {
    }

    /** Bytes of a step. */
    static long stepBytes(GemmShape shape) {
        return (long) BYTES * (shape.stepWeights() + 2 * shape.parts() + 2 * shape.blocksPerStep());
    }

    /** Offset of the sums of activations. */
    static long columnSums(GemmShape shape) {
        return (long) BYTES * shape.stepWeights();
    }

    /** Offset of the scales of activations. */
    static long columnScales(GemmShape shape) {
        return columnSums(shape) + 2L * BYTES * shape.parts();
    }

    /**
     * Quantises steps {@code from} to {@code to}, whole blocks, of a column tile.
     *
     * @param k           activations a column
     * @param activations addresses of the columns, from {@code first} on
     * @param columns     number of columns, at most {@link WideSpecies#COLUMNS}
     * @param target      step 0 of the tile
     * @param scratch     {@link #SCRATCH_BYTES} bytes
     */
    static void fill(GemmShape shape, int k, long[] activations, int first, int columns, int from, int to, long target,
            long scratch) {
        int weights = shape.blockWeights();
        for (int step = from; step < to; step += shape.stepsPerBlock()) {
            int parts = shape.stepsPerBlock() > 1 ? 1 : shape.parts(k, step);
            int blocks = shape.blocksPerStep() > 1 ? parts : 1;
            for (int b = 0; b < blocks; b++) {
                long firstStep = target + step * stepBytes(shape);
                long scales = firstStep + columnScales(shape) + 2L * b * BYTES;
                long at = 4L * ((long) step * shape.stepWeights() + (long) b * weights);
                for (int c = 0; c < COLUMNS; c += 2) {
                    long ints = scratch + 2L * c * weights;
                    float even = 0;
                    float odd = 0;
                    if (c < columns) {
                        even = quantise(shape, activations[first + c] + at, ints, false);
                    } else {
                        Memory.clear(ints, 4L * weights);
                    }
                    if (c + 1 < columns) {
                        odd = quantise(shape, activations[first + c + 1] + at, ints, true);
                    }
                    Memory.f32(scales + 2L * c, even * UPPER);
                    Memory.f32(scales + 2L * c + BYTES, odd * UPPER);
                }
                for (int s = 0; s < shape.stepsPerBlock(); s++) {
                    long stepAddress = firstStep + s * stepBytes(shape);
                    int stepWeights = Math.min(weights, shape.stepWeights());
                    turn(shape.order(), scratch, weights, s * stepWeights, stepWeights, stepAddress + (long) b * weights * BYTES);
                    if (s > 0) {
                        Memory.copy(scales, stepAddress + columnScales(shape), 2L * BYTES);
                    }
                }
            }
            for (int s = 0; s < shape.stepsPerBlock() && shape.withMins(); s++) {
                sum(shape, shape.parts(k, step + s), target + (step + s) * stepBytes(shape));
            }
        }
    }

    private static float quantise(GemmShape shape, long activations, long ints, boolean high) {
        if (shape.sumLimit() > 0) {
            return Quantiser.quantise(activations, shape.blockWeights(), shape.activationLimit(), shape.partWeights(),
                    shape.sumLimit(), ints, high);
        }
        return Quantiser.quantise(activations, shape.blockWeights(), shape.activationLimit(), shape.halfScales(), ints, high);
    }

    /** Turns pairs of columns with weights beside each other into weights with pairs of columns beside each other. */
    private static void turn(int[] order, long ints, int weights, int firstPlace, int count, long target) {
        for (int i = 0; i < count; i++) {
            long from = ints + 4L * order[firstPlace + i];
            long to = target + (long) i * BYTES;
            for (int c = 0; c < COLUMNS / 2; c++) {
                Memory.i32(to + 4L * c, Memory.i32(from + 4L * c * weights));
            }
        }
    }

    /** Adds up the activations of each part of a step: at most 32 of 127, which fits 16 bits. */
    private static void sum(GemmShape shape, int parts, long step) {
        for (int part = 0; part < parts; part++) {
            ShortVector total = ShortVector.zero(SHORTS);
            long first = step + (long) BYTES * part * shape.partWeights();
            for (int i = 0; i < shape.partWeights(); i++) {
                total = ShortVector.fromMemorySegment(SHORTS, ALL, first + (long) BYTES * i, LITTLE).add(total);
            }
            IntVector wide = ShortVector.zero(SHORTS).add(total).reinterpretAsInts();
            long scales = step + columnScales(shape) + (shape.blocksPerStep() > 1 ? 2L * part * BYTES : 0);
            long to = step + columnSums(shape) + 2L * part * BYTES;
            FloatVector even = (FloatVector) wide.lanewise(LSHL, 16).convert(I2F, 0);
            FloatVector odd = (FloatVector) wide.and(0xffff0000).convert(I2F, 0);
            even = even.mul(FloatVector.fromMemorySegment(FLOATS, ALL, scales, LITTLE));
            odd = odd.mul(FloatVector.fromMemorySegment(FLOATS, ALL, scales + BYTES, LITTLE));
            even.intoMemorySegment(ALL, to, LITTLE);
            odd.intoMemorySegment(ALL, to + BYTES, LITTLE);
        }
    }
}
