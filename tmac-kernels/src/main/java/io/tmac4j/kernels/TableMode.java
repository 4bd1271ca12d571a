package io.tmac4j.kernels;

/**
 * How exactly weights are looked up that could be looked up faster or more exactly; types that are multiplied, all of four bits
 * among them, are exact in every mode, but for the scales of Q4_K, see {@link RoundedScales}.
 */
enum TableMode {

    /**
     * Equal to integer arithmetic on activations of 8 bits. Types that have words are multiplied; for one bit two byte tables, of
     * the low and of the high byte of 16-bit entries, are looked up, which takes twice the time.
     */
    EXACT(0, 0),

    /** Entries of 8 bits. */
    DEFAULT(127, 128),

    /** Entries of 7 bits, two of which are added as bytes: faster, and four times the error. With sub-blocks, as the default. */
    FAST(63, 64);

    /** System property: {@code exact}, {@code default} or {@code fast}. Read whenever weights are packed. */
    static final String PROPERTY = "tmac.mode";

    private final int greatest;
    private final int bias;

    TableMode(int greatest, int bias) {
        this.greatest = greatest;
        this.bias = bias;
    }

    /** The greatest entry of a table with one byte an entry. */
    int greatest() {
        return greatest;
    }

    /** What an entry of 0 is stored as in such a table. */
    int bias() {
        return bias;
    }

    /** Byte tables that serve one group of weights. */
    int tablesPerGroup() {
        return this == EXACT ? 2 : 1;
    }

    /** The mode that the system property names. */
    static TableMode chosen() {
        return of(System.getProperty(PROPERTY));
    }

    static TableMode of(String property) {
        return switch (property) {
            case null -> DEFAULT;
            case "exact" -> EXACT;
            case "default" -> DEFAULT;
            case "fast" -> FAST;
            default -> throw new IllegalStateException("the property " + PROPERTY + " is " + property
                    + "; give exact, default or fast");
        };
    }
}
