package io.tmac4j.comparison.bench;

import io.tmac4j.bindings.ContextOptions;
import io.tmac4j.bindings.FlashAttention;
import io.tmac4j.bindings.GgmlType;

/** What a test is run with on every engine alike: llama-bench's {@code -t -b -ub -ctk -ctv -fa}. */
public record Settings(int threads, int batch, int ubatch, GgmlType keyType, GgmlType valueType, FlashAttention flashAttention) {

    /** The context of a test with these settings; its size is the test's to choose. */
    public ContextOptions contextOptions() {
        return ContextOptions.defaults()
                .withThreads(threads)
                .withBatchThreads(threads)
                .withBatchSize(batch)
                .withUbatchSize(Math.min(batch, ubatch))
                .withKeyType(keyType)
                .withValueType(valueType)
                .withFlashAttention(flashAttention);
    }
}
