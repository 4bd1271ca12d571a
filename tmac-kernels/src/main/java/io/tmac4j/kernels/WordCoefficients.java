package io.tmac4j.kernels;

import static io.tmac4j.kernels.WideSpecies.INTS;
import static jdk.incubator.vector.VectorOperators.ADD;
import static jdk.incubator.vector.VectorOperators.LSHL;

import io.tmac4j.bindings.spi.OffHeap;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorShuffle;

/** What of {@link WordColumns} is computed by vectors. Activations are the low halves of ints whose high halves are 0. */
final class WordCoefficients {

    private static final MemorySegment ALL = OffHeap.ALL;
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;

    /** Words of four bits have four coefficients: the one before each, and before the first the last one. */
    private static final VectorShuffle<Integer> BEFORE = VectorShuffle.fromOp(INTS, lane -> lane / 4 * 4 + (lane + 3) % 4);

    /**
     * What a coefficient takes from the one before it, and the first one of a word from the last, whose low half then stands in
     * the high one. The four upper bits would leave a half when the rest is multiplied by 16.
     */
    private static final int[] FIRST = {0, 0x0fff0fff, 0x0fff0fff, 0x0fff0fff};
    private static final int[] LAST = {0x0fff0000, 0, 0, 0};
    private static final IntVector OF_BEFORE = masks(FIRST);
    private static final IntVector OF_LAST = masks(LAST);

    private WordCoefficients() {
    }

    private static IntVector masks(int[] four) {
        MemorySegment masks = Arena.global().allocate(INTS.vectorByteSize(), INTS.vectorByteSize());
        for (int lane = 0; lane < INTS.length(); lane++) {
            Memory.i32(masks.address() + 4L * lane, four[lane % 4]);
        }
        return IntVector.fromMemorySegment(INTS, masks, 0, LITTLE);
    }

    /**
     * Coefficients of words of four bits, in the order of {@link WordForm#Q4_0}: four of a word stand beside each other, the low
     * halves for weights from 4 w on of 32, the high ones for those from 16 + 4 w on.
     *
     * @param weights a multiple of 32
     */
    static void fourBits(long ints, int weights, long target) {
        for (int i = 0; i < weights; i += 32) {
            for (int j = i; j < i + 16; j += INTS.length()) {
                IntVector low = IntVector.fromMemorySegment(INTS, ALL, ints + 4L * j, LITTLE);
                IntVector high = IntVector.fromMemorySegment(INTS, ALL, ints + 4L * j + 64, LITTLE);
                IntVector both = high.lanewise(LSHL, 16).or(low);
                IntVector before = both.rearrange(BEFORE);
                IntVector less = before.and(OF_BEFORE).or(before.lanewise(LSHL, 16).and(OF_LAST)).lanewise(LSHL, 4);
                both.reinterpretAsShorts().sub(less.reinterpretAsShorts()).reinterpretAsInts()
                        .intoMemorySegment(ALL, target + 4L * (i / 2 + j - i), LITTLE);
            }
        }
    }

    /** The sum of {@code count} activations, whole vectors; it fits 16 bits. */
    static int sum(long ints, int count) {
        IntVector sum = IntVector.zero(INTS);
        for (int i = 0; i < count; i += INTS.length()) {
            sum = IntVector.fromMemorySegment(INTS, ALL, ints + 4L * i, LITTLE).add(sum);
        }
        return (short) IntVector.zero(INTS).add(sum).reduceLanes(ADD);
    }
}
