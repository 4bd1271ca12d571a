package io.tmac4j.kernels;

import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.spi.ParallelTask;
import io.tmac4j.bindings.spi.WeightTensor;
import io.tmac4j.bindings.spi.WorkerPool;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntPredicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a tensor is packed as that uses fewer codes than its type has ({@link #of}). This format itself is one of four bits whose
 * tensor uses at most four codes, evenly spaced, packed with two bits: ternary weights that are stored as Q4_0, for instance,
 * because rows are no multiple of 256 weights. Sums are the same integers.
 */
final class NarrowedFormat implements BlockFormat {

    private static final Logger LOG = LoggerFactory.getLogger(NarrowedFormat.class);

    private static final int CODE_BYTES = 16;

    /** Blocks that are looked through before any thread is woken, and from one look at what was found to the next. */
    private static final int FIRST_BLOCKS = 16;

    /** The two codes of a byte as a set of bits. */
    private static final int[] CODES = new int[256];

    /** The four codes of two bits of a byte. */
    private static final int[] TWO_BIT_CODES = new int[256];

    static {
        for (int b = 0; b < CODES.length; b++) {
            CODES[b] = 1 << (b & 15) | 1 << (b >> 4);
            TWO_BIT_CODES[b] = 1 << (b & 3) | 1 << (b >> 2 & 3) | 1 << (b >> 4 & 3) | 1 << (b >> 6);
        }
    }

    private final BlockFormat wide;
    private final WordForm form;
    /** For each byte of two codes of four bits the two codes of two bits. */
    private final byte[] narrow = new byte[256];

    private NarrowedFormat(BlockFormat wide, int base, int step) {
        this.wide = wide;
        form = wide.wordForm().orElseThrow().narrowed(base, step);
        for (int b = 0; b < narrow.length; b++) {
            narrow[b] = (byte) (((b & 15) - base) / step & 3 | (((b >> 4) - base) / step & 3) << 2);
        }
    }

    /**
     * The format to pack a tensor in: one of fewer bits or codes if its codes allow it, else {@code format} itself.
     *
     * @param lookups whether it is to be looked up, if it keeps its bits
     */
    static BlockFormat of(BlockFormat format, WeightTensor source, boolean lookups, WorkerPool pool, int threads) {
        return switch (format.type()) {
            case Q4_0, Q4_1 -> ofFourBits(format, source, pool, threads);
            case Q2_0 -> lookups ? ofTwoBits(format, source, pool, threads) : format;
            default -> format;
        };
    }

    /** The format that most tensors of a type are packed in. */
    static BlockFormat usual(BlockFormat format) {
        return format.type() == GgmlType.Q2_0 ? new Q2_0(true) : format;
    }

    /** Q2_0 could hold 2, but llama.cpp's quantiser, whose scale is a block's greatest weight, does not write it. */
    private static BlockFormat ofTwoBits(BlockFormat format, WeightTensor source, WorkerPool pool, int threads) {
        IntPredicate ternary = codes -> codes < 1 << 3;
        if (!ternary.test(Scan.codes(source, TWO_BIT_CODES, ternary, pool, threads))) {
            return format;
        }
        LOG.info("{}: no weight of {} is 2: three are looked up at a time in prompts", source.name(), source.type());
        return new Q2_0(true);
    }

    private static BlockFormat ofFourBits(BlockFormat format, WeightTensor source, WorkerPool pool, int threads) {
        int codes = Scan.codes(source, CODES, few -> few == 0 || step(few) != 0, pool, threads);
        Optional<BlockFormat> narrowed = of(format, codes);
        narrowed.ifPresent(packed -> LOG.info("{}: {} of the 16 codes of {} occur: packed with 2 bits a weight instead of 4, {}"
                + " instead of {} KB", source.name(), Integer.bitCount(codes), source.type(),
                kilobytes(packed, source), kilobytes(format, source)));
        return narrowed.orElse(format);
    }

    private static long kilobytes(BlockFormat format, WeightTensor source) {
        return new WordLayout(format.wordForm().orElseThrow(), (int) source.k(), (int) source.rows(), source.experts()).byteSize()
                >> 10;
    }

    /** A narrowed format for a set of codes, a bit each; empty if there are too many or they are not evenly spaced. */
    static Optional<BlockFormat> of(BlockFormat format, int codes) {
        int step = step(codes);
        return step == 0 ? Optional.empty()
                : Optional.of(new NarrowedFormat(format, Integer.numberOfTrailingZeros(codes), step));
    }

    /** The least step with which four codes, from the first that occurs on, are all that occur; 0 if there is none. */
    private static int step(int codes) {
        int base = Integer.numberOfTrailingZeros(codes);
        int last = Integer.SIZE - 1 - Integer.numberOfLeadingZeros(codes);
        for (int step = 1; step <= Math.max(1, last - base); step++) {
            long evenly = (1L | 1L << step | 1L << 2 * step | 1L << 3 * step) << base;
            if ((codes & ~evenly) == 0) {
                return step;
            }
        }
        return 0;
    }

    @Override
    public GgmlType type() {
        return wide.type();
    }

    @Override
    public Optional<WordForm> wordForm() {
        return Optional.of(form);
    }

    @Override
    public void read(long address, Block into) {
        wide.read(address, into);
    }

    @Override
    public int halfOffset(int index) {
        return wide.halfOffset(index);
    }

    @Override
    public void encodeWords(long address, int[] words) {
        long codes = address + type().blockBytes() - CODE_BYTES;
        for (int word = 0; word < 2; word++) {
            long eight = Memory.i64(codes + 8L * word);
            int packed = 0;
            for (int i = 0; i < 8; i++) {
                packed |= narrow[(int) (eight >>> 8 * i) & 0xff] << 4 * i;
            }
            words[word] = packed;
        }
    }

    /**
     * Looks for the codes that occur in blocks whose last bytes are codes, until a tensor cannot be narrowed.
     *
     * @param codesOf the codes of a byte as a set of bits
     * @param narrow  whether a tensor with a set of codes can be narrowed: if not, nor can one with more
     */
    private record Scan(WeightTensor source, int[] codesOf, IntPredicate narrow, AtomicInteger codes) implements ParallelTask {

        private static final int CHUNK_BLOCKS = 1 << 15;

        static int codes(WeightTensor source, int[] codesOf, IntPredicate narrow, WorkerPool pool, int threads) {
            Scan scan = new Scan(source, codesOf, narrow, new AtomicInteger());
            // most tensors show in their first blocks that they use too many codes, or uneven ones: no thread is woken for those
            scan.blocks(0, Math.min(FIRST_BLOCKS, scan.blocks()));
            if (scan.mayBeNarrow()) {
                pool.run(threads, scan);
            }
            return scan.codes.get();
        }

        private long blocks() {
            return source.byteSize() / source.type().blockBytes();
        }

        private boolean mayBeNarrow() {
            return narrow.test(codes.get());
        }

        @Override
        public int phases() {
            return 1;
        }

        @Override
        public int chunks(int phase) {
            return Math.toIntExact((blocks() + CHUNK_BLOCKS - 1) / CHUNK_BLOCKS);
        }

        @Override
        public void run(int phase, int chunk, int worker) {
            if (mayBeNarrow()) {
                long first = (long) chunk * CHUNK_BLOCKS;
                blocks(first, Math.min(blocks(), first + CHUNK_BLOCKS));
            }
        }

        private void blocks(long from, long to) {
            int blockBytes = source.type().blockBytes();
            long at = source.address() + from * blockBytes + blockBytes - CODE_BYTES;
            int found = 0;
            for (long block = from; block < to && (block % FIRST_BLOCKS != 0 || narrow.test(found)); block++) {
                found |= eight(Memory.i64(at)) | eight(Memory.i64(at + 8));
                at += blockBytes;
            }
            int all = found;
            codes.getAndUpdate(before -> before | all);
        }

        private int eight(long bytes) {
            return codesOf[(int) bytes & 0xff] | codesOf[(int) (bytes >>> 8) & 0xff] | codesOf[(int) (bytes >>> 16) & 0xff]
                    | codesOf[(int) (bytes >>> 24) & 0xff] | codesOf[(int) (bytes >>> 32) & 0xff]
                    | codesOf[(int) (bytes >>> 40) & 0xff] | codesOf[(int) (bytes >>> 48) & 0xff] | codesOf[(int) (bytes >>> 56)];
        }
    }
}
