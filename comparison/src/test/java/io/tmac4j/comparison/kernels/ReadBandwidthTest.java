package io.tmac4j.comparison.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ReadBandwidthTest {

    /** 32 pieces of 2^20 numbers, each its piece's number; 8 passes. */
    private static final long SUM = 8 * (31L * 32 / 2 << 20);

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 7})
    void everyPassReadsAllOfTheMemoryOnce(int threads) {
        ReadBandwidth memory = new ReadBandwidth();
        assertThat(memory.measure(threads)).isPositive();
        assertThat(memory.sum()).isEqualTo(SUM);
    }
}
