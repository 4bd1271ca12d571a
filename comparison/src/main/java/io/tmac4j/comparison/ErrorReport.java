package io.tmac4j.comparison;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import picocli.CommandLine;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/** Turns what went wrong into one sentence on standard error and an exit code. */
final class ErrorReport implements IExecutionExceptionHandler, IParameterExceptionHandler {

    /** The exit code of a command that failed at its work. */
    static final int FAILURE = 1;
    /** The exit code of a command line that asks for something impossible. */
    static final int USAGE = 2;

    /** How picocli lists the constants of an enum, which users write in small letters. */
    private static final Pattern CONSTANTS = Pattern.compile("\\[([A-Z_, ]+)] \\(case-insensitive\\)");

    private final Logging logging;

    ErrorReport(Logging logging) {
        this.logging = logging;
    }

    @Override
    public int handleExecutionException(Exception failure, CommandLine command, ParseResult parsed) {
        return failed(failure, command);
    }

    @Override
    public int handleParseException(ParameterException mistake, String[] arguments) {
        CommandLine command = mistake.getCommandLine();
        if (mistake.getCause() instanceof Failure failure) {
            return failed(failure, command);
        }
        String name = command.getCommandSpec().qualifiedName();
        command.getErr().println(name + ": " + endSentence(firstLine(said(mistake))) + " See '" + name + " --help'.");
        command.getErr().flush();
        return USAGE;
    }

    private static String said(ParameterException mistake) {
        CommandLine command = mistake.getCommandLine();
        if (mistake instanceof UnmatchedArgumentException unmatched && command.getParent() == null
                && !unmatched.isUnknownOption()) {
            List<String> alike = unmatched.getSuggestions();
            return "there is no command '" + unmatched.getUnmatched().getFirst() + "'"
                    + (alike.isEmpty() ? "" : "; did you mean " + String.join(" or ", alike) + "?");
        }
        String message = mistake.getMessage();
        return message == null ? null : CONSTANTS.matcher(message).replaceAll(found -> found.group(1).toLowerCase(Locale.ROOT));
    }

    /** Reports {@code failure} on the command's standard error and gives the exit code for it. */
    int failed(Throwable failure, CommandLine command) {
        command.getErr().println(command.getCommandSpec().qualifiedName() + ": " + sentence(failure));
        if (logging.wantsStackTraces()) {
            failure.printStackTrace(command.getErr());
        }
        command.getErr().flush();
        return FAILURE;
    }

    /** What went wrong, for people. */
    static String sentence(Throwable failure) {
        String message = failure.getMessage();
        return endSentence(switch (failure) {
            case UncheckedIOException wrapper -> sentence(wrapper.getCause());
            case NoSuchFileException missing -> "there is no file " + missing.getFile();
            case AccessDeniedException denied -> "no permission to use " + denied.getFile();
            case FileAlreadyExistsException existing -> existing.getFile() + " exists already";
            case DirectoryNotEmptyException full -> full.getFile() + " is a folder that is not empty";
            case FileSystemException other when other.getReason() != null -> other.getFile() + ": " + other.getReason();
            case IOException io when message != null -> "reading or writing failed: " + firstLine(message);
            case OutOfMemoryError full -> "out of memory (" + message + "): close other programs, use a smaller model or "
                    + "context, or give Java more with JAVA_TOOL_OPTIONS=-Xmx…";
            case NullPointerException broken -> unexpected(broken);
            case IndexOutOfBoundsException broken -> unexpected(broken);
            case ClassCastException broken -> unexpected(broken);
            case Error broken -> unexpected(broken);
            default -> message == null || message.isBlank() ? unexpected(failure) : firstLine(message);
        });
    }

    private static String unexpected(Throwable failure) {
        return "unexpected " + failure + "; run it again with -vv for the stack trace and report it";
    }

    private static String firstLine(String message) {
        return message == null ? "unknown mistake" : message.lines().findFirst().orElse("");
    }

    private static String endSentence(String text) {
        return text.isEmpty() || ".!?…".indexOf(text.charAt(text.length() - 1)) >= 0 ? text : text + ".";
    }
}
