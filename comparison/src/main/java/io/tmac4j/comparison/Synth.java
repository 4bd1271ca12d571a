package io.tmac4j.comparison;

import io.tmac4j.bindings.GgmlType;
import io.tmac4j.comparison.synth.GgufWriter;
import io.tmac4j.comparison.synth.SyntheticModel;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

@Command(name = "synth", header = "Write a GGUF model of random weights in the shape of a real one.",
        description = {
            "Writes a model of random weights directly in the blocks of a type: its token rates are those of the real model, its "
                    + "text is none. The same seed gives the same file everywhere.",
            "",
            "Examples:",
            "  tmac synth --preset llama2-7b --type Q4_0",
            "  tmac synth --preset llama3-1b --type TQ2_0 --layers 2 -o small.gguf"})
final class Synth implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @ParentCommand
    private Tmac tmac;

    @Option(names = "--preset", required = true, paramLabel = "NAME", completionCandidates = PresetNames.class,
            description = "The shape: ${COMPLETION-CANDIDATES}.")
    private String preset;

    @Option(names = "--type", required = true, paramLabel = "TYPE", completionCandidates = TypeNames.class,
            description = "The type of the layers' matrices: ${COMPLETION-CANDIDATES}.")
    private String type;

    @Option(names = "--ternary",
            description = "Draw weights of three values, in a type that could hold more: Q4_0, as in files of BitNet-3B, or "
                    + "Q2_0, as llama.cpp quantises.")
    private boolean ternary;

    @Option(names = "--head", paramLabel = "TYPE",
            description = "The type of the output head, and of the token embedding where they are one (default: as llama.cpp's "
                    + "quantiser chooses, Q6_K for low-bit types).")
    private String head;

    @Option(names = "--layers", paramLabel = "N", description = "Number of layers (default: the preset's).")
    private Integer layers;

    @Option(names = "--vocab", paramLabel = "N", description = "Number of tokens in the vocabulary (default: the preset's).")
    private Integer vocabulary;

    @Option(names = "--seed", paramLabel = "S", description = "Seed of the random weights (default: ${DEFAULT-VALUE}).")
    private long seed = SyntheticModel.DEFAULT_SEED;

    @Option(names = {"-o", "--output"}, paramLabel = "FILE",
            description = "The file to write; one that exists is replaced (default: PRESET-TYPE.gguf in the current folder).")
    private Path output;

    @Override
    public Integer call() throws IOException {
        SyntheticModel model;
        try {
            model = SyntheticModel.of(preset, type(type), ternary, layers, vocabulary, head == null ? null : type(head), seed);
        } catch (IllegalArgumentException impossible) {
            throw new ParameterException(spec.commandLine(), impossible.getMessage(), impossible);
        }
        Path file = output != null ? output : Path.of(model.fileName());
        model.write(file, tmac.showsProgress() ? new Percentage(spec.commandLine().getErr()) : GgufWriter.Progress.NONE);
        PrintWriter out = spec.commandLine().getOut();
        out.println(String.format(Locale.ROOT, "%s  %,d bytes", file, model.fileBytes()));
        out.flush();
        return 0;
    }

    private static GgmlType type(String name) {
        return SyntheticModel.type(name).orElseThrow(() -> new IllegalArgumentException("'" + name
                + "' is no type that weights can be drawn in; the types are "
                + SyntheticModel.types().stream().map(GgmlType::name).collect(Collectors.joining(", "))));
    }

    /** Draws how far the writing has come, whenever a whole per cent is done. */
    private static final class Percentage implements GgufWriter.Progress {

        private final PrintWriter err;
        private long drawn = -1;

        Percentage(PrintWriter err) {
            this.err = err;
        }

        @Override
        public synchronized void written(long done, long total) {
            long percent = 100 * done / total;
            if (percent > drawn) {
                drawn = percent;
                err.print(percent < 100 ? "\rwriting " + percent + " %" : "\r             \r");
                err.flush();
            }
        }
    }

    /** The presets, for help and completion. */
    static final class PresetNames implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return SyntheticModel.presets().iterator();
        }
    }

    /** The types, for help and completion. */
    static final class TypeNames implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return SyntheticModel.types().stream().map(GgmlType::name).iterator();
        }
    }
}
