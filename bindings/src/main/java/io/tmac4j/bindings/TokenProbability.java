package io.tmac4j.bindings;

import java.util.List;
import java.util.Objects;

/**
 * How likely a token was for the model, before any sampler changed that.
 *
 * @param token          the token
 * @param text           its text; the characters of some are complete only with the next
 * @param logProbability natural logarithm of its probability
 * @param alternatives   the most likely tokens at its place, best first, which have no alternatives of their own
 */
public record TokenProbability(int token, String text, float logProbability, List<TokenProbability> alternatives) {

    public TokenProbability {
        Objects.requireNonNull(text, "text");
        alternatives = List.copyOf(alternatives);
    }
}
