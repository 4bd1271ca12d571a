package io.tmac4j.comparison.synth;

import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.WeightMatrix;
import java.util.stream.IntStream;

/** A matrix of random weights that belongs to no model. */
public final class RandomMatrix {

    private RandomMatrix() {
    }

    /**
     * Draws a matrix. Its weights have the standard deviation {@code 1 / sqrt(k)}, so that products with normal activations are
     * about as large as these.
     *
     * @param type one of {@link SyntheticModel#types()}
     * @param rows rows
     * @param k    weights a row, a multiple of the type's block size
     * @param seed the same seed gives the same weights everywhere
     */
    public static WeightMatrix of(GgmlType type, int rows, int k, long seed) {
        RandomBlocks random = new RandomBlocks(type, 0, 1 / Math.sqrt(k), false);
        int rowBytes = Math.toIntExact(type.rowBytes(k));
        byte[] blocks = new byte[Math.multiplyExact(rows, rowBytes)];
        IntStream.range(0, rows).parallel().forEach(row -> {
            byte[] drawn = new byte[rowBytes];
            random.fill(BlockRandom.of(seed, type.name(), row), drawn, rowBytes);
            System.arraycopy(drawn, 0, blocks, row * rowBytes, rowBytes);
        });
        return new WeightMatrix(type, rows, k, blocks);
    }
}
