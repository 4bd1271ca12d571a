package io.tmac4j.kernels;

import java.util.Arrays;
import java.util.Optional;

/**
 * Times two ways to compute the same products, in turns: each round gives both a few milliseconds, so that what else happens on
 * the machine meets both. It begins when both are steady, since code is interpreted first and compiled twice.
 */
final class Duel {

    /** Rounds whose median is compared with that of as many before. */
    private static final int WINDOW = 3;

    /** What these medians may differ by when a side is steady. */
    private static final double STEADY = 0.05;

    /**
     * Weights a nanosecond below which a side waits for its compiler still: compiled code does 5 to 100 on one core, and while
     * some methods are compiled and others are not it stays at 1 to 2 for tenths of a second.
     */
    private static final double COMPILED = 3;

    /** Fewer rounds than this decide nothing. */
    private static final int FEWEST_ROUNDS = 5;

    /**
     * How a duel ended. Rates are medians, in 10^9 weights a second, times the columns of a product.
     *
     * @param standard rate of the first side
     * @param other    rate of the second side
     * @param ratio    other / standard: the median of the rounds' ratios
     * @param low      a quarter of the rounds had a smaller ratio
     * @param high     a quarter of the rounds had a greater ratio
     */
    record Result(double standard, double other, double ratio, double low, double high) {
    }

    /**
     * How long a duel may take.
     *
     * @param rounds     rounds to be counted
     * @param roundNanos time of one side in a round, at least
     * @param end        value of {@link System#nanoTime} when it has to be over
     */
    record Limits(int rounds, long roundNanos, long end) {

        boolean isOver() {
            return System.nanoTime() - end > 0;
        }
    }

    private static final class Side {

        private final Runnable product;
        private final double weights;
        private final double[] rates = new double[2 * WINDOW];
        private int rounds;

        Side(Runnable product, double weights) {
            this.product = product;
            this.weights = weights;
        }

        double round(long nanos) {
            long begin = System.nanoTime();
            long elapsed;
            long products = 0;
            do {
                product.run();
                products++;
                elapsed = System.nanoTime() - begin;
            } while (elapsed < nanos);
            double rate = products * weights / elapsed;
            rates[rounds++ % rates.length] = rate;
            return rate;
        }

        boolean isSteady() {
            if (rounds < rates.length) {
                return false;
            }
            double[] before = new double[WINDOW];
            double[] last = new double[WINDOW];
            for (int i = 0; i < WINDOW; i++) {
                before[i] = rates[(rounds + i) % rates.length];
                last[i] = rates[(rounds + WINDOW + i) % rates.length];
            }
            double now = quantile(last, 0.5);
            return now > COMPILED && Math.abs(quantile(before, 0.5) / now - 1) < STEADY;
        }
    }

    private Duel() {
    }

    /**
     * Measures; empty if there was not enough time.
     *
     * @param standard computes a product in the usual way
     * @param other    computes a product in the other way
     * @param weights  weights of a product, times its columns
     */
    static Optional<Result> between(Runnable standard, Runnable other, double weights, Limits limits) {
        Side one = new Side(standard, weights);
        Side two = new Side(other, weights);
        if (!areWarm(one, two, limits)) {
            return Optional.empty();
        }
        double[] ones = new double[limits.rounds()];
        double[] twos = new double[limits.rounds()];
        int rounds = 0;
        while (rounds < limits.rounds() && !(limits.isOver() && rounds > FEWEST_ROUNDS)) {
            boolean swapped = rounds % 2 == 1;
            if (swapped) {
                twos[rounds] = two.round(limits.roundNanos());
            }
            ones[rounds] = one.round(limits.roundNanos());
            if (!swapped) {
                twos[rounds] = two.round(limits.roundNanos());
            }
            rounds++;
        }
        double[] ratios = new double[rounds];
        for (int i = 0; i < rounds; i++) {
            ratios[i] = twos[i] / ones[i];
        }
        return Optional.of(new Result(quantile(Arrays.copyOf(ones, rounds), 0.5), quantile(Arrays.copyOf(twos, rounds), 0.5),
                quantile(ratios, 0.5), quantile(ratios, 0.25), quantile(ratios, 0.75)));
    }

    /** Has both computed, by the same kernels and with small matrices, until they are steady; false if time was too short. */
    static boolean warm(Runnable standard, Runnable other, double weights, Limits limits) {
        return areWarm(new Side(standard, weights), new Side(other, weights), limits);
    }

    private static boolean areWarm(Side one, Side two, Limits limits) {
        while (!one.isSteady() || !two.isSteady()) {
            if (limits.isOver()) {
                return false;
            }
            one.round(limits.roundNanos());
            two.round(limits.roundNanos());
        }
        return true;
    }

    /** The number that a share of all is below. */
    static double quantile(double[] values, double share) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[(int) (share * (sorted.length - 1) + 0.5)];
    }
}
