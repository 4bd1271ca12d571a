package io.tmac4j.comparison.synth;

import io.tmac4j.comparison.synth.ModelShape.Architecture;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** The shapes of well-known models, as their published configurations give them. */
final class Presets {

    private static final Map<String, ModelShape> BY_NAME = new LinkedHashMap<>();

    static {
        for (ModelShape shape : List.of(
                llama("llama2-7b", 4096, 11008, 32, 32, 32, 32000, false, 4096, 1e4f),
                llama("llama2-13b", 5120, 13824, 40, 40, 40, 32000, false, 4096, 1e4f),
                llama("llama3-1b", 2048, 8192, 16, 32, 8, 128256, true, 131072, 5e5f),
                llama("llama3-3b", 3072, 8192, 28, 24, 8, 128256, true, 131072, 5e5f),
                llama("llama3-8b", 4096, 14336, 32, 32, 8, 128256, false, 8192, 5e5f),
                llama("tinyllama-1.1b", 2048, 5632, 22, 32, 4, 32000, false, 2048, 1e4f),
                llama("mistral-7b", 4096, 14336, 32, 32, 8, 32000, false, 32768, 1e6f),
                qwen("qwen2.5-0.5b", 896, 4864, 24, 14, 2, 151936, true),
                qwen("qwen2.5-1.5b", 1536, 8960, 28, 12, 2, 151936, true),
                qwen("qwen2.5-3b", 2048, 11008, 36, 16, 2, 151936, true),
                qwen("qwen2.5-7b", 3584, 18944, 28, 28, 4, 152064, false),
                bitnet("bitnet-0.7b", 1536, 4096, 24, 16, 16, 32002, 2048, 1e4f),
                bitnet("bitnet-3b", 3200, 8640, 26, 32, 32, 32002, 2048, 1e4f),
                bitnet("bitnet-2b4t", 2560, 6912, 30, 20, 5, 128256, 4096, 5e5f),
                new ModelShape("moe-tiny", Architecture.QWEN2MOE, 512, 512, 4, 8, 4, 2048, false, 8, 2, 2048, 1e4f),
                new ModelShape("olmoe-7b", Architecture.OLMOE, 2048, 1024, 16, 16, 16, 50304, false, 64, 8, 4096, 1e4f))) {
            BY_NAME.put(shape.name(), shape);
        }
    }

    private Presets() {
    }

    static Optional<ModelShape> of(String name) {
        return Optional.ofNullable(BY_NAME.get(name.toLowerCase(Locale.ROOT)));
    }

    static Collection<String> names() {
        return BY_NAME.keySet();
    }

    private static ModelShape llama(String name, int embedding, int feedForward, int layers, int heads, int kvHeads,
            int vocabulary, boolean tied, int context, float ropeBase) {
        return ModelShape.dense(name, Architecture.LLAMA, embedding, feedForward, layers, heads, kvHeads, vocabulary, tied,
                context, ropeBase);
    }

    private static ModelShape qwen(String name, int embedding, int feedForward, int layers, int heads, int kvHeads,
            int vocabulary, boolean tied) {
        return ModelShape.dense(name, Architecture.QWEN2, embedding, feedForward, layers, heads, kvHeads, vocabulary, tied,
                32768, 1e6f);
    }

    /** llama.cpp's graph for BitNet has no separate head. */
    private static ModelShape bitnet(String name, int embedding, int feedForward, int layers, int heads, int kvHeads,
            int vocabulary, int context, float ropeBase) {
        return ModelShape.dense(name, Architecture.BITNET, embedding, feedForward, layers, heads, kvHeads, vocabulary, true,
                context, ropeBase);
    }
}
