package io.tmac4j.comparison;

import io.tmac4j.comparison.output.Terminal;
import java.io.PrintWriter;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The program {@code tmac}: one GGUF model, two engines, one honest ratio. */
@Command(name = "tmac",
        header = "Runs one GGUF model on llama.cpp and on Java lookup-table kernels, and compares them.",
        description = {
            "Examples:",
            "  tmac compare --quick                          which engine is faster here? about a minute",
            "  tmac race --slice 50                          watch both engines write",
            "  tmac compare -m model.gguf -t 1,2,4 -o json > results.json",
            "  tmac report results.json --html report.html   figures of it",
            "  tmac help compare                             what one command can do",
        },
        synopsisSubcommandLabel = "COMMAND",
        mixinStandardHelpOptions = true,
        scope = ScopeType.INHERIT,
        versionProvider = Version.class,
        usageHelpAutoWidth = true,
        commandListHeading = "%nCommands:%n",
        optionListHeading = "%nOptions:%n",
        descriptionHeading = "%n",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:done",
            "1:failed; one sentence on standard error says why",
            "2:the command line asks for something impossible"},
        subcommands = {
            Compare.class,
            ColdStartCommand.class,
            KernelsCommand.class,
            TuneCommand.class,
            Generate.class,
            RaceCommand.class,
            PerplexityCommand.class,
            Synth.class,
            Doctor.class,
            Inspect.class,
            Tokenize.class,
            Quantize.class,
            ReportCommand.class,
            Devices.class,
            Version.class,
            ManPage.class,
            AutoComplete.GenerateCompletion.class,
            HelpCommand.class,
        })
public final class Tmac implements Runnable {

    @Spec
    private CommandSpec spec;

    @Mixin
    private final Logging logging = new Logging();

    private Tmac() {
    }

    /** Runs one command and ends the VM with its exit code. */
    public static void main(String[] arguments) {
        System.exit(run(Terminal.out(), Terminal.err(), arguments));
    }

    /** Runs one command inside this VM; results go to {@code out}, errors and progress to {@code err}; gives the exit code. */
    public static int run(PrintWriter out, PrintWriter err, String... arguments) {
        Tmac root = new Tmac();
        CommandLine command = commandLine(root).setOut(out).setErr(err);
        ErrorReport report = new ErrorReport(root.logging);
        command.setExecutionExceptionHandler(report).setParameterExceptionHandler(report);
        try {
            return command.execute(arguments);
        } catch (Error broken) {
            return report.failed(broken, command);
        } finally {
            out.flush();
            err.flush();
        }
    }

    /** The command tree, e.g. for a manual page. */
    static CommandLine commandLine() {
        return commandLine(new Tmac());
    }

    private static CommandLine commandLine(Tmac root) {
        return new CommandLine(root).setCaseInsensitiveEnumValuesAllowed(true);
    }

    /** Whether progress may be drawn on standard error. */
    boolean showsProgress() {
        return !logging.isQuiet() && Terminal.watchesStderr();
    }

    /** Whether everything but errors is unwelcome on standard error. */
    boolean isQuiet() {
        return logging.isQuiet();
    }

    @Override
    public void run() {
        spec.commandLine().usage(spec.commandLine().getOut());
    }
}
