package io.tmac4j.comparison;

import io.tmac4j.bindings.GgmlType;
import io.tmac4j.comparison.environment.Device;
import io.tmac4j.comparison.output.Format;
import io.tmac4j.comparison.output.Progress;
import io.tmac4j.comparison.output.TuningResults;
import io.tmac4j.comparison.output.TuningWriter;
import io.tmac4j.kernels.Tuner;
import io.tmac4j.kernels.TuningReport;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

@Command(name = "tune", header = "Measure what the tmac engine can do in more than one way, and keep what is fastest here.",
        description = {
            "Weights of two bits can be looked up in tables or multiplied as words; several columns can be "
                    + "computed at once or one by one; threads can take more or less at a time. For each type and "
                    + "number of threads both ways are timed in turns on random weights, and another way than the "
                    + "shipped one is chosen only where it is faster beyond the noise. The choices are kept in the "
                    + "cache folder, for this processor, Java VM and version of the kernels, and used whenever a model "
                    + "is loaded, unless --tune off is given there. Takes about 15 seconds for a type of two bits and 4 "
                    + "for others, for two numbers of threads.",
            "",
            "Examples:",
            "  tmac tune",
            "  tmac tune --types TQ2_0 -t 1,4 -o json > tuning.json"})
final class TuneCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @ParentCommand
    private Tmac root;

    @Option(names = "--types", paramLabel = "TYPE", split = ",",
            description = "Types of the weights (default: all that the engine takes).")
    private List<GgmlType> types = Tuner.types();

    @Option(names = {"-t", "--threads"}, paramLabel = "N", converter = IntRanges.FromOne.class,
            description = "Threads; other numbers do as the nearest one (default: those of 'tmac devices' for this machine).")
    private List<IntRanges> threads = List.of();

    @Option(names = {"-o", "--output"}, paramLabel = "md|json", description = "Form of the results (default: md).")
    private Format format = Format.MD;

    @Override
    public Integer call() {
        if (format != Format.MD && format != Format.JSON) {
            throw new ParameterException(spec.commandLine(), "what was tuned is written as md or json");
        }
        for (GgmlType type : types) {
            if (!Tuner.types().contains(type)) {
                throw new ParameterException(spec.commandLine(), "--types " + type + ": the tmac engine does not take it; "
                        + "it takes "
                        + Tuner.types().stream().map(GgmlType::name).collect(Collectors.joining(", ")));
            }
        }
        List<Integer> counts = threads.isEmpty() ? Device.threadsHere() : IntRanges.all(threads);
        TuningReport report;
        try (Progress progress = new Progress(spec.commandLine().getErr(), root.showsProgress())) {
            int[] done = {0};
            int all = Tuner.trials(types, counts);
            report = Tuner.tune(types, counts, what -> progress.show((double) done[0]++ / all, what));
        } catch (IllegalStateException impossible) {
            throw new Failure(impossible.getMessage(), impossible);
        }
        TuningWriter.write(format, spec.commandLine().getOut(), TuningResults.of(report));
        return 0;
    }
}
