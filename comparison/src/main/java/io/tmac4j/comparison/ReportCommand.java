package io.tmac4j.comparison;

import io.tmac4j.comparison.output.Json;
import io.tmac4j.comparison.output.WholeFile;
import io.tmac4j.comparison.report.ChartFiles;
import io.tmac4j.comparison.report.HtmlReport;
import io.tmac4j.comparison.report.Machines;
import io.tmac4j.comparison.report.Summary;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

@Command(name = "report",
        header = "Put results of one or several machines side by side: a page with figures, or a table.",
        description = {
            "Reads what 'tmac compare -o json' and 'tmac kernels -o json' wrote, of one machine or of several. The page is one"
                    + " file that needs no network: token rates and speed-up over threads, speed-up over bits, prompt processing,"
                    + " energy, start and memory, and every number in a table. Numbers that others published for the same"
                    + " processor stand beside and are labelled so.",
            "",
            "Examples:",
            "  tmac report results.json --html report.html",
            "  tmac report m2.json x-elite.json --html both.html",
            "  tmac report results.json kernels.json --svg figures",
            "  tmac report *.json -o csv > all.csv",
        })
final class ReportCommand implements Callable<Integer> {

    private enum Form { MD, CSV }

    @Spec
    private CommandSpec spec;

    @ParentCommand
    private Tmac root;

    @Parameters(paramLabel = "RESULTS.json", arity = "1..*", description = "Files of results.")
    private List<Path> files;

    @Option(names = "--html", paramLabel = "FILE", description = "Write a page to this file.")
    private Path html;

    @Option(names = "--svg", paramLabel = "DIR", description = "Write each figure as SVG into this folder.")
    private Path svg;

    @Option(names = "--png", paramLabel = "DIR", description = "Write each figure as PNG into this folder.")
    private Path png;

    @Option(names = {"-o", "--output"}, paramLabel = "md|csv",
            description = "Print a table to standard output (default: md, unless a page or figures are written).")
    private Form form;

    @Override
    public Integer call() throws IOException {
        List<Machines.Input> inputs = new ArrayList<>();
        for (Path file : files) {
            inputs.add(Json.holdsKernels(file) ? new Machines.Input(file, null, Json.readKernels(file))
                    : new Machines.Input(file, Json.read(file), null));
        }
        List<Machines.Entry> machines = Machines.of(inputs);
        PrintWriter out = spec.commandLine().getOut();
        if (html != null) {
            WholeFile.write(html, HtmlReport.page(machines));
        }
        if (svg != null) {
            drawn(ChartFiles.write(machines, svg, ChartFiles.Form.SVG), svg);
        }
        if (png != null) {
            drawn(ChartFiles.write(machines, png, ChartFiles.Form.PNG), png);
        }
        if (form == Form.CSV) {
            Summary.csv(machines, out);
        } else if (form == Form.MD || html == null && svg == null && png == null) {
            Summary.markdown(machines, out);
        }
        out.flush();
        return 0;
    }

    private void drawn(List<Path> figures, Path folder) {
        if (figures.isEmpty() && !root.isQuiet()) {
            spec.commandLine().getErr().println("tmac report: these files hold nothing to draw, so " + folder
                    + " got no figures.");
        }
    }
}
