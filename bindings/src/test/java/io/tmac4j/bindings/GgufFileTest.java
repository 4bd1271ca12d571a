package io.tmac4j.bindings;

import static io.tmac4j.bindings.GgufBytes.header;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class GgufFileTest {

    @TempDir
    private Path folder;

    private Path file(byte[] bytes) throws IOException {
        return Files.write(folder.resolve("test.gguf"), bytes);
    }

    private void refused(byte[] bytes, String reason) throws IOException {
        Path file = file(bytes);
        assertThatThrownBy(() -> GgufFile.read(file)).isInstanceOf(GgufException.class)
                .hasMessageStartingWith(file.toString()).hasMessageContaining(reason)
                .satisfies(e -> assertThat(e.getMessage()).doesNotContain("\n"));
    }

    @Test
    void theDemoModelIsReadWhole() throws IOException {
        GgufFile gguf = GgufFile.read(file(Models.demoBytes()));
        assertThat(gguf.version()).isEqualTo(3);
        assertThat(gguf.architecture()).isEqualTo("llama");
        assertThat(gguf.metadata()).containsEntry("llama.block_count", 4L);
        assertThat((List<?>) gguf.metadata().get("tokenizer.ggml.tokens")).hasSize(1024);
        assertThat(gguf.metadata().get("tokenizer.ggml.scores")).isInstanceOf(float[].class);
        assertThat(gguf.tensors()).anySatisfy(tensor -> {
            assertThat(tensor.name()).isEqualTo("blk.0.attn_q.weight");
            assertThat(tensor.type()).isEqualTo(GgmlType.TQ2_0);
            assertThat(tensor.dimensions()).containsExactly(256, 256);
            assertThat(tensor.byteSize()).isEqualTo(256 * 66);
        });
    }

    @Test
    void everyTypeOfValueIsRead() throws IOException {
        GgufBytes bytes = header(3, 0, 14);
        bytes.key("a", 0).u8(200).key("b", 1).u8(200).key("c", 2).u16(60000).key("d", 3).u16(60000).key("e", 4).u32(-1)
                .key("f", 5).u32(-1).key("g", 6).u32(Float.floatToIntBits(1.5f)).key("h", 7).u8(1).key("i", 8).text("π")
                .key("j", 10).u64(-1).key("k", 11).u64(-1).key("l", 12).u64(Double.doubleToLongBits(2.5))
                .key("m", 9).u32(8).u64(2).text("x").text("").key("n", 9).u32(2).u64(1).u16(7);
        GgufFile gguf = GgufFile.read(file(bytes.bytes()));
        assertThat(gguf.metadata()).containsEntry("a", 200).containsEntry("b", -56).containsEntry("c", 60000)
                .containsEntry("d", -5536).containsEntry("e", 4294967295L).containsEntry("f", -1).containsEntry("g", 1.5f)
                .containsEntry("h", true).containsEntry("i", "π").containsEntry("j", -1L).containsEntry("k", -1L)
                .containsEntry("l", 2.5).containsEntry("m", List.of("x", "")).containsEntry("n", new short[] {7});
    }

    static Stream<Arguments> malformed() {
        String text = "This is a letter and no model at all.";
        return Stream.of(
                Arguments.of("is empty", new GgufBytes()),
                Arguments.of("begins with \"GG\"", new GgufBytes().raw("GG")),
                Arguments.of("is no GGUF file: it begins with \"This\"", new GgufBytes().raw(text)),
                Arguments.of("begins with \"\\u001bGG\\u0007\"", new GgufBytes().raw("\u001bGG\u0007 and more")),
                Arguments.of("ends within the number of tensors", new GgufBytes().raw("GGUF").u32(3)),
                Arguments.of("GGUF version 1;", header(1, 0, 0)),
                Arguments.of("GGUF version 4;", header(4, 0, 0)),
                Arguments.of("GGUF version 0;", header(0, 0, 0)),
                Arguments.of("big-endian", header(Integer.reverseBytes(3), 0, 0)),
                Arguments.of("claims 18446744073709551615 tensors", header(3, -1, 0)),
                Arguments.of("claims 1000000 tensors", header(3, 1_000_000, 0)),
                Arguments.of("claims 100 tensors, which its 24 bytes cannot hold", header(3, 100, 0)),
                Arguments.of("claims 9223372036854775807 keys", header(3, 0, Long.MAX_VALUE)),
                Arguments.of("there may be 65536", header(3, 0, 1).u64(70_000).zeros(100)),
                Arguments.of("ends within the key 0", header(3, 0, 1).u64(60_000).zeros(100)),
                Arguments.of("an empty key", header(3, 0, 1).key("", 0).zeros(50)),
                Arguments.of("the key \"a\" twice", header(3, 0, 2).key("a", 0).u8(1).key("a", 0).u8(1).zeros(50)),
                Arguments.of("of type 13; types go from 0 to 12", header(3, 0, 1).key("a", 13).zeros(50)),
                Arguments.of("of type 4294967295", header(3, 0, 1).key("a", -1).zeros(50)),
                Arguments.of("arrays inside of an array", header(3, 0, 1).key("a", 9).u32(9).u64(1).zeros(50)),
                Arguments.of("claims 1000 values for the key \"a\"", header(3, 0, 1).key("a", 9).u32(4).u64(1000).zeros(50)),
                Arguments.of("claims 18446744073709551615 values", header(3, 0, 1).key("a", 9).u32(0).u64(-1).zeros(50)),
                Arguments.of("claims 2305843009213693953 values", header(3, 0, 1).key("a", 9).u32(10).u64((1L << 61) + 1)
                        .zeros(50)),
                Arguments.of("string 1 of key \"a\"", header(3, 0, 1).key("a", 9).u32(8).u64(2).text("x").u64(1 << 28).zeros(50)),
                Arguments.of("of 18446744073709551615 bytes", header(3, 0, 1).key("a", 8).u64(-1).zeros(50)),
                Arguments.of("alignment 48", header(3, 0, 1).key("general.alignment", 4).u32(48)),
                Arguments.of("alignment 0", header(3, 0, 1).key("general.alignment", 4).u32(0)),
                Arguments.of("alignment that is no uint32", header(3, 0, 1).key("general.alignment", 8).text("32")),
                Arguments.of("without a name", header(3, 1, 0).tensor("", 0, 0, 32).zeros(500)),
                Arguments.of("there may be 63", header(3, 1, 0).tensor("x".repeat(64), 0, 0, 32).zeros(500)),
                Arguments.of("zero byte in its name", header(3, 1, 0).tensor("a\0b", 0, 0, 32).zeros(500)),
                Arguments.of("the tensor \"a\" twice", header(3, 2, 0).tensor("a", 0, 0, 32).tensor("a", 0, 128, 32).zeros(500)),
                Arguments.of("of 0 dimensions", header(3, 1, 0).tensor("a", 0, 0).zeros(500)),
                Arguments.of("of 5 dimensions", header(3, 1, 0).tensor("a", 0, 0, 1, 1, 1, 1, 1).zeros(500)),
                Arguments.of("a dimension of 0", header(3, 1, 0).tensor("a", 0, 0, 32, 0).zeros(500)),
                Arguments.of("a dimension of -1", header(3, 1, 0).tensor("a", 0, 0, 32, -1).zeros(500)),
                Arguments.of("of type 4, which", header(3, 1, 0).tensor("a", 4, 0, 32).zeros(500)),
                Arguments.of("of type 4294967295, which", header(3, 1, 0).tensor("a", -1, 0, 32).zeros(500)),
                Arguments.of("no multiple of the 256", header(3, 1, 0).tensor("a", 35, 0, 128).zeros(500)),
                Arguments.of("which no memory can hold", header(3, 1, 0).tensor("a", 0, 0, 1L << 40, 1L << 40).zeros(500)),
                Arguments.of("which no memory can hold", header(3, 1, 0).tensor("a", 0, 0, 1L << 62).zeros(500)),
                Arguments.of("which no memory can hold", header(3, 1, 0).tensor("a", 0, 0, 3037000500L, 3037000500L).zeros(500)),
                Arguments.of("at offset 64, where 0 was expected", header(3, 1, 0).tensor("a", 0, 64, 32).zeros(500)),
                Arguments.of("at offset 0, where 128 was expected",
                        header(3, 2, 0).tensor("a", 0, 0, 32).tensor("b", 0, 0, 32).zeros(500)),
                Arguments.of("is cut off: the data of tensor \"a\"", header(3, 1, 0).tensor("a", 0, 0, 32).padTo(32).zeros(127)),
                Arguments.of("is cut off: the data of tensor \"a\"", header(3, 1, 0).tensor("a", 0, 0, 1 << 30).padTo(32)));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("malformed")
    void malformedFilesAreRefusedWithTheReason(String reason, GgufBytes bytes) throws IOException {
        refused(bytes.bytes(), reason);
    }

    @Test
    void aFileWhoseDataIsJustThereIsRead() throws IOException {
        byte[] bytes = header(2, 1, 0).tensor("a", 0, 0, 32).padTo(32).zeros(128).bytes();
        assertThat(GgufFile.read(file(bytes)).tensors()).hasSize(1);
    }

    @Test
    void everyTruncationOfTheHeadIsRefused() throws IOException {
        byte[] whole = header(3, 2, 2).key("general.architecture", 8).text("llama").key("list", 9).u32(8).u64(2).text("x")
                .text("yz")
                .tensor("a", 0, 0, 32).tensor("b", 1, 128, 32).padTo(32).zeros(192).bytes();
        assertThat(GgufFile.read(file(whole)).tensors()).hasSize(2);
        for (int length = 0; length < whole.length; length++) {
            Path cut = file(Arrays.copyOf(whole, length));
            assertThatThrownBy(() -> GgufFile.read(cut)).isInstanceOf(GgufException.class);
        }
    }

    @Test
    void filesThatCannotBeOpenedAreSaidToBe() throws IOException {
        assertThatThrownBy(() -> GgufFile.read(folder.resolve("nowhere.gguf"))).isInstanceOf(GgufException.class)
                .hasMessageContaining("nowhere.gguf is not there");
        assertThatThrownBy(() -> GgufFile.read(folder)).isInstanceOf(GgufException.class).hasMessageContaining("is a folder");
        Path locked = file(Models.demoBytes());
        Assumptions.assumeTrue(Files.getFileStore(locked).supportsFileAttributeView("posix"), "no POSIX permissions");
        Files.setPosixFilePermissions(locked, PosixFilePermissions.fromString("---------"));
        Assumptions.assumeFalse(Files.isReadable(locked), "this user may read every file");
        assertThatThrownBy(() -> GgufFile.read(locked)).isInstanceOf(GgufException.class)
                .hasMessageContaining("permission is denied");
    }

    @Test
    void duplicateStringsAreFoundAsCWouldSeeThem() {
        assertThat(strings("a", "b", "", "", "ab").firstDuplicate()).isEqualTo(-1);
        assertThat(strings("a", "b", "a").firstDuplicate()).isEqualTo(2);
        assertThat(strings("a\0b", "c", "a\0d").firstDuplicate()).isEqualTo(2);
    }

    private static GgufStrings strings(String... strings) {
        byte[] bytes = String.join("", strings).getBytes(StandardCharsets.US_ASCII);
        int[] ends = new int[strings.length];
        for (int i = 0, end = 0; i < strings.length; i++) {
            end += strings[i].length();
            ends[i] = end;
        }
        return new GgufStrings(bytes, ends);
    }
}
