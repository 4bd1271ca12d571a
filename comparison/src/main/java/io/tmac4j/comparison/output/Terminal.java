package io.tmac4j.comparison.output;

import java.io.Console;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The standard streams: who reads them and in which characters. */
public final class Terminal {

    private static final boolean WINDOWS = isWindows(System.getProperty("os.name"));
    private static final boolean INTERACTIVE = interactive();
    private static final boolean STDERR_IS_TERMINAL = stderrIsTerminal(System.getenv("TERM"));

    private static final int USUAL_WIDTH = 80;

    private Terminal() {
    }

    /** Whether a person watches standard error, so that progress may be drawn there. */
    public static boolean watchesStderr() {
        return STDERR_IS_TERMINAL;
    }

    /** Whether standard input and output are both a terminal. */
    public static boolean isInteractive() {
        return INTERACTIVE;
    }

    /** Whether the terminal can be drawn on: a dumb one cannot. */
    public static boolean drawsScreens() {
        return !"dumb".equals(System.getenv("TERM"));
    }

    /** Whether colours are welcome on a terminal: not when {@code NO_COLOR} is set or the terminal is dumb. */
    public static boolean wantsColour() {
        return wantsColour(System.getenv("NO_COLOR"), System.getenv("TERM"));
    }

    static boolean wantsColour(String noColor, String term) {
        return (noColor == null || noColor.isEmpty()) && !"dumb".equals(term);
    }

    /**
     * Columns of the terminal that shows standard error: POSIX's {@code stty} and Windows' {@code mode} tell them.
     *
     * @return what they tell; 80 if they tell nothing
     */
    public static int width() {
        List<String> command = WINDOWS ? List.of("cmd", "/c", "mode con") : List.of("sh", "-c", "stty size <&2");
        try {
            Process process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
            String told = new String(process.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
            process.waitFor();
            return width(told);
        } catch (IOException missing) {
            return USUAL_WIDTH;
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            return USUAL_WIDTH;
        }
    }

    /** The second number that a program tells, after the rows; a terminal that says 0 does not know. */
    static int width(String told) {
        Matcher numbers = Pattern.compile("\\d{1,6}").matcher(told);
        int width = numbers.find() && numbers.find() ? Integer.parseInt(numbers.group()) : 0;
        return width > 0 ? width : USUAL_WIDTH;
    }

    /** Standard output for results: UTF-8, except on a Windows console, which names its own code page. */
    public static PrintWriter out() {
        return writer(FileDescriptor.out, System.getProperty("stdout.encoding"), INTERACTIVE);
    }

    /** Standard error for errors and progress, in the same characters. */
    public static PrintWriter err() {
        return writer(FileDescriptor.err, System.getProperty("stderr.encoding"), STDERR_IS_TERMINAL);
    }

    private static PrintWriter writer(FileDescriptor stream, String consoleEncoding, boolean terminal) {
        Charset charset = WINDOWS && terminal && consoleEncoding != null && Charset.isSupported(consoleEncoding)
                ? Charset.forName(consoleEncoding)
                : StandardCharsets.UTF_8;
        return new PrintWriter(new FileOutputStream(stream), true, charset);
    }

    static boolean isWindows(String osName) {
        return osName != null && osName.toLowerCase(Locale.ROOT).startsWith("windows");
    }

    private static boolean interactive() {
        Console console = System.console();
        return console != null && console.isTerminal();
    }

    /** Java tells only whether input and output are terminals; POSIX's {@code test} tells it of standard error alone. */
    private static boolean stderrIsTerminal(String term) {
        if ("dumb".equals(term)) {
            return false;
        }
        if (WINDOWS) {
            return INTERACTIVE;
        }
        try {
            Process test = new ProcessBuilder("sh", "-c", "test -t 2").redirectError(ProcessBuilder.Redirect.INHERIT).start();
            return test.waitFor(2, TimeUnit.SECONDS) && test.exitValue() == 0;
        } catch (IOException missing) {
            return INTERACTIVE;
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
