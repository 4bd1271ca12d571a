package io.tmac4j.kernels.ablation;

import io.tmac4j.bindings.spi.MatMul;
import io.tmac4j.bindings.spi.MatMulBatch;
import io.tmac4j.bindings.spi.ParallelTask;
import io.tmac4j.kernels.Memory;
import java.lang.foreign.Arena;
import java.util.Set;

/**
 * One column of one product at a time, with what is kept between products: memory for tables, and scratch memory of each worker.
 * The first phase builds the tables of all blocks, unless the second builds each when it comes to it.
 */
final class PlaneProduct implements ParallelTask, AutoCloseable {

    /** Tiles a chunk. */
    private static final int TILES = 8;

    /** Blocks of a tile whose sums are written before they are scaled. */
    private static final int BLOCKS = 16;

    /** Blocks a chunk of table building. */
    private static final int TABLE_BLOCKS = 32;

    private static final long ALIGNMENT = 64;

    /** Room for the activations of a block in another order. */
    private static final long ORDERED_BYTES = 4L * PlaneForm.GROUP * PlaneForm.LOOKUPS;

    /** Room for the tables of a block and its numbers. */
    private static final long BLOCK_TABLES_BYTES = (long) PlaneTables.TABLE_BYTES * PlaneForm.LOOKUPS + ALIGNMENT;

    private final Set<Optimisation> on;
    private final boolean byRow;
    private final boolean tiled;
    private Arena arena = Arena.ofShared();
    private long capacity;
    private long memory;
    private long tablesBytes;
    private long workerBytes;

    private PlaneMatrix matrix;
    private long activations;
    private long destination;
    private int threads;

    PlaneProduct(Set<Optimisation> on) {
        this.on = on;
        this.byRow = !on.contains(Optimisation.AXIS_ORDER);
        this.tiled = on.contains(Optimisation.TILES);
    }

    /** Computes all products. */
    void multiply(MatMulBatch batch) {
        threads = batch.threads();
        for (int p = 0; p < batch.size(); p++) {
            MatMul product = batch.product(p);
            matrix = (PlaneMatrix) product.weights();
            reserve();
            for (int c = 0; c < product.columns() && !batch.isCancelled(); c++) {
                activations = product.activation(c);
                destination = product.destination(c);
                batch.pool().run(threads, this);
            }
        }
        matrix = null;
    }

    private void reserve() {
        PlaneLayout layout = matrix.layout();
        int blocks = layout.blocks();
        tablesBytes = aligned((long) blocks * (blockTablesBytes() + PlaneTables.NUMBER_BYTES));
        long rows = tiled ? PlaneLayout.TILE : (long) PlaneLayout.TILE * layout.tiles();
        long sums = tiled ? (long) BLOCKS * PlaneKernels.TILE_SUMS : Integer.BYTES * rows;
        workerBytes = aligned(ORDERED_BYTES + BLOCK_TABLES_BYTES + sums + Float.BYTES * rows);
        long needed = tablesBytes + threads * workerBytes;
        if (needed > capacity) {
            arena.close();
            arena = Arena.ofShared();
            memory = arena.allocate(needed, ALIGNMENT).address();
            capacity = needed;
        }
    }

    private static long aligned(long bytes) {
        return bytes + ALIGNMENT - 1 & -ALIGNMENT;
    }

    private int blockTablesBytes() {
        return PlaneTables.blockBytes(matrix.form(), on);
    }

    /** Step and offset of block 0. */
    private long numbers() {
        return memory + (long) matrix.layout().blocks() * blockTablesBytes();
    }

    private long scratch(int worker) {
        return memory + tablesBytes + worker * workerBytes;
    }

    @Override
    public int phases() {
        return 2;
    }

    @Override
    public int chunks(int phase) {
        if (phase == 0) {
            return byRow || tiled ? Math.ceilDiv(matrix.layout().blocks(), TABLE_BLOCKS) : 0;
        }
        return byRow || tiled ? Math.ceilDiv(matrix.layout().tiles(), TILES) : Math.min(threads, matrix.layout().tiles());
    }

    @Override
    public void run(int phase, int chunk, int worker) {
        int tiles = matrix.layout().tiles();
        if (phase == 0) {
            buildTables(chunk * TABLE_BLOCKS, Math.min(matrix.layout().blocks(), (chunk + 1) * TABLE_BLOCKS), scratch(worker));
        } else if (byRow) {
            rows(chunk * TILES * PlaneLayout.TILE, Math.min(matrix.layout().rows(), (chunk + 1) * TILES * PlaneLayout.TILE));
        } else if (tiled) {
            for (int tile = chunk * TILES; tile < Math.min(tiles, (chunk + 1) * TILES); tile++) {
                tile(tile, scratch(worker) + ORDERED_BYTES + BLOCK_TABLES_BYTES);
            }
        } else {
            int parts = chunks(phase);
            columns((int) ((long) tiles * chunk / parts), (int) ((long) tiles * (chunk + 1) / parts), scratch(worker));
        }
    }

    private void buildTables(int from, int to, long ordered) {
        for (int block = from; block < to; block++) {
            build(block, memory + (long) block * blockTablesBytes(), numbers() + (long) block * PlaneTables.NUMBER_BYTES,
                    ordered);
        }
    }

    private void build(int block, long tables, long number, long ordered) {
        PlaneTables.build(matrix.form(), on, activations + 4L * block * matrix.form().blockWeights(), tables, number, ordered);
    }

