package io.tmac4j.comparison;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.tmac4j.bindings.ContextOptions;
import io.tmac4j.bindings.Engine;
import io.tmac4j.bindings.FlashAttention;
import io.tmac4j.bindings.LlamaModel;
import io.tmac4j.bindings.ModelOptions;
import io.tmac4j.bindings.ProductError;
import io.tmac4j.comparison.environment.Machine;
import io.tmac4j.comparison.output.Json;
import io.tmac4j.comparison.output.Progress;
import io.tmac4j.comparison.output.QualityTable;
import io.tmac4j.comparison.quality.PerplexityRun;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

@Command(name = "perplexity",
        header = "Perplexity of a text on each engine, and how far the engines' predictions lie apart.",
        description = {
            "The text is cut and counted as by llama.cpp's own perplexity tool, so the numbers can be compared with that tool's.",
            "",
            "Examples:",
            "  tmac perplexity -m model.gguf -f wiki.test.raw",
            "  tmac perplexity -m model.gguf -f wiki.test.raw -c 512 --chunks 20 -o json",
            "  tmac perplexity -m model.gguf -f wiki.test.raw --ubatch-size 1        as a text is generated: one token at a time",
            "  tmac perplexity -m model.gguf -f wiki.test.raw --chunks 1 --layers    where in the model the engines differ",
        })
final class PerplexityCommand implements Callable<Integer> {

    private static final long SPARE_BYTES = 768L << 20;
    /** Tokens whose activations single products are compared on: enough for the kernels of batches. */
    private static final int LAYER_TOKENS = 32;

    private enum Form { MD, JSON }

    @Spec
    private CommandSpec spec;

    @ParentCommand
    private Tmac root;

    @Option(names = {"-m", "--model"}, paramLabel = "FILE", description = "GGUF model (default: the demo model).")
    private Path model;

    @Option(names = {"-f", "--file"}, paramLabel = "FILE", required = true, description = "The text (UTF-8).")
    private Path file;

    @Option(names = {"-c", "--ctx-size"}, paramLabel = "N", converter = Options.AtLeastOne.class,
            description = "Tokens of a chunk (default: ${DEFAULT-VALUE}).")
    private int contextSize = 512;

    @Option(names = "--chunks", paramLabel = "N", converter = Options.AtLeastZero.class,
            description = "Read so many chunks at most; 0 for the whole text (default: 0).")
    private int chunks;

    @Option(names = {"-e", "--engine"}, paramLabel = "NAME", split = ",", converter = Options.EngineName.class,
            description = "Engines; the first is the reference (default: all, llama.cpp first).")
    private List<Engine> engines = List.of();

    @Option(names = {"-t", "--threads"}, paramLabel = "N", converter = Options.AtLeastOne.class,
            description = "Threads (default: one for each physical core).")
    private int threads = Machine.mathThreads();

    @Option(names = {"-b", "--batch-size"}, paramLabel = "N", converter = Options.AtLeastOne.class,
            description = "Tokens given to one call of decode (default: 2048).")
    private int batchSize = 2048;

    @Option(names = {"-ub", "--ubatch-size"}, paramLabel = "N", converter = Options.AtLeastOne.class,
            description = "Tokens computed at once (default: 512); 1: token by token, by the kernels that generate.")
    private int ubatchSize = 512;

    @Option(names = {"-fa", "--flash-attn"}, paramLabel = "on|off|auto", converter = Options.Attention.class,
            description = "Flash attention (default: auto).")
    private FlashAttention attention = FlashAttention.AUTO;

    @Option(names = "--layers",
            description = "Also compare single products: each engine's error for each tensor, on the same activations.")
    private boolean layers;

    @Option(names = {"-o", "--output"}, paramLabel = "md|json", description = "Form of the results (default: md).")
    private Form form = Form.MD;

    @Mixin
    private final EngineOptions engineOptions = new EngineOptions();

