package io.tmac4j.kernels;

import static io.tmac4j.kernels.GemmKernels.ADDRESS;
import static io.tmac4j.kernels.GemmKernels.OFFSET;
import static io.tmac4j.kernels.WideSpecies.BYTES;
import static io.tmac4j.kernels.WideSpecies.FLOATS;
import static io.tmac4j.kernels.WideSpecies.INTS;
import static io.tmac4j.kernels.WideSpecies.SHORTS;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.B2S;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import io.tmac4j.bindings.spi.OffHeap;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * mpGEMM with a codebook. Sums of signed bytes times 8-bit activations do not fit 16 bits, but they are exact as floats, which
 * hold integers up to 2^24, and a fused multiplication and addition of floats costs no more than the two instructions of twice
 * as many 16-bit numbers. Values of the codes and activations become floats once a step, the values for a group of column
 * tiles. See {@link Gemm} for the scratch memory.
 */
final class CodebookGemm {

    /** Rows that are worked on together, two vectors of columns each. */
    private static final int ROWS = 4;

    /** Undoes that scales of columns are meant for sums in the upper halves of ints. */
    private static final float UPPER = 0x1p16f;

    private static final int TILE_ROWS = WordLayout.TILE_ROWS;
    private static final MemorySegment ALL = OffHeap.ALL;
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;

    private CodebookGemm() {
    }

    /**
     * All steps along k for consecutive tiles and a group of column tiles.
     *
     * @param tileBytes bytes from a column tile to the next
     */
    static void multiply(WordMatrix matrix, long weights, int tiles, long activations, long tileBytes, int columnTiles,
            long scratch) {
        WordLayout layout = matrix.layout();
        GemmShape shape = matrix.gemmShape();
        int rows = tiles * TILE_ROWS;
        int count = shape.partWeights();
        long numbers = scratch + Gemm.SUMS;
        for (int step = 0; step < shape.steps(layout.k()); step++) {
            long column = activations + step * ColumnBlocks.stepBytes(shape);
            int parts = shape.nested() ? GemmShape.PARTS : shape.parts(layout.k(), step);
            for (int tile = 0; tile < tiles; tile++) {
                unpack(layout, shape, weights + tile * layout.tileBytes(), step, parts, 4L * rows,
                        scratch + 4L * tile * TILE_ROWS, scratch + Gemm.SCALES + 4L * tile * TILE_ROWS);
            }
            for (int tile = 0; tile < columnTiles; tile++) {
                long tileColumn = column + tile * tileBytes;
                long columnScales = tileColumn + ColumnBlocks.columnScales(shape);
                toFloats(tileColumn, parts * count, numbers);
                for (int part = 0; part < parts; part++) {
                    products(scratch + 4L * part * count * rows, numbers + 2L * part * count * BYTES, count, rows,
                            scratch + Gemm.SCALES + 4L * part * rows,
                            shape.nested() ? columnScales : columnScales + 2L * part * BYTES,
                            scratch + Gemm.FLOATS + 2L * tile * rows * BYTES);
                }
            }
        }
    }

    /** Values and scales of one tile and step, {@code next} bytes from a weight or scale to the next one of a row. */
    private static void unpack(WordLayout layout, GemmShape shape, long tile, int step, int parts, long next, long values,
            long scales) {
        WordForm form = layout.form();
        byte[] table = form.codebook().table();
        if (shape.nested()) {
            int block = step / shape.stepsPerBlock();
            int first = step % shape.stepsPerBlock() * GemmShape.PARTS;
            for (int part = 0; part < parts; part++) {
                values(table, tile + layout.codes(block) + (long) (first + part) * form.sumWords() * BYTES,
                        values + part * shape.partWeights() * next, next);
            }
            RowScales.nested(layout, tile, block, first, next, scales, scales);
            return;
        }
        for (int part = 0; part < parts; part++) {
            int block = step * GemmShape.PARTS + part;
            values(table, tile + layout.codes(block), values + part * shape.partWeights() * next, next);
            long half = tile + layout.halves(block);
            if (form.scales() == WordForm.Scales.POWERS) {
                RowScales.powers(half, scales + part * next);
            } else {
                RowScales.halves(half, 0, 1, scales + part * next);
            }
        }
    }

    /** The values of 32 weights of all rows of a tile. */
    private static void values(byte[] table, long codes, long target, long next) {
        ByteVector values = ByteVector.fromArray(CodebookSums.CODES, table, 0);
        for (int half = 0; half < 8; half++) {
            IntVector x = IntVector.fromMemorySegment(CodebookSums.CODE_INTS, ALL, codes + half * (BYTES / 2), LITTLE);
            IntVector low = x.reinterpretAsBytes().selectFrom(values).convertShape(B2S, SHORTS, 0).reinterpretAsInts();
            IntVector high = x.lanewise(LSHR, 4).reinterpretAsBytes().selectFrom(values).convertShape(B2S, SHORTS, 0)
                    .reinterpretAsInts();
            long to = target + 2 * half * next;
            low.lanewise(LSHL, 16).lanewise(ASHR, 16).convert(I2F, 0).reinterpretAsFloats()
                    .intoMemorySegment(ALL, to, LITTLE);
            low.lanewise(ASHR, 16).convert(I2F, 0).reinterpretAsFloats()
                    .intoMemorySegment(ALL, to + next, LITTLE);
            to += 16 * next;
            high.lanewise(LSHL, 16).lanewise(ASHR, 16).convert(I2F, 0).reinterpretAsFloats()
                    .intoMemorySegment(ALL, to, LITTLE);
            high.lanewise(ASHR, 16).convert(I2F, 0).reinterpretAsFloats()
                    .intoMemorySegment(ALL, to + next, LITTLE);
        }
    }

