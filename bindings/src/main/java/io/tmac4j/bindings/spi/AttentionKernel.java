package io.tmac4j.bindings.spi;

/**
 * Attention of single tokens, or of several at once, over keys and values of f16 numbers. All methods may be called from several
 * threads at once.
 */
public interface AttentionKernel {

    /**
     * Whether it computes attention with keys and values of these lengths.
     *
     * @param keyLength   numbers of a key and of a query
     * @param valueLength numbers of a value and of a result
     */
    boolean takes(int keyLength, int valueLength);

    /**
     * How many tokens a part may have at most; 1 if they are to be taken one by one.
     *
     * @param tokens    tokens of a stream
     * @param positions positions of its cache
     */
    int tokensOfPart(int tokens, int positions);

    /** Bytes of scratch memory that {@link #attend} needs. */
    long scratchBytes(int keyLength, int valueLength);

    /**
     * Computes a part. That of one token must not allocate.
     *
     * @param scratch {@link #scratchBytes} bytes that no other thread uses meanwhile
     * @return false if a key or value is infinite or no number: the results are then undefined. For several tokens it may be one
     *         that none of them sees
     */
    boolean attend(AttentionPart part, long scratch);
}
