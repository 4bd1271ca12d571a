package io.tmac4j.kernels.ablation;

import io.tmac4j.bindings.spi.PackedWeights;
import io.tmac4j.bindings.spi.ParallelTask;
import io.tmac4j.bindings.spi.WeightTensor;
import io.tmac4j.bindings.spi.WorkerPool;
import io.tmac4j.kernels.Memory;
import java.lang.foreign.Arena;

/** Weights as indices of bit planes. */
final class PlaneMatrix implements PackedWeights {

    private static final long ALIGNMENT = 4096;

    private final Arena arena = Arena.ofShared();
    private final PlaneForm form;
    private final PlaneLayout layout;
    private final long address;
    private boolean closed;

    private PlaneMatrix(PlaneForm form, PlaneLayout layout) {
        this.form = form;
        this.layout = layout;
        this.address = arena.allocate(layout.byteSize(), ALIGNMENT).address();
    }

    static PlaneMatrix pack(PlaneForm form, PlaneLayout layout, WeightTensor source, WorkerPool pool) {
        PlaneMatrix matrix = new PlaneMatrix(form, layout);
        try {
            pool.run(Runtime.getRuntime().availableProcessors(), matrix.new Packing(source));
        } catch (Throwable t) {
            matrix.close();
            throw t;
        }
        return matrix;
    }

    /** A tile of rows a chunk. */
    private final class Packing implements ParallelTask {

        private final WeightTensor source;

        Packing(WeightTensor source) {
            this.source = source;
        }

        @Override
        public int phases() {
            return 1;
        }

        @Override
        public int chunks(int phase) {
            return layout.tiles();
        }

        @Override
        public void run(int phase, int tile, int worker) {
            long[] words = new long[2];
            long[] indices = new long[2 * PlaneLayout.TILE];
            for (int block = 0; block < layout.blocks(); block++) {
                for (int row = 0; row < PlaneLayout.TILE; row++) {
                    long from = block(tile * PlaneLayout.TILE + row, block);
                    if (from == 0) {
                        indices[2 * row] = 0;
                        indices[2 * row + 1] = 0;
                        continue;
                    }
                    form.encode(from, words);
                    indices[2 * row] = words[0];
                    indices[2 * row + 1] = words[1];
                    store(tile, block, row, words, Memory.i16(from));
                }
                if (!layout.byRow()) {
                    storeRuns(address + layout.codes(tile) + block * layout.blockBytes(), indices);
                }
            }
        }

        /** Address of a block, or 0 for a row that only fills up the last tile. */
        private long block(int row, int block) {
            return row < layout.rows() ? source.address() + row * source.rowBytes()
                    + (long) block * source.type().blockBytes() : 0;
        }

        private void store(int tile, int block, int row, long[] words, short scale) {
            if (layout.byRow()) {
                long to = address + (tile * PlaneLayout.TILE + row) * layout.rowBytes() + block * layout.blockBytes();
                Memory.i64(to, words[0]);
                Memory.i64(to + 8, words[1]);
                Memory.i16(to + PlaneForm.CODE_BYTES, scale);
            } else {
                Memory.i16(address + layout.scales(tile) + block * layout.blockBytes() + layout.scaleOffset(row), scale);
            }
        }

        private void storeRuns(long target, long[] indices) {
            for (int i = 0; i < PlaneLayout.RUN; i++) {
                int low = 2 * layout.rowOf(layout.lowLane(i));
                int high = 2 * layout.rowOf(layout.highLane(i));
                for (int word = 0; word < 2; word++) {
                    long a = indices[low + word];
                    long b = indices[high + word];
                    for (int n = 0; n < 16; n++) {
                        Memory.i8(target + (16 * word + n) * layout.runBytes() + i, (byte) (a & 15 | (b & 15) << 4));
                        a >>>= 4;
                        b >>>= 4;
                    }
                }
            }
        }
    }

    PlaneForm form() {
        return form;
    }

    PlaneLayout layout() {
        return layout;
    }

    /** Address of the first byte. */
    long address() {
        return address;
    }

    @Override
    public long byteSize() {
        return layout.byteSize();
    }

    @Override
    public String description() {
        return form.planes() + " bit plane(s), " + (layout.byRow() ? "row by row" : "32 rows together");
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            arena.close();
        }
    }
}
