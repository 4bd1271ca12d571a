package io.tmac4j.comparison.output;

/**
 * Whether an engine computes what the baseline computes, on the same tokens.
 *
 * @param model            the model's file name
 * @param baseline         the baseline engine's name
 * @param engine           the other engine's name
 * @param tokens           tokens that both generated greedily
 * @param greedyEqual      how many of them are equal before the first that differs
 * @param greedyGap        at the first difference: how much more logit the baseline gives its own token than the other's;
 *                         null without a difference
 * @param sameTop          part of all positions at which both find the same token likeliest
 * @param logitNmse        normalised mean square error of the logits in decoding, token by token
 * @param promptLogitNmse  the same in processing the prompt as one batch
 * @param klDivergence     mean of KL(baseline || engine) over all positions, nats
 * @param klMaximum        its greatest value
 */
public record Agreement(String model, String baseline, String engine, int tokens, int greedyEqual, Double greedyGap,
                        double sameTop, double logitNmse, double promptLogitNmse, double klDivergence, double klMaximum) {
}
