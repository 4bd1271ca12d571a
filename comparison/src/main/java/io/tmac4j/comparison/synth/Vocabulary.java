package io.tmac4j.comparison.synth;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The demo model's vocabulary, filled up with tokens that no text contains, so that a random model has a working tokenizer. */
record Vocabulary(List<String> tokens, float[] scores, int[] types) {

    private static final int NORMAL = 1;
    /** Below every merged piece. */
    private static final float NEVER = -1e6f;

    /** The smallest vocabulary: that of the demo model. */
    static int least() {
        return Demo.VOCABULARY.tokens.size();
    }

    /**
     * The vocabulary with {@code size} tokens.
     *
     * @throws IllegalArgumentException if {@code size} is below {@link #least()}
     */
    static Vocabulary ofSize(int size) {
        Vocabulary demo = Demo.VOCABULARY;
        int known = demo.tokens.size();
        if (size < known) {
            throw new IllegalArgumentException("a vocabulary of " + size + " tokens is too small: the tokenizer needs " + known);
        }
        List<String> tokens = new ArrayList<>(demo.tokens);
        float[] scores = Arrays.copyOf(demo.scores, size);
        int[] types = Arrays.copyOf(demo.types, size);
        Arrays.fill(scores, known, size, NEVER);
        Arrays.fill(types, known, size, NORMAL);
        for (int token = known; token < size; token++) {
            tokens.add("[" + token + "]"); // brackets are in none of the demo model's pieces, so nothing merges into this one
        }
        return new Vocabulary(tokens, scores, types);
    }

    /** Reads the three arrays out of the bundled file: its bytes are pinned, so their layout is as expected. */
    private static final class Demo {

        static final Vocabulary VOCABULARY = read(ByteBuffer.wrap(DemoModel.bytes()).order(ByteOrder.LITTLE_ENDIAN));

        private static Vocabulary read(ByteBuffer file) {
            int count = (int) array(file, "tokenizer.ggml.tokens");
            List<String> tokens = new ArrayList<>(count);
            for (int i = 0; i < count; i++) {
                byte[] utf8 = new byte[(int) file.getLong()];
                file.get(utf8);
                tokens.add(new String(utf8, StandardCharsets.UTF_8));
            }
            float[] scores = new float[(int) array(file, "tokenizer.ggml.scores")];
            for (int i = 0; i < scores.length; i++) {
                scores[i] = file.getFloat();
            }
            int[] types = new int[(int) array(file, "tokenizer.ggml.token_type")];
            for (int i = 0; i < types.length; i++) {
                types[i] = file.getInt();
            }
            return new Vocabulary(tokens, scores, types);
        }

        /** Moves behind the head of a metadata array (its key, two type numbers, its length) and gives the length. */
        private static long array(ByteBuffer file, String key) {
            byte[] wanted = key.getBytes(StandardCharsets.UTF_8);
            while (ByteBuffer.wrap(wanted).mismatch(file.slice(file.position(), wanted.length)) >= 0) {
                file.get();
            }
            file.position(file.position() + wanted.length + 2 * Integer.BYTES);
            return file.getLong();
        }
    }
}
