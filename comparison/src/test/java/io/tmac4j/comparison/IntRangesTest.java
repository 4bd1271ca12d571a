package io.tmac4j.comparison;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class IntRangesTest {

    @Test
    void listsAndRangesMeanWhatTheyMeanInLlamaBench() {
        assertThat(IntRanges.parse("512").values()).containsExactly(512);
        assertThat(IntRanges.parse("1,2").values()).containsExactly(1, 2);
        assertThat(IntRanges.parse("1-4").values()).containsExactly(1, 2, 3, 4);
        assertThat(IntRanges.parse("1-8*2").values()).containsExactly(1, 2, 4, 8);
        assertThat(IntRanges.parse("0-100+25").values()).containsExactly(0, 25, 50, 75, 100);
        assertThat(IntRanges.parse("1-9*2,0,5-6").values()).containsExactly(1, 2, 4, 8, 0, 5, 6);
        assertThat(IntRanges.parse("4-4").values()).containsExactly(4);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ",", "1,", "-1", "x", "1-", "4-1", "0-8*2", "1-8*1", "1-8+0", "1-8|2", "1.5",
        "99999999999", "0-5000"})
    void anythingElseIsRefused(String text) {
        assertThatIllegalArgumentException().isThrownBy(() -> IntRanges.parse(text));
    }

    @Test
    void severalOccurrencesAddUpWithoutRepetition() {
        assertThat(IntRanges.all(List.of(IntRanges.parse("1,2"), IntRanges.parse("2-4")))).containsExactly(1, 2, 3, 4);
    }
}
