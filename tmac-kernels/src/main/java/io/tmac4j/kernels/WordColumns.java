package io.tmac4j.kernels;

/**
 * A column of activations as the coefficients that {@link WordSums} multiplies words with.
 *
 * <p>The field f of a word w is {@code floor(w / 2^s) - 2^b floor(w / 2^(s + b))}, where it begins at bit s and has b bits. So
 * the sum of
 * all fields times their activations is the sum of {@code floor(w / 2^s)} times {@code a[f] - 2^b a[f - 1]}, with the width b
 * of field f - 1: shifted words need no mask. Products and sums are modulo 2^16, and the sum itself fits 16 bits, so nothing
 * is lost.
 * A shift of 32-bit lanes serves both halves of a word at once: the low half multiplies with the coefficient of field f, the
 * high half
 * with that of the field in the same place of the high half, and the two halves of the result are added at the end. That
 * is exact too, for the coefficients of the low half let everything above them count, up to the field before the high half,
 * and the coefficient of the first field of the high half takes that back like any other.
 *
 * <p>A column has, each for all of its blocks: the coefficients; what the sums begin with; the coefficients of the mins,
 * twice, since sums
 * of activations do not fit 8 bits: low parts, then high ones; the numbers of the block.
 *
 * <p>Of weights with a codebook the coefficients are the activations themselves, see {@link CodebookSums}.
 *
 * <p>A class with fields for the reason that {@link WordLayout} gives.
 */
final class WordColumns implements InputLayout {

    /**
     * Bytes of the numbers of a block: its step times {@link WordForm#stepFactor}, then that times the sum of its activations,
     * {@code 2^}{@link WordForm#upperSums} times too great, for blocks with one min.
     */
    private static final int NUMBERS = 8;

    /** High parts of sums of activations, which mins are multiplied with, count {@code 1 << MIN_SHIFT}. */
    static final int MIN_SHIFT = 6;

    private final WordForm form;
    private final int k;
    private final int blocks;
    private final int coefficientBytes;
    private final int startBytes;
    private final int minCoefficientBytes;
    private final int numberBytes;
    private final long starts;
    private final long lowMins;
    private final long highMins;
    private final long numbers;

    /**
     * Lays out a column.
     *
     * @param form the form of the weights
     * @param k    activations
     */
    WordColumns(WordForm form, int k) {
        this.form = form;
        this.k = k;
        blocks = k / form.blockWeights();
        coefficientBytes = 4 * (form.bits() == 3 ? WordSums.THREE_BITS_COEFFICIENTS : form.blockWeights() / 2);
        startBytes = 4 * form.subBlocks();
        minCoefficientBytes = 4 * form.minWords() * Short.SIZE / form.minBits();
        numberBytes = form.scales() == WordForm.Scales.ROUNDED ? RoundedScales.NUMBER_BYTES
                : NUMBERS + (storesLacks() ? 4 * form.subBlocks() : 0);
        starts = (long) blocks * coefficientBytes;
        lowMins = starts + (long) blocks * startBytes;
        highMins = lowMins + (long) blocks * minCoefficientBytes;
        numbers = highMins + (long) blocks * minCoefficientBytes;
    }

    @Override
    public int k() {
        return k;
    }

    @Override
    public int blocks() {
        return blocks;
    }

    @Override
    public int blockWeights() {
        return form.blockWeights();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof WordColumns columns && form.equals(columns.form) && k == columns.k;
    }

    @Override
    public int hashCode() {
        return 31 * form.hashCode() + k;
    }

    /** Whether what the sums of sub-blocks lack stands with the numbers of a block. */
    private boolean storesLacks() {
        return form.scales() == WordForm.Scales.BYTES;
    }

    /** Offset of the coefficients of a block. */
    long coefficients(int block) {
        return (long) block * coefficientBytes;
    }

    /** Offset of what the sums of a block begin with. */
    long starts(int block) {
        return starts + (long) block * startBytes;
    }

    /** Offset of the coefficients of the mins of a block, for the low or high parts of sums of activations. */
    long minCoefficients(int block, boolean high) {
        return (high ? highMins : lowMins) + (long) block * minCoefficientBytes;
    }

    /** Offset of the numbers of a block. */
    long numbers(int block) {
        return numbers + (long) block * numberBytes;
    }

    /**
     * Bytes of the numbers of a block. Behind the two stand, of sub-blocks with six-bit scales, what their sums lack; of rounded
     * scales there are those of {@link RoundedScales} instead.
     */
    int numberBytes() {
        return numberBytes;
    }

    @Override
    public long byteSize() {
        return numbers(blocks) + 63 & ~63L;
    }

    @Override
    public void fill(long activations, int from, int to, long target, long scratch) {
        int weights = form.blockWeights();
        for (int block = from; block < to; block++) {
            float step = Quantiser.quantise(activations + 4L * block * weights, weights, form.activationLimit(),
                    form.halfSteps(), scratch, false);
            if (form.hasCodebook()) {
                pairs(scratch, weights, target + coefficients(block));
            } else if (form.bits() == 3) {
                threeBits(scratch, target + coefficients(block));
            } else if (form.bits() == 4) {
                WordCoefficients.fourBits(scratch, weights, target + coefficients(block));
            } else {
                chain(scratch, form.order(), 0, weights, form.bits(), form.step(), target + coefficients(block));
            }
            long numbers = target + numbers(block);
            int sum = sums(scratch, target + starts(block), numbers + NUMBERS);
            if (form.minWords() > 0) {
                minCoefficients(scratch, target, block);
            }
            if (form.scales() == WordForm.Scales.ROUNDED) {
                RoundedScales.numbers(step, scratch, numbers);
                continue;
            }
            step *= form.stepFactor();
            Memory.f32(numbers, step);
            Memory.f32(numbers + 4, step * sum * (1 << form.upperSums()));
        }
    }

