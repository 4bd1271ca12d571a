package io.tmac4j.comparison.environment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

class CpuClockTest {

    @Test
    void busyTimeLeavesIdleAndWaitingOutAndCountsTheHypervisorsTheft() {
        List<String> stat = List.of("cpu  100 20 30 99999 888 4 5 6 0 0", "cpu0 1 2 3 4 5 6 7 8 9 10");
        assertThat(CpuClock.busySeconds(stat)).isCloseTo(1.65, within(1e-12));
    }

    @Test
    void anUnknownFormIsUnknownTime() {
        assertThat(CpuClock.busySeconds(List.of())).isNaN();
        assertThat(CpuClock.busySeconds(List.of("intr 1 2 3"))).isNaN();
    }

    @Test
    void othersUseWhatThisProgramDidNot() {
        CpuClock.Reading before = new CpuClock.Reading(0, 10, 100, 0.1);
        CpuClock.Reading after = new CpuClock.Reading(2_000_000_000L, 13, 104, 0.1);
        assertThat(after.othersCoresSince(before)).isCloseTo(0.5, within(1e-12));
    }

    @Test
    void loadOverTimeIsProcessorTimeAndAnUnknownLoadIsUnknownTime() {
        CpuClock clock = new CpuClock();
        assertThat(clock.told(1_000_000_000L, 0.9, 8)).as("of a time before the first reading").isZero();
        assertThat(clock.told(3_000_000_000L, 0.25, 8)).isCloseTo(4, within(1e-12));
        assertThat(clock.told(4_000_000_000L, 0.5, 8)).isCloseTo(8, within(1e-12));
        assertThat(clock.told(5_000_000_000L, -1, 8)).isNaN();
    }

    @Test
    void aMomentIsTooShortForTheSystemsClock() {
        CpuClock.Reading before = new CpuClock.Reading(0, 10, 100, 0.1);
        assertThat(new CpuClock.Reading(50_000_000L, 10, 100, 0.1).othersCoresSince(before)).isNaN();
        assertThat(new CpuClock.Reading(2_000_000_000L, 10, Double.NaN, 0.1).othersCoresSince(before)).isNaN();
    }

    @Test
    void thisProgramsOwnWorkIsNotThatOfOthers() {
        CpuClock clock = new CpuClock();
        CpuClock.Reading before = clock.read();
        long sum = 0;
        while (System.nanoTime() - before.wallNanos() < 300_000_000L) {
            sum += System.nanoTime();
        }
        CpuClock.Reading after = clock.read();
        assertThat(sum).isNotZero();
        assertThat(after.ownSeconds() - before.ownSeconds()).isGreaterThan(0.01);
    }
}
