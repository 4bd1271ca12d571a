package io.tmac4j.comparison.race;

import static io.tmac4j.comparison.output.DisplayWidth.cut;

import io.tmac4j.comparison.output.DisplayWidth;
import io.tmac4j.comparison.race.Span.Look;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Draws a race as lines of text: panes beside one another, one below the other where the terminal is narrow. */
final class Panes {

    /** Columns that two panes need to stand beside one another. */
    private static final int WIDE = 72;
    private static final String BETWEEN = " │ ";

    private Panes() {
    }

    /** A picture of at most {@code height} lines of at most {@code width} columns. */
    static List<List<Span>> frame(String title, List<LaneView> lanes, int width, int height) {
        List<List<Span>> lines = new ArrayList<>();
        lines.add(List.of(new Span(cut(title, width), Look.DIM)));
        int rows = Math.max(3, height - 3);
        if (width >= WIDE) {
            int each = (width - BETWEEN.length() * (lanes.size() - 1)) / lanes.size();
            List<List<Span>> panes = new ArrayList<>();
            for (int i = 0; i < lanes.size(); i++) {
                panes.add(pane(lanes.get(i), look(i), each, rows));
            }
            for (int row = 0; row < rows; row++) {
                List<Span> line = new ArrayList<>();
                for (int i = 0; i < panes.size(); i++) {
                    if (i > 0) {
                        line.add(new Span(BETWEEN, Look.DIM));
                    }
                    Span part = panes.get(i).get(row);
                    line.add(i < panes.size() - 1 ? new Span(pad(part.text(), each), part.look()) : part);
                }
                lines.add(line);
            }
        } else {
            for (int i = 0; i < lanes.size(); i++) {
                pane(lanes.get(i), look(i), width, Math.max(3, rows / lanes.size())).forEach(span -> lines.add(List.of(span)));
            }
        }
        lines.add(List.of(new Span(cut(footer(lanes), width), Look.STRONG)));
        return lines.subList(0, Math.min(lines.size(), Math.max(1, height)));
    }

    private static Look look(int lane) {
        return lane == 0 ? Look.FIRST : Look.SECOND;
    }

    /** Name and rate, a bar, and the last lines of the text. */
    private static List<Span> pane(LaneView lane, Look look, int width, int rows) {
        List<Span> pane = new ArrayList<>();
        String state = lane.finished() ? "✓" : lane.running() ? "▶" : " ";
        pane.add(new Span(cut(String.format(Locale.ROOT, "%s %-10s %7.1f t/s", state, lane.engine(), lane.rate()), width), look));
        String count = String.format(Locale.ROOT, " %d/%d %5.1f s", lane.tokens(), lane.limit(), lane.seconds());
        int room = Math.max(0, width - count.length());
        int full = (int) Math.round((double) room * lane.tokens() / Math.max(1, lane.limit()));
        pane.add(new Span(cut("█".repeat(full) + "░".repeat(room - full) + count, width), look));
        List<String> text = wrap(lane.text(), width);
        int shown = Math.max(0, rows - 2);
        text.subList(Math.max(0, text.size() - shown), text.size()).forEach(line -> pane.add(new Span(line, Look.PLAIN)));
        while (pane.size() < rows) {
            pane.add(new Span("", Look.PLAIN));
        }
        return pane;
    }

    static String footer(List<LaneView> lanes) {
        double first = lanes.getFirst().rate();
        double last = lanes.getLast().rate();
        return first == 0 || last == 0 || lanes.size() < 2 ? ""
                : String.format(Locale.ROOT, "%s : %s = %.2f", lanes.getLast().engine(), lanes.getFirst().engine(), last / first);
    }

    /** Lines of at most {@code width} columns; control characters become spaces, so that a model cannot steer a terminal. */
    static List<String> wrap(String text, int width) {
        List<String> lines = new ArrayList<>();
        StringBuilder line = new StringBuilder();
        int columns = 0;
        for (int point : text.codePoints().toArray()) {
            if (point == '\n') {
                lines.add(line.toString());
                line.setLength(0);
                columns = 0;
                continue;
            }
            int shown = Character.isISOControl(point) || Character.getType(point) == Character.FORMAT ? ' ' : point;
            int wide = DisplayWidth.of(shown);
            if (columns + wide > width) {
                int space = line.lastIndexOf(" ");
                String rest = space > 0 && shown != ' ' ? line.substring(space + 1) : "";
                lines.add(space > 0 && shown != ' ' ? line.substring(0, space) : line.toString());
                line.setLength(0);
                line.append(rest);
                columns = DisplayWidth.of(rest);
                if (shown == ' ') {
                    continue;
                }
            }
            line.appendCodePoint(shown);
            columns += wide;
        }
        lines.add(line.toString());
        return lines;
    }

    private static String pad(String text, int width) {
        return text + " ".repeat(Math.max(0, width - DisplayWidth.of(text)));
    }
}
