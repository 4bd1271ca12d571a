package io.tmac4j.kernels;

import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The species of the mpGEMM kernels, whose lanes are columns. They only load and add, so the widest vectors of the machine are
 * the best ones, unlike the shuffles of {@link Species}: on AVX2 decode works at 128 bits and mpGEMM at 256.
 */
final class ColumnSpecies {

    private static final VectorShape SHAPE = VectorShape.forBitSize(
            bits(System.getProperty(VectorWidth.PROPERTY), ShortVector.SPECIES_PREFERRED.vectorBitSize()));

    static final VectorSpecies<Short> SHORTS = VectorSpecies.of(short.class, SHAPE);
    static final VectorSpecies<Integer> INTS = VectorSpecies.of(int.class, SHAPE);
    static final VectorSpecies<Float> FLOATS = VectorSpecies.of(float.class, SHAPE);

    /** Columns of a column tile: the 16-bit lanes of a vector. */
    static final int COLUMNS = SHORTS.length();

    /** Bytes of a vector. */
    static final int BYTES = SHORTS.vectorByteSize();

    private ColumnSpecies() {
    }

    /** The width: the forced one, else the widest that the VM uses, of 128, 256 and 512 bits. */
    static int bits(String property, int preferredBits) {
        if (property != null) {
            return VectorWidth.choose(property, preferredBits).bits();
        }
        return preferredBits >= 512 ? 512 : preferredBits >= 256 ? 256 : 128;
    }
}
