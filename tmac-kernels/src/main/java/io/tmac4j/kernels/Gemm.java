package io.tmac4j.kernels;

import static io.tmac4j.kernels.WideSpecies.BYTES;
import static io.tmac4j.kernels.WideSpecies.COLUMNS;

import io.tmac4j.bindings.spi.MatMul;
import io.tmac4j.bindings.spi.MatMulBatch;
import io.tmac4j.bindings.spi.ParallelTask;
import java.lang.foreign.Arena;
import java.util.Arrays;

/**
 * mpGEMM: the products of a batch for columns enough to fill vectors. Columns are cut into tiles of
 * {@link WideSpecies#COLUMNS}, those of a routed product grouped by expert; what is left, fewer columns than
 * {@link TypeTuning.Work#crossover}, is for {@link Session} to do one by one.
 *
 * <p>A region quantises the activations of all distinct inputs first ({@link ColumnBlocks}). A chunk of its second phase is, for
 * weights that are looked up, many row tiles of a product times one column tile: for each step along k it builds the vector
 * tables of the step in the first-level cache and sweeps over the rows, with float sums in the second-level cache. For weights
 * that are multiplied it is one row tile times a group of column tiles: each step's weights are unpacked once for the group.
 */
final class Gemm implements AutoCloseable, ParallelTask {

    /**
     * Fewest columns of a tile that are worth a pass by tables instead of a sweep for each column, where nothing was tuned;
     * passes of multiplications are worth it for full tiles only. Measured on a Zen 3 core at 256 bits (4096 x 4096,
     * {@code DecodeBenchmark}): of 16 columns, tables are level with sweeps at 13 to 15, multiplications at 16.
     */
    static final int TABLES_CROSSOVER = COLUMNS * 13 / 16;

    /** Columns of a dense product a region: bounds the memory of quantised activations, 2 bytes a number. */
    private static final int REGION_COLUMNS = 512;

    /** Rows a chunk: enough to pay for the tables of a step, about 20 rows' worth of lookups; few enough for the cache. */
    private static final int MAX_CHUNK_ROWS = 1024;
    private static final int MIN_CHUNK_ROWS = 256;

    /** Chunks for each thread, so that none waits long for the last one. */
    private static final int CHUNKS_PER_THREAD = 4;

    /** Weights along k of a column tile that a chunk of the first phase quantises: whole blocks and steps. */
    private static final int QUANTISE_CHUNK = 2048;

    /** Column tiles for which weights are unpacked once: makes that a twentieth of the work. */
    private static final int MULTIPLY_GROUP_TILES = 8;

    /** Column tiles for which indices and scales of weights that are looked up are made once. */
    private static final int LOOKUP_GROUP_TILES = 4;

    /** The same of ternary weights, whose indices cost nearly as much as their lookups in one column tile. */
    private static final int TERNARY_GROUP_TILES = 8;

    /** Sums of a chunk: rows times column tiles. */
    private static final int MAX_CHUNK_SUMS = MAX_CHUNK_ROWS * TERNARY_GROUP_TILES;

    /** Rows of a chunk of weights that are multiplied: unpacked for a step they fill half a first-level cache. */
    private static final int MULTIPLY_ROWS = 32;

    private static final long ALIGNMENT = 4096;

    /**
     * Where everything stands in the scratch memory of a worker. At 0: the vector tables of a step, or 128 unpacked weights of
     * {@link #MULTIPLY_ROWS} rows. Then 16-bit sums, and behind those of a tile's sub-blocks their products with scales; float
     * sums, for each column tile two vectors a row; scales and mins of rows, of as many sub-blocks as a block has; offsets or
     * indices of the rows, or the scales of their blocks.
     */
    static final long SUMS = Math.max(GemmShape.STEP_TRITS * GemmKernels.TRIT_TABLE,
            Math.max(GemmShape.PARTS * NestedSums.THREE_BIT_TABLES * GemmKernels.TABLE, 128L * 4 * MULTIPLY_ROWS));
    static final long PRODUCTS = SUMS + (long) GemmShape.PARTS * LookupMatrix.TILE_ROWS * BYTES;
    static final long FLOATS = SUMS + (long) MAX_CHUNK_SUMS * BYTES;
    static final long SCALES = FLOATS + 2L * MAX_CHUNK_SUMS * BYTES;
    static final long MINS = SCALES + 4L * NestedSums.SUB_BLOCKS * MAX_CHUNK_ROWS;
    static final long OFFSETS = MINS + 4L * NestedSums.SUB_BLOCKS * MAX_CHUNK_ROWS;
    static final long ROW_SCALES = OFFSETS;
    private static final long WORKER_BYTES = OFFSETS + TritOffsets.bytes(MAX_CHUNK_ROWS)
            + ColumnBlocks.SCRATCH_BYTES;

