package io.tmac4j.kernels;

import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The species of the kernels that do not shuffle: they load, multiply and add, so the widest vectors of the machine are the best
 * ones, unlike the shuffles of {@link Species}, which AVX2 has at 128 bits only.
 */
final class WideSpecies {

    private static final VectorShape SHAPE = VectorShape.forBitSize(
            bits(System.getProperty(VectorWidth.PROPERTY), ShortVector.SPECIES_PREFERRED.vectorBitSize()));

    static final VectorSpecies<Short> SHORTS = VectorSpecies.of(short.class, SHAPE);
    static final VectorSpecies<Integer> INTS = VectorSpecies.of(int.class, SHAPE);
    static final VectorSpecies<Float> FLOATS = VectorSpecies.of(float.class, SHAPE);

    /** As many f16 numbers as a vector has floats. */
    static final VectorSpecies<Short> HALVES =
            VectorSpecies.of(short.class, VectorShape.forBitSize(SHAPE.vectorBitSize() / 2));

    /** Bytes of a vector. */
    static final int BYTES = SHORTS.vectorByteSize();

    /** Columns of a column tile of mpGEMM: the 16-bit lanes of a vector. */
    static final int COLUMNS = SHORTS.length();

    /** Rows of a tile of words: the 32-bit lanes of a vector. */
    static final int ROWS = INTS.length();

    private WideSpecies() {
    }

    /** The width: the forced one, else the widest that the VM uses, of 128, 256 and 512 bits. */
    static int bits(String property, int preferredBits) {
        if (property != null) {
            return VectorWidth.choose(property, preferredBits).bits();
        }
        return preferredBits >= 512 ? 512 : preferredBits >= 256 ? 256 : 128;
    }
}
