package io.tmac4j.comparison.stats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class SampleTest {

    @Test
    void medianMeanAndDeviationOfKnownValues() {
        Sample sample = Sample.of(4, 1, 3, 2, 10);
        assertThat(sample.median()).isEqualTo(3);
        assertThat(sample.mean()).isEqualTo(4);
        assertThat(sample.standardDeviation()).isCloseTo(Math.sqrt(12.5), within(1e-12));
        assertThat(sample.minimum()).isEqualTo(1);
        assertThat(sample.maximum()).isEqualTo(10);
        assertThat(sample.values()).containsExactly(4, 1, 3, 2, 10);
    }

    @Test
    void theMedianOfAnEvenNumberIsTheMeanOfTheMiddle() {
        assertThat(Sample.of(1, 2, 3, 100).median()).isEqualTo(2.5);
    }

    @Test
    void oneMeasurementHasNoSpread() {
        Sample sample = Sample.of(7);
        assertThat(sample.median()).isEqualTo(7);
        assertThat(sample.standardDeviation()).isZero();
        assertThat(sample.quantile(0.9)).isEqualTo(7);
        assertThat(sample.drift()).isZero();
        assertThat(sample.outliers()).isEmpty();
    }

    @Test
    void quantilesAreLinearBetweenNeighbours() {
        Sample sample = Sample.of(10, 20, 30, 40);
        assertThat(sample.quantile(0)).isEqualTo(10);
        assertThat(sample.quantile(0.25)).isCloseTo(17.5, within(1e-12));
        assertThat(sample.quantile(1)).isEqualTo(40);
        assertThatIllegalArgumentException().isThrownBy(() -> sample.quantile(1.1));
    }

    @Test
    void aValueFarFromTheOthersIsAnOutlier() {
        assertThat(Sample.of(10, 11, 10, 12, 11, 40).outliers()).containsExactly(5);
        assertThat(Sample.of(10, 11, 10, 12, 11, 12).outliers()).isEmpty();
        assertThat(Sample.of(1, 1, 1, 40).outliers()).as("four values are too few to tell").isEmpty();
    }

    @Test
    void driftIsTheRelativeChangeFromFirstToLastAndIgnoresOneOutlier() {
        assertThat(Sample.of(110, 105, 100, 95, 90).drift()).isCloseTo(-0.2, within(1e-9));
        assertThat(Sample.of(100, 100, 500, 100, 100).drift()).isZero();
    }

    @Test
    void nothingIsNoSample() {
        assertThatIllegalArgumentException().isThrownBy(Sample::of);
    }
}
