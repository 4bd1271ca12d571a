package io.tmac4j.bindings;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Writes small LoRA adapters. */
public final class LoraFiles {

    /** {@code general.architecture} of the demo model. */
    public static final String LLAMA = "llama";
    public static final float ALPHA = 3;

    private static final int RANK = 2;
    private static final int F32 = 0;
    private static final int KEY_F32 = 6;
    private static final int KEY_STRING = 8;

    /**
     * Changes one weight matrix.
     *
     * @param a rank rows of {@code k}
     * @param b {@code rows} rows of the rank
     */
    public record Pair(String weight, int k, int rows, float[] a, float[] b) {

        /** Random numbers, large enough to be seen in the logits. */
        public static Pair random(String weight, int k, int rows, long seed) {
            Random random = new Random(seed);
            float[] a = new float[k * RANK];
            float[] b = new float[rows * RANK];
            for (int i = 0; i < a.length; i++) {
                a[i] = (float) random.nextGaussian() * 0.2f;
            }
            for (int i = 0; i < b.length; i++) {
                b[i] = (float) random.nextGaussian() * 0.2f;
            }
            return new Pair(weight, k, rows, a, b);
        }

        /** What is added to one weight. */
        public float delta(int row, int i) {
            float sum = 0;
            for (int r = 0; r < RANK; r++) {
                sum += b[row * RANK + r] * a[r * k + i];
            }
            return sum * ALPHA / RANK;
        }
    }

    private LoraFiles() {
    }

    /** A random change of some matrices of a model. */
    public static List<Pair> changes(Path model, String... weights) {
        List<Pair> pairs = new ArrayList<>();
        for (String weight : weights) {
            GgufTensor tensor = GgufFile.read(model).tensors().stream().filter(t -> t.name().equals(weight)).findFirst()
                    .orElseThrow();
            pairs.add(Pair.random(weight, (int) tensor.dimension(0), (int) tensor.rows(), weight.hashCode()));
        }
        return pairs;
    }

    /** Writes an adapter for models of an architecture. */
    public static Path write(Path file, String architecture, List<Pair> pairs) {
        return write(file, "adapter", architecture, pairs);
    }

    static Path write(Path file, String type, String architecture, List<Pair> pairs) {
        GgufBytes out = GgufBytes.header(3, 2L * pairs.size(), 4)
                .key("general.type", KEY_STRING).text(type)
                .key("general.architecture", KEY_STRING).text(architecture)
                .key("adapter.type", KEY_STRING).text("lora")
                .key("adapter.lora.alpha", KEY_F32).u32(Float.floatToIntBits(ALPHA));
        long offset = 0;
        for (Pair pair : pairs) {
            out.tensor(pair.weight() + ".lora_a", F32, offset, pair.k(), pair.a().length / pair.k());
            offset = padded(offset + pair.a().length * 4L);
            out.tensor(pair.weight() + ".lora_b", F32, offset, pair.b().length / pair.rows(), pair.rows());
            offset = padded(offset + pair.b().length * 4L);
        }
        for (Pair pair : pairs) {
            floats(out, pair.a());
            floats(out, pair.b());
        }
        try {
            return Files.write(file, out.padTo(32).bytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void floats(GgufBytes out, float[] values) {
        out.padTo(32);
        for (float value : values) {
            out.u32(Float.floatToIntBits(value));
        }
    }

    private static long padded(long offset) {
        return (offset + 31) / 32 * 32;
    }
}