    private void rows(int from, int to) {
        int blocks = matrix.layout().blocks();
        for (int row = from; row < to; row++) {
            long at = matrix.address() + row * matrix.layout().rowBytes();
            float result = on.contains(Optimisation.QUANTISED_TABLES)
                    ? PlaneKernels.byteRow(matrix.form(), at, blocks, memory, numbers())
                    : PlaneKernels.floatRow(matrix.form(), at, blocks, memory, numbers());
            Memory.f32(destination + 4L * row, result);
        }
    }

    /** All blocks, one after the other, of all rows of some tiles. */
    private void columns(int from, int to, long scratch) {
        PlaneLayout layout = matrix.layout();
        long tables = scratch + ORDERED_BYTES;
        long number = tables + BLOCK_TABLES_BYTES - ALIGNMENT;
        long sums = scratch + ORDERED_BYTES + BLOCK_TABLES_BYTES;
        int rows = (to - from) * PlaneLayout.TILE;
        long out = sums + (long) Integer.BYTES * rows;
        Memory.clear(sums, (long) (Integer.BYTES + Float.BYTES) * rows);
        boolean shuffles = on.contains(Optimisation.REGISTERS);
        for (int block = 0; block < layout.blocks(); block++) {
            build(block, tables, number, scratch);
            long codes = matrix.address() + layout.codes(from) + block * layout.blockBytes();
            long scales = matrix.address() + layout.scales(from) + block * layout.blockBytes();
            if (shuffles) {
                shuffleBlock(codes, layout.runBytes(), rows, tables, sums);
                for (int row = 0; row < rows; row += 16) {
                    PlaneKernels.fold(sums + 2L * row, 1, number, scales + 2L * row, 0, out + 4L * row);
                }
                Memory.clear(sums, 2L * rows);
            } else {
                scalarBlock(codes, layout.runBytes(), rows, tables, sums);
                PlaneKernels.scaleRun(sums, rows, number, scales, out);
            }
        }
        if (shuffles) {
            PlaneKernels.finish(out, rows);
        }
        int first = from * PlaneLayout.TILE;
        Memory.copy(out, destination + 4L * first, 4L * Math.min(rows, layout.rows() - first));
    }

    private void scalarBlock(long codes, long runBytes, int rows, long tables, long sums) {
        PlaneForm form = matrix.form();
        for (int lookup = 0; lookup < PlaneForm.LOOKUPS; lookup++) {
            int plane = lookup / form.groups();
            PlaneKernels.run(codes + lookup * runBytes, rows / 2,
                    tables + (long) lookup % form.groups() * PlaneTables.TABLE_BYTES, form.planes() - 1 - plane, sums);
        }
    }

    private void shuffleBlock(long codes, long runBytes, int rows, long tables, long sums) {
        int groups = matrix.form().groups();
        for (int lookup = 0; lookup < PlaneForm.LOOKUPS; lookup++) {
            int group = lookup % groups;
            if (group == 0 && lookup > 0) {
                PlaneKernels.twice(sums, 2 * rows);
            }
            PlaneKernels.shuffleRun(codes + lookup * runBytes, rows / 2, tables + (long) group * PlaneTables.TABLE_BYTES, sums);
        }
    }

    /** All blocks of one tile. */
    private void tile(int tile, long sums) {
        PlaneLayout layout = matrix.layout();
        int row = tile * PlaneLayout.TILE;
        int rows = Math.min(PlaneLayout.TILE, layout.rows() - row);
        long room = sums + (long) BLOCKS * PlaneKernels.TILE_SUMS;
        long out = rows == PlaneLayout.TILE ? destination + 4L * row : room;
        Memory.clear(out, 4L * PlaneLayout.TILE);
        long blockBytes = layout.blockBytes();
        for (int block = 0; block < layout.blocks(); block += BLOCKS) {
            int blocks = Math.min(BLOCKS, layout.blocks() - block);
            sum(matrix.address() + layout.codes(tile) + block * blockBytes, blocks, memory + (long) block * blockTablesBytes(),
                    sums);
            long number = numbers() + (long) block * PlaneTables.NUMBER_BYTES;
            long scales = matrix.address() + layout.scales(tile) + block * blockBytes;
            PlaneKernels.fold(sums, blocks, number, scales, blockBytes, out);
            PlaneKernels.fold(sums + PlaneKernels.SUMS, blocks, number, scales + 32, blockBytes, out + 64);
        }
        PlaneKernels.finish(out, PlaneLayout.TILE);
        if (rows < PlaneLayout.TILE) {
            Memory.copy(out, destination + 4L * row, 4L * rows);
        }
    }

    private void sum(long codes, int blocks, long tables, long sums) {
        PlaneForm form = matrix.form();
        long runBytes = matrix.layout().runBytes();
        long blockBytes = matrix.layout().blockBytes();
        if (on.contains(Optimisation.AVERAGING)) {
            PlaneKernels.tileByAverages(form, codes, runBytes, blockBytes, blocks, tables, sums);
        } else if (on.contains(Optimisation.BYTE_SUMS_OF_FOUR)) {
            PlaneKernels.tileByFours(form, codes, runBytes, blockBytes, blocks, tables, sums);
        } else if (on.contains(Optimisation.BYTE_SUMS)) {
            PlaneKernels.tileByPairs(form, codes, runBytes, blockBytes, blocks, tables, sums);
        } else if (on.contains(Optimisation.NIBBLES)) {
            PlaneKernels.tile(form, codes, runBytes, blockBytes, blocks, tables, sums);
        } else {
            PlaneKernels.tileOfNeighbours(form, codes, runBytes, blockBytes, blocks, tables, sums);
        }
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
