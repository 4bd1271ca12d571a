package io.tmac4j.comparison.race;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PanesTest {

    private static final List<LaneView> LANES = List.of(
            new LaneView("llama.cpp", 10, 40, 0.1, 0.5, "To be, or not to be, that is the question:\nWhether 'tis nobler",
                    false, false),
            new LaneView("tmac", 20, 40, 0.1, 0.5, "\u001b[31mTo be\u0007 or 日本語 not", true, false));

    @ParameterizedTest
    @CsvSource({"120,30", "72,24", "71,24", "40,12", "20,8", "12,5", "80,3"})
    void aFrameFitsItsTerminal(int width, int height) {
        List<List<Span>> frame = Panes.frame("a title that is longer than some terminals are wide", LANES, width, height);
        assertThat(frame).hasSizeLessThanOrEqualTo(height);
        assertThat(lines(frame)).allSatisfy(line -> assertThat(line.length()).isLessThanOrEqualTo(width));
    }

    @Test
    void wideTerminalsHavePanesBesideOneAnotherAndNarrowOnesBelow() {
        assertThat(lines(Panes.frame("t", LANES, 100, 20))).anyMatch(line -> line.contains("llama.cpp") && line.contains("│")
                && line.contains("tmac"));
        assertThat(lines(Panes.frame("t", LANES, 50, 20))).anyMatch(line -> line.contains("llama.cpp"))
                .anyMatch(line -> line.contains("40.0 t/s")).noneMatch(line -> line.contains("│"));
        assertThat(lines(Panes.frame("t", LANES, 100, 20)).getLast()).isEqualTo("tmac : llama.cpp = 2.00");
    }

    @Test
    void aModelCannotSteerTheTerminal() {
        assertThat(Screen.text(Panes.frame("t", LANES, 100, 20), false).replace("\u001b[H", "").replace("\u001b[K", "")
                .replace("\u001b[J", "")).doesNotContain("\u001b", "\u0007");
    }

    @Test
    void coloursAreLeftOutWhereTheyAreUnwelcome() {
        assertThat(Screen.text(Panes.frame("t", LANES, 100, 20), true)).contains("\u001b[1;36m");
        assertThat(Screen.text(Panes.frame("t", LANES, 100, 20), false)).doesNotContainPattern("\u001b\\[[0-9;]*m");
    }

    @Test
    void linesBreakBetweenWordsAndWideCharactersCountTwice() {
        assertThat(Panes.wrap("one two three", 8)).containsExactly("one two", "three");
        assertThat(Panes.wrap("abcdefghij", 4)).containsExactly("abcd", "efgh", "ij");
        assertThat(Panes.wrap("日本語", 4)).containsExactly("日本", "語");
        assertThat(Panes.wrap("a\n\nb", 4)).containsExactly("a", "", "b");
    }

    private static List<String> lines(List<List<Span>> frame) {
        return frame.stream().map(line -> line.stream().map(Span::text).collect(Collectors.joining())).toList();
    }
}
