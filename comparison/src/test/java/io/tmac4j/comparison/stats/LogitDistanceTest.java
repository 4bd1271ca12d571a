package io.tmac4j.comparison.stats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class LogitDistanceTest {

    @Test
    void equalLogitsHaveNoDistance() {
        LogitDistance distance = new LogitDistance();
        distance.add(new float[] {1, 2, -3}, new float[] {1, 2, -3});
        assertThat(distance.nmse()).isZero();
        assertThat(distance.meanDivergence()).isZero();
        assertThat(distance.sameTop()).isEqualTo(1);
        assertThat(distance.positions()).isEqualTo(1);
    }

    @Test
    void divergenceOfTwoKnownDistributions() {
        LogitDistance distance = new LogitDistance();
        float[] p = {(float) Math.log(0.75), (float) Math.log(0.25)};
        float[] q = {(float) Math.log(0.25), (float) Math.log(0.75)};
        distance.add(p, q);
        distance.add(p, p);
        double kl = 0.75 * Math.log(3) + 0.25 * Math.log(1 / 3.0);
        assertThat(distance.greatestDivergence()).isCloseTo(kl, within(1e-6));
        assertThat(distance.meanDivergence()).isCloseTo(kl / 2, within(1e-6));
        assertThat(distance.sameTop()).isEqualTo(0.5);
    }

    @Test
    void aShiftOfAllLogitsChangesNoProbability() {
        assertThat(LogitDistance.divergence(new float[] {1, 2, 3}, new float[] {101, 102, 103})).isCloseTo(0, within(1e-6));
    }

    @Test
    void hugeLogitsDoNotOverflow() {
        assertThat(LogitDistance.logSumExp(new float[] {10_000, 10_000})).isCloseTo(10_000 + Math.log(2), within(1e-6));
        assertThat(LogitDistance.divergence(new float[] {10_000, -10_000}, new float[] {10_000, -10_000})).isZero();
    }

    @Test
    void errorIsRelativeToTheReference() {
        LogitDistance distance = new LogitDistance();
        distance.add(new float[] {3, 4}, new float[] {3, 4.5f});
        assertThat(distance.nmse()).isCloseTo(0.01, within(1e-9));
    }

    @Test
    void vocabulariesOfDifferentSizesAreRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> new LogitDistance().add(new float[3], new float[4]));
    }
}
