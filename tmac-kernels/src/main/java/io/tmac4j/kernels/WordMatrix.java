package io.tmac4j.kernels;

import java.util.Arrays;

/** Weights as words, multiplied by shifts and 16-bit multiplications. */
final class WordMatrix extends PackedMatrix {

    private static final int TILE_ROWS = WordLayout.TILE_ROWS;

    /** Sums that the two stages hand over at a time: 8 KB at 256 bits, a quarter of a first-level cache. */
    static final int SUMS = 64;

    private static final long SUMS_BYTES = (long) SUMS * WordSums.SUM;

    /** Sums of mins of a block, of low and of high parts. */
    private static final long MIN_SUMS_BYTES = 2 * SUMS_BYTES;

    private final WordLayout layout;
    private final WordColumns columns;
    private final GemmShape gemmShape;
    private final int sumWords;

    WordMatrix(BlockFormat format, WordForm form, int k, int rows, int experts) {
        this(format, rows, experts, new WordLayout(form, k, rows, experts), new WordColumns(form, k));
    }

    private WordMatrix(BlockFormat format, int rows, int experts, WordLayout layout, WordColumns columns) {
        super(format, layout.k(), rows, experts, columns, layout.form().resultFactor(), layout.byteSize());
        this.layout = layout;
        this.columns = columns;
        this.gemmShape = GemmShape.of(layout.form());
        this.sumWords = layout.form().sumWords();
    }

    /** Where everything stands. */
    WordLayout layout() {
        return layout;
    }

    @Override
    public String description() {
        return layout.form().name();
    }

    @Override
    int tileRows() {
        return TILE_ROWS;
    }

    @Override
    long tileBytes() {
        return layout.tileBytes();
    }

    @Override
    GemmShape gemmShape() {
        return gemmShape;
    }

    @Override
    boolean byTables() {
        return layout.form().byTables();
    }

    @Override
    long tileScratchBytes() {
        return SUMS_BYTES + MIN_SUMS_BYTES + Integer.BYTES;
    }

    @Override
    void pack(long source, int expert, int tile) {
        WordForm form = layout.form();
        long target = tile(expert, tile);
        int[] words = new int[form.codeWords() + form.scaleWords() + form.minWords()];
        for (int lane = 0; lane < TILE_ROWS; lane++) {
            int row = tile * TILE_ROWS + lane;
            boolean lacking = row >= rows();
            long from = sourceRow(source, expert, row);
            for (int block = 0; block < layout.blocks(); block++) {
                if (lacking) {
                    Arrays.fill(words, 0);
                } else {
                    format().encodeWords(from, words);
                    if (form.scales() == WordForm.Scales.ROUNDED) {
                        RoundedScales.encode(Float.float16ToFloat(format().half(from, 0)),
                                Float.float16ToFloat(format().half(from, 1)), words, form.codeWords());
                    }
                }
                int i = 0;
                if (form.hasCodebook()) {
                    i = storeHalves(words, form.codeWords(), target + layout.codes(block) + 2L * lane);
                } else {
                    i = store(words, i, form.codeWords(), target + layout.codes(block) + 4L * lane);
                }
                i = store(words, i, form.scaleWords(), target + layout.scales(block) + 4L * lane);
                store(words, i, form.minWords(), target + layout.mins(block) + 4L * lane);
                long to = target + layout.halves(block) + 2L * form.halves() * lane;
                for (int half = 0; half < form.halves(); half++) {
                    Memory.i16(to + 2L * half, lacking ? 0 : format().half(from, half));
                }
                from += format().type().blockBytes();
            }
        }
    }

    /** Stores words so that the low halves of all lanes stand beside each other, then the high ones; returns the count. */
    private static int storeHalves(int[] words, int count, long to) {
        for (int i = 0; i < count; i++) {
            Memory.i16(to + (long) i * WordLayout.WORD, (short) words[i]);
            Memory.i16(to + (long) i * WordLayout.WORD + WordLayout.HALF, (short) (words[i] >> 16));
        }
        return count;
    }

    /** Stores words {@code from} to {@code from + count}; returns the end. */
    private static int store(int[] words, int from, int count, long to) {
        for (int i = 0; i < count; i++) {
            Memory.i32(to + (long) i * WordLayout.WORD, words[from + i]);
        }
        return from + count;
    }

    @Override
    void fourTiles(long tile, long next1, long next2, long next3, long input, long results, long scratch) {
        WordForm form = layout.form();
        int numberBytes = columns.numberBytes();
        Memory.i32(scratch + SUMS_BYTES + MIN_SUMS_BYTES, 0);
        long group = tile;
        for (int block = 0; block < layout.blocks(); block += layout.groupBlocks()) {
            int blocks = layout.inGroup(block);
            if (form.hasCodebook()) {
                codebookSums(group, next1, next2, next3, blocks * form.subBlocks(), input + columns.coefficients(block), scratch);
            } else {
                wordSums(group, next1, next2, next3, block, blocks, input, scratch);
            }
            if (form.minWords() > 0) {
                minSums(group + layout.minsInGroup(blocks), next1, next2, next3, block, blocks, input, scratch);
            }
            long numbers = input + columns.numbers(block);
            long scales = group + layout.scalesInGroup(blocks);
            long halves = group + layout.halvesInGroup(blocks);
            if (form.hasCodebook()) {
                fourScales(blocks, scales, halves, next1, next2, next3, numbers, scratch, results);
            } else {
                switch (form.scales()) {
                    case FLAT -> WordScales.flat(scratch, blocks, numbers, numberBytes, halves, next1, next2, next3, results);
                    case FLAT_MIN -> WordScales.flatMin(scratch, blocks, numbers, numberBytes, form.lack(), halves, next1, next2,
                            next3, results);
                    case ROUNDED -> RoundedScales.add(scratch, blocks, numbers, scales, next1, next2, next3, results);
                    case NIBBLES, BYTES -> {
                        fourScales(blocks, scales, halves, next1, next2, next3, numbers, scratch, results);
                        WordScales.nestedMin(scratch, form.subBlocks() * WordSums.SUM, scratch + SUMS_BYTES,
                                scratch + 2 * SUMS_BYTES, blocks, numbers, numberBytes, halves, next1, next2, next3, results);
                    }
                    default -> fourScales(blocks, scales, halves, next1, next2, next3, numbers, scratch, results);
                }
            }
            group += blocks * layout.blockBytes();
        }
    }

