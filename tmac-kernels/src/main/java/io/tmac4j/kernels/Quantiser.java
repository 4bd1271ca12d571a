package io.tmac4j.kernels;

import static io.tmac4j.kernels.WideSpecies.FLOATS;
import static io.tmac4j.kernels.WideSpecies.INTS;
import static jdk.incubator.vector.VectorOperators.ADD;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.MAX;

import io.tmac4j.bindings.spi.OffHeap;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Quantises blocks of activations as llama.cpp's {@code quantize_row_q8_0} and {@code quantize_row_q8_K} do, so that the integer
 * sums of products are the same.
 */
final class Quantiser {

    private static final MemorySegment ALL = OffHeap.ALL;
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;

    /** Added to a float below 2^22 it leaves the nearest integer, ties to even, in the low bits; its own low 16 bits are 0. */
    private static final float ROUND = 0x1.8p23f;

    private static final int LOW_HALF = 0xffff;

    private Quantiser() {
    }

    /**
     * Quantises one block of one column into the low or high halves of ints, and returns the step between integers.
     * A block whose greatest number is not finite, or too small to divide by, becomes zeros; its step makes products NaN
     * in the first case.
     *
     * @param weights   activations of the block, a multiple of 32
     * @param limit     the largest integer, which the block's greatest number becomes
     * @param halfScale whether the step is rounded to f16, as in Q8_0
     * @param high      whether the high halves are set and the low ones kept; else the high halves become 0
     */
    static float quantise(long activations, int weights, int limit, boolean halfScale, long ints, boolean high) {
        return quantise(activations, weights, greatest(activations, weights), limit, halfScale, ints, high);
    }

    /**
     * The same for codes of -1 to 2: in each part of the block, three times the sum of the sizes and the size of the sum,
     * together twice what codes can make of it, are at most {@code sumLimit}, and {@code 2 * part} by rounding. Where the
     * greatest number's limit does not see to that, the step is greater.
     *
     * @param part activations of a part, whole vectors
     */
    static float quantise(long activations, int weights, int limit, int part, int sumLimit, long ints, boolean high) {
        float max = greatest(activations, weights);
        if (greatestSum(activations, weights, part, limit / max) > sumLimit + 2 * part) {
            max = Math.max(max, greatestSum(activations, weights, part) * limit / sumLimit);
        }
        return quantise(activations, weights, max, limit, false, ints, high);
    }

    /** The greatest size of a number; infinite or NaN if any is. */
    private static float greatest(long activations, int weights) {
        IntVector most = IntVector.zero(INTS);
        for (int i = 0; i < weights; i += FLOATS.length()) {
            // of floats without their sign the bits compare as the numbers do, and NaN is above all
            most = IntVector.fromMemorySegment(INTS, ALL, activations + 4L * i, LITTLE).and(Integer.MAX_VALUE).max(most);
        }
        return Float.intBitsToFloat(IntVector.zero(INTS).or(most).reduceLanes(MAX));
    }

    /** The greatest such sum of a part's integers, which are the numbers times {@code factor}. */
    private static int greatestSum(long activations, int weights, int part, float factor) {
        FloatVector round = FloatVector.broadcast(FLOATS, ROUND);
        int most = 0;
        for (int first = 0; first < weights; first += part) {
            IntVector sizes = IntVector.zero(INTS);
            IntVector sum = IntVector.zero(INTS);
            for (int i = first; i < first + part; i += FLOATS.length()) {
                IntVector q = FloatVector.fromMemorySegment(FLOATS, ALL, activations + 4L * i, LITTLE).mul(factor).add(round)
                        .reinterpretAsInts().lanewise(LSHL, 16).lanewise(ASHR, 16);
                sizes = q.abs().add(sizes);
                sum = q.add(sum);
            }
            most = Math.max(most, 3 * IntVector.zero(INTS).add(sizes).reduceLanes(ADD)
                    + Math.abs(IntVector.zero(INTS).add(sum).reduceLanes(ADD)));
        }
        return most;
    }

    /** The greatest such sum of a part's numbers. */
    private static float greatestSum(long activations, int weights, int part) {
        float most = 0;
        for (int first = 0; first < weights; first += part) {
            // one after the other: reduceLanes may add in another order once C2 has compiled it
            float sizes = 0;
            float sum = 0;
            for (int i = first; i < first + part; i++) {
                float number = Memory.f32(activations + 4L * i);
                sizes += Math.abs(number);
                sum += number;
            }
            most = Math.max(most, 3 * sizes + Math.abs(sum));
        }
        return most;
    }

    private static float quantise(long activations, int weights, float max, int limit, boolean halfScale, long ints,
            boolean high) {
        float inverse = limit / max;
        if (!(inverse < Float.POSITIVE_INFINITY)) {
            inverse = 0;
        }
        FloatVector factor = FloatVector.broadcast(FLOATS, inverse);
        FloatVector round = FloatVector.broadcast(FLOATS, ROUND);
        for (int i = 0; i < weights; i += FLOATS.length()) {
            FloatVector x = FloatVector.fromMemorySegment(FLOATS, ALL, activations + 4L * i, LITTLE);
            IntVector q = x.mul(factor).add(round).reinterpretAsInts();
            if (high) {
                q = q.lanewise(LSHL, 16).or(IntVector.fromMemorySegment(INTS, ALL, ints + 4L * i, LITTLE));
            } else {
                q = q.and(LOW_HALF);
            }
            q.intoMemorySegment(ALL, ints + 4L * i, LITTLE);
        }
        if (inverse == 0) {
            return max < 1 ? 0 : max;
        }
        return halfScale ? Float.float16ToFloat(Float.floatToFloat16(max / limit)) : 1 / inverse;
    }
}
