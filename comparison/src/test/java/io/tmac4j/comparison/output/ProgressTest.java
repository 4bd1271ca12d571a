package io.tmac4j.comparison.output;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ProgressTest {

    private static final String LONG = "llama3-1b-日本語-tq2_0.gguf pp512 @ d4096 t12 llama.cpp warm-up";

    @ParameterizedTest
    @ValueSource(ints = {10, 20, 40, 80, 200})
    void aLineNeverReachesTheLastColumn(int width) {
        StringWriter err = new StringWriter();
        try (Progress progress = new Progress(new PrintWriter(err), true, () -> width)) {
            progress.show(0, LONG);
            progress.show(0.5, LONG);
            progress.show(0.9, "short");
        }
        assertThat(err.toString().split("\r")).isNotEmpty()
                .allSatisfy(line -> assertThat(DisplayWidth.of(line)).isLessThan(width));
        assertThat(err.toString()).contains("50% ").endsWith("\r");
    }

    @Test
    void theTimeLeftStaysWhereThereIsRoomForIt() {
        assertThat(shown(80)).endsWith(" left").contains("…");
        assertThat(shown(40)).endsWith(" left");
        assertThat(shown(24)).endsWith("…");
    }

    private static String shown(int width) {
        StringWriter err = new StringWriter();
        new Progress(new PrintWriter(err), true, () -> width).show(0.5, LONG.repeat(2));
        return Arrays.stream(err.toString().split("\r")).toList().getLast().stripTrailing();
    }

    @Test
    void nobodyWatchingNothingIsDrawn() {
        StringWriter err = new StringWriter();
        try (Progress progress = new Progress(new PrintWriter(err), false, () -> 80)) {
            progress.show(0.5, LONG);
        }
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void theWidthIsTheSecondNumberThatTheSystemsProgramTells() {
        assertThat(Terminal.width("24 132\n")).isEqualTo(132);
        assertThat(Terminal.width("\r\nStatus von Gerät CON:\r\n----\r\n    Zeilen:  9001\r\n    Spalten:         120\r\n"))
                .isEqualTo(120);
        assertThat(Terminal.width("0 0\n")).isEqualTo(80);
        assertThat(Terminal.width("")).isEqualTo(80);
    }
}
