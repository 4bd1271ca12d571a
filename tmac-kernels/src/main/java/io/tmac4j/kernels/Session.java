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

    /**
     * Bytes of weights a chunk where nothing was measured: a few microseconds of work, so that no thread waits long for another's
     * last chunk.
     */
    static final int CHUNK_BYTES = 192 << 10;

    private static final int CHUNKS_PER_THREAD = 8;

    private static final long ALIGNMENT = 64;

    private final Gemm gemm = new Gemm();
    private MatMulBatch batch;

    private int inputs;
    private long[] inputActivations = new long[16];
    private InputLayout[] inputLayouts = new InputLayout[16];
    private long[] inputTables = new long[16];
    private int[] inputChunkEnds = new int[16];

    private int units;
    private MatMul[] unitProducts = new MatMul[16];
    private int[] unitFirstColumns = new int[16];
    private int[] unitColumns = new int[16];
    private int[] unitInputs = new int[16 * MAX_COLUMNS];
    private int[] unitSetsPerChunk = new int[16];
    private int[] unitChunkEnds = new int[16];

    private Arena tableArena;
    private long tables;
    private long tableCapacity;

    private Arena scratchArena;
    private long scratch;
    private int scratchThreads;
    private long workerScratch;
    private boolean closed;

    /** Computes all products of the batch. */
    void multiply(MatMulBatch newBatch) {
        batch = newBatch;
        try {
            gemm.multiply(newBatch);
            int most = 0;
            long bytes = InputLayout.SCRATCH_BYTES;
            for (int p = 0; p < newBatch.size(); p++) {
                most = Math.max(most, gemm.left(p));
                bytes = Math.max(bytes, ((PackedMatrix) newBatch.product(p).weights()).scratchBytes());
            }
            ensureScratch(newBatch.threads(), bytes + ALIGNMENT & -ALIGNMENT);
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
            unitSetsPerChunk = Arrays.copyOf(unitSetsPerChunk, size);
            unitChunkEnds = Arrays.copyOf(unitChunkEnds, size);
        }
        PackedMatrix matrix = (PackedMatrix) product.weights();
        unitProducts[units] = product;
        unitFirstColumns[units] = firstColumn;
        unitColumns[units] = columns;
        for (int c = 0; c < columns; c++) {
            unitInputs[units * MAX_COLUMNS + c] = input(product.activation(firstColumn + c), matrix.inputLayout());
        }
        units++;
    }

    /** The input with these activations and tables of this form, a new one if there is none yet. */
    private int input(long activations, InputLayout layout) {
        for (int i = 0; i < inputs; i++) {
            if (inputActivations[i] == activations && inputLayouts[i].equals(layout)) {
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
            InputLayout layout = inputLayouts[i];
            chunks += (layout.blocks() + blocksPerChunk(layout) - 1) / blocksPerChunk(layout);
            inputChunkEnds[i] = chunks;
        }
        long bytes = 0;
        for (int u = 0; u < units; u++) {
            bytes += ((PackedMatrix) unitProducts[u].weights()).matrixBytes();
        }
        long share = bytes / ((long) batch.threads() * CHUNKS_PER_THREAD) + 1;
        chunks = 0;
        for (int u = 0; u < units; u++) {
            PackedMatrix matrix = (PackedMatrix) unitProducts[u].weights();
            int sets = matrix.chunkSets(Math.min(matrix.work(batch.threads()).chunkBytes(), share));
            unitSetsPerChunk[u] = sets;
            chunks += (matrix.sets() + sets - 1) / sets;
            unitChunkEnds[u] = chunks;
        }
    }

    private static int blocksPerChunk(InputLayout layout) {
        return Math.max(1, TABLE_CHUNK / layout.blockWeights());
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
            prepare(chunk, scratch + worker * workerScratch);
        } else {
            sweep(chunk, worker);
        }
    }

    private void prepare(int chunk, long room) {
        int i = 0;
        while (inputChunkEnds[i] <= chunk) {
            i++;
        }
        InputLayout layout = inputLayouts[i];
        int first = (chunk - (i == 0 ? 0 : inputChunkEnds[i - 1])) * blocksPerChunk(layout);
        int last = Math.min(layout.blocks(), first + blocksPerChunk(layout));
        layout.fill(inputActivations[i], first, last, inputTables[i], room);
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
        int firstColumn = unitFirstColumns[u];
        int first = (chunk - (u == 0 ? 0 : unitChunkEnds[u - 1])) * unitSetsPerChunk[u];
        int last = Math.min(matrix.sets(), first + unitSetsPerChunk[u]);
        for (int c = 0; c < unitColumns[u]; c++) {
            matrix.multiply(product.expert(firstColumn), first, last, inputTables[unitInputs[u * MAX_COLUMNS + c]],
                    scratch + worker * workerScratch, product.destination(firstColumn + c));
        }
    }

    private void ensureScratch(int threads, long bytes) {
        if (threads > scratchThreads || bytes > workerScratch) {
            if (scratchArena != null) {
                scratchArena.close();
            }
            scratchArena = Arena.ofShared();
            scratchThreads = Math.max(threads, scratchThreads);
            workerScratch = Math.max(bytes, workerScratch);
            scratch = scratchArena.allocate(scratchThreads * workerScratch, ALIGNMENT).address();
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
