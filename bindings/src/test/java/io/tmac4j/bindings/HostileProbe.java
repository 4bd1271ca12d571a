package io.tmac4j.bindings;

import io.tmac4j.bindings.generated.LlamaCpp;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/**
 * Loads mutated models in a JVM of its own, so that one that ends the process is seen: the number of the mutation under way is
 * in a file. Arguments: a folder to work in, a folder of models to change, the first mutation and the one after the last, and
 * {@code zeros} if the mutations are to be those of {@link #zeroed}.
 */
final class HostileProbe {

    private static final long[] EXTREMES = {0, 1, -1, 2, 3, 7, 255, 256, 1024, 65535, 65536, Integer.MAX_VALUE, Integer.MIN_VALUE,
        0xFFFF_FFFFL, 1L << 32, 1L << 62, Long.MAX_VALUE, Long.MIN_VALUE, 0x7FC0_0000L, 0xBF80_0000L};

    /** Keys of numbers that are shares, steps, or counts of parts; two that matter together in one text. */
    static final List<String> ZEROS = List.of("attention.head_count", "attention.head_count_kv", "attention.key_length",
            "attention.value_length", "attention.head_count attention.head_count_kv", "rope.dimension_count",
            "rope.dimension_count_swa", "rope.dimension_count rope.dimension_count_swa", "expert_used_count",
            "expert_count expert_used_count", "expert_count expert_used_count expert_feed_forward_length",
            "expert_feed_forward_length", "expert_group_count", "experts_per_group", "interleave_moe_layer_step",
            "moe_every_n_layers", "full_attention_interval", "leading_dense_block_count", "attention.sliding_window",
            "attention.sliding_window_pattern", "attention.group_norm_groups", "attention.relative_buckets_count",
            "attention.output_group_count", "attention.indexer.block_size", "attention.q_lora_rank",
            "attention.kv_lora_rank", "ssm.inner_size", "ssm.conv_kernel", "ssm.state_size", "ssm.time_step_rank",
            "ssm.group_count", "wkv.head_size", "shortconv.l_cache", "num_loops", "embedding_length_per_layer_input",
            "feed_forward_length", "time_mix_extra_dim");

    private static final String TEXT = "Gr\u00fc\u00dfe, \u4e16\u754c! \u0001 It's 12.5 o'clock";

    /** Before the reason, where llama.cpp gave up and was stopped from ending the process. */
    private static final String GAVE_UP = "gave up at ";

    static final String TOO_MUCH_MEMORY = "too much memory for ";

    /** A context of 64 tokens, its buffers and the copy of the weights beside the mapped file. */
    static final long MEMORY_FACTOR = 8;
    private static final long MEMORY_ALLOWANCE = 64L << 20;

    private HostileProbe() {
    }

    public static void main(String[] args) throws IOException {
        Path folder = Path.of(args[0]);
        List<GgufImage> seeds = seeds(Path.of(args[1]));
        int first = Integer.parseInt(args[2]);
        int last = Integer.parseInt(args[3]);
        try (FileChannel current = FileChannel.open(folder.resolve("current"), StandardOpenOption.WRITE)) {
            for (int number = first; number < last; number++) {
                current.write(ByteBuffer.wrap(String.format("%-12d", number).getBytes(StandardCharsets.US_ASCII)), 0);
                tryOne(number, args.length > 4 ? zeroed(seeds, number)
                        : new GgufMutator(number).mutate(seeds.get(Math.floorMod(number, seeds.size()))),
                        folder.resolve("mutated.gguf"));
            }
        }
    }

    /** Mutation {@code number} of as many as there are seeds and keys: one number that llama.cpp may divide by is 0. */
    private static byte[] zeroed(List<GgufImage> seeds, int number) {
        GgufImage image = seeds.get(number / ZEROS.size()).copy();
        String architecture = image.keys.stream().filter(key -> key.name().equals("general.architecture"))
                .map(key -> key.value().toString()).findFirst().orElseThrow();
        for (String key : ZEROS.get(number % ZEROS.size()).split(" ")) {
            image.keys.removeIf(old -> old.name().equals(architecture + "." + key));
            image.u32(architecture + "." + key, 0);
        }
        return image.bytes();
    }

    private static void tryOne(int number, byte[] bytes, Path file) throws IOException {
        // a file that is cut and written again is put on the disk at once by some systems; a new one is not
        Files.deleteIfExists(file);
        Files.write(file, bytes);
        long before = ResidentMemory.startPeak();
        String outcome = FuzzCounts.LOADED;
        try {
            use(file, number);
        } catch (LlamaException | IllegalArgumentException e) {
            outcome = FuzzCounts.REFUSED;
            String message = String.valueOf(e.getMessage());
            if (message.contains(GAVE_UP)) {
                FuzzCounts.print(FuzzCounts.CONTAINED + message.substring(message.indexOf(GAVE_UP) + GAVE_UP.length()), 1);
            }
        }
        FuzzCounts.print(outcome, 1);
        long excess = ResidentMemory.peak() - before - MEMORY_FACTOR * bytes.length;
        FuzzCounts.print(FuzzCounts.MOST_MEMORY, Math.max(0, excess >> 20));
        if (excess > MEMORY_ALLOWANCE) {
            System.out.println(TOO_MUCH_MEMORY + number + ": " + excess + " bytes more than " + MEMORY_FACTOR
                    + " times the file");
        }
    }

    private static List<GgufImage> seeds(Path folder) throws IOException {
        List<GgufImage> seeds = new ArrayList<>();
        try (Stream<Path> list = Files.list(folder)) {
            for (Path file : list.filter(path -> path.toString().endsWith(".gguf")).sorted().toList()) {
                seeds.add(GgufImage.of(GgufFile.read(file)));
            }
        }
        return seeds;
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

    /** Does with a file what a program does with a model, if it can be loaded. */
    private static void use(Path file, int number) {
        ModelOptions options = ModelOptions.defaults().withVocabularyOnly(number % 8 == 7).withMmap(number % 2 == 0);
        try (LlamaModel model = LlamaModel.load(file, options)) {
            int[] tokens = {0, 1, 2, 3};
            if (LlamaCpp.llama_vocab_type(model.vocabularySegment()) != LlamaCpp.LLAMA_VOCAB_TYPE_NONE()) {
                tokens = model.tokenize(TEXT, true, true);
                model.detokenize(tokens, true, true);
            }
            model.metadata();
            model.chatTemplate();
            try (LlamaContext context = model.newContext(ContextOptions.defaults().withContextSize(64).withThreads(1)
                    .withBatchThreads(1)); Sampler sampler = Sampler.of(SamplerOptions.defaults().withSeed(1))) {
                context.decode(tokens.length == 0 ? new int[] {0} : Arrays.copyOf(tokens, Math.min(tokens.length, 48)));
                context.decode(sampler.sample(context, -1));
            }
        }
    }
}
