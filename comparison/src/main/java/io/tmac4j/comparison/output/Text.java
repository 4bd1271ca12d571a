package io.tmac4j.comparison.output;

/** What an engine wrote: the same prompt, sampler and seed on each. */
public record Text(String model, String engine, String prompt, String text) {
}
