package io.tmac4j.bindings;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.DoubleConsumer;

/**
 * How a model is loaded.
 *
 * @param engine         who computes the matrix products
 * @param mmap           map the file into memory instead of reading it
 * @param vocabularyOnly load the tokenizer only; such a model can tokenise but not decode
 * @param checkTensors   let llama.cpp validate every weight while loading
 * @param progress       told how much is loaded, from 0 to 1; what it throws cancels the load
 * @param loras          adapters that change the weights' products, in all contexts of the model
 */
public record ModelOptions(
        Engine engine, boolean mmap, boolean vocabularyOnly, boolean checkTensors, DoubleConsumer progress,
        List<LoraAdapter> loras) {

    private static final DoubleConsumer SILENT = done -> { };

    private static final ModelOptions DEFAULTS = new ModelOptions(Engine.LLAMA_CPP, true, false, false, SILENT,
            List.of());

    public ModelOptions {
        Objects.requireNonNull(engine, "engine");
        Objects.requireNonNull(progress, "progress");
        loras = List.copyOf(loras);
    }

    /** llama.cpp alone, mapped file, all weights. */
    public static ModelOptions defaults() {
        return DEFAULTS;
    }

    public ModelOptions withEngine(Engine value) {
        return new ModelOptions(value, mmap, vocabularyOnly, checkTensors, progress, loras);
    }

    public ModelOptions withMmap(boolean value) {
        return new ModelOptions(engine, value, vocabularyOnly, checkTensors, progress, loras);
    }

    public ModelOptions withVocabularyOnly(boolean value) {
        return new ModelOptions(engine, mmap, value, checkTensors, progress, loras);
    }

    public ModelOptions withCheckTensors(boolean value) {
        return new ModelOptions(engine, mmap, vocabularyOnly, value, progress, loras);
    }

    public ModelOptions withProgress(DoubleConsumer value) {
        return new ModelOptions(engine, mmap, vocabularyOnly, checkTensors, value, loras);
    }

    /** Adds an adapter; several work together. */
    public ModelOptions withLora(Path file, float scale) {
        List<LoraAdapter> more = new ArrayList<>(loras);
        more.add(new LoraAdapter(file, scale));
        return new ModelOptions(engine, mmap, vocabularyOnly, checkTensors, progress, more);
    }
}
