package io.tmac4j.bindings;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;

/**
 * Loads mutated models in a JVM of its own, so that one that ends the process is seen: the number of the mutation under way is
 * in a file. Arguments: the model, a folder to work in, the first mutation and the one after the last.
 */
final class HostileProbe {

    private static final long[] EXTREMES = {0, 1, -1, 2, 3, 7, 255, 256, 1024, 65535, 65536, Integer.MAX_VALUE, Integer.MIN_VALUE,
        0xFFFF_FFFFL, 1L << 32, 1L << 62, Long.MAX_VALUE, Long.MIN_VALUE, 0x7FC0_0000L, 0xBF80_0000L};

    private HostileProbe() {
    }

    public static void main(String[] args) throws IOException {
        byte[] whole = Files.readAllBytes(Path.of(args[0]));
        Path folder = Path.of(args[1]);
        int head = (int) GgufFile.read(Path.of(args[0])).dataOffset();
        int refused = 0;
        int loaded = 0;
        for (int number = Integer.parseInt(args[2]); number < Integer.parseInt(args[3]); number++) {
            Files.writeString(folder.resolve("current"), "" + number);
            Path file = Files.write(folder.resolve("mutated.gguf"), mutate(whole.clone(), head, new Random(number)));
            try {
                use(file);
                loaded++;
            } catch (LlamaException | IllegalArgumentException e) {
                refused++;
            }
        }
        System.out.println(refused + " refused, " + loaded + " loaded");
    }

    /** Changes one to four places of the head: a bit, a byte, a number of 4 or 8 bytes; or cuts the file. */
    static byte[] mutate(byte[] bytes, int head, Random random) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        // metadata other than the vocabulary is short and at both ends of the head
        int changes = 1 + random.nextInt(4);
        for (int i = 0; i < changes; i++) {
            int place = switch (random.nextInt(3)) {
                case 0 -> random.nextInt(Math.min(head, 1500));
                case 1 -> head - 1 - random.nextInt(Math.min(head, 4000));
                default -> random.nextInt(head);
            };
            long extreme = EXTREMES[random.nextInt(EXTREMES.length)];
            switch (random.nextInt(5)) {
                case 0 -> bytes[place] ^= (byte) (1 << random.nextInt(8));
                case 1 -> bytes[place] = (byte) random.nextInt();
                case 2 -> buffer.putInt(Math.min(place, head - Integer.BYTES), (int) extreme);
                case 3 -> buffer.putLong(Math.min(place, head - Long.BYTES), extreme);
                default -> buffer.putInt(Math.min(place, head - Integer.BYTES), random.nextInt(600));
            }
        }
        return random.nextInt(50) == 0 ? Arrays.copyOf(bytes, random.nextInt(bytes.length)) : bytes;
    }

    private static void use(Path file) {
        try (LlamaModel model = LlamaModel.load(file)) {
            int[] tokens = model.tokenize("Grüße, 世界! \u0001 It's 12.5 o'clock", true, true);
            model.detokenize(tokens, true, true);
            try (LlamaContext context = model.newContext(ContextOptions.defaults().withContextSize(64).withThreads(1)
                    .withBatchThreads(1)); Sampler sampler = Sampler.of(SamplerOptions.defaults().withSeed(1))) {
                context.decode(tokens.length == 0 ? new int[] {0} : tokens);
                context.decode(sampler.sample(context, -1));
            }
        }
    }
}
