package io.tmac4j.comparison.race;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import org.jline.terminal.Size;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;

/** The terminal while a race is drawn on it: its second screen, without a cursor, put back at the end in any case. */
public final class Screen implements AutoCloseable {

    private static final String ENTER = "\u001b[?1049h\u001b[?25l";
    private static final String LEAVE = "\u001b[?25h\u001b[?1049l";

    private final Terminal terminal;
    private final boolean colour;
    private final Thread putBack = new Thread(this::leave);
    private volatile Size size;
    private boolean left;

    private Screen(Terminal terminal, boolean colour) {
        this.terminal = terminal;
        this.colour = colour;
        size = terminal.getSize();
        terminal.handle(Terminal.Signal.WINCH, signal -> size = terminal.getSize());
        Runtime.getRuntime().addShutdownHook(putBack);
        terminal.writer().print(ENTER);
        terminal.flush();
    }

    /**
     * Takes the terminal.
     *
     * @param colour whether colours are welcome
     */
    public static Screen open(boolean colour) throws IOException {
        return new Screen(TerminalBuilder.builder().system(true).dumb(true).build(), colour);
    }

    int width() {
        return size.getColumns() > 0 ? size.getColumns() : 80;
    }

    int height() {
        return size.getRows() > 0 ? size.getRows() : 24;
    }

    void draw(List<List<Span>> frame) {
        PrintWriter out = terminal.writer();
        out.print(text(frame, colour));
        out.flush();
    }

    /** A frame as a terminal wants it: from the top, each line and the rest of the screen cleared. */
    static String text(List<List<Span>> frame, boolean colour) {
        StringBuilder text = new StringBuilder("\u001b[H");
        for (int i = 0; i < frame.size(); i++) {
            text.append(i > 0 ? "\r\n" : "");
            for (Span span : frame.get(i)) {
                if (colour && span.look() != Span.Look.PLAIN) {
                    text.append("\u001b[").append(span.look().code()).append('m').append(span.text()).append("\u001b[0m");
                } else {
                    text.append(span.text());
                }
            }
            text.append("\u001b[K");
        }
        return text.append("\u001b[J").toString();
    }

    private synchronized void leave() {
        if (!left) {
            left = true;
            terminal.writer().print(LEAVE);
            terminal.flush();
        }
    }

    @Override
    public void close() throws IOException {
        leave();
        try {
            Runtime.getRuntime().removeShutdownHook(putBack);
        } catch (IllegalStateException ending) {
            // The VM is ending and runs the hook itself.
            return;
        }
        terminal.close();
    }
}