    @Override
    public Integer call() throws IOException {
        String text = withoutLastNewline(Files.readString(file, StandardCharsets.UTF_8));
        Path path = model != null ? model : DefaultModels.demo();
        List<Engine> chosen = engines.isEmpty() ? Engine.available() : engines.stream().distinct().toList();
        Optional<Engine> other = chosen.stream().filter(engine -> !engine.isLlamaCpp()).findFirst();
        if (layers && other.isEmpty()) {
            throw new ParameterException(spec.commandLine(), "--layers compares llama.cpp with another engine, and -e "
                    + "names none");
        }
        ContextOptions options = ContextOptions.defaults().withThreads(threads).withBatchThreads(threads)
                .withBatchSize(batchSize).withUbatchSize(Math.min(batchSize, ubatchSize)).withFlashAttention(attention);
        try (Progress progress = new Progress(spec.commandLine().getErr(), root.showsProgress())) {
            PerplexityRun.Outcome outcome = Files.exists(path) && !fitTogether(path, chosen.size())
                    ? oneAfterTheOther(path, chosen, text, options, progress)
                    : sideBySide(path, chosen, text, options, progress);
            List<ProductError> products = layers ? products(path, other.orElseThrow(), text, progress) : null;
            progress.clear();
            print(path, outcome, products);
        }
        return 0;
    }

    /** llama.cpp's tools drop one newline at the end of a prompt file; the same tokens need the same text. */
    static String withoutLastNewline(String text) {
        return text.endsWith("\n") ? text.substring(0, text.length() - 1) : text;
    }

    private static boolean fitTogether(Path path, int engines) throws IOException {
        return Files.size(path) * engines + SPARE_BYTES < Machine.availableMemory();
    }

    private PerplexityRun.Outcome sideBySide(Path path, List<Engine> chosen, String text, ContextOptions options,
                                             Progress progress) {
        List<LlamaModel> models = new ArrayList<>();
        try {
            for (Engine engine : chosen) {
                progress.show(0, "loading " + path.getFileName() + " into " + engine.name());
                models.add(LlamaModel.load(path, ModelOptions.defaults().withEngine(engine)));
            }
            PerplexityRun run = run(models.getFirst(), text, options);
            return run.run(models, done -> progress.show((double) done / run.chunks(), "chunk " + done + "/" + run.chunks()));
        } finally {
            models.forEach(LlamaModel::close);
        }
    }

    /** Without room for all copies of the model there is no prediction beside another to measure a divergence from. */
    private PerplexityRun.Outcome oneAfterTheOther(Path path, List<Engine> chosen, String text, ContextOptions options,
                                                   Progress progress) {
        List<PerplexityRun.Result> results = new ArrayList<>();
        for (Engine engine : chosen) {
            results.addAll(sideBySide(path, List.of(engine), text, options, progress).results());
        }
        return new PerplexityRun.Outcome(results, List.of());
    }

    private PerplexityRun run(LlamaModel loaded, String text, ContextOptions options) {
        try {
            return new PerplexityRun(loaded, loaded.tokenize(text, true, false), contextSize, chunks, options);
        } catch (IllegalArgumentException mistake) {
            throw new Failure(mistake.getMessage(), mistake);
        }
    }

    /** Products of single tensors on the text's first tokens. */
    private List<ProductError> products(Path path, Engine other, String text, Progress progress) {
        progress.show(1, "products of single tensors");
        try (LlamaModel loaded = LlamaModel.load(path, ModelOptions.defaults().withEngine(Engine.LLAMA_CPP))) {
            int[] tokens = loaded.tokenize(text, true, false);
            return ProductError.measure(loaded, other, Arrays.copyOf(tokens, Math.min(tokens.length, LAYER_TOKENS)), threads);
        }
    }

    private void print(Path path, PerplexityRun.Outcome outcome, List<ProductError> products) {
        PrintWriter out = spec.commandLine().getOut();
        PerplexityRun.Divergence first = outcome.divergences().isEmpty() ? null : outcome.divergences().getFirst();
        if (form == Form.JSON) {
            out.println(Json.pretty(new Report(path.getFileName().toString(), file.getFileName().toString(), contextSize,
                    outcome.results(), first, products == null ? null : products.stream().map(Product::of).toList())));
        } else {
            QualityTable.print(out, path.getFileName().toString(), outcome);
            if (products != null) {
                QualityTable.products(out, products);
            }
        }
        out.flush();
    }

    /** The JSON form. */
    record Report(String model, String text, int contextSize, List<PerplexityRun.Result> results, PerplexityRun.Divergence kl,
                  @JsonInclude(JsonInclude.Include.NON_NULL) List<Product> layers) {
    }

    /** One product in the JSON form: errors of each engine against exact arithmetic, and between the engines. */
    record Product(String tensor, String type, long k, long rows, double nmseLlama, double nmseTmac, double nmseTmacSingle,
                   double nmseApart) {

        static Product of(ProductError e) {
            return new Product(e.tensor(), e.type().ggmlName(), e.k(), e.rows(), e.llamaCpp(), e.batch(), e.single(), e.apart());
        }
    }
}
