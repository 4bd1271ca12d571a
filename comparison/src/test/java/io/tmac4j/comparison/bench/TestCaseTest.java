package io.tmac4j.comparison.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.tmac4j.comparison.bench.TestCase.PromptAndGeneration;
import java.util.List;
import org.junit.jupiter.api.Test;

class TestCaseTest {

    @Test
    void namesAreThoseOfLlamaBench() {
        assertThat(new TestCase(512, 0, 0).name()).isEqualTo("pp512");
        assertThat(new TestCase(0, 128, 0).name()).isEqualTo("tg128");
        assertThat(new TestCase(512, 128, 0).name()).isEqualTo("pp512+tg128");
        assertThat(new TestCase(512, 0, 4096).name()).isEqualTo("pp512 @ d4096");
    }

    @Test
    void zeroLeavesATestOut() {
        assertThat(TestCase.sweep(List.of(0), List.of(128), List.of(), List.of(0), List.of(1)))
                .extracting(TestCase::name).containsExactly("tg128");
        assertThat(TestCase.sweep(List.of(64), List.of(0), List.of(), List.of(0), List.of(1)))
                .extracting(TestCase::name).containsExactly("pp64");
        assertThat(TestCase.sweep(List.of(0), List.of(0), List.of(new PromptAndGeneration(0, 0)), List.of(0), List.of(1)))
                .isEmpty();
    }

    @Test
    void everyDepthHasAllTests() {
        assertThat(TestCase.sweep(List.of(8, 16), List.of(4), List.of(new PromptAndGeneration(8, 4)), List.of(0, 32), List.of(1)))
                .extracting(TestCase::name)
                .containsExactly("pp8", "pp16", "tg4", "pp8+tg4", "pp8 @ d32", "pp16 @ d32", "tg4 @ d32", "pp8+tg4 @ d32");
    }

    @Test
    void theDepthCountsForTheContextButNotForTheRate() {
        TestCase test = new TestCase(8, 4, 32);
        assertThat(test.tokens()).isEqualTo(12);
        assertThat(test.contextSize()).isEqualTo(44);
    }

    @Test
    void generationsOfSeveralTextsAreTestsOfTheirOwnAndPromptsAreNot() {
        assertThat(TestCase.sweep(List.of(8), List.of(4), List.of(), List.of(0, 32), List.of(1, 3))).extracting(TestCase::name)
                .containsExactly("pp8", "tg4", "tg4 x3", "pp8 @ d32", "tg4 @ d32", "tg4 x3 @ d32");
        TestCase test = new TestCase(0, 4, 300, 3);
        assertThat(test.tokens()).isEqualTo(12);
        assertThat(test.contextSize()).as("a multiple of 256 for each").isEqualTo(3 * 512);
    }

    @Test
    void aTestOfNothingIsRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> new TestCase(0, 0, 5));
        assertThatIllegalArgumentException().isThrownBy(() -> new TestCase(8, 4, 0, 2));
        assertThatIllegalArgumentException().isThrownBy(() -> new TestCase(0, 4, 0, 0));
    }
}
