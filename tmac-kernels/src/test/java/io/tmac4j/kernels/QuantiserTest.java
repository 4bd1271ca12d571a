package io.tmac4j.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.function.IntToDoubleFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Activations of Q2_K's prompts, whose sums times scales shall fit 16 bits. */
@Tag("processors")
class QuantiserTest {

    private static final int WEIGHTS = 256;
    private static final int PART = 16;
    private static final GemmShape SHAPE = GemmShape.of(LookupForm.Q2_K, TableMode.DEFAULT);
    private static final int MOST_SCALE = 15;

    @BeforeAll
    static void thereAreVectors() {
        TestVm.assumeVectors();
    }

    static Stream<IntToDoubleFunction> blocks() {
        Random random = new Random(1);
        return Stream.of(i -> random.nextGaussian(), i -> 1, i -> i % 2 == 0 ? -3e-5 : 3e-5, i -> i % 16 < 8 ? 1 : 0.9963,
                i -> random.nextDouble() * 2 - 1, i -> i / 16 == 3 ? 1 + random.nextDouble() / 10 : 0.01,
                i -> i == 77 ? 1e6 : random.nextGaussian(), i -> i == 77 ? 1 : 0, i -> (i % 3 - 1) * 1e30,
                i -> 67.5 + i % 2 * (random.nextDouble() - 0.5), i -> i % 16 == 15 ? 1 : 0.4963);
    }

    @ParameterizedTest
    @MethodSource("blocks")
    void productsFitSixteenBitsAndNumbersAreRoundedToTheNearest(IntToDoubleFunction numbers) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment activations = block(numbers, arena);
            int[] integers = new int[WEIGHTS];
            float step = quantise(activations, integers, arena);
            assertThat(step).isPositive();
            for (int first = 0; first < WEIGHTS; first += PART) {
                int most = 0;
                int least = 0;
                for (int i = first; i < first + PART; i++) {
                    // codes are -1 to 2
                    most += Math.max(2 * integers[i], -integers[i]);
                    least += Math.min(2 * integers[i], -integers[i]);
                    float number = activations.getAtIndex(ValueLayout.JAVA_FLOAT, i);
                    assertThat((double) step * integers[i]).isCloseTo(number, within(step * 0.5002));
                    assertThat(integers[i]).isBetween(-127, 127);
                }
                assertThat(MOST_SCALE * most).isLessThanOrEqualTo(Short.MAX_VALUE);
                assertThat(MOST_SCALE * least).isGreaterThanOrEqualTo(Short.MIN_VALUE);
            }
        }
    }

    @Test
    void usualBlocksAreQuantisedAsLlamaCppDoes() {
        Random random = new Random(2);
        for (int block = 0; block < 200; block++) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment activations = block(i -> random.nextGaussian(), arena);
                float greatest = 0;
                for (int i = 0; i < WEIGHTS; i++) {
                    greatest = Math.max(greatest, Math.abs(activations.getAtIndex(ValueLayout.JAVA_FLOAT, i)));
                }
                assertThat(quantise(activations, new int[WEIGHTS], arena)).isCloseTo(greatest / 127, within(greatest * 1e-8f));
            }
        }
    }

    @Test
    void numbersThatAreNoneMakeAStepThatIsNone() {
        for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
            try (Arena arena = Arena.ofConfined()) {
                float step = quantise(block(i -> i == 99 ? bad : 1, arena), new int[WEIGHTS], arena);
                assertThat(Float.isFinite(step)).isFalse();
            }
        }
        try (Arena arena = Arena.ofConfined()) {
            assertThat(quantise(block(i -> 0, arena), new int[WEIGHTS], arena)).isZero();
            assertThat(quantise(block(i -> Float.MIN_VALUE, arena), new int[WEIGHTS], arena)).isZero();
        }
    }

    private static MemorySegment block(IntToDoubleFunction numbers, Arena arena) {
        MemorySegment activations = arena.allocate(4L * WEIGHTS, 64);
        for (int i = 0; i < WEIGHTS; i++) {
            activations.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) numbers.applyAsDouble(i));
        }
        return activations;
    }

    private static float quantise(MemorySegment activations, int[] integers, Arena arena) {
        MemorySegment ints = arena.allocate(4L * WEIGHTS, 64);
        float step = Quantiser.quantise(activations.address(), WEIGHTS, SHAPE.activationLimit(), SHAPE.partWeights(),
                SHAPE.sumLimit(), ints.address(), false);
        for (int i = 0; i < WEIGHTS; i++) {
            integers[i] = (short) ints.getAtIndex(ValueLayout.JAVA_INT, i);
        }
        return step;
    }
}
