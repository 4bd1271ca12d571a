package io.tmac4j.comparison;

import io.tmac4j.bindings.Engine;
import io.tmac4j.comparison.inspect.CodeUsage;
import io.tmac4j.comparison.inspect.Inspection;
import io.tmac4j.comparison.inspect.Inspection.TensorUse;
import io.tmac4j.comparison.output.Column;
import io.tmac4j.comparison.output.Json;
import io.tmac4j.comparison.output.Table;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.IntSummaryStatistics;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(name = "inspect", header = "Show what a GGUF file holds and who multiplies with which tensor.",
        description = {
            "Lists a file's tensors, their types, and the way that each takes: the engine's kernels, llama.cpp's dot products on "
                    + "the engine's threads (vec_dot), or llama.cpp, and why not the engine. Codes are the different values that "
                    + "a format's weights take, apart from scales, and bits the information in them: 3 codes of 16 means that "
                    + "ternary weights were stored in four bits.",
            "",
            "Examples:",
            "  tmac inspect model.gguf",
            "  tmac inspect model.gguf --all -o json"})
final class Inspect implements Callable<Integer> {

    /** How the file is described. */
    enum Form { MD, JSON }

    /** The description as JSON. */
    record Report(int version, Inspection inspection) {
    }

    private static final int FORMAT_VERSION = 1;

    /** Stands where codes and bits are not known; a line below the table says so. */
    private static final String NOT_DETERMINED = "-";

    @Spec
    private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "FILE", description = "The GGUF file.")
    private Path file;

    @Option(names = {"-e", "-b", "--engine"}, paramLabel = "NAME", converter = Options.EngineName.class,
            description = "The engine whose ways are shown (default: ${DEFAULT-VALUE}).")
    private Engine engine = Engine.available().contains(Engine.TMAC) ? Engine.TMAC : Engine.LLAMA_CPP;

    @Option(names = "--all", description = "A line for each tensor instead of one for the same tensor of all layers.")
    private boolean all;

    @Option(names = "--no-codes", description = "Do not count codes, which reads the weights.")
    private boolean noCodes;

    @Option(names = "--metadata", description = "Show all metadata too.")
    private boolean metadata;

    @Option(names = {"-o", "--output"}, paramLabel = "FORM", description = "md or json (default: md).")
    private Form form = Form.MD;

    @Override
    public Integer call() throws IOException {
        Inspection inspection = Inspection.of(file, engine, !noCodes);
        PrintWriter out = spec.commandLine().getOut();
        if (form == Form.JSON) {
            out.println(Json.pretty(new Report(FORMAT_VERSION, inspection)));
        } else {
            print(out, inspection);
        }
        out.flush();
        return 0;
    }

    private void print(PrintWriter out, Inspection inspection) {
        out.println(String.format(Locale.ROOT, "%s: GGUF version %d, %s, %,d bytes, %,d weights, %.2f bits a weight",
                inspection.metadata().getOrDefault("general.name", file.getFileName().toString()), inspection.ggufVersion(),
                inspection.architecture().isEmpty() ? "no model" : inspection.architecture(), inspection.bytes(),
                inspection.parameters(), inspection.bitsPerWeight()));
        out.println("engine " + engine + ": " + inspection.engine());
        if (metadata) {
            out.println();
            inspection.metadata().forEach((key, value) -> out.println(key + " = " + value));
        }
        if (inspection.tensors().isEmpty()) {
            return;
        }
        out.println();
        List<List<String>> rows = rows(inspection);
        List<String> titles = List.of("tensor", "n", "type", "shape", "MiB", "codes", "bits", "way", "why not the engine");
        List<Column> columns = new ArrayList<>();
        for (int i = 0; i < titles.size(); i++) {
            int column = i;
            int width = rows.stream().mapToInt(row -> row.get(column).length()).max().orElse(0);
            boolean left = i == 0 || i == 2 || i >= 7;
            columns.add(new Column(titles.get(i), (left ? -1 : 1) * Math.max(3, Math.max(width, titles.get(i).length()))));
        }
        Table table = new Table(columns);
        table.head(out);
        rows.forEach(row -> table.row(out, row));
        if (rows.stream().anyMatch(row -> row.contains(NOT_DETERMINED))) {
            out.println();
            out.println(NOT_DETERMINED + " not determined: " + (noCodes ? "--no-codes was given."
                    : "codes are counted in formats that keep one code for each weight; the others' bits are not known."));
        }
    }

    /** The same tensor of all layers is one row, as long as type, shape and way are the same. */
    private List<List<String>> rows(Inspection inspection) {
        Map<List<Object>, List<TensorUse>> groups = new LinkedHashMap<>();
        for (TensorUse tensor : inspection.tensors()) {
            String name = all ? tensor.name() : tensor.name().replaceFirst("(?<=blk\\.)\\d+(?=\\.)", "*");
            List<Object> key = new ArrayList<>(List.of(name, tensor.type(), tensor.shape(), tensor.reason()));
            key.add(tensor.way());
            groups.computeIfAbsent(key, same -> new ArrayList<>()).add(tensor);
        }
        return groups.entrySet().stream().map(group -> row((String) group.getKey().getFirst(), group.getValue())).toList();
    }

    private static List<String> row(String name, List<TensorUse> group) {
        TensorUse first = group.getFirst();
        long bytes = group.stream().mapToLong(TensorUse::bytes).sum();
        List<CodeUsage> codes = group.stream().map(TensorUse::codes).filter(Objects::nonNull).toList();
        IntSummaryStatistics distinct = codes.stream().mapToInt(CodeUsage::distinct).summaryStatistics();
        String least = distinct.getMin() == distinct.getMax() ? "" : distinct.getMin() + "-";
        String used = codes.isEmpty() ? NOT_DETERMINED : least + distinct.getMax() + "/" + codes.getFirst().possible();
        String bits = codes.isEmpty() ? NOT_DETERMINED
                : String.format(Locale.ROOT, "%.2f", codes.stream().mapToDouble(CodeUsage::entropyBits).average().orElse(0));
        return List.of(name, String.valueOf(group.size()), first.type(),
                first.shape().stream().map(String::valueOf).collect(Collectors.joining(" x ")),
                String.format(Locale.ROOT, "%.2f", bytes / (double) (1 << 20)), used, bits,
                first.way() == null ? "" : first.way(), first.reason());
    }
}
