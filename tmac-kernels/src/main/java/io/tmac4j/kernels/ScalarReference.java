package io.tmac4j.kernels;

/** What a product is, in plain Java: the specification that the kernels are tested against. */
final class ScalarReference {

    private ScalarReference() {
    }

    /** Inner product of one row in ggml's layout with f32 activations, in double precision. */
    static double dot(BlockFormat format, long row, long activations, int k) {
        Block block = new Block();
        int size = format.type().blockSize();
        double sum = 0;
        for (int at = 0; at < k; at += size) {
            format.read(row + format.type().rowBytes(at), block);
            for (int i = 0; i < size; i++) {
                sum += (double) block.weight(i, format.subWeights()) * Memory.f32(activations + 4L * (at + i));
            }
        }
        return sum;
    }

    /** Unpacks the weights of one row in ggml's layout into {@code weights[0 .. k)}. */
    static void unpackRow(BlockFormat format, long row, float[] weights, int k) {
        Block block = new Block();
        int size = format.type().blockSize();
        for (int at = 0; at < k; at += size) {
            format.read(row + format.type().rowBytes(at), block);
            for (int i = 0; i < size; i++) {
                weights[at + i] = block.weight(i, format.subWeights());
            }
        }
    }
}
