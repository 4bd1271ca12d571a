package io.tmac4j.kernels;

import static io.tmac4j.kernels.WideSpecies.INTS;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import io.tmac4j.bindings.spi.OffHeap;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.IntVector;

/**
 * Unpacks words of three and four bits into 16-bit weights, each twice in an int, in the order of the fields: what
 * {@link GemmKernels#productSums} multiplies.
 */
final class WordWeights {

    private static final MemorySegment ALL = OffHeap.ALL;
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;

    private WordWeights() {
    }

    /**
     * Words of eight weights of four bits, of one tile.
     *
     * @param target where the first weight of the first row goes
     * @param next   bytes from a weight to the next one of the row
     */
    static void fourBits(long codes, int words, long target, long next) {
        long to = target;
        for (int word = 0; word < words; word++) {
            IntVector x = IntVector.fromMemorySegment(INTS, ALL, codes + (long) word * WordLayout.WORD, LITTLE);
            for (int field = 0; field < 8; field++) {
                IntVector q = x.lanewise(LSHR, 4 * field).and(15);
                q.or(q.lanewise(LSHL, 16)).reinterpretAsShorts().sub((short) 8).reinterpretAsInts()
                        .intoMemorySegment(ALL, to, LITTLE);
                to += next;
            }
        }
    }

    /** Sixteen weights of three bits, less 4: sum {@code sum} of a block. */
    static void threeBits(long block, int sum, long target, long next) {
        IntVector own = IntVector.fromMemorySegment(INTS, ALL, block + (8L + sum) * WordLayout.WORD, LITTLE);
        IntVector shared = IntVector.fromMemorySegment(INTS, ALL, block + (long) (sum / 2) * WordLayout.WORD, LITTLE)
                .lanewise(LSHR, sum % 2 * 16);
        IntVector high = own.lanewise(LSHR, 16);
        long to = target;
        for (int field = 0; field < 5; field++) {
            store(own.lanewise(LSHR, 3 * field).and(7), to);
            store(high.lanewise(LSHR, 3 * field).and(7), to + 5 * next);
            store(shared.lanewise(LSHR, 3 * field).and(7), to + 10 * next);
            to += next;
        }
        IntVector last = own.lanewise(LSHR, 15).and(1).or(high.lanewise(LSHR, 14).and(2)).or(shared.lanewise(LSHR, 13).and(4));
        store(last, target + 15 * next);
    }

    private static void store(IntVector code, long to) {
        code.or(code.lanewise(LSHL, 16)).reinterpretAsShorts().sub((short) 4).reinterpretAsInts()
                .intoMemorySegment(ALL, to, LITTLE);
    }
}
