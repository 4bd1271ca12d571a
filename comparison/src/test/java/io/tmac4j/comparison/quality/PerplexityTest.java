package io.tmac4j.comparison.quality;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class PerplexityTest {

    @Test
    void aCoinTossHasPerplexityTwo() {
        Perplexity perplexity = new Perplexity();
        for (int i = 0; i < 10; i++) {
            perplexity.add(Perplexity.loss(new float[] {3, 3}, i % 2));
        }
        assertThat(perplexity.value()).isCloseTo(2, within(1e-9));
        assertThat(perplexity.standardError()).isCloseTo(0, within(1e-6));
        assertThat(perplexity.count()).isEqualTo(10);
    }

    @Test
    void theErrorIsThatOfTheMeanTimesTheValue() {
        Perplexity perplexity = new Perplexity();
        perplexity.add(1);
        perplexity.add(3);
        assertThat(perplexity.value()).isCloseTo(Math.exp(2), within(1e-12));
        assertThat(perplexity.standardError()).isCloseTo(Math.exp(2) * 1, within(1e-12));
    }
}
