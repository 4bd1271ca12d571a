package io.tmac4j.comparison.stats;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SteadyStateTest {

    private final SteadyState state = new SteadyState(3, 0.02, 0.05);

    @Test
    void constantTimesAreSteadyAfterTwoWindows() {
        for (int i = 0; i < 5; i++) {
            state.add(1, 0);
            assertThat(state.reached()).isFalse();
        }
        state.add(1, 0);
        assertThat(state.reached()).isTrue();
        assertThat(state.pieces()).isEqualTo(6);
    }

    @Test
    void timesThatStillFallAreNot() {
        for (double seconds = 10; seconds > 1; seconds *= 0.9) {
            state.add(seconds, 0);
            assertThat(state.reached()).isFalse();
        }
    }

    @Test
    void aBusyCompilerKeepsTheWarmUpGoing() {
        for (int i = 0; i < 10; i++) {
            state.add(1, 0.5);
        }
        assertThat(state.reached()).isFalse();
        for (int i = 0; i < 3; i++) {
            state.add(1, 0);
        }
        assertThat(state.reached()).isTrue();
    }

    @Test
    void oneSlowPieceInAWindowDoesNotMatter() {
        for (double seconds : new double[] {1, 1, 1, 1, 5, 1}) {
            state.add(seconds, 0);
        }
        assertThat(state.reached()).isTrue();
    }
}
