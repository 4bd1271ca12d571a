package io.tmac4j.comparison.output;

import java.io.PrintWriter;
import java.time.Duration;
import java.util.Locale;
import java.util.function.IntSupplier;

/** One line on standard error that tells what is going on and how long it will take; silent unless a person watches. */
public final class Progress implements AutoCloseable {

    /** Windows change their size: so long is a width believed. */
    private static final long WIDTH_NANOS = 5_000_000_000L;

    /** With fewer columns for what is going on, the time left is not shown. */
    private static final int LEAST = 12;

    private final PrintWriter err;
    private final boolean visible;
    private final IntSupplier terminalWidth;
    private final long start = System.nanoTime();
    private String shown = "";
    private int width;
    private long asked;

    /** @param visible whether anything is drawn at all */
    public Progress(PrintWriter err, boolean visible) {
        this(err, visible, Terminal::width);
    }

    Progress(PrintWriter err, boolean visible, IntSupplier terminalWidth) {
        this.err = err;
        this.visible = visible;
        this.terminalWidth = terminalWidth;
    }

    /** Shows what is going on; {@code done} of the work, from 0 to 1, gives the time left. */
    public synchronized void show(double done, String what) {
        if (!visible) {
            return;
        }
        double elapsed = (System.nanoTime() - start) * 1e-9;
        String left = done > 0.02 ? ", " + clock(Duration.ofSeconds(Math.round(elapsed / done - elapsed))) + " left" : "";
        String percent = String.format(Locale.ROOT, "%3.0f%% ", 100 * done);
        // The last column stays free: a terminal that wraps there would scroll.
        int room = width() - 1;
        // What is going on gives way to how long it will take.
        int middle = room - percent.length() - left.length();
        draw(DisplayWidth.cut(middle < LEAST ? percent + what : percent + DisplayWidth.cut(what, middle) + left, room));
    }

    private int width() {
        long now = System.nanoTime();
        if (width == 0 || now - asked > WIDTH_NANOS) {
            width = terminalWidth.getAsInt();
            asked = now;
        }
        return width;
    }

    /** Takes the line away, so that results can be printed in its place. */
    public synchronized void clear() {
        if (visible && !shown.isEmpty()) {
            err.print("\r" + " ".repeat(Math.min(DisplayWidth.of(shown), width() - 1)) + "\r");
            err.flush();
            shown = "";
        }
    }

    private void draw(String line) {
        err.print("\r" + line + " ".repeat(Math.max(0, Math.min(DisplayWidth.of(shown), width - 1) - DisplayWidth.of(line))));
        err.flush();
        shown = line;
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
