package io.tmac4j.kernels;

import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.spi.MatMulBatch;
import io.tmac4j.bindings.spi.MatMulEngine;
import io.tmac4j.bindings.spi.OffHeap;
import io.tmac4j.bindings.spi.PackedWeights;
import io.tmac4j.bindings.spi.WeightTensor;
import io.tmac4j.bindings.spi.WorkerPool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * One product through the engine's interface, with its memory, the product in double precision, and a bound of what rounding
 * activations may cost. Blocks are random with sane scales until they are changed.
 */
final class TestProduct implements AutoCloseable {

    /** Activations that share a rounding step in any kernel lie in one block of this many. */
    private static final int STEP_WEIGHTS = 256;

    /** What an engine may leave unwritten is this, so that it is seen. */
    private static final float UNWRITTEN = 0x1.23456p78f;

    /** Sums of blocks whose activations are all smaller than this may be taken for zero. */
    private static final double NEGLIGIBLE = 0x1p-109;

    private final Arena arena = Arena.ofShared();
    private final BlockFormat format;
    private final int k;
    private final int rows;
    private final int columns;
    private final WeightTensor tensor;
    private final MemorySegment blocks;
    private final MemorySegment input;
    private final MemorySegment output;

    TestProduct(BlockFormat format, int k, int rows, int columns, long seed) {
        this.format = format;
        this.k = k;
        this.rows = rows;
        this.columns = columns;
        tensor = RandomBlocks.tensor(format, k, rows, 1, seed, arena);
        blocks = OffHeap.ALL.asSlice(tensor.address(), tensor.byteSize());
        input = arena.allocate(Float.BYTES * (long) columns * k, 64);
        output = arena.allocate(Float.BYTES * (long) columns * rows, 64);
    }

    /** The numbers of a block along a row that a change can depend on. */
    @FunctionalInterface
    interface BlockScale {

        /** The bits of f16 number {@code half} of block {@code block} in {@code row}, or a negative number to leave it. */
        int bits(int row, int block, int half);
    }

    /** Activation {@code i} of a column. */
    @FunctionalInterface
    interface Activation {

        float at(int column, int i);
    }

    /** Changes f16 numbers of blocks. */
    TestProduct scales(BlockScale scale) {
        for (int row = 0; row < rows; row++) {
            for (int block = 0; block < k / format.type().blockSize(); block++) {
                for (int half = 0; half < format.halves(); half++) {
                    int bits = scale.bits(row, block, half);
                    if (bits >= 0) {
                        RandomBlocks.setHalf(format, blocks.asSlice(blockAt(row, block)), half, (short) bits);
                    }
                }
            }
        }
        return this;
    }

    /** Sets the codes of all blocks to one byte, and the integer scales of sub-blocks, where there are any, to another. */
    TestProduct fill(int codes, int subScales) {
        int first = firstSubScale();
        int last = first + subScaleBytes();
        for (int row = 0; row < rows; row++) {
            for (int block = 0; block < k / format.type().blockSize(); block++) {
                for (int i = 0; i < format.type().blockBytes(); i++) {
                    if (!RandomBlocks.isHalf(format, i)) {
                        blocks.set(ValueLayout.JAVA_BYTE, blockAt(row, block) + i,
                                (byte) (i >= first && i < last ? subScales : codes));
                    }
                }
            }
        }
        return this;
    }

    private int firstSubScale() {
        return switch (format.type()) {
            case Q3_K -> 96;
            case Q4_K -> 4;
            case IQ4_XS -> 2;
            default -> 0;
        };
    }

    private int subScaleBytes() {
        return switch (format.type()) {
            case Q2_K -> 16;
            case Q3_K, Q4_K -> 12;
            case IQ4_XS -> 6;
            default -> 0;
        };
    }

    private long blockAt(int row, int block) {
        return row * tensor.rowBytes() + (long) block * format.type().blockBytes();
    }

    TestProduct activations(Activation activation) {
        for (int column = 0; column < columns; column++) {
            for (int i = 0; i < k; i++) {
                input.setAtIndex(ValueLayout.JAVA_FLOAT, (long) column * k + i, activation.at(column, i));
            }
        }
        return this;
    }

    /** Packs and multiplies. */
    void multiply(MatMulEngine engine, int threads) {
        multiply(engine, engine.pack(tensor, WorkerPool.shared()), threads);
    }

    /** Packs in this form and multiplies. */
    void multiply(TypeTuning tuning, int threads) {
        multiply(new TmacEngine(), Packer.pack(format, tensor, tuning, WorkerPool.shared(), 2), threads);
    }

    /** Packs as words of this form and multiplies. */
    void multiply(WordForm form, int threads) {
        WordMatrix matrix = new WordMatrix(format, form, k, rows, 1);
        Packer.fill(matrix, tensor, WorkerPool.shared(), 2);
        multiply(new TmacEngine(), matrix, threads);
    }