    private MatMulBatch batch;

    private int tiles;
    private int[] tileColumns = new int[16];
    private int[] tileExperts = new int[16];
    private long[] tileActivations = new long[16 * COLUMNS];

    private int inputs;
    private GemmShape[] inputShapes = new GemmShape[8];
    private int[] inputWidths = new int[8];
    private int[] inputFirstTiles = new int[8];
    private int[] inputTiles = new int[8];
    private long[] inputBlocks = new long[8];
    private int[] inputChunkEnds = new int[8];
    private int[] inputFirstGroups = new int[8];
    private int[] inputGroups = new int[8];
    private int groups;
    private int[] groupFirstTiles = new int[16];
    private int[] groupTiles = new int[16];

    private int units;
    private PackedMatrix[] unitMatrices = new PackedMatrix[8];
    private int[] unitInputs = new int[8];
    private int[] unitDestinations = new int[8];
    private int[] unitRowTiles = new int[8];
    private int[] unitChunkEnds = new int[8];

    private int destinationCount;
    private long[] destinations = new long[16 * COLUMNS];

    private int[] expertCounts = new int[16];
    private int[] order = new int[16];
    private int[][] left = new int[8][0];
    private int[] leftCounts = new int[8];

    private Arena blockArena;
    private long blocks;
    private long blockCapacity;
    private Arena workerArena;
    private long workers;
    private int workerCount;
    private boolean closed;

    /** Computes the columns that it takes of all products of the batch; {@link #left} says which remain. */
    void multiply(MatMulBatch newBatch) {
        batch = newBatch;
        try {
            int regions = 1;
            for (int p = 0; p < newBatch.size(); p++) {
                MatMul product = newBatch.product(p);
                if (!product.isRouted()) {
                    int taken = taken(product.columns(), crossover(product));
                    regions = Math.max(regions, (taken + REGION_COLUMNS - 1) / REGION_COLUMNS);
                }
            }
            for (int region = 0; region < regions && !newBatch.isCancelled(); region++) {
                plan(region);
                if (units > 0) {
                    newBatch.pool().run(newBatch.threads(), this);
                }
            }
        } finally {
            batch = null;
            Arrays.fill(unitMatrices, 0, units, null);
        }
    }

    private int crossover(MatMul product) {
        return ((PackedMatrix) product.weights()).work(batch.threads()).crossover();
    }

    /** How many of {@code columns} columns of one matrix are computed here: all, or all but the last few. */
    static int taken(int columns, int crossover) {
        int rest = columns % COLUMNS;
        return rest < crossover ? columns - rest : columns;
    }

    /** Number of columns of product {@code index} of the batch just multiplied that are left to do. */
    int left(int index) {
        return leftCounts[index];
    }

    /** The {@code i}-th column left to do of a product. */
    int left(int index, int i) {
        return left[index][i];
    }

    private void plan(int region) {
        tiles = 0;
        inputs = 0;
        groups = 0;
        units = 0;
        destinationCount = 0;
        for (int p = 0; p < batch.size(); p++) {
            MatMul product = batch.product(p);
            if (product.isRouted()) {
                if (region == 0) {
                    planRouted(p, product);
                }
            } else {
                planDense(p, product, region);
            }
        }
        if (units > 0) {
            ensureWorkers();
            placeInputs();
            cutIntoChunks();
        }
    }

    private void planDense(int index, MatMul product, int region) {
        int columns = product.columns();
        int taken = taken(columns, crossover(product));
        if (region == 0) {
            int[] rest = leftOf(index, columns - taken);
            for (int i = 0; i < rest.length && i < columns - taken; i++) {
                rest[i] = taken + i;
            }
        }
        int first = region * REGION_COLUMNS;
        int last = Math.min(taken, first + REGION_COLUMNS);
        if (first >= last) {
            return;
        }
        int firstTile = tiles;
        beginUnit(product);
        for (int c = first; c < last; c += COLUMNS) {
            beginTile(0);
            for (int i = c; i < Math.min(last, c + COLUMNS); i++) {
                addColumn(product.activation(i), product.destination(i));
            }
        }
        endUnit(firstTile);
    }

