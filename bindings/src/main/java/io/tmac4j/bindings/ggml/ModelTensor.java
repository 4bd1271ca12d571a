package io.tmac4j.bindings.ggml;

import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.generated.LlamaCpp;
import io.tmac4j.bindings.generated.ggml_tensor;
import io.tmac4j.bindings.generated.gguf_init_params;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A tensor that llama.cpp will find in a model file.
 *
 * @param ne elements along each of the four dimensions, the first being the length of a row
 */
record ModelTensor(String name, GgmlType type, List<Long> ne) {

    private static final int DIMENSIONS = LlamaCpp.GGML_MAX_DIMS();

    /** The name of one of several files of a model, as {@code llama_split_path} gives it. */
    private static final Pattern SPLIT = Pattern.compile("(.*)-\\d{5}-of-(\\d{5})\\.gguf");

    long ne(int dimension) {
        return ne.get(dimension);
    }

    /**
     * The tensors of a model, by ggml's own reader, in the order of its files. Of a file that cannot be read there are none:
     * llama.cpp, which reads it next, says why.
     */
    static List<ModelTensor> read(Path file) {
        List<ModelTensor> tensors = new ArrayList<>();
        for (Path part : parts(file)) {
            readPart(part, tensors);
        }
        return tensors;
    }

    private static List<Path> parts(Path file) {
        Matcher split = SPLIT.matcher(file.getFileName() == null ? "" : file.getFileName().toString());
        if (!split.matches()) {
            return List.of(file);
        }
        List<Path> parts = new ArrayList<>();
        for (int i = 1; i <= Integer.parseInt(split.group(2)); i++) {
            parts.add(file.resolveSibling("%s-%05d-of-%s.gguf".formatted(split.group(1), i, split.group(2))));
        }
        return parts;
    }

    private static void readPart(Path file, List<ModelTensor> tensors) {
        if (!Files.isRegularFile(file)) {
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment holder = arena.allocate(ValueLayout.ADDRESS);
            MemorySegment parameters = gguf_init_params.allocate(arena);
            gguf_init_params.no_alloc(parameters, true);
            gguf_init_params.ctx(parameters, holder);
            MemorySegment gguf = LlamaCpp.gguf_init_from_file(arena.allocateFrom(file.toString()), parameters);
            if (gguf.address() == 0) {
                return;
            }
            MemorySegment context = holder.get(ValueLayout.ADDRESS, 0);
            try {
                MemorySegment tensor = LlamaCpp.ggml_get_first_tensor(context);
                while (tensor.address() != 0) {
                    of(Ggml.struct(tensor, ggml_tensor.sizeof())).ifPresent(tensors::add);
                    tensor = LlamaCpp.ggml_get_next_tensor(context, tensor);
                }
            } finally {
                LlamaCpp.ggml_free(context);
                LlamaCpp.gguf_free(gguf);
            }
        }
    }

    /** Empty for a type that these bindings do not know: such a tensor stays with llama.cpp. */
    private static Optional<ModelTensor> of(MemorySegment tensor) {
        List<Long> ne = new ArrayList<>();
        for (int i = 0; i < DIMENSIONS; i++) {
            ne.add(ggml_tensor.ne(tensor, i));
        }
        String name = ggml_tensor.name(tensor).getString(0);
        return GgmlType.ofId(ggml_tensor.type(tensor)).map(type -> new ModelTensor(name, type, List.copyOf(ne)));
    }
}
