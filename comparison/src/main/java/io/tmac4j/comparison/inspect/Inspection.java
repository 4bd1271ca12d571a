package io.tmac4j.comparison.inspect;

import io.tmac4j.bindings.Engine;
import io.tmac4j.bindings.EngineReport;
import io.tmac4j.bindings.GgufFile;
import io.tmac4j.bindings.GgufTensor;
import io.tmac4j.bindings.LlamaException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Array;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * All about one GGUF file.
 *
 * @param file          the file
 * @param bytes         its size
 * @param ggufVersion   version of the format
 * @param architecture  the model's graph
 * @param parameters    weights of all tensors
 * @param bitsPerWeight bits that a weight takes on average, scales included
 * @param metadata      single values as text; of arrays their length
 * @param engine        what the engine chose on this machine, or why its ways are not known
 * @param tensors       the tensors in the order of the file
 */
public record Inspection(String file, long bytes, int ggufVersion, String architecture, long parameters, double bitsPerWeight,
        Map<String, String> metadata, String engine, List<TensorUse> tensors) {

    /** The longest text of a metadata value that is shown. */
    private static final int MOST_TEXT = 200;

    /**
     * One tensor and its use.
     *
     * @param name   unique in the file
     * @param type   storage type
     * @param shape  extents, the row length first
     * @param bytes  size in the file
     * @param codes  which codes it uses, or null for types that have none
     * @param way    who multiplies with it, or null if that is not known
     * @param reason why it is not the engine
     */
    public record TensorUse(String name, String type, List<Long> shape, long bytes, CodeUsage codes, String way, String reason) {
    }

    /**
     * Inspects a file.
     *
     * @param engine     the engine whose ways are looked at
     * @param countCodes whether codes are counted, which reads the weights
     * @throws io.tmac4j.bindings.GgufException if it is no GGUF file
     * @throws IOException                      if the weights cannot be read
     */
    public static Inspection of(Path path, Engine engine, boolean countCodes) throws IOException {
        GgufFile file = GgufFile.read(path);
        Map<String, EngineReport.Placement> placements = Map.of();
        String chosen;
        try {
            EngineReport plan = EngineReport.plan(path, engine);
            placements = plan.tensors().stream()
                    .collect(Collectors.toMap(EngineReport.Placement::tensor, Function.identity()));
            chosen = plan.description();
        } catch (LlamaException noModel) {
            chosen = "ways not known: " + noModel.getMessage();
        }
        boolean known = !placements.isEmpty();
        Map<String, EngineReport.Placement> ways = placements;
        long bytes = file.tensors().stream().mapToLong(GgufTensor::byteSize).sum();
        long weights = file.tensors().stream().mapToLong(GgufTensor::elements).sum();
        try {
            List<TensorUse> tensors = file.tensors().parallelStream()
                    .map(tensor -> use(file, tensor, known, Optional.ofNullable(ways.get(tensor.name())), countCodes)).toList();
            return new Inspection(path.toString(), Files.size(path), file.version(), file.architecture(), weights,
                    weights == 0 ? 0 : 8.0 * bytes / weights, metadata(file), chosen, tensors);
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    private static TensorUse use(GgufFile file, GgufTensor tensor, boolean known, Optional<EngineReport.Placement> placement,
            boolean countCodes) {
        try {
            CodeUsage codes = countCodes ? CodeUsage.of(file, tensor).orElse(null) : null;
            String way = placement.map(place -> way(place.way())).orElse(known ? way(EngineReport.Way.LLAMA_CPP) : null);
            String reason = placement.map(EngineReport.Placement::reason).orElse(known ? "no matrix" : "");
            return new TensorUse(tensor.name(), tensor.type().ggmlName(), Arrays.stream(tensor.dimensions()).boxed().toList(),
                    tensor.byteSize(), codes, way, reason);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String way(EngineReport.Way way) {
        return switch (way) {
            case ENGINE -> "engine";
            case VEC_DOT -> "vec_dot";
            case LLAMA_CPP -> "llama.cpp";
        };
    }

    private static Map<String, String> metadata(GgufFile file) {
        Map<String, String> texts = new LinkedHashMap<>();
        file.metadata().forEach((key, value) -> texts.put(key, text(value)));
        return texts;
    }

    private static String text(Object value) {
        if (value instanceof List<?> list) {
            return list.size() + " values";
        }
        if (value.getClass().isArray()) {
            return Array.getLength(value) + " values";
        }
        String text = value.toString();
        return text.length() > MOST_TEXT ? text.substring(0, MOST_TEXT) + "…" : text;
    }
}
