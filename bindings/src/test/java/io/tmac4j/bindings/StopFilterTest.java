package io.tmac4j.bindings;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class StopFilterTest {

    private static String through(List<String> stops, String... pieces) {
        StopFilter filter = new StopFilter(stops);
        StringBuilder out = new StringBuilder();
        for (String piece : pieces) {
            out.append(filter.add(piece)).append('|');
            if (filter.stopped()) {
                return out.append("STOP").toString();
            }
        }
        return out.append(filter.end()).toString();
    }

    @Test
    void aStopStringOverSeveralPiecesIsCutOff() {
        assertThat(through(List.of("\n\n"), "a\n", "\nb")).isEqualTo("a||STOP");
        assertThat(through(List.of("END"), "x", "E", "N", "D", "y")).isEqualTo("x||||STOP");
        assertThat(through(List.of("END"), "xENDy")).isEqualTo("x|STOP");
    }

    @Test
    void whatOnlyBeginsLikeOneComesOutLater() {
        assertThat(through(List.of("END"), "E", "N", "E", "W")).isEqualTo("||EN|EW|");
        assertThat(through(List.of("aab"), "a", "a", "a", "a")).isEqualTo("||a|a|aa");
    }

    @Test
    void theEarliestOfSeveralCounts() {
        assertThat(through(List.of("late", "b"), "a b late")).isEqualTo("a |STOP");
        assertThat(through(List.of("abcd", "bc"), "xabc")).isEqualTo("xa|STOP");
    }

    @Test
    void withoutStopStringsNothingIsHeldBack() {
        assertThat(through(List.of(), "a", "b")).isEqualTo("a|b|");
    }
}
