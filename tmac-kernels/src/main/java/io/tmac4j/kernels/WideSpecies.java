package io.tmac4j.kernels;

import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** The species of the kernels that do not shuffle: they load, multiply and add words, shorts and floats. */
final class WideSpecies {

    private static final VectorShape SHAPE = VectorShape.forBitSize(VectorWidth.chosen().bits());

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
}
