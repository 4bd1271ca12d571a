package io.tmac4j.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.stream.IntStream;

/**
 * Numbers that are read from memory so that C2 does not know them. On x86-64 C2 has the count of a shift of 16-bit lanes in a
 * register, and one that it knows it loads again for each shift; and a loop with a step that it knows it may unroll until too few
 * registers are left for the vectors.
 */
final class Unfolded {

    private static final int COUNT = 16;

    private static final long NUMBERS =
            Arena.global().allocateFrom(ValueLayout.JAVA_INT, IntStream.range(0, COUNT).toArray()).address();

    private Unfolded() {
    }

    /** The number {@code n}, of 0 to 15. */
    static int number(int n) {
        return Memory.i32(NUMBERS + (long) Integer.BYTES * n);
    }
}
