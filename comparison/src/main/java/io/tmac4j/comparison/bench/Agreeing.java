package io.tmac4j.comparison.bench;

import io.tmac4j.bindings.ContextOptions;
import io.tmac4j.bindings.LlamaModel;
import io.tmac4j.comparison.output.Agreement;
import java.util.Arrays;
import java.util.Optional;
import java.util.SplittableRandom;

/** Hears the engines one after the other on one model: the first is recorded, the others are compared with it. */
final class Agreeing {

    /** Tokens of the prompt: enough to be computed by the kernels for batches. */
    private static final int PROMPT_TOKENS = 48;
    private static final String PROMPT = """
            The harbour was quiet when the ships came in, and the people of the town stood along the wall to see who had
            returned. My lord, said the captain, we have sailed for ninety days and seen nothing but water and the stars.
            """;
    private static final long SEED = 11;

    private final int tokens;
    private final ContextOptions options;
    private AgreementProbe probe;
    private AgreementProbe.Trace trace;
    private String baseline;

    Agreeing(int tokens, ContextOptions options) {
        this.tokens = tokens;
        this.options = options;
    }

    /** The first model heard is the baseline and gives nothing. */
    Optional<Agreement> hear(LlamaModel model) {
        if (trace == null) {
            probe = new AgreementProbe(prompt(model), tokens, options);
            baseline = model.engine().name();
            trace = probe.record(model);
            return Optional.empty();
        }
        return Optional.of(probe.compare(trace, model, model.file().getFileName().toString(), baseline));
    }

    /** Text where the model has a tokenizer, else random tokens. */
    private static int[] prompt(LlamaModel model) {
        int[] text = model.tokenize(PROMPT, true, false);
        if (text.length > 0) {
            return Arrays.copyOf(text, Math.min(text.length, PROMPT_TOKENS));
        }
        return new SplittableRandom(SEED).ints(PROMPT_TOKENS, 0, model.vocabularySize()).toArray();
    }
}
