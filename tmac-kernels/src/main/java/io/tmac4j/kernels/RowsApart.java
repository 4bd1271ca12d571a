package io.tmac4j.kernels;

import io.tmac4j.bindings.spi.MatMul;
import io.tmac4j.bindings.spi.MatMulBatch;
import io.tmac4j.bindings.spi.ParallelTask;
import io.tmac4j.bindings.spi.WeightTensor;
import java.lang.foreign.Arena;
import java.util.Arrays;

/**
 * Rows of a tensor that the kernels would get wrong, which no quantiser writes: with a scale that is infinite or no number (the
 * kernels read f16 numbers by a shift and take it for a number), or with a code that a table has no entry for. They are kept as
 * they are in the file, and their results are computed anew once the kernels are done, so that the kernels need not look.
 *
 * @param format of the weights
 * @param tensor the rows that are kept, one after the other, as a matrix of its own
 * @param places where each of them stands, {@code expert * rows + row}, ascending
 * @param rows   rows of one matrix of the whole tensor
 * @param arena  of the memory
 */
record RowsApart(BlockFormat format, WeightTensor tensor, long[] places, int rows, Arena arena) implements AutoCloseable {

    /** Keeps the rows of {@code source} at these places. */
    static RowsApart copy(BlockFormat format, WeightTensor source, long[] places) {
        Arrays.sort(places);
        Arena arena = Arena.ofShared();
        try {
            long rowBytes = source.rowBytes();
            long address = arena.allocate(places.length * rowBytes, Long.BYTES).address();
            for (int i = 0; i < places.length; i++) {
                Memory.copy(source.address() + places[i] * rowBytes, address + i * rowBytes, rowBytes);
            }
            WeightTensor kept = new WeightTensor(source.name(), source.type(), source.k(), places.length, 1, address);
            return new RowsApart(format, kept, places, Math.toIntExact(source.rows()), arena);
        } catch (Throwable t) {
            arena.close();
            throw t;
        }
    }

    /** Whether an f16 number is infinite or not a number. */
    static boolean isNoNumber(short half) {
        return (half & 0x7c00) == 0x7c00;
    }

    long byteSize() {
        return tensor.byteSize();
    }

    /** Computes the results of these rows in all columns of a product. */
    void multiply(MatMul product, MatMulBatch batch) {
        batch.pool().run(batch.threads(), new Products(this, product, batch));
    }

    private void multiply(MatMul product, int column, Block block) {
        long first = (long) product.expert(column) * rows;
        long activations = product.activation(column);
        int i = Arrays.binarySearch(places, first);
        for (i = i < 0 ? -i - 1 : i; i < places.length && places[i] < first + rows; i++) {
            Memory.f32(product.destination(column) + 4 * (places[i] - first), dot(i, activations, block));
        }
    }

    /** Scales multiply sums, not weights, as in llama.cpp: an infinite one makes a result infinite, not always no number. */
    private float dot(int row, long activations, Block block) {
        int k = Math.toIntExact(tensor.k());
        int size = format.type().blockSize();
        int subWeights = format.subWeights();
        boolean hasMins = format.halves() > 1;
        float result = 0;
        for (int at = 0; at < k; at += size) {
            format.read(tensor.address() + row * tensor.rowBytes() + format.type().rowBytes(at), block);
            double sum = 0;
            double mins = 0;
            for (int i = 0; i < size; i++) {
                float activation = Memory.f32(activations + 4L * (at + i));
                sum += (double) block.scales[i / subWeights] * block.codes[i] * activation;
                mins += (double) block.mins[i / subWeights] * activation;
            }
            result += (float) (block.scale * sum);
            if (hasMins) {
                result += (float) (block.min * mins);
            }
        }
        return result;
    }

    @Override
    public void close() {
        arena.close();
    }

    /** A chunk is a column. */
    private record Products(RowsApart rows, MatMul product, MatMulBatch batch) implements ParallelTask {

        @Override
        public int phases() {
            return 1;
        }

        @Override
        public int chunks(int phase) {
            return product.columns();
        }

        @Override
        public void run(int phase, int chunk, int worker) {
            if (!batch.isCancelled()) {
                rows.multiply(product, chunk, new Block());
            }
        }
    }
}
