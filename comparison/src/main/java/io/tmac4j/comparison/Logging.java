package io.tmac4j.comparison;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** The options {@code -v} and {@code -q} of every command, and what they do to the log on standard error. */
final class Logging {

    private int verbosity;
    private boolean quiet;

    @Option(names = {"-v", "--verbose"}, scope = ScopeType.INHERIT,
            description = "Say more on standard error; twice (-vv) for everything, stack traces included.")
    void verbose(boolean[] times) {
        verbosity = times.length;
        apply();
    }

    @Option(names = {"-q", "--quiet"}, scope = ScopeType.INHERIT,
            description = "Say nothing on standard error but errors: no warnings, no progress.")
    void quiet(boolean asked) {
        quiet = asked;
        apply();
    }

    boolean isQuiet() {
        return quiet;
    }

    boolean wantsStackTraces() {
        return verbosity > 1;
    }

    private void apply() {
        if (LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME) instanceof Logger root) {
            root.setLevel(quiet ? Level.ERROR : level(verbosity));
        }
        // What llama.cpp logs before it fails is told again, in one sentence, by the exception that follows.
        if (LoggerFactory.getLogger("llama.cpp") instanceof Logger llama) {
            llama.setLevel(verbosity == 0 || quiet ? Level.OFF : level(verbosity));
        }
    }

    private static Level level(int verbosity) {
        return switch (verbosity) {
            case 0 -> Level.WARN;
            case 1 -> Level.INFO;
            default -> Level.DEBUG;
        };
    }
}
