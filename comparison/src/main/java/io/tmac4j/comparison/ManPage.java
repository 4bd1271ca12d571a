package io.tmac4j.comparison;

import io.tmac4j.comparison.environment.Product;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.UsageMessageSpec;
import picocli.CommandLine.Spec;

@Command(name = "man", header = "Print the manual page.",
        description = {
            "Prints the manual page of all commands in roff.",
            "",
            "Examples:",
            "  tmac man | man -l -                      read it",
            "  tmac man > ~/.local/share/man/man1/tmac.1   install it",
        })
final class ManPage implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        CommandSpec root = spec.root();
        out.println(".TH TMAC 1 \"\" \"tmac4j " + escape(Product.version()) + "\" \"User Commands\"");
        out.println(".SH NAME");
        out.println("tmac \\- " + escape(text(root.usageMessage().header())));
        out.println(".SH SYNOPSIS");
        out.println("\\fBtmac\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR...]");
        out.println(".SH COMMANDS");
        for (Map.Entry<String, CommandLine> entry : root.subcommands().entrySet()) {
            CommandSpec command = entry.getValue().getCommandSpec();
            if (!(command.userObject() instanceof HelpCommand) && !command.usageMessage().hidden()
                    && entry.getKey().equals(command.name())) {
                command(out, command);
            }
        }
        out.println(".SH EXIT STATUS");
        root.usageMessage().exitCodeList().forEach((code, meaning) -> item(out, code, meaning));
        out.println(".SH ENVIRONMENT");
        item(out, "NO_COLOR", "When set and not empty: no colours.");
        item(out, "TMAC_LLAMA_PATH", "Folder with llama.cpp's libraries to use in place of the packaged ones.");
        item(out, "TMAC_CACHE_HOME", "Where unpacked libraries and generated models are kept.");
        out.flush();
        return 0;
    }

    private static void command(PrintWriter out, CommandSpec command) {
        UsageMessageSpec usage = command.usageMessage();
        out.println(".SS tmac " + escape(command.name()));
        out.println(escape(text(usage.header())));
        out.println(".PP");
        boolean literal = false;
        for (String line : usage.description()) {
            boolean example = line.startsWith("  ");
            if (example != literal) {
                out.println(example ? ".nf" : ".fi");
                literal = example;
            }
            out.println(line.isEmpty() ? ".PP" : escape(String.format(line)));
        }
        if (literal) {
            out.println(".fi");
        }
        for (OptionSpec option : command.options()) {
            if (!option.hidden() && !option.inherited()) {
                String names = String.join(", ", option.names());
                String parameter = option.arity().max() == 0 ? "" : " " + option.paramLabel();
                item(out, names + parameter, text(option.description()));
            }
        }
    }

    private static void item(PrintWriter out, String term, String meaning) {
        out.println(".TP");
        out.println("\\fB" + escape(term) + "\\fR");
        out.println(escape(meaning));
    }

    private static String text(String[] lines) {
        return Arrays.stream(lines).map(line -> Ansi.OFF.string(line)).collect(Collectors.joining(" "));
    }

    /** Backslashes, hyphens and a point or apostrophe in front mean something in roff (groff_man_style(7)). */
    static String escape(String text) {
        String escaped = text.replace("\\", "\\e").replace("-", "\\-");
        return escaped.startsWith(".") || escaped.startsWith("'") ? "\\&" + escaped : escaped;
    }
}
