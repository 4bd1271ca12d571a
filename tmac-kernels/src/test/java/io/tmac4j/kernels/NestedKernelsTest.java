package io.tmac4j.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.function.IntUnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The stages of looked-up weights of two bits with sub-blocks, number by number. */
@Tag("processors")
@Tag("vectors")
class NestedKernelsTest {

    private static final int SUB_BLOCKS = NestedSums.SUB_BLOCKS;
    private static final int BLOCK = SUB_BLOCKS * NestedSums.SUB_WEIGHTS;
    private static final int GREATEST_SCALE = 15;

    /** 16-bit lanes of a vector of the second stage, and what two of its sub-blocks are apart. */
    private static final int LANES = WideSpecies.BYTES / Short.BYTES;
    private static final int SUB_BYTES = 2 * LookupMatrix.TILE_ROWS;

    /** The activation at place i of a block. */
    private record Activations(String name, Random random, Kind kind) {

        @FunctionalInterface
        interface Kind {
            float at(int i, Random random);
        }

        @Override
        public String toString() {
            return name;
        }
    }

    @BeforeAll
    static void thereAreVectors() {
        TestVm.assumeVectors();
    }

    private static Stream<Activations> activations() {
        return Stream.of(
                new Activations("normal", new Random(1), (i, random) -> (float) random.nextGaussian()),
                new Activations("sizes of normal", new Random(2), (i, random) -> Math.abs((float) random.nextGaussian())),
                new Activations("all one", new Random(3), (i, random) -> 1),
                new Activations("all minus one", new Random(4), (i, random) -> -1),
                new Activations("signs in turn", new Random(5), (i, random) -> i % 2 == 0 ? 1 : -1),
                new Activations("signs by chance", new Random(6), (i, random) -> random.nextBoolean() ? 1 : -1),
                new Activations("one sign a sub-block", new Random(7), (i, random) -> i / 16 % 2 == 0 ? 1 : -1),
                new Activations("nearly one size", new Random(8), (i, random) -> 0.9f + 0.1f * random.nextFloat()),
                new Activations("a heavy pair", new Random(9), (i, random) -> i == 37 || i == 41 ? 50 : random.nextFloat()),
                new Activations("even", new Random(10), (i, random) -> 2 * random.nextFloat() - 1));
    }

    /** Every sum that weights of 0 to 3 can make of a block's tables, times scales of 0 to 15, two together. */
    @ParameterizedTest
    @MethodSource("activations")
    void twoProductsOfSumsAndScalesFitSixteenBits(Activations activations) {
        try (Arena arena = Arena.ofConfined()) {
            for (int round = 0; round < 200; round++) {
                MemorySegment block = arena.allocate(4L * BLOCK, 64);
                MemorySegment tables = arena.allocate((long) LookupForm.Q2_K.tables() * LookupTables.TABLE_BYTES, 64);
                MemorySegment numbers = arena.allocate(TableLayout.SUMS + 4L * SUB_BLOCKS, 64);
                MemorySegment scratch = arena.allocate(InputLayout.SCRATCH_BYTES, 64);
                for (int i = 0; i < BLOCK; i++) {
                    Memory.f32(block.address() + 4L * i, activations.kind.at(i, activations.random));
                }
                LookupTables.build(LookupForm.Q2_K, TableMode.DEFAULT, block.address(), tables.address(), numbers.address(),
                        scratch.address());
                for (int pair = 0; pair < SUB_BLOCKS / 2; pair++) {
                    int least = 0;
                    int greatest = 0;
                    for (int sub = 2 * pair; sub < 2 * pair + 2; sub++) {
                        least += Math.min(0, sum(tables, numbers, sub, false));
                        greatest += Math.max(0, sum(tables, numbers, sub, true));
                    }
                    assertThat(GREATEST_SCALE * least).as("round %d, pair %d", round, pair)
                            .isGreaterThanOrEqualTo(Short.MIN_VALUE);
                    assertThat(GREATEST_SCALE * greatest).as("round %d, pair %d", round, pair)
                            .isLessThanOrEqualTo(Short.MAX_VALUE);
                }
            }
        }
    }