    private void wordSums(long codes, long next1, long next2, long next3, int block, int blocks, long input, long scratch) {
        WordForm form = layout.form();
        long coefficients = input + columns.coefficients(block);
        long starts = input + columns.starts(block);
        int sums = blocks * form.subBlocks();
        if (form.bits() == 3) {
            threeBitSums(codes, next1, next2, next3, blocks, coefficients, starts, scratch);
        } else if (form.bits() == 4) {
            WordSums.fourBits(codes, next1, next2, next3, sums, sumWords, coefficients, starts, 4, scratch);
        } else if (sumWords == 1) {
            WordSums.twoBitWords(codes, next1, next2, next3, sums, coefficients, starts, scratch);
        } else {
            WordSums.twoBits(codes, next1, next2, next3, sums, sumWords, coefficients, starts, scratch);
        }
    }

    /** High parts of wide sums stand where other forms have sums of mins. */
    private void codebookSums(long codes, long next1, long next2, long next3, int sums, long coefficients, long scratch) {
        Codebook codebook = layout.form().codebook();
        if (codebook.wide()) {
            CodebookSums.wide(codebook.table(), codes, next1, next2, next3, sums, coefficients, scratch, scratch + SUMS_BYTES);
        } else {
            CodebookSums.narrow(codebook.table(), codes, next1, next2, next3, sums, coefficients, scratch);
        }
    }

    private static void threeBitSums(long codes, long next1, long next2, long next3, int blocks, long coefficients, long starts,
            long sums) {
        for (int block = 0; block < blocks; block++) {
            long from = codes + block * 24L * WordLayout.WORD;
            long factors = coefficients + block * 4L * WordSums.THREE_BITS_COEFFICIENTS;
            long to = sums + block * 16L * WordSums.SUM;
            WordSums.threeBitStarts(from, next1, next2, next3, factors, to);
            WordSums.threeBitShares(from, next1, next2, next3, factors, starts + block * 64L, to);
            WordSums.threeBits(from, next1, next2, next3, factors, to);
        }
    }

    private void minSums(long mins, long next1, long next2, long next3, int block, int blocks, long input, long scratch) {
        WordForm form = layout.form();
        long zero = scratch + SUMS_BYTES + MIN_SUMS_BYTES;
        long low = input + columns.minCoefficients(block, false);
        long high = input + columns.minCoefficients(block, true);
        long lowSums = scratch + SUMS_BYTES;
        long highSums = lowSums + SUMS_BYTES;
        if (form.minBits() == 4) {
            WordSums.fourBits(mins, next1, next2, next3, blocks, form.minWords(), low, zero, 0, lowSums);
            WordSums.fourBits(mins, next1, next2, next3, blocks, form.minWords(), high, zero, 0, highSums);
        } else {
            WordSums.eightBits(mins, next1, next2, next3, blocks, form.minWords(), low, zero, 0, lowSums);
            WordSums.eightBits(mins, next1, next2, next3, blocks, form.minWords(), high, zero, 0, highSums);
        }
    }

    /** Scales of four tiles, one after another. */
    private void fourScales(int blocks, long scales, long halves, long next1, long next2, long next3, long numbers, long sums,
            long results) {
        scale(blocks, scales, halves, numbers, sums, results);
        scale(blocks, scales + next1, halves + next1, numbers, sums + WideSpecies.BYTES, results + WideSpecies.BYTES);
        scale(blocks, scales + next2, halves + next2, numbers, sums + 2 * WideSpecies.BYTES, results + 2 * WideSpecies.BYTES);
        scale(blocks, scales + next3, halves + next3, numbers, sums + 3 * WideSpecies.BYTES, results + 3 * WideSpecies.BYTES);
    }

    /** Scales of one tile; if there are mins, only its sums become those of blocks, for {@link WordScales#nestedMin}. */
    private void scale(int blocks, long scales, long halves, long numbers, long sums, long result) {
        WordForm form = layout.form();
        int numberBytes = columns.numberBytes();
        if (form.hasCodebook()) {
            long low = sums + SUMS_BYTES;
            switch (form.scales()) {
                case POWERS -> CodebookScales.powers(sums, blocks, numbers, numberBytes, halves, result);
                case FLAT -> CodebookScales.flat(sums, low, blocks, numbers, numberBytes, halves, result);
                default -> CodebookScales.signedBytes(sums, low, blocks, scales, numbers, numberBytes, halves, result);
            }
            return;
        }
        switch (form.scales()) {
            case NIBBLES -> WordScales.nibbles(sums, blocks, scales);
            case BYTES -> WordScales.bytes(sums, blocks, scales, numbers, numberBytes);
            default -> {
                WordScales.signedBytes(sums, blocks, scales);
                WordScales.nested(sums, form.subBlocks() * WordSums.SUM, blocks, numbers, numberBytes, halves, result);
            }
        }
    }
}
