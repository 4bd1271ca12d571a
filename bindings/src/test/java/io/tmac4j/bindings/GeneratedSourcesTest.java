package io.tmac4j.bindings;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class GeneratedSourcesTest {

    private static final Path GENERATED = Path.of("src/main/java/io/tmac4j/bindings/generated");
    private static final Path PIN = Path.of("jextract/generated.sha512");

    /** The pin is the SHA-512 over names and contents of all files, in the order of their names. */
    @Test
    void jextractsOutputIsUnedited() throws IOException, NoSuchAlgorithmException {
        MessageDigest digest = MessageDigest.getInstance("SHA-512");
        for (Path file : files()) {
            digest.update(file.getFileName().toString().getBytes(StandardCharsets.UTF_8));
            digest.update((byte) 0);
            digest.update(Files.readAllBytes(file));
            digest.update((byte) 0);
        }

        assertThat(HexFormat.of().formatHex(digest.digest()))
                .as("SHA-512 of %s; if it was regenerated on purpose, correct %s", GENERATED, PIN)
                .isEqualTo(Files.readString(PIN).strip());
    }

    private static List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(GENERATED)) {
            return files.sorted((a, b) -> a.getFileName().toString().compareTo(b.getFileName().toString())).toList();
        }
    }
}
