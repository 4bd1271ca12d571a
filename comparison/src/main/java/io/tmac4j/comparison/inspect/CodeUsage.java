package io.tmac4j.comparison.inspect;

import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.GgufFile;
import io.tmac4j.bindings.GgufTensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.Optional;

/**
 * Which of a block format's codes the weights of a tensor really use: ternary weights stored as Q4_0 use three of sixteen, so
 * that half of the bits are air. Scales and mins do not count.
 *
 * @param distinct    codes that occur
 * @param possible    codes that the format has
 * @param entropyBits information in a code, in bits, if codes were independent
 */
public record CodeUsage(int distinct, int possible, double entropyBits) {

    /** Tensors up to this size are read as a whole, of larger ones as much in slices spread over them. */
    private static final long MOST_BYTES = 16 << 20;
    private static final int SLICES = 256;

    /** Where the codes lie in a block: fields of equal width in a run of bytes. */
    private record Fields(int offset, int bytes, int bits) {
    }

    /**
     * Counts the codes of a tensor; empty for types that have none.
     *
     * @throws IOException if the file cannot be read
     */
    public static Optional<CodeUsage> of(GgufFile file, GgufTensor tensor) throws IOException {
        Optional<long[]> none = counters(tensor.type());
        if (none.isEmpty()) {
            return Optional.empty();
        }
        long[] counts = none.get();
        int blockBytes = tensor.type().blockBytes();
        long start = file.dataOffset() + tensor.offset();
        long size = tensor.byteSize();
        long slices = size <= MOST_BYTES ? 1 : SLICES;
        int sliceBytes = Math.toIntExact(Math.min(size, MOST_BYTES) / slices / blockBytes * blockBytes);
        ByteBuffer slice = ByteBuffer.allocate(sliceBytes);
        try (FileChannel channel = FileChannel.open(file.file())) {
            for (long i = 0; i < slices; i++) {
                long at = size / blockBytes * i / slices * blockBytes;
                slice.clear();
                while (slice.hasRemaining() && channel.read(slice, start + at + slice.position()) > 0) {
                    continue;
                }
                count(tensor.type(), slice.array(), slice.position(), counts);
            }
        }
        return Optional.of(of(counts));
    }

    private static CodeUsage of(long[] counts) {
        long total = 0;
        int distinct = 0;
        for (long count : counts) {
            total += count;
            distinct += count > 0 ? 1 : 0;
        }
        double entropy = 0;
        for (long count : counts) {
            if (count > 0) {
                double share = (double) count / total;
                entropy -= share * Math.log(share) / Math.log(2);
            }
        }
        return new CodeUsage(distinct, counts.length, entropy);
    }

    /** A counter for each code of a type; empty if it is no format of codes that is known here. */
    static Optional<long[]> counters(GgmlType type) {
        return switch (type) {
            case Q1_0 -> Optional.of(new long[2]);
            case TQ1_0 -> Optional.of(new long[3]);
            case TQ2_0, Q2_0, Q2_K -> Optional.of(new long[4]);
            case Q3_K -> Optional.of(new long[8]);
            case Q4_0, Q4_1, Q4_K, IQ4_NL, IQ4_XS, MXFP4 -> Optional.of(new long[16]);
            case Q5_0, Q5_1, Q5_K -> Optional.of(new long[32]);
            case Q6_K -> Optional.of(new long[64]);
            case Q8_0 -> Optional.of(new long[256]);
            default -> Optional.empty();
        };
    }

    /** Adds the codes of whole blocks. */
    static void count(GgmlType type, byte[] blocks, int length, long[] counts) {
        switch (type) {
            case Q1_0 -> fields(type, blocks, length, counts, new Fields(2, 16, 1));
            case Q2_0 -> fields(type, blocks, length, counts, new Fields(2, 16, 2));
            case TQ2_0 -> fields(type, blocks, length, counts, new Fields(0, 64, 2));
            case Q2_K -> fields(type, blocks, length, counts, new Fields(16, 64, 2));
            case Q4_0, IQ4_NL -> fields(type, blocks, length, counts, new Fields(2, 16, 4));
            case Q4_1 -> fields(type, blocks, length, counts, new Fields(4, 16, 4));
            case Q4_K -> fields(type, blocks, length, counts, new Fields(16, 128, 4));
            case IQ4_XS -> fields(type, blocks, length, counts, new Fields(8, 128, 4));
            case MXFP4 -> fields(type, blocks, length, counts, new Fields(1, 16, 4));
            case Q8_0 -> fields(type, blocks, length, counts, new Fields(2, 32, 8));
            case TQ1_0 -> ternary(blocks, length, counts);
            default -> {
                for (int at = 0; at < length; at += type.blockBytes()) {
                    lowAndHigh(type, blocks, at, counts);
                }
            }
        }
    }

    /** Counts bytes first and takes the sums apart, so that a byte costs one step whatever its fields. */
    private static void fields(GgmlType type, byte[] blocks, int length, long[] counts, Fields fields) {
        long[] bytes = new long[256];
        for (int at = fields.offset; at < length; at += type.blockBytes()) {
            for (int i = at; i < at + fields.bytes; i++) {
                bytes[blocks[i] & 0xFF]++;
            }
        }
        int mask = (1 << fields.bits) - 1;
        for (int value = 0; value < 256; value++) {
            for (int shift = 0; shift < 8; shift += fields.bits) {
                counts[value >> shift & mask] += bytes[value];
            }
        }
    }

    /** TQ1_0: 48 bytes of five digits and four of four, each a fraction of 243 scaled to a byte. */
    private static void ternary(byte[] blocks, int length, long[] counts) {
        for (int at = 0; at < length; at += GgmlType.TQ1_0.blockBytes()) {
            for (int i = 0; i < 52; i++) {
                int rest = blocks[at + i] & 0xFF;
                for (int digit = i < 48 ? 5 : 4; digit > 0; digit--) {
                    counts[rest * 3 >> 8]++;
                    rest = rest * 3 & 0xFF;
                }
            }
        }
    }

    /** Formats whose codes have their high bits apart. */
    private static void lowAndHigh(GgmlType type, byte[] blocks, int at, long[] counts) {
        switch (type) {
            case Q5_0, Q5_1 -> {
                int high = at + (type == GgmlType.Q5_0 ? 2 : 4);
                for (int i = 0; i < 32; i++) {
                    int low = blocks[high + 4 + i % 16] >> (i < 16 ? 0 : 4) & 15;
                    counts[low | (blocks[high + i / 8] >> i % 8 & 1) << 4]++;
                }
            }
            case Q3_K -> {
                for (int i = 0; i < 256; i++) {
                    int low = blocks[at + 32 + i / 128 * 32 + i % 32] >> i % 128 / 32 * 2 & 3;
                    counts[low | (blocks[at + i % 32] >> i / 32 & 1) << 2]++;
                }
            }
            case Q5_K -> {
                for (int i = 0; i < 256; i++) {
                    int low = blocks[at + 48 + i / 64 * 32 + i % 32] >> i % 64 / 32 * 4 & 15;
                    counts[low | (blocks[at + 16 + i % 32] >> i / 32 & 1) << 4]++;
                }
            }
            case Q6_K -> {
                for (int i = 0; i < 256; i++) {
                    int low = blocks[at + i / 128 * 64 + i % 64] >> i % 128 / 64 * 4 & 15;
                    counts[low | (blocks[at + 128 + i / 128 * 32 + i % 32] >> i % 128 / 32 * 2 & 3) << 4]++;
                }
            }
            default -> throw new IllegalArgumentException(type.ggmlName());
        }
    }
}
