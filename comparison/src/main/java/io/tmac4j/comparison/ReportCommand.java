package io.tmac4j.comparison;

import io.tmac4j.comparison.output.Json;
import io.tmac4j.comparison.output.Results;
import io.tmac4j.comparison.report.HtmlReport;
import io.tmac4j.comparison.report.Machines;
import io.tmac4j.comparison.report.Summary;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(name = "report",
        header = "Put results of one or several machines side by side: a page with figures, or a table.",
        description = {
            "Reads what 'tmac compare -o json' wrote. The page is one file that needs no network: token rates over threads,"
                    + " speed-up over bits, prompt processing, and every number in a table.",
            "",
            "Examples:",
            "  tmac report results.json --html report.html",
            "  tmac report m2.json x-elite.json --html both.html",
            "  tmac report *.json -o csv > all.csv",
        })
final class ReportCommand implements Callable<Integer> {

    private enum Form { MD, CSV }

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "RESULTS.json", arity = "1..*", description = "Files of results.")
    private List<Path> files;

    @Option(names = "--html", paramLabel = "FILE", description = "Write a page to this file.")
    private Path html;

    @Option(names = {"-o", "--output"}, paramLabel = "md|csv",
            description = "Print a table to standard output (default: md, unless --html is given).")
    private Form form;

    @Override
    public Integer call() throws IOException {
        List<Results> all = new ArrayList<>();
        for (Path file : files) {
            all.add(Json.read(file));
        }
        List<Machines.Entry> machines = Machines.of(files, all);
        PrintWriter out = spec.commandLine().getOut();
        if (html != null) {
            Files.writeString(html, HtmlReport.page(machines), StandardCharsets.UTF_8);
        }
        if (form == Form.CSV) {
            Summary.csv(machines, out);
        } else if (form == Form.MD || html == null) {
            Summary.markdown(machines, out);
        }
        out.flush();
        return 0;
    }
}
