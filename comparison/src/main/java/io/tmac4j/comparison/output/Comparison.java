package io.tmac4j.comparison.output;

import java.util.List;

/**
 * One engine against the baseline in one test.
 *
 * @param model       the model's file name
 * @param type        storage type of the weights
 * @param threads     threads
 * @param test        llama-bench's name of the test, behind it unusual settings: {@link Result#label()}
 * @param baseline    the baseline engine's name
 * @param engine      the other engine's name
 * @param baselineTs  median rate of the baseline, tokens a second
 * @param tmacTs      median rate of the other engine
 * @param ratio       tmacTs / baselineTs
 * @param ratioLow    lower end of the ratio's 95 % bootstrap interval
 * @param ratioHigh   upper end
 * @param withinNoise whether that interval holds 1
 * @param conclusive  whether the machine was quiet enough to believe the ratio
 * @param notes       what speaks against it
 */
public record Comparison(String model, String type, int threads, String test, String baseline, String engine, double baselineTs,
                         double tmacTs, double ratio, double ratioLow, double ratioHigh, boolean withinNoise,
                         boolean conclusive, List<String> notes) {

    public Comparison {
        notes = notes == null ? List.of() : List.copyOf(notes);
    }

    /** What the reader may conclude, in a word or two. */
    public String verdict() {
        if (!conclusive) {
            return "busy machine";
        }
        return withinNoise ? "within noise" : ratio > 1 ? "faster" : "slower";
    }
}
