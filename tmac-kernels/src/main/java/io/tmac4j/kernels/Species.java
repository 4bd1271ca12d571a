package io.tmac4j.kernels;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** The species of lookups, see {@link VectorWidth}: constants to the JIT, so that one source serves all widths. */
final class Species {

    private static final VectorShape SHAPE = VectorShape.forBitSize(VectorWidth.chosen().lookupBits());

    static final VectorSpecies<Byte> BYTES = VectorSpecies.of(byte.class, SHAPE);
    static final VectorSpecies<Short> SHORTS = VectorSpecies.of(short.class, SHAPE);
    static final VectorSpecies<Integer> INTS = VectorSpecies.of(int.class, SHAPE);
    static final VectorSpecies<Float> FLOATS = VectorSpecies.of(float.class, SHAPE);

    static final VectorSpecies<Byte> BYTES_128 = ByteVector.SPECIES_128;
    static final VectorSpecies<Byte> BYTES_256 = ByteVector.SPECIES_256;
    static final VectorSpecies<Integer> INTS_128 = IntVector.SPECIES_128;
    static final VectorSpecies<Integer> INTS_256 = IntVector.SPECIES_256;
    static final VectorSpecies<Float> FLOATS_128 = FloatVector.SPECIES_128;
    static final VectorSpecies<Float> FLOATS_256 = FloatVector.SPECIES_256;

    /** Byte lanes of a vector. */
    static final int LANES = BYTES.length();

    private Species() {
    }
}
