package io.tmac4j.kernels;

import static io.tmac4j.kernels.AttentionTiles.ROW;
import static io.tmac4j.kernels.WideSpecies.COLUMNS;

import io.tmac4j.bindings.spi.AttentionPart;

/**
 * Attention of several tokens, in one pass over the cache as {@link VectorAttention}: a query of a token and a head is a column,
 * and keys and values of {@link #POSITIONS} positions are widened once for all columns of a part. A block of positions that no
 * token of a tile sees is left out.
 *
 * <p>Scratch memory: keys, values; then for each tile of columns its queries, sums of values, greatest scores and total weights;
 * scores, masks, shares, a vector.
 */
final class TiledAttention {

    /** Most tokens of a part: with four heads a key head eight tiles of 16 columns share its keys. */
    static final int TOKENS = 32;

    /** Fewest tokens of a stream for which it is used: fewer are done one by one, each as it would be alone. */
    static final int LEAST_TOKENS = 16;

    /**
     * Fewest positions of the cache: with fewer, attention is 2 % of a prompt, and in a new VM, until C2 has compiled this,
     * llama.cpp is much faster.
     */
    static final int LEAST_POSITIONS = 512;

    /** Positions that are worked on together. */
    private static final int POSITIONS = 64;

    /** Columns that share widened keys; more heads take turns. */
    private static final int MOST_COLUMNS = 4 * TOKENS;
    private static final int MOST_TILES = MOST_COLUMNS / COLUMNS;

    private static final long SCORES = (long) POSITIONS * ROW;

    /** What a token sees of a block: nothing, everything as it is, or some of it or with something added. */
    private static final int NOTHING = 0;
    private static final int ALL = 1;
    private static final int SOME = 2;

    private final AttentionPart part;
    private final int keyLength;
    private final int valueLength;
    private final long keys;
    private final long values;
    private final long tiles;
    private final long tileBytes;
    private final long scores;
    private final long masks;
    private final long shares;
    private final long vector;

    private TiledAttention(AttentionPart part, long scratch) {
        this.part = part;
        keyLength = part.keyLength();
        valueLength = part.valueLength();
        keys = scratch;
        values = keys + 4L * POSITIONS * keyLength;
        tiles = values + 4L * POSITIONS * valueLength;
        tileBytes = tileBytes(keyLength, valueLength);
        scores = tiles + MOST_TILES * tileBytes;
        masks = scores + SCORES;
        shares = masks + SCORES;
        vector = shares + ROW;
    }

    private static long tileBytes(int keyLength, int valueLength) {
        return (long) ROW * (keyLength + valueLength + 2);
    }

    static long scratchBytes(int keyLength, int valueLength) {
        return 4L * POSITIONS * (keyLength + valueLength) + MOST_TILES * tileBytes(keyLength, valueLength) + 2 * SCORES + 2 * ROW;
    }

    /** As {@link VectorAttention#attend}. */
    static boolean attend(AttentionPart part, long scratch) {
        TiledAttention attention = new TiledAttention(part, scratch);
        int together = Math.max(1, MOST_COLUMNS / part.tokens());
        for (int head = 0; head < part.heads(); head += together) {
            if (!attention.attend(head, Math.min(together, part.heads() - head))) {
                return false;
            }
        }
        return true;
    }

    private boolean attend(int firstHead, int heads) {
        int columns = heads * part.tokens();
        int count = (columns + COLUMNS - 1) / COLUMNS;
        for (int tile = 0; tile < count; tile++) {
            begin(firstHead, tile, columns);
        }
        int[] seen = new int[part.tokens()];
        for (int position = 0; position < part.positions(); position += POSITIONS) {
            int block = Math.min(POSITIONS, part.positions() - position);
            if (look(position, block, seen) && !addBlock(position, block, count, columns, seen)) {
                return false;
            }
        }
        for (int column = 0; column < columns; column++) {
            finish(firstHead, column);
        }
        return true;
    }

    private long queries(int tile) {
        return tiles + tile * tileBytes;
    }

    private long sums(int tile) {
        return queries(tile) + (long) ROW * keyLength;
    }

    private long greatest(int tile) {
        return sums(tile) + (long) ROW * valueLength;
    }

    private long totals(int tile) {
        return greatest(tile) + ROW;
    }

