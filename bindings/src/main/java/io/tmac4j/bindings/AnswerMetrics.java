package io.tmac4j.bindings;

import java.time.Duration;

/**
 * What an answer cost. Times hold no pauses of the reader.
 *
 * @param promptTokens    tokens read before the answer
 * @param reusedTokens    tokens of the conversation that were in memory already
 * @param promptTime      time to read them
 * @param firstTokenTime  time from the question until the first token was chosen; zero if there is none
 * @param generatedTokens tokens of the answer
 * @param generationTime  time to generate them, that of the prompt left out
 */
public record AnswerMetrics(
        int promptTokens, int reusedTokens, Duration promptTime, Duration firstTokenTime, int generatedTokens,
        Duration generationTime) {

    /** Prompt tokens a second. */
    public double promptRate() {
        return rate(promptTokens, promptTime);
    }

    /** Generated tokens a second, or NaN if there is none. */
    public double generationRate() {
        return rate(generatedTokens, generationTime);
    }

    private static double rate(int tokens, Duration time) {
        return tokens == 0 || time.isZero() ? Double.NaN : tokens * 1e9 / time.toNanos();
    }
}
