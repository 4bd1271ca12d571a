package io.tmac4j.bindings;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.junit.jupiter.api.Assumptions;

/** The model that these tests run on. */
public final class Models {

    private static final String DEMO = "shakespeare-3.7m-tq2_0.gguf";

    private Models() {
    }

    /** Skips the test, with the reason, where there are no libraries of llama.cpp. */
    public static void assumeLibraries() {
        boolean named = System.getProperty(NativeFolder.PATH_PROPERTY) != null
                || System.getenv(NativeFolder.PATH_VARIABLE) != null;
        boolean packaged = Models.class.getResource("/io/tmac4j/natives/"
                + Platform.of(System.getProperty("os.name"), System.getProperty("os.arch")).id() + "/index.properties") != null;
        Assumptions.assumeTrue(named || packaged, "no llama.cpp libraries: set " + NativeFolder.PATH_VARIABLE);
    }

    /** The demo model as a file. */
    public static Path demo() {
        assumeLibraries();
        return Holder.FILE;
    }

    static byte[] demoBytes() {
        try {
            return Files.readAllBytes(Holder.FILE);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static final class Holder {

        static final Path FILE = copy();

        private static Path copy() {
            try (InputStream in = Models.class.getResourceAsStream(DEMO)) {
                Path file = Files.createTempFile("tmac4j-demo", ".gguf");
                file.toFile().deleteOnExit();
                Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
                return file;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
