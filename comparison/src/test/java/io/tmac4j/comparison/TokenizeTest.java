package io.tmac4j.comparison;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tmac4j.comparison.synth.DemoModel;
import io.tmac4j.comparison.synth.GgufWriter;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizeTest {

    @TempDir
    private Path folder;

    @Test
    void jsonIsAListOfNumbers() throws IOException {
        assertThat(tokenize("-o", "json", "To be").out()).matches("\\{\"tokens\":\\[\\d+(,\\d+)*]}\\R");
        assertThat(tokenize("-o", "json", "").out()).isEqualTo("{\"tokens\":[]}" + System.lineSeparator());
        assertThat(tokenize("-o", "ids", "To be").out()).matches("\\[\\d+(, \\d+)*]\\R");
    }

    /** The numbers are those that llama.cpp v0.4.0's own llama-tokenize prints for this file. */
    @Test
    void controlCharactersAndPartsOfCharactersAreShownAsEscapes() throws IOException {
        Path text = Files.write(folder.resolve("t"), "Grüße\n🙂".getBytes(StandardCharsets.UTF_8));
        assertThat(tokenize("-f", text.toString()).out().lines().map(String::strip)).containsExactly("276 -> 'G'", "313 -> 'r'",
                "198 -> '\\xC3'", "191 -> '\\xBC'", "198 -> '\\xC3'", "162 -> '\\x9F'", "300 -> 'e'", "13 -> '\\n'",
                "243 -> '\\xF0'", "162 -> '\\x9F'", "156 -> '\\x99'", "133 -> '\\x82'");
    }

    @Test
    void everyByteCountsWhateverItsEncoding() throws IOException {
        byte[] bytes = new byte[256];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) i;
        }
        String all = ids(bytes);
        assertThat(ids("a\r\n".getBytes(StandardCharsets.UTF_8))).isNotEqualTo(ids("a\n".getBytes(StandardCharsets.UTF_8)));
        assertThat(ids("a\n".getBytes(StandardCharsets.UTF_8))).isNotEqualTo(ids("a".getBytes(StandardCharsets.UTF_8)));
        InputStream before = System.in;
        try {
            System.setIn(new ByteArrayInputStream(bytes));
            assertThat(tokenize("-o", "ids", "-f", "-").out()).isEqualTo(all);
            System.setIn(new ByteArrayInputStream(bytes));
            assertThat(tokenize("-o", "ids").out()).isEqualTo(all);
        } finally {
            System.setIn(before);
        }
    }

    @Test
    void aFileWithAVocabularyOnlyIsEnoughAndItsSpecialTokensCanBeLeftOut() throws IOException {
        Path file = folder.resolve("vocabulary.gguf");
        new GgufWriter().put("general.architecture", "llama").put("tokenizer.ggml.model", "llama")
                .put("tokenizer.ggml.tokens", List.of("<unk>", "<s>", "</s>", "a", "b", "ab", "\u2581"))
                .put("tokenizer.ggml.scores", new float[] {0, 0, 0, -2, -3, -1, -4})
                .put("tokenizer.ggml.token_type", new int[] {2, 3, 3, 1, 1, 1, 1})
                .put("tokenizer.ggml.add_space_prefix", false)
                .write(file, GgufWriter.Progress.NONE);
        assertThat(CommandRun.of("tokenize", "-m", file.toString(), "-o", "ids", "abb").out().strip()).isEqualTo("[1, 5, 4]");
        assertThat(CommandRun.of("tokenize", "-m", file.toString(), "-o", "ids", "--no-bos", "ab").out().strip())
                .isEqualTo("[5]");
    }

    /** llama.cpp throws a C++ exception on such texts, which would end the VM. */
    @Test
    void textsThatTheTokenizerCannotTakeAreRefused() throws IOException {
        Path noBytes = folder.resolve("spm.gguf");
        new GgufWriter().put("general.architecture", "llama").put("tokenizer.ggml.model", "llama")
                .put("tokenizer.ggml.tokens", List.of("<unk>", "<s>", "</s>", "\u2581", "a", "ä"))
                .put("tokenizer.ggml.scores", new float[6])
                .put("tokenizer.ggml.token_type", new int[] {2, 3, 3, 1, 1, 1})
                .write(noBytes, GgufWriter.Progress.NONE);
        assertThat(CommandRun.of("tokenize", "-m", noBytes.toString(), "-o", "ids", "a ä").out().strip())
                .isEqualTo("[1, 3, 4, 3, 5]");
        CommandRun unknown = CommandRun.of("tokenize", "-m", noBytes.toString(), "az");
        assertThat(unknown.exitCode()).isEqualTo(1);
        assertThat(unknown.err()).hasLineCount(1).contains("neither a token nor bytes for the character U+007A \"z\"");

        Path pairs = folder.resolve("bpe.gguf");
        new GgufWriter().put("general.architecture", "llama").put("tokenizer.ggml.model", "gpt2")
                .put("tokenizer.ggml.pre", "deepseek-llm")
                .put("tokenizer.ggml.tokens", IntStream.range(0, 400).mapToObj(Character::toString).toList())
                .put("tokenizer.ggml.token_type", IntStream.generate(() -> 1).limit(400).toArray())
                .put("tokenizer.ggml.merges", List.of("a b"))
                .write(pairs, GgufWriter.Progress.NONE);
        for (byte[] beyond : List.of(new byte[] {'a', (byte) 0xF4, (byte) 0x90, (byte) 0x80, (byte) 0x80},
                new byte[] {'a', (byte) 0xF7, (byte) 0xBF, (byte) 0xBF, (byte) 0xBF})) {
            Path text = Files.write(folder.resolve("t"), beyond);
            CommandRun refused = CommandRun.of("tokenize", "-m", pairs.toString(), "-f", text.toString());
            assertThat(refused.exitCode()).isEqualTo(1);
            assertThat(refused.err()).hasLineCount(1).contains("at offset 1 stand for no character");
            assertThat(tokenize("-f", text.toString()).exitCode()).as("SentencePiece takes any bytes").isZero();
        }
        // a run of letters for which std::regex needs many times Java's usual stack
        Path run = Files.writeString(folder.resolve("t"), "a".repeat(200_000));
        assertThat(CommandRun.of("tokenize", "-m", pairs.toString(), "-o", "json", "-f", run.toString()).exitCode()).isZero();
        Path endless = Files.writeString(folder.resolve("t"), "a".repeat(3_000_000));
        assertThat(CommandRun.of("tokenize", "-m", pairs.toString(), "-f", endless.toString()).err())
                .hasLineCount(1).contains("3000000 bytes without a change between white space");
        Path invalid = Files.write(folder.resolve("t"), new byte[] {'a', (byte) 0xFF, (byte) 0xC3, 0, (byte) 0xF0, (byte) 0x9F});
        assertThat(CommandRun.of("tokenize", "-m", pairs.toString(), "-f", invalid.toString()).exitCode()).isZero();
    }

    @Test
    void mistakesAreOneSentence() throws IOException {
        assertFailure(1, folder + " is a folder", "-f", folder.toString());
        assertFailure(1, "there is no file", "-f", folder.resolve("no").toString());
        assertFailure(2, "give one of them", "-f", "a", "b");
        assertFailure(2, "-o", "-o", "xml", "a");
        CommandRun noModel = CommandRun.of("tokenize", "-m", folder.resolve("no.gguf").toString(), "a");
        assertThat(noModel.exitCode()).isEqualTo(1);
        assertThat(noModel.err()).hasLineCount(1).contains("no.gguf");
        assertThatThrownBy(() -> Tokenize.exact("a\uFFFD", "ANSI_X3.4-1968")).isInstanceOf(Failure.class)
                .hasMessageContaining("UTF-8 locale");
        assertThat(Tokenize.exact("\uFFFD", "UTF-8")).hasSize(3);
    }

    private String ids(byte[] text) throws IOException {
        return tokenize("-o", "ids", "-f", Files.write(folder.resolve("t"), text).toString()).out();
    }

    private void assertFailure(int exitCode, String said, String... arguments) throws IOException {
        CommandRun run = tokenize(arguments);
        assertThat(run.exitCode()).isEqualTo(exitCode);
        assertThat(run.out()).isEmpty();
        assertThat(run.err()).hasLineCount(1).contains(said);
    }

    private static CommandRun tokenize(String... arguments) throws IOException {
        String[] line = new String[arguments.length + 3];
        line[0] = "tokenize";
        line[1] = "-m";
        line[2] = DemoModel.file().toString();
        System.arraycopy(arguments, 0, line, 3, arguments.length);
        return CommandRun.of(line);
    }
}
