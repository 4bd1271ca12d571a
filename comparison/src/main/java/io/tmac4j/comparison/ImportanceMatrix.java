package io.tmac4j.comparison;

import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.GgufException;
import io.tmac4j.bindings.GgufFile;
import io.tmac4j.bindings.GgufTensor;
import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Reads what llama.cpp's {@code llama-imatrix} writes: for every matrix of a model the mean squares of its inputs over a text,
 * which tell the quantiser which columns matter. Both of its formats, GGUF and the older one.
 */
final class ImportanceMatrix {

    private static final int GGUF_MAGIC = 0x46554747;
    private static final String SUMS = ".in_sum2";
    private static final String COUNTS = ".counts";

    private ImportanceMatrix() {
    }

    /**
     * The values for each tensor's name.
     *
     * @throws Failure     if the file holds none
     * @throws IOException if it cannot be read
     */
    static Map<String, float[]> read(Path file) throws IOException {
        if (Files.isDirectory(file)) {
            throw new Failure(file + " is a folder; name a file of llama-imatrix");
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            ByteBuffer magic = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            channel.read(magic, 0);
            Map<String, float[]> matrix = magic.getInt(0) == GGUF_MAGIC ? readGguf(file, channel) : readOld(file);
            if (matrix.isEmpty()) {
                throw new Failure(file + " is no importance matrix: it has no entries");
            }
            return matrix;
        } catch (GgufException broken) {
            throw new Failure(broken.getMessage(), broken);
        }
    }

    private static Map<String, float[]> readGguf(Path file, FileChannel channel) throws IOException {
        GgufFile gguf = GgufFile.read(file);
        Map<String, GgufTensor> tensors = gguf.tensors().stream().collect(Collectors.toMap(GgufTensor::name, tensor -> tensor));
        Map<String, float[]> matrix = new HashMap<>();
        for (GgufTensor sums : gguf.tensors()) {
            if (sums.name().endsWith(SUMS)) {
                String name = sums.name().substring(0, sums.name().length() - SUMS.length());
                GgufTensor counts = tensors.get(name + COUNTS);
                if (counts == null || counts.type() != GgmlType.F32 || sums.type() != GgmlType.F32
                        || counts.elements() == 0 || sums.elements() % counts.elements() != 0) {
                    throw new Failure(file + " is a damaged importance matrix: sums and counts of " + name + " do not fit");
                }
                matrix.put(name, mean(floats(channel, gguf, sums), floats(channel, gguf, counts)));
            }
        }
        return matrix;
    }

    /** Sums divided by their expert's count of tokens; 1 for an expert that no token passed. */
    private static float[] mean(float[] sums, float[] counts) {
        int rowLength = sums.length / counts.length;
        float[] mean = new float[sums.length];
        for (int i = 0; i < mean.length; i++) {
            float count = Math.round(counts[i / rowLength]);
            mean[i] = count > 0 ? sums[i] / count : 1;
        }
        return mean;
    }

    private static float[] floats(FileChannel channel, GgufFile gguf, GgufTensor tensor) throws IOException {
        float[] values = new float[Math.toIntExact(tensor.elements())];
        channel.map(FileChannel.MapMode.READ_ONLY, gguf.dataOffset() + tensor.offset(), tensor.byteSize())
                .order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
        return values;
    }

    /** {@code common_imatrix_load_legacy}: a count of entries, each a name, a number of calls, and the values times it. */
    private static Map<String, float[]> readOld(Path file) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        Map<String, float[]> matrix = new HashMap<>();
        try {
            int entries = bytes.getInt();
            for (int entry = 0; entry < entries; entry++) {
                byte[] name = new byte[length(file, bytes, 1)];
                bytes.get(name);
                int calls = bytes.getInt();
                float[] values = new float[length(file, bytes, Float.BYTES)];
                for (int i = 0; i < values.length; i++) {
                    values[i] = bytes.getFloat() / Math.max(1, calls);
                }
                matrix.put(new String(name, StandardCharsets.UTF_8), values);
            }
        } catch (BufferUnderflowException cutOff) {
            throw noMatrix(file);
        }
        return matrix;
    }

    private static int length(Path file, ByteBuffer bytes, int size) {
        int length = bytes.getInt();
        if (length < 1 || length > bytes.remaining() / size) {
            throw noMatrix(file);
        }
        return length;
    }

    private static Failure noMatrix(Path file) {
        return new Failure(file + " is no importance matrix of llama-imatrix, or is cut off");
    }
}
