package io.tmac4j.comparison.output;

/** A column of a table; a negative width aligns to the left, as in llama-bench's own printer. */
public record Column(String title, int width) {

    String cell(String value) {
        String padding = " ".repeat(Math.max(0, Math.abs(width) - value.codePointCount(0, value.length())));
        return width < 0 ? value + padding : padding + value;
    }

    String rule() {
        return "-".repeat(Math.abs(width) - 1) + (width < 0 ? "-" : ":");
    }
}
