package io.tmac4j.comparison.output;

import io.tmac4j.comparison.stats.TokenTimes;
import java.util.List;

/**
 * Token rates of one engine in one test.
 *
 * @param engine        who computed
 * @param model         the model's file name
 * @param description   llama.cpp's one-line description of the model
 * @param type          storage type of the weights
 * @param size          bytes of all tensors
 * @param params        number of weights
 * @param threads       threads
 * @param test          llama-bench's name of the test
 * @param nPrompt       prompt tokens
 * @param nGen          generated tokens
 * @param nDepth        tokens in the cache beforehand
 * @param nBatch        batch size
 * @param nUbatch       physical batch size
 * @param typeK         type of the cached keys
 * @param typeV         type of the cached values
 * @param flashAttn     flash attention: auto, on, off
 * @param avgTs         mean rate, tokens a second
 * @param stddevTs      its standard deviation
 * @param samplesTs     the rate of each repetition, in the order of the rounds
 * @param medianTs      median rate
 * @param minTs         least rate
 * @param maxTs         greatest rate
 * @param warmupSeconds how long the warm-up took
 * @param steady        whether the warm-up reached a steady rate
 * @param othersCores   cores that other programs used during each repetition; null where unknown
 * @param loadSeconds   how long the model took to load
 * @param packedBytes   memory of the engine's own form of the weights
 * @param clockSpeed    speed of the processor's clock right after each repetition, for comparisons with one another; null
 *                      in files of older programs, as the next two
 * @param joules       energy used during each repetition, joules; null where it cannot be read
 * @param joulesPerToken median energy of a token, joules; null if unknown
 * @param tokenMs       times of single generated tokens; null if the test generates none, and in files of older programs
 * @param busy          the same test beside processes that keep cores busy
 */
public record Result(String engine, String model, String description, String type, long size, long params, int threads,
                     String test, int nPrompt, int nGen, int nDepth, int nBatch, int nUbatch, String typeK, String typeV,
                     String flashAttn, double avgTs, double stddevTs, List<Double> samplesTs, double medianTs, double minTs,
                     double maxTs, double warmupSeconds, boolean steady, List<Double> othersCores, Double loadSeconds,
                     Long packedBytes, List<Double> clockSpeed, List<Double> joules, Double joulesPerToken, TokenTimes tokenMs,
                     List<Busy> busy) {

    public Result {
        busy = busy == null ? List.of() : List.copyOf(busy);
    }
}
