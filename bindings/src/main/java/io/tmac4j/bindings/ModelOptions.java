package io.tmac4j.bindings;

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
 */
public record ModelOptions(Engine engine, boolean mmap, boolean vocabularyOnly, boolean checkTensors, DoubleConsumer progress) {

    private static final DoubleConsumer SILENT = done -> { };

    private static final ModelOptions DEFAULTS = new ModelOptions(Engine.LLAMA_CPP, true, false, false, SILENT);

    public ModelOptions {
        Objects.requireNonNull(engine, "engine");
        Objects.requireNonNull(progress, "progress");
    }

    /** llama.cpp alone, mapped file, all weights. */
    public static ModelOptions defaults() {
        return DEFAULTS;
    }

    public ModelOptions withEngine(Engine value) {
        return new ModelOptions(value, mmap, vocabularyOnly, checkTensors, progress);
    }

    public ModelOptions withMmap(boolean value) {
        return new ModelOptions(engine, value, vocabularyOnly, checkTensors, progress);
    }

    public ModelOptions withVocabularyOnly(boolean value) {
        return new ModelOptions(engine, mmap, value, checkTensors, progress);
    }

    public ModelOptions withCheckTensors(boolean value) {
        return new ModelOptions(engine, mmap, vocabularyOnly, value, progress);
    }

    public ModelOptions withProgress(DoubleConsumer value) {
        return new ModelOptions(engine, mmap, vocabularyOnly, checkTensors, value);
    }
}
