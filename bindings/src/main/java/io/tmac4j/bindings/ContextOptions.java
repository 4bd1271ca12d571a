package io.tmac4j.bindings;

import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * What a context is made for. Defaults of sizes are llama.cpp's.
 *
 * @param contextSize    tokens that the context can hold; 0 takes what the model was trained for
 * @param batchSize      tokens a call of decode may submit at most
 * @param ubatchSize     tokens computed at once
 * @param maxSequences   independent sequences, at most {@value #MAX_SEQUENCES}; each gets an equal part of the context
 * @param threads        threads that decode single tokens
 * @param batchThreads   threads that process prompts and batches
 * @param flashAttention fused attention or not
 * @param keyType        storage type of the cached keys, one of {@link #cacheTypes()}
 * @param valueType      storage type of the cached values, one of them too; a quantised one needs flash attention
 * @param embeddings     compute embeddings of all tokens beside logits
 * @param pooling        how the embeddings of a sequence become one
 */
public record ContextOptions(
        int contextSize, int batchSize, int ubatchSize, int maxSequences, int threads, int batchThreads,
        FlashAttention flashAttention, GgmlType keyType, GgmlType valueType, boolean embeddings, Pooling pooling) {

    private static final List<GgmlType> CACHE_TYPES = List.of(GgmlType.F32, GgmlType.F16, GgmlType.BF16, GgmlType.Q8_0,
            GgmlType.Q4_0, GgmlType.Q4_1, GgmlType.IQ4_NL, GgmlType.Q5_0, GgmlType.Q5_1);

    /** ggml's own bound, {@code GGML_MAX_N_THREADS}. */
    static final int MAX_THREADS = 512;

    /** Sequences that llama.cpp can tell apart. */
    public static final int MAX_SEQUENCES = 256;

    public ContextOptions {
        Objects.requireNonNull(flashAttention, "flashAttention");
        Objects.requireNonNull(keyType, "keyType");
        Objects.requireNonNull(valueType, "valueType");
        Objects.requireNonNull(pooling, "pooling");
        checkCacheType("keys", keyType);
        checkCacheType("values", valueType);
        atLeast("context size", contextSize, 0);
        atLeast("batch size", batchSize, 1);
        atLeast("ubatch size", ubatchSize, 1);
        atLeast("number of sequences", maxSequences, 1);
        atMost("number of sequences", maxSequences, MAX_SEQUENCES);
        checkThreads("threads", threads);
        checkThreads("batch threads", batchThreads);
    }

    /** llama.cpp's sizes, one sequence, and a thread a processor. */
    public static ContextOptions defaults() {
        int threads = Math.min(MAX_THREADS, Runtime.getRuntime().availableProcessors());
        return new ContextOptions(0, 2048, 512, 1, threads, threads, FlashAttention.AUTO, GgmlType.F16, GgmlType.F16, false,
                Pooling.MODEL);
    }

    /** The types that keys and values can be stored in: those of llama.cpp's own programs. */
    public static List<GgmlType> cacheTypes() {
        return CACHE_TYPES;
    }

    private static void checkCacheType(String what, GgmlType type) {
        if (!CACHE_TYPES.contains(type)) {
            throw new IllegalArgumentException(what + " cannot be cached as " + type.ggmlName() + "; there are "
                    + CACHE_TYPES.stream().map(GgmlType::ggmlName).collect(Collectors.joining(", ")));
        }
    }

    static void checkThreads(String what, int value) {
        atLeast(what, value, 1);
        atMost(what, value, MAX_THREADS);
    }

    private static void atMost(String what, int value, int most) {
        if (value > most) {
            throw new IllegalArgumentException(what + " must be at most " + most + ", not " + value);
        }
    }

    private static void atLeast(String what, int value, int least) {
        if (value < least) {
            throw new IllegalArgumentException(what + " must be at least " + least + ", not " + value);
        }
    }

    public ContextOptions withContextSize(int value) {
        return new ContextOptions(value, batchSize, ubatchSize, maxSequences, threads, batchThreads, flashAttention,
                keyType, valueType, embeddings, pooling);
    }

    public ContextOptions withBatchSize(int value) {
        return new ContextOptions(contextSize, value, ubatchSize, maxSequences, threads, batchThreads, flashAttention,
                keyType, valueType, embeddings, pooling);
    }

    public ContextOptions withUbatchSize(int value) {
        return new ContextOptions(contextSize, batchSize, value, maxSequences, threads, batchThreads, flashAttention,
                keyType, valueType, embeddings, pooling);
    }

    public ContextOptions withMaxSequences(int value) {
        return new ContextOptions(contextSize, batchSize, ubatchSize, value, threads, batchThreads, flashAttention,
                keyType, valueType, embeddings, pooling);
    }

    public ContextOptions withThreads(int value) {
        return new ContextOptions(contextSize, batchSize, ubatchSize, maxSequences, value, batchThreads, flashAttention,
                keyType, valueType, embeddings, pooling);
    }

    public ContextOptions withBatchThreads(int value) {
        return new ContextOptions(contextSize, batchSize, ubatchSize, maxSequences, threads, value, flashAttention,
                keyType, valueType, embeddings, pooling);
    }

    public ContextOptions withFlashAttention(FlashAttention value) {
        return new ContextOptions(contextSize, batchSize, ubatchSize, maxSequences, threads, batchThreads, value,
                keyType, valueType, embeddings, pooling);
    }

    public ContextOptions withKeyType(GgmlType value) {
        return new ContextOptions(contextSize, batchSize, ubatchSize, maxSequences, threads, batchThreads, flashAttention,
                value, valueType, embeddings, pooling);
    }

    public ContextOptions withValueType(GgmlType value) {
        return new ContextOptions(contextSize, batchSize, ubatchSize, maxSequences, threads, batchThreads, flashAttention,
                keyType, value, embeddings, pooling);
    }

    public ContextOptions withEmbeddings(boolean value) {
        return new ContextOptions(contextSize, batchSize, ubatchSize, maxSequences, threads, batchThreads, flashAttention,
                keyType, valueType, value, pooling);
    }

    public ContextOptions withPooling(Pooling value) {
        return new ContextOptions(contextSize, batchSize, ubatchSize, maxSequences, threads, batchThreads, flashAttention,
                keyType, valueType, embeddings, value);
    }
}
