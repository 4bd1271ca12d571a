package io.tmac4j.comparison.output;

import org.jline.utils.WCWidth;

/** Columns of a terminal that a text takes: wide characters take two, combining ones none. */
public final class DisplayWidth {

    private DisplayWidth() {
    }

    /** Columns of a text. */
    public static int of(String text) {
        return text.codePoints().map(DisplayWidth::of).sum();
    }

    /** Columns of a character. */
    public static int of(int codePoint) {
        return Math.max(0, WCWidth.wcwidth(codePoint));
    }

    /** The text, or as much of its beginning as fits into so many columns with a sign that some is missing. */
    public static String cut(String text, int width) {
        if (of(text) <= width) {
            return text;
        }
        StringBuilder cut = new StringBuilder();
        int columns = 0;
        for (int point : text.codePoints().toArray()) {
            columns += of(point);
            if (columns > width - 1) {
                break;
            }
            cut.appendCodePoint(point);
        }
        return width < 1 ? "" : cut.append('…').toString();
    }
}
