package io.tmac4j.comparison;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.tmac4j.bindings.Engine;
import io.tmac4j.bindings.FileType;
import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.QuantizeOptions;
import io.tmac4j.bindings.Quantizer;
import io.tmac4j.comparison.inspect.CodeUsage;
import io.tmac4j.comparison.inspect.Inspection;
import io.tmac4j.comparison.inspect.Inspection.TensorUse;
import io.tmac4j.comparison.synth.DemoModel;
import io.tmac4j.comparison.synth.GgufWriter;
import io.tmac4j.comparison.synth.SyntheticModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class InspectTest {

    @TempDir
    private static Path models;

    private static Path ternary;

    @TempDir
    private Path folder;

    @BeforeAll
    static void makeTernaryModel() throws IOException {
        ternary = models.resolve("ternary.gguf");
        SyntheticModel.of("bitnet-0.7b", GgmlType.TQ2_0, 1, 1024, null, 1).write(ternary, GgufWriter.Progress.NONE);
    }

    @Test
    void theTableHasALineForEachKindOfTensor() throws IOException {
        CommandRun run = CommandRun.of("inspect", DemoModel.file().toString());
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).contains("llama", "bits a weight")
                .containsPattern("\\| token_embd.weight +\\| +1 \\| q8_0 .*\\| vec_dot +\\| no lookup kernel for q8_0")
                .containsPattern("\\| blk\\.\\*\\.ffn_up.weight +\\| +4 \\| tq2_0 \\| +256 x 768 ")
                .containsPattern("\\| +3/4 \\| 1\\.\\d\\d \\| engine ")
                .containsPattern("\\| output_norm.weight .*\\| +- \\| +- \\| .*\\| no matrix ").contains("- not determined: ");
        assertThat(CommandRun.of("inspect", DemoModel.file().toString(), "--all", "--metadata").out())
                .contains("blk.3.ffn_up.weight", "llama.block_count = 4", "tokenizer.ggml.tokens = 1024 values");
    }

    @Test
    void jsonHoldsEveryTensor() throws IOException {
        JsonNode json = JsonMapper.builder().build().readTree(
                CommandRun.of("inspect", ternary.toString(), "-o", "json", "-b", "llama.cpp").out());
        assertThat(json.get("version").intValue()).isEqualTo(1);
        JsonNode tensors = json.get("inspection").get("tensors");
        assertThat(tensors).hasSize(13);
        assertThat(tensors.get(0).get("name").textValue()).isEqualTo("token_embd.weight");
        assertThat(tensors.get(0).get("codes").get("possible").intValue()).isEqualTo(64);
    }

    /** Ternary weights keep their three values in every format; a format with a minimum may need one code more. */
    @ParameterizedTest
    @EnumSource(value = FileType.class, names = {"TQ1_0", "TQ2_0", "Q2_0", "Q2_K", "Q3_K_S", "IQ4_XS", "IQ4_NL", "Q4_0", "Q4_1",
            "Q4_K_S", "Q5_0", "Q5_1", "Q5_K_S", "Q6_K", "Q8_0"})
    void ternaryWeightsUseThreeOrFourCodesOfAnyFormat(FileType type) throws IOException {
        Path file = folder.resolve("a.gguf");
        Quantizer.quantize(ternary, file, QuantizeOptions.to(type).withPure(true).withRequantize(true));
        TensorUse tensor = up(file);
        assertThat(tensor.codes().distinct()).isBetween(3, 4);
        assertThat(tensor.codes().entropyBits()).isBetween(1.5, 1.9);
    }

    @ParameterizedTest
    @EnumSource(value = GgmlType.class, names = {"Q1_0", "TQ1_0", "Q2_0", "Q2_K", "Q3_K", "Q4_0", "Q4_1", "Q4_K", "IQ4_NL",
            "IQ4_XS", "MXFP4", "Q5_0", "Q5_1", "Q5_K", "Q6_K"})
    void randomWeightsUseAllCodes(GgmlType type) throws IOException {
        Path file = folder.resolve("a.gguf");
        SyntheticModel.of("bitnet-0.7b", type, 1, 1024, null, 1).write(file, GgufWriter.Progress.NONE);
        CodeUsage codes = up(file).codes();
        assertThat(codes.distinct()).isEqualTo(codes.possible());
        assertThat(codes.entropyBits()).isGreaterThan(Math.log(codes.possible()) / Math.log(2) - 0.01);
    }

    @Test
    void numbersWithoutCodesAndFilesWithoutModelsAreDescribedToo() throws IOException {
        Path file = folder.resolve("a.gguf");
        new GgufWriter().put("any", "thing").tensor("t", GgmlType.F16, (chunk, into, length) -> { }, 8).write(file,
                GgufWriter.Progress.NONE);
        Inspection inspection = Inspection.of(file, Engine.TMAC, true);
        assertThat(inspection.engine()).startsWith("ways not known: ");
        assertThat(inspection.tensors()).singleElement().satisfies(tensor -> {
            assertThat(tensor.codes()).isNull();
            assertThat(tensor.way()).isNull();
        });
        assertThat(CommandRun.of("inspect", file.toString()).exitCode()).isZero();
    }

    @Test
    void uncountedCodesAreSaidToBeUncounted() throws IOException {
        assertThat(CommandRun.of("inspect", ternary.toString(), "--no-codes").out())
                .containsPattern("\\| blk\\.\\*\\.ffn_up.weight .*\\| +- \\| +- \\| ")
                .endsWith("- not determined: --no-codes was given." + System.lineSeparator());
    }

    @Test
    void whatIsNoGgufFileIsOneSentence() throws IOException {
        Path text = Files.writeString(folder.resolve("t"), "no model");
        for (Path path : new Path[] {text, folder, folder.resolve("missing")}) {
            CommandRun run = CommandRun.of("inspect", path.toString());
            assertThat(run.exitCode()).isEqualTo(1);
            assertThat(run.out()).isEmpty();
            assertThat(run.err()).hasLineCount(1).contains(path.toString());
        }
        assertThat(CommandRun.of("inspect", text.toString(), "-b", "none").exitCode()).isEqualTo(2);
    }

    private static TensorUse up(Path file) throws IOException {
        return Inspection.of(file, Engine.TMAC, true).tensors().stream()
                .filter(tensor -> tensor.name().equals("blk.0.ffn_up.weight")).findFirst().orElseThrow();
    }
}
