package io.tmac4j.bindings;

import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * How a {@link Session} talks.
 *
 * @param context   the context it is held in
 * @param sampler   how tokens are chosen
 * @param system    what the model is told before the conversation, if anything
 * @param template  the chat template: a name that llama.cpp knows, e.g. {@code chatml}; empty text for none, so that messages are
 *                  read as they are; without this the model's own, or none if it has none
 * @param stops     texts that end an answer and do not belong to it
 * @param maxTokens tokens of an answer at most
 * @param logProbabilities how many of the most likely tokens {@link TokenStream#probabilities()} tells beside each token of an
 *                  answer; -1 for no probabilities at all, which costs nothing
 */
public record SessionOptions(
        ContextOptions context, SamplerOptions sampler, Optional<String> system, Optional<String> template, List<String> stops,
        int maxTokens, int logProbabilities) {

    private static final SessionOptions DEFAULTS = new SessionOptions(ContextOptions.defaults(), SamplerOptions.defaults(),
            Optional.empty(), Optional.empty(), List.of(), Integer.MAX_VALUE, -1);

    public SessionOptions {
        Objects.requireNonNull(context, "context");
        Objects.requireNonNull(sampler, "sampler");
        Objects.requireNonNull(system, "system");
        Objects.requireNonNull(template, "template");
        stops = List.copyOf(stops);
        if (stops.contains("")) {
            throw new IllegalArgumentException("a stop string cannot be empty");
        }
        if (maxTokens < 1) {
            throw new IllegalArgumentException("the number of tokens of an answer must be at least 1, not " + maxTokens);
        }
        if (logProbabilities < -1) {
            throw new IllegalArgumentException("the number of tokens with probabilities must be at least 0, or -1 for none, not "
                    + logProbabilities);
        }
    }

    /** The model's own template and context size, default sampling, answers as long as the model and the context want. */
    public static SessionOptions defaults() {
        return DEFAULTS;
    }

    public SessionOptions withContext(ContextOptions value) {
        return new SessionOptions(value, sampler, system, template, stops, maxTokens, logProbabilities);
    }

    public SessionOptions withSampler(SamplerOptions value) {
        return new SessionOptions(context, value, system, template, stops, maxTokens, logProbabilities);
    }

    public SessionOptions withSystem(String value) {
        return new SessionOptions(context, sampler, Optional.of(value), template, stops, maxTokens, logProbabilities);
    }

    public SessionOptions withTemplate(String value) {
        return new SessionOptions(context, sampler, system, Optional.of(value), stops, maxTokens, logProbabilities);
    }

    public SessionOptions withStops(String... value) {
        return new SessionOptions(context, sampler, system, template, List.of(value), maxTokens, logProbabilities);
    }

    public SessionOptions withMaxTokens(int value) {
        return new SessionOptions(context, sampler, system, template, stops, value, logProbabilities);
    }

    public SessionOptions withLogProbabilities(int value) {
        return new SessionOptions(context, sampler, system, template, stops, maxTokens, value);
    }
}
