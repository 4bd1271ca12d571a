package io.tmac4j.comparison.race;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The frames of a race with their times, to be written as an asciicast or as a moving picture. */
public final class Recording {

    private static final int ROW_PIXELS = 18;
    private static final double COLUMN_PIXELS = 8.4;
    private static final int MARGIN = 14;
    /** A space that no browser merges with its neighbours. */
    private static final char NO_BREAK = '\u00a0';
    /** The last frame stays a while before the picture begins again. */
    private static final double HOLD_SECONDS = 3;

    /** Frames follow one another no faster, which keeps the file small. */
    private static final double LEAST_SECONDS = 0.15;

    private record Frame(double seconds, List<List<Span>> lines) {
    }

    private record Place(int row, int column) {
    }

    /** Some characters of the picture as long as they stay. */
    private record Stay(Place place, Span span, double from, double to) {
    }

    private final int width;
    private final int height;
    private final List<Frame> frames = new ArrayList<>();
    private long start;

    /** A recording of so many columns and rows. */
    public Recording(int width, int height) {
        this.width = width;
        this.height = height;
    }

    /** Adds the frame of this moment. */
    void add(List<List<Span>> frame) {
        long now = System.nanoTime();
        if (frames.isEmpty()) {
            start = now;
        }
        Frame added = new Frame((now - start) * 1e-9, frame);
        // The newest replaces one that nobody has had time to look at.
        if (frames.size() > 1 && added.seconds - frames.get(frames.size() - 2).seconds < LEAST_SECONDS) {
            frames.removeLast();
        }
        frames.add(added);
    }

    int width() {
        return width;
    }

    int height() {
        return height;
    }

    /** asciicast, version 2: a JSON object that describes the terminal, then a JSON array for each piece of output. */
    public String cast(String title) {
        ObjectMapper mapper = new ObjectMapper();
        ObjectNode head = mapper.createObjectNode().put("version", 2).put("width", width).put("height", height)
                .put("timestamp", System.currentTimeMillis() / 1000).put("title", title);
        StringBuilder cast = new StringBuilder(head.toString()).append('\n');
        for (Frame frame : frames) {
            cast.append(mapper.createArrayNode().add(Math.round(frame.seconds * 1000) / 1000.0).add("o")
                    .add(Screen.text(frame.lines, true))).append('\n');
        }
        return cast.toString();
    }

    /** A picture that moves without scripts (SMIL), so that it also does so inside of other pages; it ends on the last frame. */
    public String svg(String title) {
        double end = frames.getLast().seconds + HOLD_SECONDS;
        StringBuilder svg = new StringBuilder(String.format(Locale.ROOT,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %d\" role=\"img\">%n<title>%s</title>%n"
                        + "<rect width=\"100%%\" height=\"100%%\" rx=\"8\" fill=\"#16181c\"/>%n"
                        + "<g font-family=\"ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace\" font-size=\"14\">%n",
                width * COLUMN_PIXELS + 2 * MARGIN, rows() * ROW_PIXELS + 2 * MARGIN, escape(title)));
        for (Stay stay : stays(end)) {
            svg.append(element(stay, end)).append('\n');
        }
        return svg.append("</g>\n</svg>\n").toString();
    }

    private int rows() {
        return frames.stream().mapToInt(frame -> frame.lines.size()).max().orElse(1);
    }

    private List<Stay> stays(double end) {
        List<Stay> stays = new ArrayList<>();
        Map<Place, Stay> open = new LinkedHashMap<>();
        for (Frame frame : frames) {
            Map<Place, Span> spans = places(frame);
            open.values().removeIf(stay -> {
                boolean gone = !stay.span.equals(spans.get(stay.place));
                if (gone) {
                    stays.add(new Stay(stay.place, stay.span, stay.from, frame.seconds));
                }
                return gone;
            });
            spans.forEach((place, span) -> open.putIfAbsent(place, new Stay(place, span, frame.seconds, end)));
        }
        stays.addAll(open.values());
        return stays.stream().filter(stay -> stay.to > stay.from).toList();
    }

    private static Map<Place, Span> places(Frame frame) {
        Map<Place, Span> places = new LinkedHashMap<>();
        for (int row = 0; row < frame.lines.size(); row++) {
            int column = 0;
            for (Span span : frame.lines.get(row)) {
                if (!span.text().isBlank()) {
                    places.put(new Place(row, column), span);
                }
                column += span.text().codePointCount(0, span.text().length());
            }
        }
        return places;
    }

    private static String element(Stay stay, double end) {
        boolean last = stay.to >= end;
        boolean always = last && stay.from == 0;
        StringBuilder element = new StringBuilder(String.format(Locale.ROOT, "<text x=\"%.1f\" y=\"%d\" fill=\"%s\"%s>%s",
                MARGIN + stay.place.column * COLUMN_PIXELS, MARGIN + stay.place.row * ROW_PIXELS + 13, stay.span.look().colour(),
                last ? "" : " visibility=\"hidden\"", escape(stay.span.text().stripTrailing()).replace(' ', NO_BREAK)));
        if (!always) {
            element.append(String.format(Locale.ROOT, "<animate attributeName=\"visibility\" calcMode=\"discrete\" dur=\"%.2fs\" "
                            + "repeatCount=\"indefinite\" values=\"%s\" keyTimes=\"%s\"/>", end,
                    stay.from == 0 ? "visible;hidden" : last ? "hidden;visible" : "hidden;visible;hidden",
                    stay.from == 0 ? time(0, stay.to, end) : last ? time(0, stay.from, end) : time(0, stay.from, end)
                            + String.format(Locale.ROOT, ";%.4f", stay.to / end)));
        }
        return element.append("</text>").toString();
    }

    private static String time(int zero, double seconds, double end) {
        return String.format(Locale.ROOT, "%d;%.4f", zero, seconds / end);
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }
}
