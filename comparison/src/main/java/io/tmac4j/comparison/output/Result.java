package io.tmac4j.comparison.output;

import io.tmac4j.comparison.stats.TokenTimes;
import java.util.List;
import java.util.Objects;

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
 * @param nParallel     texts that are continued together; in files of older programs one
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
 * @param pieces        where the time of one run of it went; null if that was not asked for or llama.cpp computed alone
 * @param stepBytes     bytes of the file's weights that a step of generation reads; null in files of older programs
 * @param readBandwidth bytes a second that as many threads read from memory, measured by the same program; null if that was left
 *                      out
 */
public record Result(String engine, String model, String description, String type, long size, long params, int threads,
                     String test, int nPrompt, int nGen, int nDepth, int nParallel, int nBatch, int nUbatch, String typeK,
                     String typeV, String flashAttn, double avgTs, double stddevTs, List<Double> samplesTs, double medianTs,
                     double minTs, double maxTs, double warmupSeconds, boolean steady, List<Double> othersCores,
                     Double loadSeconds, Long packedBytes, List<Double> clockSpeed, List<Double> joules,
                     Double joulesPerToken, TokenTimes tokenMs, List<Busy> busy, Pieces pieces, Long stepBytes,
                     Double readBandwidth) {

    public Result {
        nParallel = Math.max(1, nParallel);
        busy = busy == null ? List.of() : List.copyOf(busy);
    }

    /** The test, and the settings that are not the usual ones as the options that ask for them: {@code pp512 -b 256}. */
    public String label() {
        StringBuilder label = new StringBuilder(test);
        option(label, "-b", nBatch == 0 || nBatch == 2048, nBatch);
        option(label, "-ub", nUbatch == 0 || nUbatch == 512, nUbatch);
        option(label, "-ctk", typeK == null || typeK.equals("f16"), typeK);
        option(label, "-ctv", typeV == null || typeV.equals("f16"), typeV);
        option(label, "-fa", flashAttn == null || flashAttn.equals("auto"), flashAttn);
        return label.toString();
    }

    /** Milliseconds of a step, in which each text gets a token, by the median rate. */
    public double stepMs() {
        return 1e3 * nParallel / medianTs;
    }

    /** The weights' share of the memory bandwidth in a test that only generates; null if unknown. */
    public Double bandwidthShare() {
        return nPrompt > 0 || stepBytes == null || readBandwidth == null ? null
                : (Double) (stepBytes * medianTs / nParallel / readBandwidth);
    }

    /** Whether another result is about the same, done with one text where this one continues several. */
    public boolean isSteppedSinglyBy(Result other) {
        return nParallel > 1 && other.nParallel == 1 && isAlike(other);
    }

    private static void option(StringBuilder label, String name, boolean usual, Object value) {
        if (!usual) {
            label.append(' ').append(name).append(' ').append(value);
        }
    }

    /** Whether another result is about the same engine, model, settings and test. */
    boolean isOfTheSame(Result other) {
        return nParallel == other.nParallel && isAlike(other);
    }

    private boolean isAlike(Result other) {
        return engine.equals(other.engine) && model.equals(other.model) && threads == other.threads && nPrompt == other.nPrompt
                && nGen == other.nGen && nDepth == other.nDepth && nBatch == other.nBatch && nUbatch == other.nUbatch
                && Objects.equals(typeK, other.typeK) && Objects.equals(typeV, other.typeV)
                && Objects.equals(flashAttn, other.flashAttn);
    }
}
