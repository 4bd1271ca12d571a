package io.tmac4j.comparison;

import io.tmac4j.bindings.ContextOptions;
import io.tmac4j.bindings.Engine;
import io.tmac4j.bindings.FlashAttention;
import io.tmac4j.bindings.Grammar;
import io.tmac4j.bindings.GrammarException;
import io.tmac4j.bindings.LlamaContext;
import io.tmac4j.bindings.LlamaModel;
import io.tmac4j.bindings.LoraAdapter;
import io.tmac4j.bindings.ModelOptions;
import io.tmac4j.bindings.Sampler;
import io.tmac4j.bindings.SamplerOptions;
import io.tmac4j.comparison.bench.WarmUp;
import io.tmac4j.comparison.environment.Allocation;
import io.tmac4j.comparison.environment.Machine;
import io.tmac4j.comparison.text.Generation;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.Function;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

@Command(name = "generate",
        header = "Continue a text with one engine; the text goes to standard output as it comes.",
        description = {
            "Sampling options are llama-cli's. Token rates follow on standard error. Without -m: the bundled demo model, which"
                    + " has read Shakespeare.",
            "",
            "Examples:",
            "  tmac generate \"ROMEO:\"",
            "  tmac generate -m model.gguf -e llama.cpp -n 200 --temp 0 \"The capital of France is\"",
            "  tmac generate -m model.gguf -f prompt.txt --seed 7",
            "  tmac generate -m model.gguf --json-schema person.json --lora names.gguf:0.5 \"A person as JSON: \"",
        })
final class Generate implements Callable<Integer> {

    /** What to continue when nothing is given: the demo model's own world. */
    private static final String DEMO_PROMPT = "ROMEO:\n";

    /** The warm-up of {@code --stats}: tokens of a piece of it, and its end. */
    private static final int WARM_UP_TOKENS = 200;
    private static final Duration LONGEST_WARM_UP = Duration.ofSeconds(60);

    @Spec
    private CommandSpec spec;

    @ParentCommand
    private Tmac root;

    @Parameters(paramLabel = "PROMPT", arity = "0..*", description = "Text to continue; several words are joined by spaces.")
    private List<String> words = List.of();

    @Option(names = {"-f", "--file"}, paramLabel = "FILE", description = "Read the prompt from a file (UTF-8).")
    private Path file;

    @Option(names = {"-m", "--model"}, paramLabel = "FILE", description = "GGUF model (default: the demo model).")
    private Path model;

    @Option(names = {"-e", "-b", "--engine"}, paramLabel = "NAME", converter = Options.EngineName.class,
            description = "Engine: llama.cpp or tmac (default: tmac where it can run).")
    private Engine engine;

    @Option(names = {"-n", "--n-predict"}, paramLabel = "N", converter = Options.AtLeastZero.class,
            description = "Tokens to generate at most (default: ${DEFAULT-VALUE}).")
    private int limit = 128;

    @Option(names = {"-t", "--threads"}, paramLabel = "N", converter = Options.AtLeastOne.class,
            description = "Threads (default: one for each physical core).")
    private int threads = Machine.mathThreads();

    @Option(names = "--stats", description = "Also tell how often the heap was collected and how many bytes a token allocated,"
            + " after a warm-up in which the same text is generated unseen until the JIT compilers rest.")
    private boolean stats;

    @Option(names = {"-c", "--ctx-size"}, paramLabel = "N", converter = Options.AtLeastOne.class,
            description = "Tokens that prompt and text may have together (default: as many as asked for, at most what the model"
                    + " was trained for).")
    private Integer contextSize;

    @Option(names = {"-fa", "--flash-attn"}, paramLabel = "on|off|auto", converter = Options.Attention.class,
            description = "Flash attention (default: auto).")
    private FlashAttention attention = FlashAttention.AUTO;

    @Mixin
    private final Sampling sampling = new Sampling(SamplerOptions.defaults().temperature(), SamplerOptions.defaults().seed());

    @Option(names = {"--grammar", "--grammar-file"}, paramLabel = "FILE",
            description = "Let the text follow a grammar in llama.cpp's notation (GBNF, UTF-8).")
    private Path grammar;

    @Option(names = {"--json-schema", "--json-schema-file"}, paramLabel = "FILE",
            description = "Let the text be JSON that fits this schema (UTF-8).")
    private Path jsonSchema;

    @Option(names = "--lora", paramLabel = "FILE[:SCALE]", converter = Options.Adapter.class,
            description = "Apply a LoRA adapter (GGUF), as strongly as SCALE says (default: 1); may be given several times.")
    private List<LoraAdapter> adapters = List.of();

    @Mixin
    private final EngineOptions engineOptions = new EngineOptions();

