package io.tmac4j.bindings;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class Utf8StreamTest {

    private final Utf8Stream stream = new Utf8Stream();

    @Test
    void aCharacterOverSeveralTokensComesWithItsLastByte() {
        byte[] smile = "😀".getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i < 3; i++) {
            assertThat(stream.add(new byte[] {smile[i]})).isEmpty();
        }
        assertThat(stream.add(new byte[] {smile[3]})).isEqualTo("😀");
        assertThat(stream.end()).isEmpty();
    }

    @Test
    void textCutAtAnyByteComesOutWhole() {
        String text = "Zoë ruft: „日本語“ 👩‍👩‍👧 ñ\n";
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        for (int cut = 0; cut <= bytes.length; cut++) {
            Utf8Stream pieces = new Utf8Stream();
            String first = pieces.add(Arrays.copyOfRange(bytes, 0, cut));
            String second = pieces.add(Arrays.copyOfRange(bytes, cut, bytes.length));
            assertThat(first + second + pieces.end()).isEqualTo(text);
        }
    }

    @Test
    void bytesThatAreNoTextBecomeReplacementCharacters() {
        assertThat(stream.add(new byte[] {(byte) 0xff, 'a'})).isEqualTo("\ufffda");
        assertThat(stream.add(new byte[] {(byte) 0xe2, (byte) 0x82})).isEmpty();
        assertThat(stream.end()).isEqualTo("\ufffd");
        assertThat(stream.add(new byte[] {'b'})).as("usable afterwards").isEqualTo("b");
    }
}
