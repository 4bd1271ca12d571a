package io.tmac4j.kernels;

import io.tmac4j.bindings.spi.MatMul;
import io.tmac4j.bindings.spi.MatMulBatch;
import io.tmac4j.bindings.spi.ParallelTask;
import java.lang.foreign.Arena;
import java.util.Arrays;

/**
 * What one context keeps from product to product: memory for tables, and the work list of the region under way. The first phase
 * builds the tables of all distinct inputs, the second sweeps over the tiles of all products. Columns enough to fill vectors
 * are left to {@link Gemm}.
 */
final class Session implements AutoCloseable, ParallelTask {

    /** Columns a region: their tables shall stay in the second-level cache while the weights pass by. */
    private static final int MAX_COLUMNS = 8;

    /** Weights that one chunk of table building covers. */
    private static final int TABLE_CHUNK = 1024;

    /** Bytes of weights a chunk: a few microseconds of work, so that no thread waits long for another's last chunk. */
    private static final long CHUNK_BYTES = 96 << 10;

    private static final int CHUNKS_PER_THREAD = 8;

    private static final long ALIGNMENT = 64;

    /** Scratch memory of a worker: the sums of the kernels, and the results of a tile that is not full. */
    private static final long SCRATCH_BYTES = DecodeKernels.SCRATCH_BYTES + 4L * DecodeKernels.VECTORS * Species.LANES;

    private final Gemm gemm = new Gemm();
    private MatMulBatch batch;

    private int inputs;
    private long[] inputActivations = new long[16];
    private TableLayout[] inputLayouts = new TableLayout[16];
    private long[] inputTables = new long[16];
    private int[] inputChunkEnds = new int[16];

    private int units;
    private MatMul[] unitProducts = new MatMul[16];
    private int[] unitFirstColumns = new int[16];
    private int[] unitColumns = new int[16];
    private int[] unitInputs = new int[16 * MAX_COLUMNS];
    private int[] unitTilesPerChunk = new int[16];
    private int[] unitChunkEnds = new int[16];

    private Arena tableArena;
    private long tables;
    private long tableCapacity;

    private Arena scratchArena;
    private long scratch;
    private int scratchThreads;
    private boolean closed;

    /** Computes all products of the batch. */
    void multiply(MatMulBatch newBatch) {
        batch = newBatch;
        try {
            gemm.multiply(newBatch);
            ensureScratch(newBatch.threads());
            int most = 0;
            for (int p = 0; p < newBatch.size(); p++) {
                most = Math.max(most, gemm.left(p));
            }
            for (int first = 0; first < most && !newBatch.isCancelled(); first += MAX_COLUMNS) {
                plan(first);
                newBatch.pool().run(newBatch.threads(), this);
            }
        } finally {
            batch = null;
            Arrays.fill(unitProducts, 0, units, null);
        }
    }

    private void plan(int firstColumn) {
        inputs = 0;
        units = 0;
        for (int p = 0; p < batch.size(); p++) {
            MatMul product = batch.product(p);
            int columns = Math.min(MAX_COLUMNS, gemm.left(p) - firstColumn);
            if (product.isRouted()) {
                for (int c = 0; c < columns; c++) {
                    addUnit(product, gemm.left(p, firstColumn + c), 1);
                }
            } else if (columns > 0) {
                addUnit(product, gemm.left(p, firstColumn), columns);
            }
        }
        placeTables();
        cutIntoChunks();
    }

    private void addUnit(MatMul product, int firstColumn, int columns) {
        if (units == unitProducts.length) {
            int size = 2 * units;
            unitProducts = Arrays.copyOf(unitProducts, size);
            unitFirstColumns = Arrays.copyOf(unitFirstColumns, size);
            unitColumns = Arrays.copyOf(unitColumns, size);
            unitInputs = Arrays.copyOf(unitInputs, size * MAX_COLUMNS);
            unitTilesPerChunk = Arrays.copyOf(unitTilesPerChunk, size);
            unitChunkEnds = Arrays.copyOf(unitChunkEnds, size);
        }
        PackedMatrix matrix = (PackedMatrix) product.weights();
        unitProducts[units] = product;
        unitFirstColumns[units] = firstColumn;
        unitColumns[units] = columns;
        for (int c = 0; c < columns; c++) {
            unitInputs[units * MAX_COLUMNS + c] = input(product.activation(firstColumn + c), matrix.tableLayout());
        }
        units++;
    }

    /** The input with these activations and tables of this form, a new one if there is none yet. */
    private int input(long activations, TableLayout layout) {
        for (int i = 0; i < inputs; i++) {
            if (inputActivations[i] == activations && inputLayouts[i].sameTables(layout)) {
                return i;
            }
        }
        if (inputs == inputActivations.length) {
            int size = 2 * inputs;
            inputActivations = Arrays.copyOf(inputActivations, size);
            inputLayouts = Arrays.copyOf(inputLayouts, size);
            inputTables = Arrays.copyOf(inputTables, size);
            inputChunkEnds = Arrays.copyOf(inputChunkEnds, size);
        }
        inputActivations[inputs] = activations;
        inputLayouts[inputs] = layout;
        return inputs++;
    }

