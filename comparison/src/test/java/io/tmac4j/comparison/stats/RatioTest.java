package io.tmac4j.comparison.stats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;

class RatioTest {

    @Test
    void clearlyDifferentSamplesAreOutsideOfNoise() {
        Ratio ratio = Ratio.of(Sample.of(20, 21, 19, 20, 20.5), Sample.of(10, 10.2, 9.9, 10.1, 10));
        assertThat(ratio.value()).isEqualTo(2);
        assertThat(ratio.withinNoise()).isFalse();
        assertThat(ratio.interval().holds(2)).isTrue();
        assertThat(ratio.interval().low()).isGreaterThan(1.8);
        assertThat(ratio.interval().high()).isLessThan(2.2);
    }

    @Test
    void overlappingSamplesAreWithinNoise() {
        assertThat(Ratio.of(Sample.of(10.1, 9.7, 10.4, 9.9, 10), Sample.of(10, 10.3, 9.8, 10.2, 9.6)).withinNoise()).isTrue();
    }

    @Test
    void theSameSamplesGiveTheSameInterval() {
        Sample above = Sample.of(3, 4, 5);
        Sample below = Sample.of(2, 3, 4);
        assertThat(Ratio.of(above, below)).isEqualTo(Ratio.of(above, below));
    }

    @Test
    void fewerThanThreeMeasurementsAreTrustedToTenPerCentOnly() {
        assertThat(Ratio.of(Sample.of(10.5), Sample.of(10)).withinNoise()).isTrue();
        assertThat(Ratio.of(Sample.of(15, 15), Sample.of(10, 10)).withinNoise()).isFalse();
    }

    @Test
    void theIntervalHoldsTheTrueRatioAboutAsOftenAsItPromises() {
        Random random = new Random(5);
        int held = 0;
        int trials = 200;
        for (int trial = 0; trial < trials; trial++) {
            double[] above = DoubleStream.generate(() -> 30 + 3 * random.nextGaussian()).limit(15).toArray();
            double[] below = DoubleStream.generate(() -> 20 + 2 * random.nextGaussian()).limit(15).toArray();
            held += Ratio.of(Sample.of(above), Sample.of(below)).interval().holds(1.5) ? 1 : 0;
        }
        assertThat((double) held / trials).isCloseTo(0.95, within(0.05));
    }
}
