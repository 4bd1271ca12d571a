package io.tmac4j.comparison.output;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tmac4j.comparison.Failure;
import io.tmac4j.comparison.report.KernelFile;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Results as JSON: fields are named as in the records, in snake case. */
public final class Json {

    private static final ObjectMapper MAPPER = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(SerializationFeature.INDENT_OUTPUT)
            .build();

    private Json() {
    }

    /** An object over several lines. */
    public static String pretty(Object value) {
        return write(MAPPER, value);
    }

    /** An object on one line with a field {@code kind} in front. */
    static String line(String kind, Object value) {
        ObjectNode node = MAPPER.createObjectNode().put("kind", kind);
        node.setAll((ObjectNode) MAPPER.valueToTree(value));
        return node.toString();
    }

    private static String write(ObjectMapper mapper, Object value) {
        try {
            return mapper.writeValueAsString(value);
        } catch (JsonProcessingException broken) {
            throw new IllegalStateException("cannot write " + value.getClass().getSimpleName() + " as JSON", broken);
        }
    }

    /**
     * Reads a file of results.
     *
     * @throws Failure     if it is none, or of a newer version than this program knows
     * @throws IOException if it cannot be read at all
     */
    public static Results read(Path file) throws IOException {
        try {
            JsonNode tree = MAPPER.readTree(Files.readString(file, StandardCharsets.UTF_8));
            if (!tree.path("results").isArray() || !tree.path("version").isInt()) {
                throw new Failure(file + " holds no results of 'tmac compare -o json': it lacks \"version\" or \"results\"");
            }
            requireVersion(file, tree, Results.VERSION);
            return MAPPER.treeToValue(tree, Results.class);
        } catch (JacksonException broken) {
            throw new Failure(file + " is no JSON that 'tmac compare -o json' writes: " + broken.getOriginalMessage(), broken);
        } catch (CharacterCodingException noText) {
            throw new Failure(file + " is no JSON that 'tmac compare -o json' writes: it is no text in UTF-8", noText);
        }
    }

    /** Whether a file holds what {@code tmac kernels -o json} wrote; false for everything else, broken files too. */
    public static boolean holdsKernels(Path file) throws IOException {
        try {
            JsonNode tree = MAPPER.readTree(Files.readString(file, StandardCharsets.UTF_8));
            return tree.path("version").isInt() && !tree.has("results")
                    && (tree.path("kernels").isArray() || tree.path("ablation").isArray());
        } catch (JacksonException | CharacterCodingException broken) {
            return false;
        }
    }

    /**
     * Reads a file of kernels.
     *
     * @throws Failure     if it is none, or of a newer version than this program knows
     * @throws IOException if it cannot be read at all
     */
    public static KernelFile readKernels(Path file) throws IOException {
        try {
            JsonNode tree = MAPPER.readTree(Files.readString(file, StandardCharsets.UTF_8));
            requireVersion(file, tree, KernelFile.VERSION);
            return MAPPER.treeToValue(tree, KernelFile.class);
        } catch (JacksonException broken) {
            throw new Failure(file + " is no JSON that 'tmac kernels -o json' writes: " + broken.getOriginalMessage(), broken);
        }
    }

    private static void requireVersion(Path file, JsonNode tree, int known) {
        int version = tree.get("version").intValue();
        if (version > known) {
            throw new Failure(file + " holds results of version " + version + ", this program reads up to version " + known
                    + ": use a newer tmac");
        }
    }

    /** Reads what {@code tmac cold-start} printed. */
    public static Startup startup(String text) {
        try {
            return MAPPER.readValue(text, Startup.class);
        } catch (JsonProcessingException broken) {
            throw new Failure("it printed no result", broken);
        }
    }

    /** Writes a file of results. */
    public static void write(Path file, Results results) throws IOException {
        WholeFile.write(file, pretty(results) + "\n");
    }
}
