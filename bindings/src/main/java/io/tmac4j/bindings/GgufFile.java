package io.tmac4j.bindings;

import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a GGUF file says before its weights: metadata and tensors. Reading is strict: a file that is accepted here has every
 * tensor's data in place, so that no reader of it goes beyond its end.
 */
public final class GgufFile {

    /** The types of metadata values, in the order of their numbers in the file. */
    enum ValueType {
        UINT8(1), INT8(1), UINT16(2), INT16(2), UINT32(4), INT32(4), FLOAT32(4), BOOL(1), STRING(8), ARRAY(12), UINT64(8),
                INT64(8),
        FLOAT64(8);

        /** Bytes that a value takes at least. */
        final int leastBytes;

        ValueType(int leastBytes) {
            this.leastBytes = leastBytes;
        }
    }

    /**
     * A metadata value.
     *
     * @param type    its type, of an array the type of its elements
     * @param isArray whether {@code value} is an array
     */
    record Value(ValueType type, boolean isArray, Object value) {
    }

    private final Path file;
    private final int version;
    private final Map<String, Value> values;
    private final Map<String, Object> metadata;
    private final List<GgufTensor> tensors;
    private final long dataOffset;
    private final int alignment;

    GgufFile(Path file, int version, Map<String, Value> values, List<GgufTensor> tensors, long dataOffset, int alignment) {
        this.file = file;
        this.version = version;
        this.values = values;
        Map<String, Object> plain = new LinkedHashMap<>();
        values.forEach((key, value) -> plain.put(key, value.value()));
        this.metadata = Collections.unmodifiableMap(plain);
        this.tensors = List.copyOf(tensors);
        this.dataOffset = dataOffset;
        this.alignment = alignment;
    }

    /**
     * Reads all but the weights.
     *
     * @throws GgufException if the file cannot be read or is not what it should be
     */
    public static GgufFile read(Path file) {
        return GgufReader.read(file);
    }

    public Path file() {
        return file;
    }

    /** Version of the format, 2 or 3. */
    public int version() {
        return version;
    }

    /** The value of {@code general.architecture}, or an empty string. */
    public String architecture() {
        return text("general.architecture").orElse("");
    }

    /**
     * The metadata in the order of the file. Numbers of up to 16 bits and int32 are {@code Integer}s, larger ones
     * {@code Long}s, then there are {@code Float}, {@code Double}, {@code Boolean} and {@code String}. Arrays of numbers are
     * Java arrays of the same width ({@code byte[]}, {@code short[]}, {@code int[]}, ...), of strings {@code List<String>}.
     */
    public Map<String, Object> metadata() {
        return metadata;
    }

    /** The value of a key that holds a string. */
    public Optional<String> text(String key) {
        return metadata.get(key) instanceof String text ? Optional.of(text) : Optional.empty();
    }

    /** The value of a key that holds an integer. */
    public Optional<Long> integer(String key) {
        return metadata.get(key) instanceof Number number && (number instanceof Integer || number instanceof Long)
                ? Optional.of(number.longValue()) : Optional.empty();
    }

    /** The tensors in the order of the file. */
    public List<GgufTensor> tensors() {
        return tensors;
    }

    /** Where the weights begin. */
    public long dataOffset() {
        return dataOffset;
    }

    /** Every tensor begins at a multiple of this. */
    public int alignment() {
        return alignment;
    }

    Optional<Value> value(String key) {
        return Optional.ofNullable(values.get(key));
    }

    @Override
    public String toString() {
        return file + ": GGUF version " + version + ", " + metadata.size() + " keys, " + tensors.size() + " tensors";
    }
}
