package io.tmac4j.bindings;

import io.tmac4j.bindings.generated.LlamaCpp;
import io.tmac4j.bindings.generated.llama_model_imatrix_data;
import io.tmac4j.bindings.generated.llama_model_quantize_params;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;

/** Quantises models with llama.cpp's own quantiser. */
public final class Quantizer {

    private Quantizer() {
    }

    /**
     * Writes {@code input}, quantised, to {@code output}; a file of that name is replaced once the new one is complete.
     *
     * @throws GgufException  if the input is no model
     * @throws LlamaException if llama.cpp cannot quantise it so, or not write the output
     */
    public static void quantize(Path input, Path output, QuantizeOptions options) {
        LlamaCppLibrary.load();
        GgufFile model = GgufFile.read(input);
        // llama.cpp ends the process on some malformed files, so they must not reach it
        ModelCheck.check(model, false);
        if (options.type().needsImportance() && options.importance().isEmpty()) {
            throw new LlamaException("quantising to " + options.type() + " needs an importance matrix");
        }
        checkImportance(model, options.importance());
        Path target = output.toAbsolutePath().normalize();
        Path part = target.resolveSibling(target.getFileName() + "." + ProcessHandle.current().pid() + "-"
                + Long.toHexString(System.nanoTime()) + ".part");
        Thread atExit = new Thread(() -> delete(part), "quantizer-cleanup");
        Runtime.getRuntime().addShutdownHook(atExit);
        try {
            NativeLog.clearErrors();
            if (run(input, part, options) != 0) {
                throw new LlamaException("llama.cpp cannot quantise " + input + " to " + options.type() + ": " + reason());
            }
            // a full disk can go unnoticed there: make sure that all data is in place
            GgufFile.read(part);
            Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (GgufException cutOff) {
            throw new LlamaException("writing " + output + " failed, the disk may be full; the incomplete file was removed",
                    cutOff);
        } catch (IOException e) {
            throw new LlamaException("writing " + output + " failed: " + e.getMessage(), e);
        } finally {
            delete(part);
            removeHook(atExit);
        }
    }

    private static int run(Path input, Path output, QuantizeOptions options) {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment params = LlamaCpp.llama_model_quantize_default_params(arena);
            llama_model_quantize_params.ftype(params, options.type().id());
            llama_model_quantize_params.nthread(params, options.threads());
            llama_model_quantize_params.pure(params, options.pure());
            llama_model_quantize_params.allow_requantize(params, options.requantize());
            if (!options.importance().isEmpty()) {
                llama_model_quantize_params.imatrix(params, importance(arena, options.importance()));
            }
            return LlamaCpp.llama_model_quantize(arena.allocateFrom(input.toString()), arena.allocateFrom(output.toString()),
                    params);
        }
    }

    /** An array of names and data that ends with an empty entry. */
    private static MemorySegment importance(Arena arena, Map<String, float[]> matrix) {
        MemorySegment entries = llama_model_imatrix_data.allocateArray(matrix.size() + 1L, arena);
        long i = 0;
        for (Map.Entry<String, float[]> entry : matrix.entrySet()) {
            MemorySegment one = llama_model_imatrix_data.asSlice(entries, i++);
            llama_model_imatrix_data.name(one, arena.allocateFrom(entry.getKey()));
            llama_model_imatrix_data.data(one, arena.allocateFrom(ValueLayout.JAVA_FLOAT, entry.getValue()));
            llama_model_imatrix_data.size(one, entry.getValue().length);
        }
        return entries;
    }

    private static void checkImportance(GgufFile model, Map<String, float[]> importance) {
        for (GgufTensor tensor : model.tensors()) {
            float[] values = importance.get(tensor.name());
            long[] shape = tensor.dimensions();
            long expected = shape[0] * (shape.length > 2 ? shape[2] : 1);
            if (values != null && values.length != expected) {
                throw new LlamaException("the importance matrix belongs to another model: it has " + values.length
                        + " values for the tensor " + tensor.name() + " of " + model.file() + ", which needs " + expected);
            }
        }
        boolean any = model.tensors().stream().anyMatch(tensor -> importance.containsKey(tensor.name()));
        if (!importance.isEmpty() && !any) {
            throw new LlamaException("the importance matrix belongs to another model: it names none of the tensors of "
                    + model.file());
        }
    }

    private static String reason() {
        List<String> errors = NativeLog.errors();
        String prefix = "failed to quantize: ";
        return errors.stream().filter(line -> line.startsWith(prefix)).map(line -> line.substring(prefix.length()).strip())
                .reduce((first, second) -> second).orElse(errors.isEmpty() ? "it gave no reason" : errors.getLast());
    }

    private static void delete(Path part) {
        try {
            Files.deleteIfExists(part);
        } catch (IOException unreachable) {
            // the folder is gone: nothing is left that could be removed
        }
    }

    private static void removeHook(Thread atExit) {
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (IllegalStateException ending) {
            // the VM is ending, the hook runs already
        }
    }
}