    /** Activations as floats: of each vector first the even columns, then the odd ones. */
    private static void toFloats(long activations, int count, long target) {
        for (int i = 0; i < count; i++) {
            IntVector x = IntVector.fromMemorySegment(INTS, ALL, (activations & ADDRESS) + ((long) i * BYTES & OFFSET), LITTLE);
            long to = (target & ADDRESS) + (2L * i * BYTES & OFFSET);
            ((FloatVector) x.lanewise(LSHL, 16).lanewise(ASHR, 16).convert(I2F, 0)).intoMemorySegment(ALL, to, LITTLE);
            ((FloatVector) x.lanewise(ASHR, 16).convert(I2F, 0)).intoMemorySegment(ALL, to + BYTES, LITTLE);
        }
    }

    /** {@code floats[row] += columnScale * rowScale[row] * (sum over count of value[row] * activation)}. */
    private static void products(long values, long activations, int count, int rows, long rowScales, long columnScales,
            long floats) {
        FloatVector zero = FloatVector.zero(FLOATS);
        long scale = columnScales & ADDRESS;
        FloatVector even = FloatVector.fromMemorySegment(FLOATS, ALL, scale, LITTLE).mul(UPPER);
        FloatVector odd = FloatVector.fromMemorySegment(FLOATS, ALL, scale + BYTES, LITTLE).mul(UPPER);
        for (int row = 0; row < rows; row += ROWS) {
            FloatVector e0 = zero;
            FloatVector e1 = e0;
            FloatVector e2 = e0;
            FloatVector e3 = e0;
            FloatVector o0 = e0;
            FloatVector o1 = e0;
            FloatVector o2 = e0;
            FloatVector o3 = e0;
            for (int i = 0; i < count; i++) {
                long from = (activations & ADDRESS) + (2L * i * BYTES & OFFSET);
                long value = (values & ADDRESS) + (4L * (i * rows + row) & OFFSET);
                FloatVector x = FloatVector.fromMemorySegment(FLOATS, ALL, from, LITTLE);
                FloatVector y = FloatVector.fromMemorySegment(FLOATS, ALL, from + BYTES, LITTLE);
                FloatVector w = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, value));
                e0 = x.fma(w, e0);
                o0 = y.fma(w, o0);
                w = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, value + 4));
                e1 = x.fma(w, e1);
                o1 = y.fma(w, o1);
                w = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, value + 8));
                e2 = x.fma(w, e2);
                o2 = y.fma(w, o2);
                w = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, value + 12));
                e3 = x.fma(w, e3);
                o3 = y.fma(w, o3);
            }
            long to = (floats & ADDRESS) + (2L * row * BYTES & OFFSET);
            long s = (rowScales & ADDRESS) + (4L * row & OFFSET);
            FloatVector w = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, s));
            even.mul(e0).fma(w, FloatVector.fromMemorySegment(FLOATS, ALL, to, LITTLE)).intoMemorySegment(ALL, to, LITTLE);
            to += BYTES;
            odd.mul(o0).fma(w, FloatVector.fromMemorySegment(FLOATS, ALL, to, LITTLE)).intoMemorySegment(ALL, to, LITTLE);
            to += BYTES;
            w = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, s + 4));
            even.mul(e1).fma(w, FloatVector.fromMemorySegment(FLOATS, ALL, to, LITTLE)).intoMemorySegment(ALL, to, LITTLE);
            to += BYTES;
            odd.mul(o1).fma(w, FloatVector.fromMemorySegment(FLOATS, ALL, to, LITTLE)).intoMemorySegment(ALL, to, LITTLE);
            to += BYTES;
            w = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, s + 8));
            even.mul(e2).fma(w, FloatVector.fromMemorySegment(FLOATS, ALL, to, LITTLE)).intoMemorySegment(ALL, to, LITTLE);
            to += BYTES;
            odd.mul(o2).fma(w, FloatVector.fromMemorySegment(FLOATS, ALL, to, LITTLE)).intoMemorySegment(ALL, to, LITTLE);
            to += BYTES;
            w = FloatVector.broadcast(FLOATS, ALL.get(Memory.FLOAT, s + 12));
            even.mul(e3).fma(w, FloatVector.fromMemorySegment(FLOATS, ALL, to, LITTLE)).intoMemorySegment(ALL, to, LITTLE);
            to += BYTES;
            odd.mul(o3).fma(w, FloatVector.fromMemorySegment(FLOATS, ALL, to, LITTLE)).intoMemorySegment(ALL, to, LITTLE);
        }
    }
}
