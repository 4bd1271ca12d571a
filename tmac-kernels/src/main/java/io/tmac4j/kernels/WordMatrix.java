package io.tmac4j.kernels;

/** Weights as words, multiplied by shifts and 16-bit multiplications. */
final class WordMatrix extends PackedMatrix {

    private static final int TILE_ROWS = WordLayout.TILE_ROWS;
    private static final int TILES = WordSums.TILES;

    /** Sums that the two stages hand over at a time: 8 KB at 256 bits, a quarter of a first-level cache. */
    private static final int SUMS = 64;

    /** Bytes of a sum of two tiles. */
    private static final int HALF_SUM = WordSums.SUM / 2;

    private static final long SUMS_BYTES = (long) SUMS * WordSums.SUM;

    /** Sums of mins of a block, of low and of high parts. */
    private static final long MIN_SUMS_BYTES = 2 * SUMS_BYTES;

    private static final long RESULTS_BYTES = WordSums.SUM;

    private final WordLayout layout;
    private final WordColumns columns;
    private final GemmShape gemmShape;

    WordMatrix(BlockFormat format, WordForm form, int k, int rows, int experts) {
        this(format, new WordLayout(form, k, rows, experts), new WordColumns(form, k));
    }

    private WordMatrix(BlockFormat format, WordLayout layout, WordColumns columns) {
        super(format, layout.k(), layout.rows(), layout.experts(), columns, layout.byteSize());
        this.layout = layout;
        this.columns = columns;
        this.gemmShape = GemmShape.of(layout.form());
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
        return layout.form().bits() == 2;
    }

    @Override
    int tilesTogether() {
        return TILES;
    }

    @Override
    long scratchBytes() {
        return SUMS_BYTES + MIN_SUMS_BYTES + RESULTS_BYTES + Integer.BYTES;
    }

    @Override
    void pack(long source, int expert, int tile) {
        WordForm form = layout.form();
        long target = tile(expert, tile);
        int[] words = new int[form.codeWords() + form.scaleWords() + form.minWords()];
        for (int lane = 0; lane < TILE_ROWS; lane++) {
            int row = tile * TILE_ROWS + lane;
            if (row >= rows()) {
                clearLane(target, lane);
                continue;
            }
            long from = sourceRow(source, expert, row);
            for (int block = 0; block < layout.blocks(); block++) {
                format().encodeWords(from, words);
                long to = target + (long) block * form.codeWords() * WordLayout.WORD + 4L * lane;
                for (int i = 0; i < form.codeWords(); i++) {
                    Memory.i32(to + (long) i * WordLayout.WORD, words[i]);
                }
                to = target + layout.scales(block) + 4L * lane;
                for (int i = 0; i < form.scaleWords(); i++) {
                    Memory.i32(to + (long) i * WordLayout.WORD, words[form.codeWords() + i]);
                }
                to = target + layout.mins(block) + 4L * lane;
                for (int i = 0; i < form.minWords(); i++) {
                    Memory.i32(to + (long) i * WordLayout.WORD, words[form.codeWords() + form.scaleWords() + i]);
                }
                to = target + layout.halves(block) + 2L * lane;
                for (int i = 0; i < form.halves(); i++) {
                    Memory.i16(to + (long) i * WordLayout.HALF, Memory.i16(from + format().halfOffset(i)));
                }
                from += format().type().blockBytes();
            }
        }
    }

    private void clearLane(long target, int lane) {
        long halves = target + layout.halves(0);
        for (long at = target + 4L * lane; at < halves; at += WordLayout.WORD) {
            Memory.i32(at, 0);
        }
        for (int i = 0; i < layout.blocks() * layout.form().halves(); i++) {
            Memory.i16(halves + (long) i * WordLayout.HALF + 2L * lane, (short) 0);
        }
    }

    @Override
    void multiply(int expert, int from, int to, long input, long scratch, long destination) {
        // four streams, each of consecutive tiles; those that a stream lacks are done twice
        int run = (to - from + TILES - 1) / TILES;
        long results = scratch + SUMS_BYTES + MIN_SUMS_BYTES;
        Memory.i32(results + RESULTS_BYTES, 0);
        for (int i = from; i < from + run; i++) {
            int tile1 = Math.min(i + run, to - 1);
            int tile2 = Math.min(i + 2 * run, to - 1);
            int tile3 = Math.min(i + 3 * run, to - 1);
            fourTiles(tile(expert, i), (tile1 - i) * tileBytes(), (tile2 - i) * tileBytes(), (tile3 - i) * tileBytes(), input,
                    scratch, results);
            store(i, results, destination);
            store(tile1, results + WideSpecies.BYTES, destination);
            store(tile2, results + 2 * WideSpecies.BYTES, destination);
            store(tile3, results + 3 * WideSpecies.BYTES, destination);
        }
    }