    /** Whether the default mode rounds the scales of a format's sub-blocks here. */
    static boolean roundsScales(BlockFormat format) {
        return format.packedWords(TableMode.DEFAULT).filter(form -> form.scales() == WordForm.Scales.ROUNDED).isPresent();
    }

    private void multiply(MatMulEngine engine, PackedWeights weights, int threads) {
        for (long i = 0; i < (long) columns * rows; i++) {
            output.setAtIndex(ValueLayout.JAVA_FLOAT, i, UNWRITTEN);
        }
        MatMulBatch batch = new MatMulBatch(WorkerPool.shared(), () -> false);
        try (PackedWeights packed = weights) {
            batch.clear(threads);
            batch.add().dense(packed, columns, input.address(), 4L * k, output.address(), 4L * rows);
            engine.multiply(batch);
        } finally {
            close(batch.engineState());
        }
    }

    static void close(Object state) {
        if (state instanceof AutoCloseable closeable) {
            try {
                closeable.close();
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }
    }

    float result(int column, int row) {
        return output.getAtIndex(ValueLayout.JAVA_FLOAT, (long) column * rows + row);
    }

    long weights(int row) {
        return tensor.address() + row * tensor.rowBytes();
    }

    long activations(int column) {
        return input.address() + 4L * k * column;
    }

    /** The product itself. */
    double expected(int column, int row) {
        return ScalarReference.dot(format, weights(row), activations(column), k);
    }

    /** One row's weights, and what decides how far a kernel may be off. */
    final class Row {

        private final int row;
        private final double[] weights = new double[k];
        /** Greatest difference between two weights that the codes allow, plus the min: in proportion to it a lookup rounds. */
        private final double[] spans = new double[k];

        Row(int row) {
            this.row = row;
            Block block = new Block();
            int size = format.type().blockSize();
            int subWeights = format.subWeights();
            for (int at = 0; at < k; at += size) {
                format.read(weights(row) + format.type().rowBytes(at), block);
                for (int i = 0; i < size; i++) {
                    int sub = i / subWeights;
                    weights[at + i] = (double) block.scale * block.scales[sub] * block.codes[i]
                            + (double) block.min * block.mins[sub];
                    spans[at + i] = Math.abs((double) block.scale * block.scales[sub]) * codeSpan()
                            + Math.abs((double) block.min * block.mins[sub]);
                }
            }
        }

        double[] all() {
            return weights;
        }

        /**
         * How far the result of a column is from the product, in units of its bound: activations rounded in steps of a 127th of
         * the greatest of 256 neighbours, wherever rounding happens, and f32 arithmetic.
         */
        double error(int column) {
            double product = 0;
            double size = 0;
            double bound = 0;
            for (int from = 0; from < k; from += STEP_WEIGHTS) {
                double greatest = 0;
                double spansOfStep = 0;
                for (int i = from; i < Math.min(k, from + STEP_WEIGHTS); i++) {
                    double activation = input.getAtIndex(ValueLayout.JAVA_FLOAT, (long) column * k + i);
                    double term = weights[i] * activation;
                    product += term;
                    size += Math.abs(term);
                    greatest = Math.max(greatest, Math.abs(activation));
                    spansOfStep += spans[i];
                }
                bound += spansOfStep * (greatest / 254 + NEGLIGIBLE);
            }
            bound += 1e-5 * size + Float.MIN_NORMAL;
            return Math.abs(result(column, row) - product) / bound;
        }
    }

    private int codeSpan() {
        return codeSpan(format.type());
    }

    private static int codeSpan(GgmlType type) {
        return switch (type) {
            case Q1_0, TQ1_0, TQ2_0 -> 2;
            case Q2_0, Q2_K -> 3;
            case Q3_K -> 7;
            case MXFP4 -> 24;
            case IQ4_NL, IQ4_XS -> 240;
            default -> 15;
        };
    }

    /** The greatest {@link Row#error} of all results; NaN if a result is not a number. */
    double error() {
        double greatest = 0;
        for (int row = 0; row < rows; row++) {
            Row one = new Row(row);
            for (int column = 0; column < columns; column++) {
                double error = one.error(column);
                if (!(error <= greatest)) {
                    greatest = error;
                }
                if (Double.isNaN(error)) {
                    return error;
                }
            }
        }
        return greatest;
    }

    /** The results, column by column. */
    float[] results() {
        float[] all = new float[columns * rows];
        MemorySegment.copy(output, ValueLayout.JAVA_FLOAT, 0, all, 0, all.length);
        return all;
    }

    @Override
    public void close() {
        arena.close();
    }
}
