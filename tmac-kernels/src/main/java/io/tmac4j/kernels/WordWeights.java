package io.tmac4j.kernels;

import static io.tmac4j.kernels.WideSpecies.INTS;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import io.tmac4j.bindings.spi.OffHeap;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorShuffle;

/**
 * Unpacks words of three and four bits into 16-bit weights, each twice in an int, in the order of the fields: what
 * {@link GemmKernels#productSums} multiplies. Or turns words of four bits into what {@link GemmKernels#tableSums} looks up.
 */
final class WordWeights {

    private static final MemorySegment ALL = OffHeap.ALL;
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;

    /** Byte {@code b} of the eight for code byte {@code i} belongs to row {@code b % 4 * 2 + b / 4}, see {@link LookupLayout}. */
    private static final VectorShuffle<Byte> INDICES = VectorShuffle.fromOp(ByteVector.SPECIES_256,
            lane -> 4 * (lane % 8 % 4 * 2 + lane % 8 / 4) + lane / 8);

    private WordWeights() {
    }

    /** Words of a tile of eight rows as code bytes: the first of all rows, then the second, and so on. */
    static void indices(long codes, int words, long target) {
        for (int word = 0; word < words; word++) {
            ByteVector.fromMemorySegment(ByteVector.SPECIES_256, ALL, codes + (long) word * WordLayout.WORD, LITTLE)
                    .rearrange(INDICES).intoMemorySegment(ALL, target + 32L * word, LITTLE);
        }
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
        long own = block + (8L + sum) * WordLayout.WORD;
        long shared = block + (long) (sum / 2) * WordLayout.WORD;
        int half = sum % 2 * 16;
        fiveThreeBits(own, 0, target, next);
        fiveThreeBits(own, 16, target + 5 * next, next);
        fiveThreeBits(shared, half, target + 10 * next, next);
        lastThreeBits(own, shared, half + 15, target + 15 * next);
    }

    /** Five weights of three bits from bit {@code shift} of a word on. */
    private static void fiveThreeBits(long word, int shift, long target, long next) {
        IntVector seven = IntVector.broadcast(INTS, 7);
        IntVector four = IntVector.broadcast(INTS, 4);
        IntVector low = IntVector.broadcast(INTS, 0xffff);
        for (int field = 0; field < 5; field++) {
            IntVector weight = IntVector.fromMemorySegment(INTS, ALL, word, LITTLE).lanewise(LSHR, shift + 3 * field).and(seven)
                    .sub(four);
            weight.and(low).or(weight.lanewise(LSHL, 16)).intoMemorySegment(ALL, target + field * next, LITTLE);
        }
    }

    /** The weight of a sum whose bits are bits 15 and 31 of its own word and bit {@code shared} of the other. */
    private static void lastThreeBits(long own, long other, int shared, long target) {
        IntVector one = IntVector.broadcast(INTS, 1);
        IntVector four = IntVector.broadcast(INTS, 4);
        IntVector low = IntVector.broadcast(INTS, 0xffff);
        IntVector x = IntVector.fromMemorySegment(INTS, ALL, own, LITTLE);
        IntVector weight = x.lanewise(LSHR, 15).and(one).add(x.lanewise(LSHR, 31).lanewise(LSHL, 1))
                .add(IntVector.fromMemorySegment(INTS, ALL, other, LITTLE).lanewise(LSHR, shared).and(one).lanewise(LSHL, 2))
                .sub(four);
        weight.and(low).or(weight.lanewise(LSHL, 16)).intoMemorySegment(ALL, target, LITTLE);
    }
}