    /** The sum of a block's activations; starts and what sums lack, on the way. Sums of activations replace the ints. */
    private int sums(long ints, long starts, long lacks) {
        int perSum = form.sumWeights();
        int total = 0;
        for (int sub = 0; sub < form.subBlocks(); sub++) {
            int sum = WordCoefficients.sum(ints + 4L * sub * perSum, perSum);
            Memory.i32(starts + 4L * sub, -form.centre() * sum & 0xffff);
            if (storesLacks()) {
                Memory.i32(lacks + 4L * sub, form.lack() * sum);
            }
            Memory.i32(ints + 4L * sub, sum);
            total += sum;
        }
        return total;
    }

    /**
     * Coefficients of consecutive words with fields of {@code bits} bits.
     *
     * @param ints  activations, the low halves of ints
     * @param order places of the fields' activations
     * @param step  what a field counts
     */
    private static void chain(long ints, int[] order, int from, int to, int bits, int step, long target) {
        int half = Short.SIZE / bits;
        long at = target;
        for (int f = from; f < to; f += 2 * half) {
            int low = 0;
            int high = step * Memory.i32(ints + 4L * order[f + half - 1]);
            for (int j = f; j < f + half; j++) {
                int nextLow = step * Memory.i32(ints + 4L * order[j]);
                int nextHigh = step * Memory.i32(ints + 4L * order[j + half]);
                Memory.i32(at, nextLow - (low << bits) & 0xffff | nextHigh - (high << bits) << 16);
                at += 4;
                low = nextLow;
                high = nextHigh;
            }
        }
    }

    /** Activations of two bytes' low codes, then of their high ones: of 32 weights the first 16 stand in the low codes. */
    private static void pairs(long ints, int weights, long target) {
        long at = target;
        for (int block = 0; block < weights; block += 32) {
            for (int i = block; i < block + 16; i += 2) {
                Memory.i32(at, Memory.i32(ints + 4L * i) & 0xffff | Memory.i32(ints + 4L * i + 4) << 16);
                Memory.i32(at + 4, Memory.i32(ints + 4L * i + 64) & 0xffff | Memory.i32(ints + 4L * i + 68) << 16);
                at += 8;
            }
        }
    }

    /**
     * Coefficients of fields of three bits, see {@link WordForm#threeBitWords}: shifts 0, 3, .., 15, and 16 for words that two
     * sums
     * share. The low half of such a word has to end before the high one begins: a further coefficient takes back what the last
     * one lets
     * count.
     */
    private static void threeBits(long ints, long target) {
        long at = target;
        for (int i = 0; i < 256; i += 32) {
            long first = ints + 4L * i;
            at = threeBitWord(first, 2, first + 4L * 16, 2, at);
            Memory.i32(at, -2 * (Memory.i32(first + 60) << 2) & 0xffff);
            at += 4;
        }
        for (int i = 0; i < 256; i += 16) {
            at = threeBitWord(ints + 4L * i, 0, ints + 4L * i, 1, at);
        }
    }

    private static long threeBitWord(long low, int lowPart, long high, int highPart, long target) {
        int lastLow = Memory.i32(low + 60) << lowPart;
        int lastHigh = Memory.i32(high + 60) << highPart;
        int before = 0;
        int beforeHigh = low == high ? 2 * lastLow : 0;
        for (int j = 0; j < 5; j++) {
            int a = Memory.i32(low + 4L * (5 * lowPart + j));
            int b = Memory.i32(high + 4L * (5 * highPart + j));
            Memory.i32(target + 4L * j, a - before & 0xffff | b - beforeHigh << 16);
            before = a << 3;
            beforeHigh = b << 3;
        }
        Memory.i32(target + 20, lastLow - before & 0xffff | lastHigh - beforeHigh << 16);
        return target + 24;
    }

    /**
     * The sums of activations of the sub-blocks, cut into a low part around 0 and a high part, as coefficients of the mins. Sums
     * of products fit 16 bits: of 16 mins of 15 both parts are at most 32 in size, for the sums are of 16 * 127:
     * 16 * 15 * 32 = 7680; of 8 mins of 63 low parts are at most 32, high ones 64, for the sums are of 32 * 127:
     * 8 * 63 * 64 = 32256.
     */
    private void minCoefficients(long sums, long target, int block) {
        long low = sums + 4L * form.subBlocks();
        long high = low + 4L * form.subBlocks();
        for (int sub = 0; sub < form.subBlocks(); sub++) {
            int sum = Memory.i32(sums + 4L * sub);
            int upper = sum + (1 << MIN_SHIFT - 1) >> MIN_SHIFT;
            Memory.i32(low + 4L * sub, sum - (upper << MIN_SHIFT));
            Memory.i32(high + 4L * sub, upper);
        }
        chain(low, IDENTITY, 0, form.subBlocks(), form.minBits(), 1, target + minCoefficients(block, false));
        chain(high, IDENTITY, 0, form.subBlocks(), form.minBits(), 1, target + minCoefficients(block, true));
    }

    private static final int[] IDENTITY = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
}
