package io.tmac4j.kernels;

import java.util.List;

/** A matrix to be timed with. */
record TrialShape(int rows, int k) {

    /** Square, wide and tall, of about 17 million weights each: what models of some billion weights consist of. */
    static final List<TrialShape> ALL = List.of(new TrialShape(4096, 4096), new TrialShape(2048, 8192),
            new TrialShape(8192, 2048));

    /** So small that a product ends soon even if it is interpreted. */
    static final TrialShape SMALL = new TrialShape(128, 2048);

    long weights() {
        return (long) rows * k;
    }

    @Override
    public String toString() {
        return rows + "x" + k;
    }
}