    /** Sorts the columns by expert, stably, and cuts each expert's columns into tiles. */
    private void planRouted(int index, MatMul product) {
        int columns = product.columns();
        PackedMatrix matrix = (PackedMatrix) product.weights();
        int experts = matrix.experts();
        if (expertCounts.length < experts + 1) {
            expertCounts = new int[experts + 1];
        }
        if (order.length < columns) {
            order = new int[columns];
        }
        Arrays.fill(expertCounts, 0, experts + 1, 0);
        for (int c = 0; c < columns; c++) {
            expertCounts[product.expert(c) + 1]++;
        }
        for (int e = 0; e < experts; e++) {
            expertCounts[e + 1] += expertCounts[e];
        }
        for (int c = 0; c < columns; c++) {
            order[expertCounts[product.expert(c)]++] = c;
        }
        // expertCounts[e] is now the end of the columns of expert e
        int[] rest = leftOf(index, columns);
        int remaining = 0;
        int firstTile = tiles;
        beginUnit(product);
        int crossover = crossover(product);
        int start = 0;
        for (int e = 0; e < experts; e++) {
            int end = expertCounts[e];
            int last = start + taken(end - start, crossover);
            for (int c = start; c < last; c += COLUMNS) {
                beginTile(e);
                for (int i = c; i < Math.min(last, c + COLUMNS); i++) {
                    addColumn(product.activation(order[i]), product.destination(order[i]));
                }
            }
            for (int i = last; i < end; i++) {
                rest[remaining++] = order[i];
            }
            start = end;
        }
        leftCounts[index] = remaining;
        endUnit(firstTile);
    }

    private int[] leftOf(int index, int count) {
        if (index >= left.length) {
            left = Arrays.copyOf(left, 2 * index + 1);
            leftCounts = Arrays.copyOf(leftCounts, 2 * index + 1);
        }
        if (left[index] == null || left[index].length < count) {
            left[index] = new int[count];
        }
        leftCounts[index] = count;
        return left[index];
    }

    private void beginUnit(MatMul product) {
        if (units == unitMatrices.length) {
            int size = 2 * units;
            unitMatrices = Arrays.copyOf(unitMatrices, size);
            unitInputs = Arrays.copyOf(unitInputs, size);
            unitDestinations = Arrays.copyOf(unitDestinations, size);
            unitRowTiles = Arrays.copyOf(unitRowTiles, size);
            unitChunkEnds = Arrays.copyOf(unitChunkEnds, size);
        }
        unitMatrices[units] = (PackedMatrix) product.weights();
        unitDestinations[units] = destinationCount;
    }

    private void beginTile(int expert) {
        if (tiles == tileColumns.length) {
            int size = 2 * tiles;
            tileColumns = Arrays.copyOf(tileColumns, size);
            tileExperts = Arrays.copyOf(tileExperts, size);
            tileActivations = Arrays.copyOf(tileActivations, size * COLUMNS);
        }
        if (destinations.length < destinationCount + COLUMNS) {
            destinations = Arrays.copyOf(destinations, 2 * destinations.length);
        }
        tileColumns[tiles] = 0;
        tileExperts[tiles] = expert;
        tiles++;
        destinationCount += COLUMNS;
    }

    private void addColumn(long activation, long destination) {
        int column = tileColumns[tiles - 1]++;
        tileActivations[(tiles - 1) * COLUMNS + column] = activation;
        destinations[destinationCount - COLUMNS + column] = destination;
    }

    /** Ends a unit whose tiles are those from {@code firstTile} on; they are forgotten if an earlier unit has the same. */
    private void endUnit(int firstTile) {
        if (tiles == firstTile) {
            return;
        }
        int k = unitMatrices[units].k();
        GemmShape shape = unitMatrices[units].gemmShape();
        int input = 0;
        while (input < inputs && !sameInput(input, shape, k, firstTile)) {
            input++;
        }
        if (input == inputs) {
            addInput(unitMatrices[units], firstTile);
        } else {
            tiles = firstTile;
        }
        unitInputs[units] = input;
        units++;
    }

    private boolean sameInput(int input, GemmShape shape, int k, int firstTile) {
        if (!inputShapes[input].equals(shape) || inputWidths[input] != k || inputTiles[input] != tiles - firstTile) {
            return false;
        }
        int other = inputFirstTiles[input];
        for (int t = 0; t < inputTiles[input]; t++) {
            int columns = tileColumns[firstTile + t];
            int from = (firstTile + t) * COLUMNS;
            int otherFrom = (other + t) * COLUMNS;
            if (tileColumns[other + t] != columns || tileExperts[other + t] != tileExperts[firstTile + t]
                    || !Arrays.equals(tileActivations, from, from + columns, tileActivations, otherFrom, otherFrom + columns)) {
                return false;
            }
        }
        return true;
    }

