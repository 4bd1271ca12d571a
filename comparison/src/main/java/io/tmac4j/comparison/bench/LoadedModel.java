package io.tmac4j.comparison.bench;

import io.tmac4j.bindings.Engine;
import io.tmac4j.bindings.LlamaModel;
import io.tmac4j.bindings.ModelOptions;
import java.nio.file.Path;

/** A model in the memory of one engine, and how long it took to get there. */
record LoadedModel(LlamaModel model, double loadSeconds) implements AutoCloseable {

    static LoadedModel load(Path file, Engine engine) {
        long start = System.nanoTime();
        LlamaModel model = LlamaModel.load(file, ModelOptions.defaults().withEngine(engine));
        return new LoadedModel(model, (System.nanoTime() - start) * 1e-9);
    }

    @Override
    public void close() {
        model.close();
    }
}
