package io.tmac4j.comparison;

import static org.assertj.core.api.Assertions.assertThat;

import io.tmac4j.bindings.FileType;
import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.GgufFile;
import io.tmac4j.bindings.GgufTensor;
import io.tmac4j.comparison.synth.GgufWriter;
import io.tmac4j.comparison.synth.SyntheticModel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class QuantizeTest {

    @TempDir
    private static Path models;

    @TempDir
    private Path folder;

    private static Path input;
    private static Path importance;

    @BeforeAll
    static void makeModelAndImportanceMatrix() throws IOException {
        input = models.resolve("f16.gguf");
        SyntheticModel.of("moe-tiny", GgmlType.F16, 1, 1024, null, 1).write(input, GgufWriter.Progress.NONE);
        importance = models.resolve("importance.gguf");
        GgufWriter matrix = new GgufWriter();
        for (GgufTensor tensor : GgufFile.read(input).tensors()) {
            if (tensor.dimensions().length > 1) {
                matrix.tensor(tensor.name() + ".in_sum2", GgmlType.F32, QuantizeTest::risingSquares, tensor.dimension(0),
                        tensor.dimension(2));
                matrix.tensor(tensor.name() + ".counts", GgmlType.F32, QuantizeTest::risingSquares, 1, tensor.dimension(2));
            }
        }
        matrix.write(importance, GgufWriter.Progress.NONE);
    }

    @ParameterizedTest
    @EnumSource(FileType.class)
    void everyTypeIsQuantisedToByLlamaCpp(FileType type) throws IOException {
        Path output = folder.resolve("out.gguf");
        CommandRun run = quantize(output, type.name(), "--imatrix", importance.toString());
        assertThat(run.err()).isEmpty();
        assertThat(run.exitCode()).isZero();
        assertThat(run.out()).contains("bits a weight");
        assertThat(GgufFile.read(output).tensors()).hasSameSizeAs(GgufFile.read(input).tensors());
        assertThat(files()).containsExactly(output);
    }

    @Test
    void pureGivesAllMatricesTheSameType() throws IOException {
        Path output = folder.resolve("out.gguf");
        assertThat(quantize(output, "q3_k", "--pure", "-t", "1").exitCode()).isZero();
        assertThat(GgufFile.read(output).tensors()).filteredOn(tensor -> tensor.name().contains("_exps"))
                .extracting(GgufTensor::type).containsOnly(GgmlType.Q3_K);
    }

    @Test
    void theImportanceMatrixChangesTheWeightsInBothOfItsFormats() throws IOException {
        Path without = folder.resolve("without.gguf");
        Path with = folder.resolve("with.gguf");
        Path old = folder.resolve("old.gguf");
        quantize(without, "Q2_K");
        quantize(with, "Q2_K", "--imatrix", importance.toString());
        quantize(old, "Q2_K", "--imatrix", oldFormat().toString());
        assertThat(Files.readAllBytes(with)).isNotEqualTo(Files.readAllBytes(without)).isEqualTo(Files.readAllBytes(old));
    }

    @Test
    void aQuantisedModelIsQuantisedAgainOnlyWhenAllowed() throws IOException {
        Path once = folder.resolve("once.gguf");
        quantize(once, "Q8_0");
        Path twice = folder.resolve("twice.gguf");
        CommandRun refused = CommandRun.of("quantize", once.toString(), twice.toString(), "Q4_0");
        assertThat(refused.exitCode()).isEqualTo(1);
        assertThat(refused.err()).contains("requantizing from type q8_0 is disabled").contains("--allow-requantize");
        assertThat(files()).containsExactly(once);
        CommandRun allowed = CommandRun.of("quantize", once.toString(), twice.toString(), "Q4_0", "--allow-requantize");
        assertThat(allowed.exitCode()).isZero();
    }

    @Test
    void mistakesAreOneSentenceAndLeaveNothingBehind() throws IOException {
        Path output = folder.resolve("out.gguf");
        Path text = Files.writeString(models.resolve("text"), "this is no model and no matrix");
        assertMistake(2, "'q9' is no type that llama.cpp quantises to; the types are Q1_0, ", output, "q9");
        assertMistake(2, "IQ1_S needs an importance matrix", output, "iq1_s");
        assertMistake(2, "-t 0", output, "q4_0", "-t", "0");
        assertMistake(1, "it is a folder", folder, "q4_0");
        assertMistake(1, "there is no folder", folder.resolve("no").resolve("x.gguf"), "q4_0");
        assertMistake(1, "onto itself", input, "q4_0");
        assertMistake(1, "is no importance matrix", output, "q4_0", "--imatrix", text.toString());
        assertMistake(1, "has no entries", output, "q4_0", "--imatrix", input.toString());
        assertMistake(1, "there is no file", output, "q4_0", "--imatrix", folder.resolve("no").toString());
        CommandRun noModel = CommandRun.of("quantize", text.toString(), output.toString(), "q4_0");
        assertThat(noModel.exitCode()).isEqualTo(1);
        assertThat(noModel.err()).hasLineCount(1).contains("is no GGUF file");
        assertThat(files()).isEmpty();
    }

    @Test
    void aMatrixOfAnotherModelIsRefused() throws IOException {
        Path other = models.resolve("other.gguf");
        SyntheticModel.of("bitnet-0.7b", GgmlType.F16, 1, 1024, null, 1).write(other, GgufWriter.Progress.NONE);
        CommandRun run = CommandRun.of("quantize", other.toString(), folder.resolve("out.gguf").toString(), "q4_0", "--imatrix",
                importance.toString());
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).hasLineCount(1).contains("belongs to another model");
        assertThat(files()).isEmpty();
    }

    /** Squares that rise along a row, and counts of 4. */
    private static void risingSquares(long chunk, byte[] into, int length) {
        ByteBuffer values = ByteBuffer.wrap(into).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < length / Float.BYTES; i++) {
            values.putFloat(length <= 8 * Float.BYTES ? 4 : 1 + i % 512);
        }
    }

    /** The same matrix in the format before GGUF: values times the number of calls. */
    private Path oldFormat() throws IOException {
        List<GgufTensor> tensors = GgufFile.read(input).tensors().stream()
                .filter(tensor -> tensor.dimensions().length > 1).toList();
        ByteBuffer bytes = ByteBuffer.allocate(1 << 22).order(ByteOrder.LITTLE_ENDIAN).putInt(tensors.size());
        for (GgufTensor tensor : tensors) {
            byte[] name = tensor.name().getBytes(StandardCharsets.UTF_8);
            int count = (int) (tensor.dimension(0) * tensor.dimension(2));
            bytes.putInt(name.length).put(name).putInt(2).putInt(count);
            for (int i = 0; i < count; i++) {
                bytes.putFloat(2 * (1 + i % 512) / 4f);
            }
        }
        return Files.write(models.resolve("old.dat"), Arrays.copyOf(bytes.array(), bytes.position()));
    }

    private void assertMistake(int exitCode, String said, Path output, String... arguments) {
        CommandRun run = quantize(output, arguments);
        assertThat(run.exitCode()).isEqualTo(exitCode);
        assertThat(run.out()).isEmpty();
        assertThat(run.err()).hasLineCount(1).contains(said);
    }

    private static CommandRun quantize(Path output, String... arguments) {
        return CommandRun.of(Stream.concat(Stream.of("quantize", input.toString(), output.toString()), Arrays.stream(arguments))
                .toArray(String[]::new));
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> list = Files.list(folder)) {
            return list.toList();
        }
    }
}
