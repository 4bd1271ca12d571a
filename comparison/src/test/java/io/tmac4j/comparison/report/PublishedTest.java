package io.tmac4j.comparison.report;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PublishedTest {

    @Test
    void measurementsStandBesidePublishedNumbersOfTheSameProcessorOnly() {
        assertThat(Published.ALL.stream().filter(published -> published.isOf("Apple M2")).toList()).hasSize(2);
        assertThat(Published.ALL.stream().filter(published -> published.isOf("Apple M2 (m2.json)")).toList()).hasSize(2);
        assertThat(Published.ALL.stream().filter(published -> published.isOf("Apple M2 Ultra")).toList()).hasSize(1);
        assertThat(Published.ALL.stream().filter(published -> published.isOf("Snapdragon(R) X Elite - "
                + "X1E80100")).toList()).hasSize(2);
        assertThat(Published.ALL.stream().filter(published -> published.isOf("AMD EPYC")).toList()).isEmpty();
    }
}
