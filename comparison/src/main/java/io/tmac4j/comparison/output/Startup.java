package io.tmac4j.comparison.output;

/**
 * One engine's start in a process of its own: what a user waits for, and what memory it takes.
 *
 * @param engine                who computed
 * @param model                 the model's file name
 * @param threads               threads
 * @param promptTokens          tokens of the prompt
 * @param vmSeconds             from the start of the Java VM to the command's first line
 * @param loadSeconds           the model's way into the engine, packing included
 * @param firstTokenSeconds     from the loaded model to the first token after the prompt, nothing compiled yet
 * @param warmFirstTokenSeconds the same when the engine is warm
 * @param warmupSeconds         decoding until the rate is steady
 * @param steady                whether it got steady in the time it had
 * @param compilerSeconds       work of the JIT compiler's threads from start to end
 * @param peakRssBytes          greatest resident set, mapped pages of the model's file included; null if unknown
 * @param packedBytes           memory of the engine's own form of the weights; 0 where llama.cpp computes alone
 */
public record Startup(String engine, String model, int threads, int promptTokens, double vmSeconds, double loadSeconds,
                      double firstTokenSeconds, double warmFirstTokenSeconds, double warmupSeconds, boolean steady,
                      double compilerSeconds, Long peakRssBytes, long packedBytes) {

    /** The same with the peak that only the parent process is told. */
    public Startup withPeak(long bytes) {
        return new Startup(engine, model, threads, promptTokens, vmSeconds, loadSeconds, firstTokenSeconds,
                warmFirstTokenSeconds, warmupSeconds, steady, compilerSeconds, bytes, packedBytes);
    }
}
