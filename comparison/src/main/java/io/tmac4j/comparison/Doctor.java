package io.tmac4j.comparison;

import io.tmac4j.comparison.doctor.Diagnosis;
import io.tmac4j.comparison.doctor.Finding;
import io.tmac4j.comparison.doctor.Finding.Status;
import io.tmac4j.comparison.output.Json;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(name = "doctor", header = "Check everything that decides speed or failure on this computer.",
        description = {
            "Looks at Java, llama.cpp's libraries, the processor, memory, power settings and what other programs do. Each line "
                    + "is ok, warning (slower than it could be, or measurements are not to be trusted) or fix (it does not "
                    + "work so).",
            "",
            "Examples:",
            "  tmac doctor",
            "  tmac doctor && tmac compare -m model.gguf",
        },
        exitCodeList = {
            "0:nothing must be fixed",
            "1:something must be fixed",
            "2:the command line asks for something impossible"})
final class Doctor implements Callable<Integer> {

    /** How the findings are printed. */
    enum Form { TEXT, JSON }

    /** One finding as JSON. */
    record Check(String status, String topic, String found, String advice) {
    }

    /** All findings as JSON. */
    record Report(int version, List<Check> checks, long warnings, long fixes) {
    }

    private static final int FORMAT_VERSION = 1;

    @Spec
    private CommandSpec spec;

    @Option(names = {"-o", "--output"}, paramLabel = "FORM", description = "text or json (default: text).")
    private Form form = Form.TEXT;

    @Override
    public Integer call() {
        List<Finding> findings = Diagnosis.run();
        long fixes = count(findings, Status.FIX);
        PrintWriter out = spec.commandLine().getOut();
        if (form == Form.JSON) {
            List<Check> checks = findings.stream()
                    .map(each -> new Check(each.status().toString(), each.topic(), each.found(), each.advice())).toList();
            out.println(Json.pretty(new Report(FORMAT_VERSION, checks, count(findings, Status.WARNING), fixes)));
        } else {
            print(out, findings);
        }
        out.flush();
        return fixes == 0 ? 0 : 1;
    }

    private static void print(PrintWriter out, List<Finding> findings) {
        for (Finding finding : findings) {
            out.println(String.format("%-8s %-14s %s", finding.status(), finding.topic(), finding.found()));
            if (!finding.advice().isEmpty()) {
                out.println(" ".repeat(24) + finding.advice());
            }
        }
        out.println();
        out.println(summary(count(findings, Status.FIX), count(findings, Status.WARNING)));
    }

    static String summary(long fixes, long warnings) {
        if (fixes > 0) {
            return fixes + (fixes == 1 ? " thing" : " things") + " must be fixed"
                    + (warnings > 0 ? ", " + warnings + " could be better." : ".");
        }
        return warnings == 0 ? "All is well."
                : "It works; " + warnings + (warnings == 1 ? " thing" : " things") + " could be better.";
    }

    private static long count(List<Finding> findings, Status status) {
        return findings.stream().filter(finding -> finding.status() == status).count();
    }
}
