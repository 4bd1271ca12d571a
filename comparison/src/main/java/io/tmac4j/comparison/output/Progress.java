package io.tmac4j.comparison.output;

import java.io.PrintWriter;
import java.time.Duration;
import java.util.Locale;

/** One line on standard error that tells what is going on and how long it will take; silent unless a person watches. */
public final class Progress implements AutoCloseable {

    /** Leaves the last column free: a terminal that wraps there would scroll. */
    private static final int WIDTH = 79;

    private final PrintWriter err;
    private final boolean visible;
    private final long start = System.nanoTime();
    private String shown = "";

    /** @param visible whether anything is drawn at all */
    public Progress(PrintWriter err, boolean visible) {
        this.err = err;
        this.visible = visible;
    }

    /** Shows what is going on; {@code done} of the work, from 0 to 1, gives the time left. */
    public synchronized void show(double done, String what) {
        if (!visible) {
            return;
        }
        double elapsed = (System.nanoTime() - start) * 1e-9;
        String left = done > 0.02 ? ", " + clock(Duration.ofSeconds(Math.round(elapsed / done - elapsed))) + " left" : "";
        draw(String.format(Locale.ROOT, "%3.0f%% %s%s", 100 * done, what, left));
    }

    /** Takes the line away, so that results can be printed in its place. */
    public synchronized void clear() {
        if (visible && !shown.isEmpty()) {
            err.print("\r" + " ".repeat(shown.length()) + "\r");
            err.flush();
            shown = "";
        }
    }

    private void draw(String line) {
        String cut = line.length() > WIDTH ? line.substring(0, WIDTH - 1) + "…" : line;
        err.print("\r" + cut + " ".repeat(Math.max(0, shown.length() - cut.length())));
        err.flush();
        shown = cut;
    }

    static String clock(Duration time) {
        return time.toHours() > 0
                ? String.format("%d:%02d:%02d", time.toHours(), time.toMinutesPart(), time.toSecondsPart())
                : String.format("%d:%02d", time.toMinutes(), time.toSecondsPart());
    }

    @Override
    public void close() {
        clear();
    }
}