    /** The least or greatest sum of a sub-block. */
    private static int sum(MemorySegment tables, MemorySegment numbers, int sub, boolean greatest) {
        int sum = (short) Memory.i32(numbers.address() + TableLayout.STARTS + 8L * sub + 4);
        for (int table = 0; table < NestedSums.PAIR_TABLES; table++) {
            long from = tables.address() + (long) (sub * NestedSums.PAIR_TABLES + table) * LookupTables.TABLE_BYTES;
            int most = Memory.u8(from);
            for (int entry = 1; entry < 16; entry++) {
                int other = Memory.u8(from + entry);
                most = greatest ? Math.max(most, other) : Math.min(most, other);
            }
            sum += most;
        }
        return sum;
    }

    /** Elsewhere the limit costs no precision: the step is that of the greatest entry. */
    @Test
    void aStepIsGreaterThanEntriesAskForOnlyWhereSizesAreAlikeAndOneSignPrevails() {
        assertThat(activations().filter(a -> step(a) > 1).map(Activations::toString))
                .containsExactlyInAnyOrder("all one", "all minus one", "nearly one size", "signs by chance");
    }

    /** The step of a block's tables, as a share of what its entries ask for, rounded. */
    private static double step(Activations activations) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment block = arena.allocate(4L * BLOCK + 64, 64);
            MemorySegment tables = arena.allocate((long) LookupForm.Q2_K.tables() * LookupTables.TABLE_BYTES, 64);
            MemorySegment numbers = arena.allocate(TableLayout.SUMS + 4L * SUB_BLOCKS, 64);
            float greatest = 0;
            for (int i = 0; i < BLOCK; i++) {
                Memory.f32(block.address() + 4L * i, activations.kind.at(i, activations.random));
                if (i % 2 == 1) {
                    greatest = Math.max(greatest,
                            Math.abs(Memory.f32(block.address() + 4L * i)) + Math.abs(Memory.f32(block.address() + 4L * i - 4)));
                }
            }
            LookupTables.buildTwoBits(tables.address(), numbers.address(), block.address());
            float step = Memory.f32(numbers.address() + TableLayout.STEP) / LookupTables.STEP_FACTOR;
            return Math.round(100 * step / (1.5 * greatest / 127)) / 100.0;
        }
    }

    /** Sub-blocks with numbers of their own, some of them as great as can be. */
    @Test
    void scalesAndMinsAreAddedUpInTurnAndLoseTheirLastBits() {
        Random random = new Random(11);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment sums = arena.allocate((long) SUB_BLOCKS * SUB_BYTES, 64);
            MemorySegment scales = arena.allocate((long) SUB_BLOCKS * SUB_BYTES, 64);
            MemorySegment ofMins = arena.allocate(4L * SUB_BLOCKS, 64);
            MemorySegment target = arena.allocate(NestedScales.BLOCK_SUMS, 64);
            for (int round = 0; round < 500; round++) {
                int[][] even = new int[SUB_BLOCKS][LANES];
                int[][] odd = new int[SUB_BLOCKS][LANES];
                int[][] evenBytes = new int[SUB_BLOCKS][LANES];
                int[][] oddBytes = new int[SUB_BLOCKS][LANES];
                int[] minSums = new int[SUB_BLOCKS];
                for (int sub = 0; sub < SUB_BLOCKS; sub++) {
                    minSums[sub] = number(random, round, sub, 544);
                    Memory.i32(ofMins.address() + 4L * sub, minSums[sub] << 16 | minSums[sub] & 0xffff);
                    for (int lane = 0; lane < LANES; lane++) {
                        even[sub][lane] = number(random, round, sub, 1092);
                        odd[sub][lane] = number(random, round, sub, 1092);
                        long at = sums.address() + (long) sub * SUB_BYTES + 2L * lane;
                        Memory.i16(at, (short) (even[sub][lane] + 256 * odd[sub][lane]));
                        Memory.i16(at + LookupMatrix.TILE_ROWS, (short) odd[sub][lane]);
                        evenBytes[sub][lane] = round % 7 == 0 ? 0x11 : round % 7 == 1 ? 0xff : random.nextInt(256);
                        oddBytes[sub][lane] = round % 7 == 2 ? 0xf1 : random.nextInt(256);
                        long scale = scales.address() + (long) (sub / 2) * SUB_BYTES + 2L * lane + sub % 2;
                        Memory.i8(scale, (byte) evenBytes[sub][lane]);
                        Memory.i8(scale + WideSpecies.BYTES, (byte) oddBytes[sub][lane]);
                    }
                }
                NestedScales.scaleNibbles(sums.address(), scales.address(), target.address());
                for (int lane = 0; lane < LANES; lane++) {
                    int l = lane;
                    assertThat(at(target, lane)).as("round %d, even lane %d", round, lane)
                            .isEqualTo(together(NestedScales.DROP, sub -> (evenBytes[sub][l] & 15) * even[sub][l]));
                    assertThat(at(target, LANES + lane)).as("round %d, odd lane %d", round, lane)
                            .isEqualTo(together(NestedScales.DROP, sub -> (oddBytes[sub][l] & 15) * odd[sub][l]));
                }
                NestedScales.scaleMins(ofMins.address(), scales.address(), target.address());
                for (int lane = 0; lane < LANES; lane++) {
                    int l = lane;
                    assertThat(at(target, lane)).as("round %d, min of even lane %d", round, lane)
                            .isEqualTo(together(NestedScales.MIN_DROP, sub -> (evenBytes[sub][l] >> 4) * minSums[sub]));
                    assertThat(at(target, LANES + lane)).as("round %d, min of odd lane %d", round, lane)
                            .isEqualTo(together(NestedScales.MIN_DROP, sub -> (oddBytes[sub][l] >> 4) * minSums[sub]));
                }
            }
        }
    }

    /** Of even and odd pairs only, of all, the greatest, or any. */
    private static int number(Random random, int round, int sub, int limit) {
        return switch (round % 5) {
            case 0 -> sub / 2 % 2 == 0 ? 0 : random.nextInt(2 * limit + 1) - limit;
            case 1 -> sub / 2 % 2 == 1 ? 0 : random.nextInt(2 * limit + 1) - limit;
            case 2 -> round % 2 == 0 ? limit : -limit;
            case 3 -> sub / 2 % 2 == 0 ? limit : -limit;
            default -> random.nextInt(2 * limit + 1) - limit;
        };
    }

    private static int at(MemorySegment target, int lane) {
        return Memory.i16(target.address() + 2L * lane);
    }

    private static int together(int drop, IntUnaryOperator product) {
        int sum = 0;
        for (int pair = 0; pair < SUB_BLOCKS / 2; pair++) {
            int both = product.applyAsInt(2 * pair) + product.applyAsInt(2 * pair + 1);
            assertThat(both).isBetween((int) Short.MIN_VALUE, (int) Short.MAX_VALUE);
            sum += pair % 2 == 0 ? -(both >> drop) : both >> drop;
        }
        return sum;
    }

    /** What shifts take off and what they add cancel: with scale 1, where it weighs most, no result is off to one side. */
    @Test
    void droppedBitsMoveResultsToNeitherSide() {
        Random random = new Random(12);
        double off = 0;
        double square = 0;
        int rounds = 2000;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment sums = arena.allocate((long) SUB_BLOCKS * SUB_BYTES, 64);
            MemorySegment scales = arena.allocate((long) SUB_BLOCKS * SUB_BYTES, 64).fill((byte) 1);
            MemorySegment target = arena.allocate(NestedScales.BLOCK_SUMS, 64);
            for (int round = 0; round < rounds; round++) {
                int[] exact = new int[LANES];
                for (int sub = 0; sub < SUB_BLOCKS; sub++) {
                    for (int lane = 0; lane < LANES; lane++) {
                        int sum = random.nextInt(401) - 200;
                        exact[lane] += sub / 2 % 2 == 0 ? -sum : sum;
                        Memory.i16(sums.address() + (long) sub * SUB_BYTES + 2L * lane, (short) sum);
                    }
                }
                NestedScales.scaleNibbles(sums.address(), scales.address(), target.address());
                for (int lane = 0; lane < LANES; lane++) {
                    double error = (at(target, lane) << NestedScales.DROP) - exact[lane];
                    off += error / (rounds * LANES);
                    square += error * error / (rounds * LANES);
                }
            }
        }
        assertThat(off).isCloseTo(0, within(0.2));
        assertThat(square).isBetween(8 * 4.0, 8 * 6.0);
    }
}
