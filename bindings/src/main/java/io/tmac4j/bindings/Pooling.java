package io.tmac4j.bindings;

import io.tmac4j.bindings.generated.LlamaCpp;

/** How the embeddings of the tokens of a sequence become one. */
public enum Pooling {
    /** As the model was made for; most language models have one for each token. */
    MODEL(LlamaCpp.LLAMA_POOLING_TYPE_UNSPECIFIED()),
    /** Not at all: one for each token. */
    NONE(LlamaCpp.LLAMA_POOLING_TYPE_NONE()),
    /** Their mean. */
    MEAN(LlamaCpp.LLAMA_POOLING_TYPE_MEAN()),
    /** That of the first token. */
    CLS(LlamaCpp.LLAMA_POOLING_TYPE_CLS()),
    /** That of the last token. */
    LAST(LlamaCpp.LLAMA_POOLING_TYPE_LAST());

    private final int nativeValue;

    Pooling(int nativeValue) {
        this.nativeValue = nativeValue;
    }

    int nativeValue() {
        return nativeValue;
    }
}
