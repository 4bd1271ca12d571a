package io.tmac4j.bindings;

import io.tmac4j.bindings.ggml.EngineBridge;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/**
 * Who multiplies with which weights of a model.
 *
 * @param engine      the engine the model was loaded for
 * @param description one line on what the engine chose on this machine
 * @param tensors     the matrices of the model and their way; empty if llama.cpp multiplies them all
 * @param packedBytes memory that the engine's own form of the weights takes
 */
public record EngineReport(Engine engine, String description, List<Placement> tensors, long packedBytes) {

    /** By whom the products with a tensor are computed. */
    public enum Way {
        /** The engine's kernels. */
        ENGINE,
        /** llama.cpp's own dot products, on the threads of the engine. */
        VEC_DOT,
        /** llama.cpp. */
        LLAMA_CPP
    }

    /**
     * One tensor.
     *
     * @param tensor name in the GGUF file
     * @param type   storage type
     * @param k      weights a row
     * @param rows   rows, over all experts
     * @param way    who multiplies
     * @param reason why the engine does not, or an empty string
     */
    public record Placement(String tensor, GgmlType type, long k, long rows, Way way, String reason) {

        public Placement {
            Objects.requireNonNull(tensor);
            Objects.requireNonNull(type);
            Objects.requireNonNull(way);
            Objects.requireNonNull(reason);
        }
    }

    public EngineReport {
        Objects.requireNonNull(engine);
        Objects.requireNonNull(description);
        tensors = List.copyOf(tensors);
    }

    /**
     * Who would multiply with which weights, without loading the model: nothing is packed yet.
     *
     * @throws ModelLoadException     if the file is no model, or the engine cannot run here
     * @throws NativeLibraryException if llama.cpp itself cannot be loaded
     */
    public static EngineReport plan(Path file, Engine engine) {
        LlamaCppLibrary.load();
        try {
            GgufFile model = GgufFile.read(file);
            ModelCheck.check(model, false);
            return engine.isLlamaCpp() ? new EngineReport(engine, "llama.cpp", List.of(), 0)
                    : EngineBridge.open(engine, file).report();
        } catch (GgufException | IllegalStateException e) {
            throw new ModelLoadException(e.getMessage(), e);
        }
    }

    /** The placements of one way. */
    public List<Placement> by(Way way) {
        return tensors.stream().filter(placement -> placement.way() == way).toList();
    }
}
