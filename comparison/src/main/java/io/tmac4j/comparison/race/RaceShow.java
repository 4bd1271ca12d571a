package io.tmac4j.comparison.race;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;

/** Shows a race as it runs: on a screen, or as lines where there is none; and keeps a recording if one is wanted. */
public final class RaceShow implements Race.Watcher {

    private final String title;
    private final Screen screen;
    private final Recording recording;
    private final PrintWriter lines;

    /**
     * A show.
     *
     * @param screen    where to draw, or null
     * @param recording what to keep frames in, or null
     * @param lines     where turns are told in lines if there is no screen
     */
    public RaceShow(String title, Screen screen, Recording recording, PrintWriter lines) {
        this.title = title;
        this.screen = screen;
        this.recording = recording;
        this.lines = lines;
    }

    @Override
    public void frame(List<LaneView> lanes) {
        if (screen != null) {
            screen.draw(Panes.frame(title, lanes, screen.width(), screen.height()));
        }
        if (recording != null) {
            recording.add(Panes.frame(title, lanes, recording.width(), recording.height()));
        }
    }

    @Override
    public void turn(LaneView lane) {
        if (screen == null) {
            lines.println(line(lane));
            lines.flush();
        }
    }

    /** Where an engine stands, in one line. */
    public static String line(LaneView lane) {
        return String.format(Locale.ROOT, "%-10s %5d/%d tokens in %6.2f s  %8.2f t/s%s", lane.engine(), lane.tokens(),
                lane.limit(),
                lane.seconds(), lane.rate(), lane.finished() ? "  done" : "");
    }
}