    private void addInput(PackedMatrix matrix, int firstTile) {
        if (inputs == inputShapes.length) {
            int size = 2 * inputs;
            inputShapes = Arrays.copyOf(inputShapes, size);
            inputWidths = Arrays.copyOf(inputWidths, size);
            inputFirstTiles = Arrays.copyOf(inputFirstTiles, size);
            inputTiles = Arrays.copyOf(inputTiles, size);
            inputBlocks = Arrays.copyOf(inputBlocks, size);
            inputChunkEnds = Arrays.copyOf(inputChunkEnds, size);
            inputFirstGroups = Arrays.copyOf(inputFirstGroups, size);
            inputGroups = Arrays.copyOf(inputGroups, size);
        }
        inputShapes[inputs] = matrix.gemmShape();
        inputWidths[inputs] = matrix.k();
        inputFirstTiles[inputs] = firstTile;
        inputTiles[inputs] = tiles - firstTile;
        addGroups(groupSize(matrix), firstTile);
        inputs++;
    }

    /** Column tiles that share what is made of the weights. */
    private static int groupSize(PackedMatrix matrix) {
        return switch (matrix) {
            case LookupMatrix lookups -> lookups.layout().form().ternary() ? TERNARY_GROUP_TILES : LOOKUP_GROUP_TILES;
            case WordMatrix words when !words.byTables() -> MULTIPLY_GROUP_TILES;
            case WordMatrix words -> words.layout().form().bits() == 4 ? LOOKUP_GROUP_TILES : 1;
        };
    }

    /** Cuts the tiles of a new input into groups of at most {@code size} tiles of one expert. */
    private void addGroups(int size, int firstTile) {
        inputFirstGroups[inputs] = groups;
        for (int tile = firstTile; tile < tiles; tile++) {
            boolean joins = tile > firstTile && groupTiles[groups - 1] < size && tileExperts[tile] == tileExperts[tile - 1];
            if (joins) {
                groupTiles[groups - 1]++;
            } else {
                if (groups == groupTiles.length) {
                    groupTiles = Arrays.copyOf(groupTiles, 2 * groups);
                    groupFirstTiles = Arrays.copyOf(groupFirstTiles, 2 * groups);
                }
                groupFirstTiles[groups] = tile - firstTile;
                groupTiles[groups] = 1;
                groups++;
            }
        }
        inputGroups[inputs] = groups - inputFirstGroups[inputs];
    }

    private void ensureWorkers() {
        int threads = batch.threads();
        if (threads > workerCount) {
            if (workerArena != null) {
                workerArena.close();
            }
            workerArena = Arena.ofShared();
            workers = workerArena.allocate(threads * WORKER_BYTES, ALIGNMENT).address();
            workerCount = threads;
        }
    }

    private void placeInputs() {
        long size = 0;
        for (int i = 0; i < inputs; i++) {
            inputBlocks[i] = size;
            size += inputTiles[i] * tileBytes(i);
        }
        if (size > blockCapacity) {
            if (blockArena != null) {
                blockArena.close();
            }
            blockArena = Arena.ofShared();
            blocks = blockArena.allocate(size, ALIGNMENT).address();
            blockCapacity = size;
        }
        for (int i = 0; i < inputs; i++) {
            inputBlocks[i] += blocks;
        }
    }

    private long tileBytes(int input) {
        return inputShapes[input].steps(inputWidths[input]) * ColumnBlocks.stepBytes(inputShapes[input]);
    }

    private void cutIntoChunks() {
        int chunks = 0;
        for (int i = 0; i < inputs; i++) {
            chunks += inputTiles[i] * quantiseChunks(i);
            inputChunkEnds[i] = chunks;
        }
        long rows = 0;
        for (int u = 0; u < units; u++) {
            rows += (long) unitMatrices[u].rows() * inputTiles[unitInputs[u]];
        }
        long wanted = batch.threads() == 1 ? MAX_CHUNK_SUMS : rows / ((long) CHUNKS_PER_THREAD * batch.threads());
        chunks = 0;
        for (int u = 0; u < units; u++) {
            PackedMatrix matrix = unitMatrices[u];
            if (matrix.byTables()) {
                // chunks of equal size, none of them small
                long most = Math.clamp(wanted / Math.min(groupSize(matrix), inputTiles[unitInputs[u]]), MIN_CHUNK_ROWS,
                        MAX_CHUNK_ROWS);
                int parts = (int) ((matrix.rows() + most - 1) / most);
                unitRowTiles[u] = Math.min((matrix.tiles() + parts - 1) / parts, (int) most / matrix.tileRows());
            } else {
                unitRowTiles[u] = MULTIPLY_ROWS / matrix.tileRows();
            }
            chunks += rowChunks(u) * inputGroups[unitInputs[u]];
            unitChunkEnds[u] = chunks;
        }
    }

