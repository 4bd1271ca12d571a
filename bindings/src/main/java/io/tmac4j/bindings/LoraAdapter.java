package io.tmac4j.bindings;

import java.nio.file.Path;
import java.util.Objects;

/**
 * A LoRA adapter to load beside a model.
 *
 * @param file  GGUF file of type {@code adapter}, as llama.cpp's {@code convert_lora_to_gguf.py} writes it
 * @param scale how strongly it works; 1 as it was trained, 0 not at all
 */
public record LoraAdapter(Path file, float scale) {

    public LoraAdapter {
        Objects.requireNonNull(file, "file");
        if (!Float.isFinite(scale)) {
            throw new IllegalArgumentException("the scale of a LoRA adapter must be a number, not " + scale);
        }
    }
}
