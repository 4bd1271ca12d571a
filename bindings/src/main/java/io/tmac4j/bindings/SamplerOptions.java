package io.tmac4j.bindings;

import java.util.Objects;
import java.util.Optional;

/**
 * How the next token is chosen; the filters work in the order penalty, top-k, top-p, min-p, temperature, as in llama.cpp.
 *
 * @param temperature   randomness; 0 takes the most likely token
 * @param topK          keep this many of the most likely tokens; 0 keeps all
 * @param topP          keep the most likely tokens up to this sum of probabilities; 1 keeps all
 * @param minP          keep tokens with at least this part of the best one's probability; 0 keeps all
 * @param repeatPenalty divide the logits of recent tokens by this; 1 changes nothing
 * @param repeatWindow  how many tokens are recent
 * @param seed          start of the random numbers, of which 32 bits are used; negative for a new one each time
 * @param grammar       what the chosen tokens have to spell; in a {@link Session} each answer
 */
public record SamplerOptions(
        float temperature, int topK, float topP, float minP, float repeatPenalty, int repeatWindow, long seed,
        Optional<Grammar> grammar) {

    private static final SamplerOptions DEFAULTS = new SamplerOptions(0.8f, 40, 0.95f, 0.05f, 1, 64, -1,
            Optional.empty());

    public SamplerOptions {
        Objects.requireNonNull(grammar, "grammar");
        check(temperature >= 0 && Float.isFinite(temperature), "temperature must be at least 0", temperature);
        check(topK >= 0, "top-k must be at least 0", topK);
        check(topP >= 0 && topP <= 1, "top-p must be from 0 to 1", topP);
        check(minP >= 0 && minP <= 1, "min-p must be from 0 to 1", minP);
        check(repeatPenalty > 0 && Float.isFinite(repeatPenalty), "the repeat penalty must be above 0", repeatPenalty);
        check(repeatWindow >= 0, "the repeat window must be at least 0", repeatWindow);
    }

    private static void check(boolean holds, String rule, Number found) {
        if (!holds) {
            throw new IllegalArgumentException(rule + ", not " + found);
        }
    }

    /** Always the most likely token. */
    public static SamplerOptions greedy() {
        return DEFAULTS.withTemperature(0).withTopK(0).withTopP(1).withMinP(0);
    }

    /** llama.cpp's defaults: temperature 0.8, top-k 40, top-p 0.95, min-p 0.05, no penalty, a new seed each time. */
    public static SamplerOptions defaults() {
        return DEFAULTS;
    }

    public SamplerOptions withTemperature(float value) {
        return new SamplerOptions(value, topK, topP, minP, repeatPenalty, repeatWindow, seed, grammar);
    }

    public SamplerOptions withTopK(int value) {
        return new SamplerOptions(temperature, value, topP, minP, repeatPenalty, repeatWindow, seed, grammar);
    }

    public SamplerOptions withTopP(float value) {
        return new SamplerOptions(temperature, topK, value, minP, repeatPenalty, repeatWindow, seed, grammar);
    }

    public SamplerOptions withMinP(float value) {
        return new SamplerOptions(temperature, topK, topP, value, repeatPenalty, repeatWindow, seed, grammar);
    }

    public SamplerOptions withRepeatPenalty(float value) {
        return new SamplerOptions(temperature, topK, topP, minP, value, repeatWindow, seed, grammar);
    }

    public SamplerOptions withRepeatWindow(int value) {
        return new SamplerOptions(temperature, topK, topP, minP, repeatPenalty, value, seed, grammar);
    }

    public SamplerOptions withSeed(long value) {
        return new SamplerOptions(temperature, topK, topP, minP, repeatPenalty, repeatWindow, value, grammar);
    }

    /** Lets only tokens be chosen that follow a grammar. */
    public SamplerOptions withGrammar(Grammar value) {
        return new SamplerOptions(temperature, topK, topP, minP, repeatPenalty, repeatWindow, seed, Optional.of(value));
    }
}