    private void placeTables() {
        long size = 0;
        for (int i = 0; i < inputs; i++) {
            inputTables[i] = size;
            size += inputLayouts[i].byteSize();
        }
        if (size > tableCapacity) {
            if (tableArena != null) {
                tableArena.close();
            }
            tableArena = Arena.ofShared();
            tableCapacity = size + size / 2;
            tables = tableArena.allocate(tableCapacity, ALIGNMENT).address();
        }
        for (int i = 0; i < inputs; i++) {
            inputTables[i] += tables;
        }
    }

    private void cutIntoChunks() {
        int chunks = 0;
        for (int i = 0; i < inputs; i++) {
            TableLayout layout = inputLayouts[i];
            chunks += (layout.blocks() + blocksPerChunk(layout) - 1) / blocksPerChunk(layout);
            inputChunkEnds[i] = chunks;
        }
        long bytes = 0;
        for (int u = 0; u < units; u++) {
            bytes += ((PackedMatrix) unitProducts[u].weights()).layout().matrixBytes();
        }
        long wanted = Math.min(CHUNK_BYTES, bytes / ((long) batch.threads() * CHUNKS_PER_THREAD) + 1);
        chunks = 0;
        for (int u = 0; u < units; u++) {
            PackedLayout layout = ((PackedMatrix) unitProducts[u].weights()).layout();
            int tiles = (int) Math.max(1, Math.min(layout.tiles(), wanted / layout.tileBytes()));
            unitTilesPerChunk[u] = tiles;
            chunks += (layout.tiles() + tiles - 1) / tiles;
            unitChunkEnds[u] = chunks;
        }
    }

    private static int blocksPerChunk(TableLayout layout) {
        return Math.max(1, TABLE_CHUNK / layout.form().blockWeights());
    }

    @Override
    public int phases() {
        return 2;
    }

    @Override
    public int chunks(int phase) {
        return phase == 0 ? inputChunkEnds[inputs - 1] : unitChunkEnds[units - 1];
    }

    @Override
    public void run(int phase, int chunk, int worker) {
        if (phase == 0) {
            buildTables(chunk);
        } else {
            sweep(chunk, worker);
        }
    }

    private void buildTables(int chunk) {
        int i = 0;
        while (inputChunkEnds[i] <= chunk) {
            i++;
        }
        TableLayout layout = inputLayouts[i];
        int first = (chunk - (i == 0 ? 0 : inputChunkEnds[i - 1])) * blocksPerChunk(layout);
        int last = Math.min(layout.blocks(), first + blocksPerChunk(layout));
        LookupTables.build(layout, inputActivations[i], first, last, inputTables[i]);
    }

    private void sweep(int chunk, int worker) {
        if (batch.isCancelled()) {
            return;
        }
        int u = 0;
        while (unitChunkEnds[u] <= chunk) {
            u++;
        }
        MatMul product = unitProducts[u];
        PackedMatrix matrix = (PackedMatrix) product.weights();
        PackedLayout layout = matrix.layout();
        int firstColumn = unitFirstColumns[u];
        int first = (chunk - (u == 0 ? 0 : unitChunkEnds[u - 1])) * unitTilesPerChunk[u];
        int last = Math.min(layout.tiles(), first + unitTilesPerChunk[u]);
        int tileRows = layout.tileRows();
        for (int tile = first; tile < last; tile++) {
            long weights = matrix.address() + layout.tileOffset(product.expert(firstColumn), tile);
            int row = tile * tileRows;
            int rows = Math.min(tileRows, layout.rows() - row);
            for (int c = 0; c < unitColumns[u]; c++) {
                long tableSet = inputTables[unitInputs[u * MAX_COLUMNS + c]];
                long out = product.destination(firstColumn + c) + 4L * row;
                long sums = scratch + worker * SCRATCH_BYTES;
                if (rows == tileRows) {
                    DecodeKernels.tile(layout, weights, matrix.tableLayout(), tableSet, sums, out);
                } else {
                    long partial = sums + DecodeKernels.SCRATCH_BYTES;
                    DecodeKernels.tile(layout, weights, matrix.tableLayout(), tableSet, sums, partial);
                    Memory.copy(partial, out, 4L * rows);
                }
            }
        }
    }

    private void ensureScratch(int threads) {
        if (threads > scratchThreads) {
            if (scratchArena != null) {
                scratchArena.close();
            }
            scratchArena = Arena.ofShared();
            scratch = scratchArena.allocate(threads * SCRATCH_BYTES, ALIGNMENT).address();
            scratchThreads = threads;
        }
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        gemm.close();
        if (tableArena != null) {
            tableArena.close();
        }
        if (scratchArena != null) {
            scratchArena.close();
        }
    }
}
