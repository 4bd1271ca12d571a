package io.tmac4j.comparison.text;

import io.tmac4j.bindings.LlamaContext;
import io.tmac4j.bindings.LlamaModel;
import io.tmac4j.bindings.Sampler;
import io.tmac4j.bindings.Utf8Stream;
import java.util.function.Consumer;

/** Continues a prompt, token by token. */
public final class Generation {

    private Generation() {
    }

    /** Why a text ends. */
    public enum End {
        /** As many tokens as were asked for. */
        LENGTH,
        /** The model ended its text. */
        END_OF_TEXT,
        /** No more room in the context. */
        CONTEXT_FULL
    }

    /**
     * What happened.
     *
     * @param promptTokens       tokens of the prompt
     * @param promptSeconds      time to read the prompt
     * @param firstTokenSeconds  time from the start until the first token was chosen
     * @param tokens             tokens generated
     * @param decodeTokens       tokens decoded one by one: one fewer, for the first comes from the prompt's logits
     * @param decodeSeconds      time to decode them, sampling included
     * @param end                why the text ends
     */
    public record Outcome(int promptTokens, double promptSeconds, double firstTokenSeconds, int tokens, int decodeTokens,
                          double decodeSeconds, End end) {

        /** Prompt tokens a second. */
        public double promptRate() {
            return promptTokens / promptSeconds;
        }

        /** Generated tokens a second, or NaN if none was decoded. */
        public double decodeRate() {
            return decodeTokens == 0 ? Double.NaN : decodeTokens / decodeSeconds;
        }
    }

    /**
     * Reads {@code prompt} into the empty context and goes on.
     *
     * @param prompt at least one token, fewer than the context holds
     * @param limit  tokens to generate at most
     * @param room   tokens that prompt and text may have together, at most the context's size
     * @param text   takes the text as it comes
     */
    public static Outcome run(LlamaContext context, Sampler sampler, int[] prompt, int limit, int room,
                              Consumer<String> text) {
        LlamaModel model = context.model();
        Utf8Stream characters = new Utf8Stream();
        long start = System.nanoTime();
        context.decode(prompt);
        long read = System.nanoTime();
        long first = read;
        int tokens = 0;
        int decoded = 0;
        End end = End.LENGTH;
        while (tokens < limit) {
            int token = sampler.sample(context, -1);
            if (tokens == 0) {
                first = System.nanoTime();
            }
            if (model.isEndOfGeneration(token)) {
                end = End.END_OF_TEXT;
                break;
            }
            tokens++;
            String piece = characters.add(model.tokenBytes(token));
            if (!piece.isEmpty()) {
                text.accept(piece);
            }
            if (tokens < limit) {
                if (context.position(0) >= Math.min(room, context.contextSize())) {
                    end = End.CONTEXT_FULL;
                    break;
                }
                context.decode(token);
                decoded++;
            }
        }
        long stop = System.nanoTime();
        String rest = characters.end();
        if (!rest.isEmpty()) {
            text.accept(rest);
        }
        return new Outcome(prompt.length, (read - start) * 1e-9, (first - start) * 1e-9, tokens, decoded,
                (stop - first) * 1e-9, end);
    }
}
