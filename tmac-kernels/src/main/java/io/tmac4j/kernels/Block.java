package io.tmac4j.kernels;

/**
 * One block, unpacked: the weight at place {@code i} of sub-block {@code s} is
 * {@code scale * scales[s] * codes[i] + min * mins[s]}.
 * Every number but the two floats is an integer, as in llama.cpp's own integer dot products.
 */
final class Block {

    /** Signed integer weights. */
    final int[] codes = new int[256];
    /** Integer scales of the sub-blocks. */
    final int[] scales = new int[16];
    /** Integer mins of the sub-blocks; 0 where the format has none. */
    final int[] mins = new int[16];
    /** The block's scale. */
    float scale;
    /** Factor of the integer mins, with its sign. */
    float min;

    /** Sets the fields of a block with a single scale and no min. */
    void plain(float newScale) {
        scale = newScale;
        min = 0;
        scales[0] = 1;
        mins[0] = 0;
    }

    /** The weight at place {@code i}, where a sub-block holds {@code subWeights}. */
    float weight(int i, int subWeights) {
        int sub = i / subWeights;
        return scale * scales[sub] * codes[i] + min * mins[sub];
    }
}
