package io.tmac4j.comparison;

import io.tmac4j.bindings.FileType;
import io.tmac4j.bindings.GgufFile;
import io.tmac4j.bindings.GgufTensor;
import io.tmac4j.bindings.LlamaException;
import io.tmac4j.bindings.QuantizeOptions;
import io.tmac4j.bindings.Quantizer;
import io.tmac4j.comparison.output.WholeFile;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(name = "quantize", header = "Quantise a GGUF model with llama.cpp's own quantiser.",
        description = {
            "Writes a model with fewer bits a weight. Most types are mixes in which llama.cpp gives tensors that matter more "
                    + "bits; --pure gives all the same.",
            "",
            "Examples:",
            "  tmac quantize model-f16.gguf model-tq2_0.gguf TQ2_0",
            "  tmac quantize model-f16.gguf model-iq2_xxs.gguf IQ2_XXS --imatrix calibration.gguf"})
final class Quantize implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "IN", description = "The model to read, best in F16, BF16 or F32.")
    private Path input;

    @Parameters(index = "1", paramLabel = "OUT", description = "The file to write; one that exists is replaced.")
    private Path output;

    @Parameters(index = "2", paramLabel = "TYPE", completionCandidates = TypeNames.class,
            description = "What to quantise to: ${COMPLETION-CANDIDATES}.")
    private String type;

    @Option(names = "--imatrix", paramLabel = "FILE",
            description = "The importance matrix of llama.cpp's llama-imatrix; types below three bits mostly need one.")
    private Path imatrix;

    @Option(names = "--pure", description = "Give all matrices the same type instead of llama.cpp's mix.")
    private boolean pure;

    @Option(names = "--allow-requantize", description = "Read a model that is quantised already; this costs quality.")
    private boolean requantize;

    @Option(names = {"-t", "--threads"}, paramLabel = "N", description = "Number of threads (default: one for each processor).")
    private Integer threads;

    @Override
    public Integer call() throws IOException {
        FileType wanted = FileType.ofName(type).orElseThrow(() -> new ParameterException(spec.commandLine(),
                "'" + type + "' is no type that llama.cpp quantises to; the types are "
                        + Arrays.stream(FileType.values()).map(FileType::name).collect(Collectors.joining(", "))));
        if (threads != null && threads < 1) {
            throw new ParameterException(spec.commandLine(), "-t " + threads + " asks for less than one thread");
        }
        if (wanted.needsImportance() && imatrix == null) {
            throw new ParameterException(spec.commandLine(),
                    wanted + " needs an importance matrix: make one with llama.cpp's llama-imatrix and name it with --imatrix");
        }
        WholeFile.requireWritable(output);
        if (Files.exists(output) && Files.exists(input) && Files.isSameFile(input, output)) {
            throw new Failure("cannot quantise " + input + " onto itself; name another output");
        }
        QuantizeOptions options = QuantizeOptions.to(wanted).withPure(pure).withRequantize(requantize)
                .withThreads(threads == null ? 0 : threads);
        if (imatrix != null) {
            options = options.withImportance(ImportanceMatrix.read(imatrix));
        }
        try {
            Quantizer.quantize(input, output, options);
        } catch (LlamaException refused) {
            boolean quantised = refused.getMessage().contains("requantizing");
            throw quantised ? new Failure(refused.getMessage() + "; allow it with --allow-requantize", refused) : refused;
        }
        PrintWriter out = spec.commandLine().getOut();
        out.println(String.format(Locale.ROOT, "%s  %,d bytes, %.2f bits a weight (before: %,d bytes, %.2f)", output,
                Files.size(output), bitsPerWeight(output), Files.size(input), bitsPerWeight(input)));
        out.flush();
        return 0;
    }

    private static double bitsPerWeight(Path file) {
        GgufFile gguf = GgufFile.read(file);
        double bytes = gguf.tensors().stream().mapToDouble(GgufTensor::byteSize).sum();
        return 8 * bytes / gguf.tensors().stream().mapToDouble(GgufTensor::elements).sum();
    }

    /** The types, for help and completion. */
    static final class TypeNames implements Iterable<String> {
        @Override
        public Iterator<String> iterator() {
            return Arrays.stream(FileType.values()).map(FileType::name).iterator();
        }
    }
}
