package io.tmac4j.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BadModelTest {

    @TempDir
    private Path folder;

    @BeforeAll
    static void libraries() {
        Models.assumeLibraries();
    }

    private void refused(byte[] bytes, String reason) throws IOException {
        Path file = Files.write(folder.resolve("bad.gguf"), bytes);
        assertThatThrownBy(() -> LlamaModel.load(file)).isInstanceOf(ModelLoadException.class)
                .hasMessageContaining(file.toString()).hasMessageContaining(reason)
                .satisfies(e -> assertThat(e.getMessage()).doesNotContain("\n"));
    }

    /** The demo model with a scalar of its metadata changed in place. */
    private static byte[] changed(String key, Consumer<ByteBuffer> change) {
        byte[] bytes = Models.demoBytes();
        byte[] name = key.getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i < bytes.length - name.length; i++) {
            if (Arrays.equals(bytes, i, i + name.length, name, 0, name.length) && bytes[i - 8] == name.length) {
                // the value follows the name and the number of its type
                change.accept(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).position(i + name.length + Integer.BYTES));
                return bytes;
            }
        }
        throw new IllegalArgumentException("the demo model has no key " + key);
    }

    private static Consumer<ByteBuffer> number(int value) {
        return buffer -> buffer.putInt(buffer.position(), value);
    }

    @Test
    void filesThatAreNoModelsAreRefused() throws IOException {
        refused(new byte[0], "is empty");
        refused("Dear reader,".getBytes(StandardCharsets.UTF_8), "is no GGUF file");
        refused(Arrays.copyOf(Models.demoBytes(), 1000), "1000 bytes cannot hold");
        refused(Arrays.copyOf(Models.demoBytes(), 1_000_000), "is cut off: the data of tensor");
        refused(GgufBytes.header(3, 0, 0).bytes(), "names no architecture");
        assertThatThrownBy(() -> LlamaModel.load(folder.resolve("nowhere.gguf")))
                .isInstanceOf(ModelLoadException.class).hasMessageContaining("is not there");
        assertThatThrownBy(() -> LlamaModel.load(folder)).isInstanceOf(ModelLoadException.class)
                .hasMessageContaining("is a folder");
    }

    @Test
    void anUnknownArchitectureIsNamed() throws IOException {
        refused(changed("general.architecture",
                buffer -> buffer.put(buffer.position() + 8, "zebra".getBytes(StandardCharsets.UTF_8))),
                "unknown model architecture: 'zebra'");
    }

    @Test
    void hyperparametersThatEndTheProcessAreRefusedBefore() throws IOException {
        refused(changed("llama.block_count", number(0)), "llama.block_count");
        refused(changed("llama.block_count", number(513)), "from 1 to 512");
        refused(changed("llama.block_count", number(-1)), "from 1 to 512");
        refused(changed("llama.context_length", number(0)), "llama.context_length");
        refused(changed("llama.attention.layer_norm_rms_epsilon", number(Float.floatToIntBits(-1))), "must be at least 0");
        refused(changed("llama.attention.layer_norm_rms_epsilon", number(Float.floatToIntBits(Float.NaN))), "must be at least 0");
        refused(changed("llama.rope.dimension_count", number(31)), "even number");
    }

    @Test
    void hyperparametersThatDoNotFitTheTensorsAreRefused() throws IOException {
        refused(changed("llama.embedding_length", number(512)), "");
        refused(changed("llama.block_count", number(5)), "blk.4");
        refused(changed("llama.attention.head_count", number(7)), "");
        refused(changed("llama.attention.head_count", number(0)), "no heads for the attention in layer 0");
    }

    /** Found by mutation 128338: llama.cpp makes names for the tokens, 140 MB of them, before it compares their number. */
    @Test
    void aVocabularyLargerThanItsEmbeddingsIsRefused() throws IOException {
        GgufImage image = as("llama").u32("llama.vocab_size", 3_670_336);
        refused(image.bytes(), "claims a vocabulary of 3670336 tokens without names and embeddings");
        image.tensors.add(new GgufImage.Tensor("token_embd.weight", GgmlType.F32.id(), 32, 320));
        refused(image.bytes(), "claims a vocabulary of 3670336 tokens and has embeddings of 320");
    }

    /** Found by mutation 192877: a Qwen 3.5 of attention alone took 8 GB for states that it has no layer for. */
    @Test
    void stateThatIsLargeBesideTheFileIsRefused() throws IOException {
        for (String key : List.of("ssm.inner_size", "ssm.group_count")) {
            refused(as("qwen35").u32("qwen35.ssm.state_size", 16).u32("qwen35.ssm.conv_kernel", 4)
                    .u32("qwen35." + key, Integer.MAX_VALUE).bytes(), "of state for each sequence");
        }
        refused(as("lfm2").u32("lfm2.shortconv.l_cache", Integer.MAX_VALUE).bytes(), "of state for each sequence");
        refused(as("kimi-linear").u32("kimi-linear.kda.head_dim", 1 << 16).bytes(), "of state for each sequence");
    }

    /** Found by mutations 16162, 57162 and 86669: in olmo2 and phimoe llama.cpp divides by the number of heads. */
    @Test
    void attentionWithoutHeadsIsRefusedInEveryArchitecture() throws IOException {
        for (String architecture : TinyModels.architectures()) {
            GgufImage image = as(architecture).u32(architecture + ".attention.head_count", 0);
            if (ModelCheck.WITHOUT_ATTENTION.contains(architecture)) {
                image.tensors.add(new GgufImage.Tensor("blk.0.attn_q.weight", GgmlType.F32.id(), 32, 32));
            } else {
                refused(as(architecture).u32(architecture + ".attention.head_count", 2)
                        .u32(architecture + ".attention.head_count_kv", 0).bytes(), "no heads of keys");
            }
            refused(image.bytes(), "no heads for the attention in layer 0");
        }
    }

    /** Found by mutation 84628: the loop over what is not rotated goes on by the number of what is, in every architecture. */
    @Test
    void rotationOfNoDimensionsIsRefusedInEveryArchitecture() throws IOException {
        for (String architecture : TinyModels.architectures()) {
            for (String key : List.of("rope.dimension_count", "rope.dimension_count_swa")) {
                refused(as(architecture).u32(architecture + "." + key, 0).u32(architecture + ".attention.head_count", 2).bytes(),
                        "rotates 0 dimensions (" + key + ")");
            }
            refused(as(architecture).items(architecture + ".rope.dimension_sections", GgufImage.INT32, List.of(1, -1, 0, 0))
                    .u32(architecture + ".attention.head_count", 2).bytes(), "a section of -1");
        }
    }

    @Test
    void divisionByNumbersOtherThanHeadsIsRefused() throws IOException {
        for (String key : List.of("wkv.head_size", "ssm.time_step_rank", "ssm.group_count", "experts_per_group",
                "full_attention_interval", "attention.group_norm_groups", "attention.output_group_count",
                "attention.indexer.block_size", "interleave_moe_layer_step")) {
            refused(as("llama").u32("llama." + key, 0).bytes(), "llama." + key);
        }
        refused(as("rwkv7").u32("rwkv7.wkv.head_size", 1 << 20).bytes(), "into heads of " + (1 << 20));
        GgufImage afmoe = as("afmoe");
        afmoe.keys.removeLast();
        refused(afmoe.bytes(), "no sliding window");
    }

    /** A model of one layer and no tensors. */
    private static GgufImage as(String architecture) {
        return new GgufImage().text("general.architecture", architecture).u32(architecture + ".block_count", 1)
                .u32(architecture + ".context_length", 64).u32(architecture + ".embedding_length", 32)
                .u32(architecture + ".attention.sliding_window", architecture.equals("afmoe") ? 32 : 0);
    }

    @Test
    void laterPartsOfASplitModelAreReadBeforeLlamaCppOpensThem() throws IOException {
        GgufImage whole = GgufImage.of(GgufFile.read(Models.demo()));
        Path first = folder.resolve("model-00001-of-00002.gguf");
        Path second = folder.resolve("model-00002-of-00002.gguf");
        Files.write(first, whole.key("split.no", 2, 0).key("split.count", 2, 2).bytes());
        assertThatThrownBy(() -> LlamaModel.load(first)).isInstanceOf(ModelLoadException.class)
                .hasMessageContaining(second + " is not there");
        Files.write(second, GgufBytes.header(3, 0, 1).key("split.no", 4).u32(1).bytes());
        assertThatThrownBy(() -> LlamaModel.load(first)).isInstanceOf(ModelLoadException.class)
                .hasMessageContaining(second.toString()).hasMessageContaining("of type uint16");
        Files.write(second, Arrays.copyOf(Models.demoBytes(), 5000));
        assertThatThrownBy(() -> LlamaModel.load(first)).isInstanceOf(ModelLoadException.class)
                .hasMessageContaining(second.toString());
    }

    @Test
    void tensorsThatGgmlDoesNotComputeWithAreRefused() throws IOException {
        GgufImage image = GgufImage.of(GgufFile.read(Models.demo()));
        image.tensors.replaceAll(tensor -> tensor.name().equals("blk.2.ffn_down.weight")
                ? new GgufImage.Tensor(tensor.name(), GgmlType.Q8_1.id(), tensor.dimensions()) : tensor);
        refused(image.bytes(), "blk.2.ffn_down.weight\" of type q8_1, with which ggml does not compute");
        GgufImage norm = GgufImage.of(GgufFile.read(Models.demo()));
        norm.tensors.replaceAll(tensor -> tensor.name().equals("output_norm.weight")
                ? new GgufImage.Tensor(tensor.name(), GgmlType.I16.id(), tensor.dimensions()) : tensor);
        refused(norm.bytes(), "output_norm.weight\" of type i16");
    }

    @Test
    void aModelWithoutATokenizerDoesNotTokenise() throws IOException {
        GgufBytes bytes = GgufBytes.header(3, 0, 2).key("general.architecture", 8).text("llama")
                .key("tokenizer.ggml.model", 8).text("none");
        Path file = Files.write(folder.resolve("none.gguf"), bytes.padTo(32).bytes());
        try (LlamaModel model = LlamaModel.load(file, ModelOptions.defaults().withVocabularyOnly(true))) {
            assertThatThrownBy(() -> model.tokenize("a", true, false)).isInstanceOf(LlamaException.class)
                    .hasMessage("none.gguf has no tokenizer");
        }
    }

    @Test
    void theLibrarySurvivesAllOfThis() {
        try (LlamaModel model = LlamaModel.load(Models.demo()); LlamaContext context = model.newContext(
                ContextOptions.defaults().withContextSize(64))) {
            context.decode(1);
            assertThat(context.position(0)).isOne();
        }
    }
}