    /** Sets the queries of a tile; columns that it lacks are zero. */
    private void begin(int firstHead, int tile, int columns) {
        Memory.clear(queries(tile), tileBytes);
        for (int i = 0; i < COLUMNS; i++) {
            int column = tile * COLUMNS + i;
            float finite = column >= columns ? 0
                    : AttentionTiles.intoColumn(part.query(column % part.tokens(), firstHead + column / part.tokens()), keyLength,
                            part.scale() * AttentionKernels.QUERY_FACTOR, queries(tile) + 4L * i);
            // a query that is not finite makes its results NaN, whether or not a score is
            Memory.f32(greatest(tile) + 4L * i, AttentionTiles.LEAST_SCORE + finite);
        }
    }

    /** Finds what each token sees of a block; whether any sees anything. */
    private boolean look(int position, int block, int[] seen) {
        boolean any = false;
        for (int token = 0; token < seen.length; token++) {
            seen[token] = part.mask(token) == 0 ? ALL : look(part.mask(token) + 2L * position, block);
            any |= seen[token] != NOTHING;
        }
        return any;
    }

    private static int look(long mask, int block) {
        int nothing = 0;
        int all = 0;
        for (int i = 0; i < block; i++) {
            short bits = Memory.i16(mask + 2L * i);
            nothing += bits == VectorAttention.MINUS_INFINITY ? 1 : 0;
            all += bits == 0 ? 1 : 0;
        }
        return nothing == block ? NOTHING : all == block ? ALL : SOME;
    }

    private boolean addBlock(int position, int block, int count, int columns, int[] seen) {
        long key = part.keys() + position * part.keyStride();
        long value = part.values() + position * part.valueStride();
        int bits = Math.max(AttentionTiles.widen(key, part.keyStride(), block, keyLength, keys),
                AttentionTiles.widen(value, part.valueStride(), block, valueLength, values));
        if (bits >= AttentionKernels.NO_NUMBER) {
            return false;
        }
        int padded = block + AttentionTiles.TOGETHER - 1 & -AttentionTiles.TOGETHER;
        Memory.clear(keys + 4L * block * keyLength, 4L * (padded - block) * keyLength);
        for (int tile = 0; tile < count; tile++) {
            int first = tile * COLUMNS;
            int last = Math.min(columns, first + COLUMNS);
            int least = SOME;
            int most = NOTHING;
            for (int column = first; column < last; column++) {
                int sees = seen[column % part.tokens()];
                least = Math.min(least, sees);
                most = Math.max(most, sees);
            }
            if (most != NOTHING) {
                AttentionTiles.scores(keys, padded, queries(tile), keyLength, ROW, scores);
                if (least != ALL || most != ALL) {
                    fillMasks(position, block, first, last);
                    AttentionTiles.addMask(scores, masks, block);
                }
                addTile(tile, block);
            }
        }
        return true;
    }

    /** Turns the masks of columns {@code first} to {@code last}, rows of positions, into columns. */
    private void fillMasks(int position, int block, int first, int last) {
        for (int column = first; column < last; column++) {
            long from = part.mask(column % part.tokens()) + 2L * position;
            long to = masks + 4L * (column - first);
            for (int i = 0; i < block; i++) {
                Memory.f32(to + (long) i * ROW, Memory.f16(from + 2L * i));
            }
        }
    }

    private void addTile(int tile, int block) {
        AttentionTiles.subtractGreatest(scores, block, greatest(tile), shares);
        AttentionKernels.weights(scores, block * COLUMNS, 0, vector);
        AttentionKernels.weights(shares, COLUMNS, 0, vector);
        AttentionTiles.addWeights(scores, block, shares, totals(tile));
        AttentionTiles.values(values, block, scores, shares, valueLength, sums(tile));
    }

    private void finish(int firstHead, int column) {
        int tile = column / COLUMNS;
        long offset = 4L * (column % COLUMNS);
        int head = firstHead + column / part.tokens();
        float greatest = Memory.f32(greatest(tile) + offset);
        boolean none = greatest == AttentionTiles.LEAST_SCORE;
        float factor = VectorAttention.factor(part, head, none ? Float.NEGATIVE_INFINITY : greatest,
                none ? 0 : Memory.f32(totals(tile) + offset));
        AttentionTiles.fromColumn(sums(tile) + offset, valueLength, factor, part.result(column % part.tokens(), head));
    }
}
