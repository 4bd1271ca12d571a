package io.tmac4j.comparison.synth;

import io.tmac4j.bindings.CacheFolder;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * The bundled model: 3.7 million ternary weights (TQ2_0) in the llama architecture, trained on Shakespeare's plays (public
 * domain); it writes plausible nonsense in verse. Small enough to travel with the program, real enough to show that engines
 * agree.
 */
public final class DemoModel {

    private static final String RESOURCE = "shakespeare-3.7m-tq2_0.gguf";
    private static final String SHA256 = "5cb8c53278947b86bec5718892b41003fd574a1dce8851c0bf7c994ea5de745d";

    private DemoModel() {
    }

    /**
     * The model as a file in the user's cache, put there if it is not, or not whole.
     *
     * @throws IOException if the cache cannot be written
     */
    public static Path file() throws IOException {
        return file(CacheFolder.path().resolve("models"));
    }

    static Path file(Path folder) throws IOException {
        Path file = folder.resolve(RESOURCE);
        if (Files.isRegularFile(file) && SHA256.equals(sha256(Files.readAllBytes(file)))) {
            return file;
        }
        byte[] model = bytes();
        Files.createDirectories(folder);
        try (PartFile part = PartFile.of(file)) {
            part.write(model, model.length, 0);
            part.complete();
        }
        return file;
    }

    /** The model's bytes, as they were when this program was built. */
    static byte[] bytes() {
        try (InputStream resource = DemoModel.class.getResourceAsStream(RESOURCE)) {
            byte[] model = resource == null ? new byte[0] : resource.readAllBytes();
            if (!SHA256.equals(sha256(model))) {
                throw new IllegalStateException("the model " + RESOURCE + " that belongs to this program is missing or damaged; "
                        + "build or install tmac4j again");
            }
            return model;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