    private void store(int tile, long result, long destination) {
        int row = tile * TILE_ROWS;
        if (row + TILE_ROWS <= rows()) {
            WordScales.finish(result, destination + 4L * row);
        } else {
            WordScales.finish(result, result);
            Memory.copy(result, destination + 4L * row, 4L * (rows() - row));
        }
    }

    private void fourTiles(long tile, long next1, long next2, long next3, long input, long scratch, long results) {
        WordForm form = layout.form();
        Memory.clear(results, RESULTS_BYTES);
        int together = SUMS / form.subBlocks();
        for (int block = 0; block < layout.blocks(); block += together) {
            int blocks = Math.min(together, layout.blocks() - block);
            long codes = tile + (long) block * form.codeWords() * WordLayout.WORD;
            long coefficients = input + columns.coefficients(block);
            long starts = input + columns.starts(block);
            int sums = blocks * form.subBlocks();
            switch (form.bits()) {
                case 2 -> {
                    WordSums.twoBits(codes, next1, sums, form.sumWords(), coefficients, starts, 4, scratch);
                    WordSums.twoBits(codes + next2, next3 - next2, sums, form.sumWords(), coefficients, starts, 4,
                            scratch + HALF_SUM);
                }
                case 3 -> {
                    WordSums.threeBitStarts(codes, next1, blocks, coefficients, starts, scratch);
                    WordSums.threeBitStarts(codes + next2, next3 - next2, blocks, coefficients, starts, scratch + HALF_SUM);
                    WordSums.threeBits(codes, next1, blocks, coefficients, scratch);
                    WordSums.threeBits(codes + next2, next3 - next2, blocks, coefficients, scratch + HALF_SUM);
                }
                default -> WordSums.fourBits(codes, next1, next2, next3, sums, form.sumWords(), coefficients, starts, 4, scratch);
            }
            if (form.minWords() > 0) {
                minSums(tile + layout.mins(block), next1, next2, next3, block, blocks, input, scratch);
            }
            scale(tile, block, blocks, input, scratch, results);
            scale(tile + next1, block, blocks, input, scratch + WideSpecies.BYTES, results + WideSpecies.BYTES);
            scale(tile + next2, block, blocks, input, scratch + 2 * WideSpecies.BYTES, results + 2 * WideSpecies.BYTES);
            scale(tile + next3, block, blocks, input, scratch + 3 * WideSpecies.BYTES, results + 3 * WideSpecies.BYTES);
        }
    }

    private void minSums(long mins, long next1, long next2, long next3, int block, int blocks, long input, long scratch) {
        WordForm form = layout.form();
        long zero = scratch + SUMS_BYTES + MIN_SUMS_BYTES + RESULTS_BYTES;
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

    private void scale(long tile, int block, int blocks, long input, long sums, long result) {
        long numbers = input + columns.numbers(block);
        int numberBytes = columns.numberBytes();
        long scales = tile + layout.scales(block);
        long halves = tile + layout.halves(block);
        switch (layout.form().scales()) {
            case FLAT -> WordScales.flat(sums, blocks, numbers, numberBytes, halves, result);
            case FLAT_MIN -> WordScales.flatMin(sums, blocks, numbers, numberBytes, halves, result);
            case NIBBLES -> WordScales.nibbles(sums, blocks, scales, numbers, numberBytes, halves, result);
            case SIGNED_BYTES -> WordScales.signedBytes(sums, blocks, scales, numbers, numberBytes, halves, result);
            default -> WordScales.bytes(sums, blocks, scales, numbers, numberBytes, halves, result);
        }
        if (layout.form().minWords() > 0) {
            long minSums = sums + SUMS_BYTES;
            WordScales.mins(minSums, minSums + SUMS_BYTES, columns.minShift(), blocks, numbers, numberBytes,
                    halves + WordLayout.HALF, result);
        }
    }
}