    private int quantiseChunks(int input) {
        return (inputWidths[input] + QUANTISE_CHUNK - 1) / QUANTISE_CHUNK;
    }

    private int rowChunks(int unit) {
        return (unitMatrices[unit].tiles() + unitRowTiles[unit] - 1) / unitRowTiles[unit];
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
        if (batch.isCancelled()) {
            return;
        }
        long scratch = workers + worker * WORKER_BYTES;
        if (phase == 0) {
            quantise(chunk, scratch + WORKER_BYTES - ColumnBlocks.SCRATCH_BYTES);
        } else {
            multiply(chunk, scratch);
        }
    }

    private void quantise(int chunk, long scratch) {
        int i = 0;
        while (inputChunkEnds[i] <= chunk) {
            i++;
        }
        int inInput = chunk - (i == 0 ? 0 : inputChunkEnds[i - 1]);
        GemmShape shape = inputShapes[i];
        int tile = inInput / quantiseChunks(i);
        int stepsPerChunk = QUANTISE_CHUNK / shape.stepWeights();
        int from = inInput % quantiseChunks(i) * stepsPerChunk;
        int to = Math.min(shape.steps(inputWidths[i]), from + stepsPerChunk);
        int global = inputFirstTiles[i] + tile;
        ColumnBlocks.fill(shape, inputWidths[i], tileActivations, global * COLUMNS, tileColumns[global], from, to,
                inputBlocks[i] + tile * tileBytes(i), scratch);
    }

    private void multiply(int chunk, long scratch) {
        int u = 0;
        while (unitChunkEnds[u] <= chunk) {
            u++;
        }
        int inUnit = chunk - (u == 0 ? 0 : unitChunkEnds[u - 1]);
        int input = unitInputs[u];
        // neighbouring chunks share their weights: they are still in a cache
        int group = inputFirstGroups[input] + inUnit % inputGroups[input];
        int firstRowTile = inUnit / inputGroups[input] * unitRowTiles[u];
        int firstTile = groupFirstTiles[group];
        PackedMatrix matrix = unitMatrices[u];
        int rowTiles = Math.min(unitRowTiles[u], matrix.tiles() - firstRowTile);
        int globalTile = inputFirstTiles[input] + firstTile;
        long weights = matrix.tile(tileExperts[globalTile], firstRowTile);
        long activations = inputBlocks[input] + firstTile * tileBytes(input);
        long floats = scratch + FLOATS;
        int firstRow = firstRowTile * matrix.tileRows();
        int chunkRows = rowTiles * matrix.tileRows();
        Memory.clear(floats, 2L * groupTiles[group] * chunkRows * BYTES);
        switch (matrix) {
            case LookupMatrix lookups ->
                    LookupGemm.lookUp(lookups, weights, rowTiles, activations, tileBytes(input), groupTiles[group], scratch);
            case WordMatrix words when words.byTables() ->
                    WordGemm.lookUp(words, weights, rowTiles, activations, tileBytes(input), groupTiles[group], scratch);
            case WordMatrix words when words.layout().form().hasCodebook() ->
                    CodebookGemm.multiply(words, weights, rowTiles, activations, tileBytes(input), groupTiles[group], scratch);
            case WordMatrix words ->
                    WordGemm.multiply(words, weights, rowTiles, activations, tileBytes(input), groupTiles[group], scratch);
        }
        int rows = Math.min(chunkRows, matrix.rows() - firstRow);
        for (int tile = 0; tile < groupTiles[group]; tile++) {
            store(floats + 2L * tile * chunkRows * BYTES, rows, firstRow,
                    unitDestinations[u] + (firstTile + tile) * COLUMNS, tileColumns[globalTile + tile]);
        }
    }

    /** Brings results from rows of columns to columns of rows, some rows at a time so that they stay in the first-level cache. */
    private void store(long floats, int rows, int firstRow, int firstDestination, int columns) {
        int together = 64;
        for (int row = 0; row < rows; row += together) {
            int count = Math.min(together, rows - row);
            for (int c = 0; c < columns; c++) {
                long from = floats + 2L * row * BYTES + (c & 1) * BYTES + 2L * (c & ~1);
                GemmKernels.copyColumn(from, count, destinations[firstDestination + c] + 4L * (firstRow + row));
            }
        }
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        if (blockArena != null) {
            blockArena.close();
        }
        if (workerArena != null) {
            workerArena.close();
        }
    }
}
