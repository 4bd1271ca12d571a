package io.tmac4j.comparison.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class WorkingSetTest {

    private static final long MIB = 1 << 20;
    private static final long PLENTY = 64L << 30;

    @Test
    void coldWeightsAreMoreThanCachesHold() {
        assertThat(WorkingSet.coldCopies(9 * MIB, 2, PLENTY)).isEqualTo(29);
        assertThat(WorkingSet.coldCopies(300 * MIB, 2, PLENTY)).isEqualTo(1);
    }

    @Test
    void copiesEndWhereMemoryDoes() {
        assertThat(WorkingSet.coldCopies(10 * MIB, 2, 512 * MIB + 100 * MIB)).isEqualTo(3);
        assertThat(WorkingSet.coldCopies(10 * MIB, 2, 0)).isEqualTo(1);
        assertThat(WorkingSet.coldCopies(100, 2, PLENTY)).isEqualTo(256);
    }

    @Test
    void hotWeightsAreOneMatrix() {
        assertThat(WorkingSet.HOT.copies(MIB, 2)).isEqualTo(1);
    }
}
