package io.tmac4j.comparison.synth;

/**
 * What decides the tensors of a model.
 *
 * @param name         the preset's name
 * @param architecture llama.cpp's name of the graph
 * @param embedding    length of a token's vector
 * @param feedForward  inner length of the feed-forward network; of each expert where there are experts
 * @param layers       number of layers
 * @param heads        query heads of an attention
 * @param kvHeads      key and value heads of an attention
 * @param vocabulary   number of tokens
 * @param tied         whether the output head is the token embedding
 * @param experts      number of experts in a layer, 0 if the feed-forward network is a single one
 * @param activeExperts how many of them a token passes through
 * @param context      context length in the metadata
 * @param ropeBase     base of the rotary embedding
 */
record ModelShape(String name, Architecture architecture, int embedding, int feedForward, int layers, int heads, int kvHeads,
        int vocabulary, boolean tied, int experts, int activeExperts, int context, float ropeBase) {

    /** llama.cpp's graphs that a model can be made for. */
    enum Architecture {
        LLAMA("llama", 1e-5f),
        BITNET("bitnet", 1e-5f),
        QWEN2("qwen2", 1e-6f),
        QWEN2MOE("qwen2moe", 1e-6f),
        OLMOE("olmoe", 1e-5f);

        private final String ggufName;
        private final float normEpsilon;

        Architecture(String ggufName, float normEpsilon) {
            this.ggufName = ggufName;
            this.normEpsilon = normEpsilon;
        }

        String ggufName() {
            return ggufName;
        }

        float normEpsilon() {
            return normEpsilon;
        }
    }

    /** A model without experts. */
    static ModelShape dense(String name, Architecture architecture, int embedding, int feedForward, int layers, int heads,
            int kvHeads, int vocabulary, boolean tied, int context, float ropeBase) {
        return new ModelShape(name, architecture, embedding, feedForward, layers, heads, kvHeads, vocabulary, tied, 0, 0, context,
                ropeBase);
    }

    int headLength() {
        return embedding / heads;
    }

    /** Length of all keys (or values) of a token. */
    int kvLength() {
        return headLength() * kvHeads;
    }

    ModelShape withLayers(int count) {
        return new ModelShape(name, architecture, embedding, feedForward, count, heads, kvHeads, vocabulary, tied, experts,
                activeExperts, context, ropeBase);
    }

    ModelShape withVocabulary(int count) {
        return new ModelShape(name, architecture, embedding, feedForward, layers, heads, kvHeads, count, tied, experts,
                activeExperts, context, ropeBase);
    }
}
