package io.tmac4j.bindings.spi;

/**
 * A part of the attention of a token, or of some consecutive ones: query heads that share the keys and values of one key head.
 * For each query q the result is {@code softmax(scale * K q + mask) V} over the positions of the cache whose mask is not minus
 * infinity. A position's key and
 * value are rows of f16 numbers, a query and its result rows of f32 numbers.
 *
 * <p>Addresses are absolute, strides are the bytes from one row to the next. Mutable and reused, so that a decode step allocates
 * nothing; kernels only read it.
 */
public final class AttentionPart {

    private long queries;
    private long queryStride;
    private int heads;
    private long keys;
    private long keyStride;
    private int keyLength;
    private long values;
    private long valueStride;
    private int valueLength;
    private int positions;
    private long mask;
    private long sinks;
    private float scale;
    private long results;
    private long resultStride;
    private int tokens = 1;
    private long queryTokenStride;
    private long maskTokenStride;
    private long resultTokenStride;

    /** For bridges and tests; the bridge reuses its instances. */
    public AttentionPart() {
    }

    /**
     * Sets how many tokens there are, 1 unless this is called, and how far apart they are: addresses are those of the first one.
     *
     * @param queries bytes from a token's queries to the next one's
     * @param masks   bytes from a token's mask to the next one's
     * @param results bytes from a token's results to the next one's
     */
    public AttentionPart tokens(int count, long queries, long masks, long results) {
        tokens = count;
        queryTokenStride = queries;
        maskTokenStride = masks;
        resultTokenStride = results;
        return this;
    }

    /** Sets the queries, one a head. */
    public AttentionPart queries(long address, long stride, int count) {
        queries = address;
        queryStride = stride;
        heads = count;
        return this;
    }

    /** Sets the keys, one a position, of {@code length} numbers each, as a query has. */
    public AttentionPart keys(long address, long stride, int length) {
        keys = address;
        keyStride = stride;
        keyLength = length;
        return this;
    }

    /** Sets the values, one a position, of {@code length} numbers each, as a result has. */
    public AttentionPart values(long address, long stride, int length) {
        values = address;
        valueStride = stride;
        valueLength = length;
        return this;
    }

    /**
     * Sets what is added to scores.
     *
     * @param address f16 numbers, one a position, of the first token; 0 if nothing is added
     * @param count   positions of the cache
     */
    public AttentionPart mask(long address, int count) {
        mask = address;
        positions = count;
        return this;
    }

    /** Sets scores of positions without a value, an f32 number a head; 0 if there are none. */
    public AttentionPart sinks(long address) {
        sinks = address;
        return this;
    }

    /** Sets what products of keys and queries are multiplied with. */
    public AttentionPart scale(float factor) {
        scale = factor;
        return this;
    }

    /** Sets where the results go, one a head. */
    public AttentionPart results(long address, long stride) {
        results = address;
        resultStride = stride;
        return this;
    }

    /** Tokens, each with a query a head. */
    public int tokens() {
        return tokens;
    }

    /** Queries of a token, each with a result. */
    public int heads() {
        return heads;
    }

    /** Address of the query of a token and head. */
    public long query(int token, int head) {
        return queries + token * queryTokenStride + head * queryStride;
    }

    /** Address of the key of position 0. */
    public long keys() {
        return keys;
    }

    /** Bytes from a position's key to the next one's. */
    public long keyStride() {
        return keyStride;
    }

    /** Numbers of a key and of a query. */
    public int keyLength() {
        return keyLength;
    }

    /** Address of the value of position 0. */
    public long values() {
        return values;
    }

    /** Bytes from a position's value to the next one's. */
    public long valueStride() {
        return valueStride;
    }

    /** Numbers of a value and of a result. */
    public int valueLength() {
        return valueLength;
    }

    /** Positions of the cache. */
    public int positions() {
        return positions;
    }

    /** Address of the f16 numbers that are added to scores of a token, or 0. */
    public long mask(int token) {
        return mask == 0 ? 0 : mask + token * maskTokenStride;
    }

    /** Address of the f32 scores of positions without a value, or 0. */
    public long sinks() {
        return sinks;
    }

    /** What products of keys and queries are multiplied with. */
    public float scale() {
        return scale;
    }

    /** Address of the result of a token and head. */
    public long result(int token, int head) {
        return results + token * resultTokenStride + head * resultStride;
    }
}
