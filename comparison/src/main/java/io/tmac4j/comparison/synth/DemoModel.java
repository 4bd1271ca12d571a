package io.tmac4j.comparison.synth;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/**
 * The bundled model: 3.7 million ternary weights (TQ2_0) in the llama architecture, trained on Shakespeare's plays (public
 * domain); it writes plausible nonsense in verse. Small enough to travel with the program, real enough to show that engines
 * agree.
 */
public final class DemoModel {

    private static final String RESOURCE = "shakespeare-3.7m-tq2_0.gguf";

    private DemoModel() {
    }

    static byte[] bytes() {
        try (InputStream resource = DemoModel.class.getResourceAsStream(RESOURCE)) {
            if (resource == null) {
                throw new IllegalStateException("this build of tmac4j lacks its resource " + RESOURCE);
            }
            return resource.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
