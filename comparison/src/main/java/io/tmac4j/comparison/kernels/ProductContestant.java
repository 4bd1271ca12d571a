package io.tmac4j.comparison.kernels;

import io.tmac4j.bindings.MatrixProduct;
import io.tmac4j.comparison.bench.Contestant;

/** Products by one engine or variant; the time that counts is that of one run of {@link MatrixProduct}. */
final class ProductContestant implements Contestant {

    /** Shortest repetition: long enough for the system's clock of processor time. */
    private static final long REPETITION_NANOS = 120_000_000L;

    private final String name;
    private final MatrixProduct product;

    ProductContestant(String name, MatrixProduct product) {
        this.name = name;
        this.product = product;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public long warmUp() {
        long begin = System.nanoTime();
        product.run();
        return System.nanoTime() - begin;
    }

    @Override
    public long repeat() {
        long begin = System.nanoTime();
        long elapsed;
        int runs = 0;
        do {
            product.run();
            runs++;
            elapsed = System.nanoTime() - begin;
        } while (elapsed < REPETITION_NANOS);
        return elapsed / runs;
    }
}