    @Override
    public Integer call() throws IOException {
        SamplerOptions choice = choice();
        String prompt = prompt();
        Path path = model != null ? model : DefaultModels.demo();
        Engine chosen = engine != null ? engine : Engine.available().getLast();
        ModelOptions loading = ModelOptions.defaults().withEngine(chosen);
        for (LoraAdapter adapter : adapters) {
            loading = loading.withLora(adapter.file(), adapter.scale());
        }
        try (LlamaModel loaded = LlamaModel.load(path, loading)) {
            int[] tokens = loaded.tokenize(prompt, true, true);
            if (tokens.length == 0) {
                throw new Failure("the prompt has no tokens, so there is nothing to continue");
            }
            int context = contextSize != null ? contextSize : Math.min(tokens.length + limit + 1, trainedContext(loaded));
            if (tokens.length >= context) {
                throw new Failure("the prompt has " + tokens.length + " tokens and leaves no room in a context of " + context
                        + "; shorten it or set -c");
            }
            ContextOptions options = ContextOptions.defaults().withContextSize(context).withThreads(threads)
                    .withBatchThreads(threads).withFlashAttention(attention);
            try (LlamaContext session = loaded.newContext(options); Sampler sampler = Sampler.of(choice)) {
                String warmUp = stats ? warmUp(session, sampler, tokens, context) : "";
                generate(session, sampler, prompt, tokens, context, warmUp);
            }
        }
        return 0;
    }

    /** Generates the text's beginning until the JIT compilers rest, and leaves context and sampler as they were. */
    private String warmUp(LlamaContext session, Sampler sampler, int[] tokens, int room) {
        Allocation before = Allocation.now();
        WarmUp done = WarmUp.untilCompiled(() -> {
            Generation.run(session, sampler, tokens, Math.min(limit, WARM_UP_TOKENS), room, _ -> { });
            session.clear();
            sampler.reset();
        }, LONGEST_WARM_UP);
        return Allocation.now().inWarmUp(before, done.nanos() * 1e-9);
    }

    private void generate(LlamaContext session, Sampler sampler, String prompt, int[] tokens, int room,
            String warmUp) {
        PrintWriter out = spec.commandLine().getOut();
        out.print(prompt);
        out.flush();
        Allocation before = Allocation.now();
        Generation.Outcome outcome = Generation.run(session, sampler, tokens, limit, room, piece -> {
            out.print(piece);
            out.flush();
        });
        Allocation after = Allocation.now();
        out.println();
        out.flush();
        if (!root.isQuiet()) {
            PrintWriter err = spec.commandLine().getErr();
            err.println();
            err.println(rates(session, outcome));
            if (stats) {
                err.println(after.since(before, outcome.tokens()) + "; " + warmUp);
            }
            err.flush();
        }
    }

    private static String rates(LlamaContext session, Generation.Outcome outcome) {
        String generated = outcome.decodeTokens() == 0 ? outcome.tokens() + " tokens generated"
                : String.format(Locale.ROOT, "%d tokens generated at %.2f t/s", outcome.tokens(), outcome.decodeRate());
        return String.format(Locale.ROOT, "%s, %d threads: %d prompt tokens at %.2f t/s, %s%s", session.model().engine().name(),
                session.threads(), outcome.promptTokens(), outcome.promptRate(), generated, switch (outcome.end()) {
                    case LENGTH -> "";
                    case END_OF_TEXT -> ", then the model ended its text";
                    case CONTEXT_FULL -> ", then the context was full (set -c for more)";
                });
    }

    private SamplerOptions choice() throws IOException {
        if (grammar != null && jsonSchema != null) {
            throw new ParameterException(spec.commandLine(), "give either --grammar or --json-schema, not both");
        }
        SamplerOptions choice = sampling.options();
        if (grammar != null) {
            return choice.withGrammar(form(grammar, Grammar::of));
        }
        return jsonSchema != null ? choice.withGrammar(form(jsonSchema, Grammar::ofJsonSchema)) : choice;
    }

    private static Grammar form(Path file, Function<String, Grammar> reader) throws IOException {
        try {
            return reader.apply(text(file));
        } catch (GrammarException mistake) {
            throw new Failure(file + ": " + mistake.getMessage(), mistake);
        }
    }

    private static String text(Path file) throws IOException {
        try {
            return Files.readString(file, StandardCharsets.UTF_8);
        } catch (CharacterCodingException binary) {
            throw new Failure(file + " is no text in UTF-8", binary);
        }
    }

    private String prompt() throws IOException {
        if (file != null && !words.isEmpty()) {
            throw new ParameterException(spec.commandLine(), "give the prompt either as words or with -f, not both");
        }
        if (file != null) {
            return text(file);
        }
        if (words.isEmpty()) {
            if (model != null) {
                throw new ParameterException(spec.commandLine(), "there is no prompt to continue");
            }
            return DEMO_PROMPT;
        }
        return String.join(" ", words);
    }

    private static int trainedContext(LlamaModel loaded) {
        return loaded.trainedContext() > 0 ? loaded.trainedContext() : Integer.MAX_VALUE;
    }
}
