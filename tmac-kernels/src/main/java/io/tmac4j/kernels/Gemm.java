package io.tmac4j.kernels;

import static io.tmac4j.kernels.ColumnSpecies.BYTES;
import static io.tmac4j.kernels.ColumnSpecies.COLUMNS;

import io.tmac4j.bindings.spi.MatMul;
import io.tmac4j.bindings.spi.MatMulBatch;
import io.tmac4j.bindings.spi.ParallelTask;
import java.lang.foreign.Arena;
import java.util.Arrays;

/**
 * mpGEMM: the products of a batch for columns enough to fill vectors. Columns are cut into tiles of
 * {@link ColumnSpecies#COLUMNS}, those of a routed product grouped by expert; what is left, fewer than {@link #CROSSOVER}
 * columns, is for {@link Session} to do one by one.
 *
 * <p>A region quantises the activations of all distinct inputs first ({@link ColumnBlocks}). A chunk of its second phase is, for
 * weights that are looked up, many row tiles of a product times one column tile: for each step along k it builds the vector
 * tables of the step in the first-level cache and sweeps over the rows, with float sums in the second-level cache. For weights
 * that are multiplied it is one row tile times a group of column tiles: each step's weights are unpacked once for the group.
 */
final class Gemm implements AutoCloseable, ParallelTask {

    /**
     * Fewest columns that are worth one sweep by vector tables instead of shuffles column by column: an estimate from the rates
     * of both kernels on one core with 512-bit vectors.
     */
    static final int CROSSOVER = 8;

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
    private static final int GROUP_TILES = 8;

    /** Sums of sub-blocks that become floats together. */
    private static final int SUB_SUMS = 4;

    private static final int TILE_ROWS = DecodeKernels.VECTORS * Species.LANES;

    private static final long ALIGNMENT = 4096;

    /** 32 vector tables, or 128 unpacked weights of all rows of a tile. */
    private static final long TABLES_BYTES =
            Math.max(2 * GemmShape.STEP_BYTES * GemmKernels.TABLE, 512L * TILE_ROWS);
    private static final long SUMS_BYTES = (long) MAX_CHUNK_ROWS * BYTES;
    private static final long FLOATS_BYTES = 2L * Math.max(MAX_CHUNK_ROWS, GROUP_TILES * TILE_ROWS) * BYTES;
    private static final long SCALES_BYTES = 4L * SUB_SUMS * TILE_ROWS;
    private static final long WORKER_BYTES = TABLES_BYTES + SUMS_BYTES + FLOATS_BYTES + 2 * SCALES_BYTES
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
                    regions = Math.max(regions, (taken(product.columns()) + REGION_COLUMNS - 1) / REGION_COLUMNS);
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

    /** How many of {@code columns} columns of one matrix are computed here: all, or all but the last few. */
    static int taken(int columns) {
        int rest = columns % COLUMNS;
        return rest < CROSSOVER ? columns - rest : columns;
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
        int taken = taken(columns);
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
        int experts = ((PackedMatrix) product.weights()).layout().experts();
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
        int start = 0;
        for (int e = 0; e < experts; e++) {
            int end = expertCounts[e];
            int last = start + taken(end - start);
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
        PackedLayout layout = unitMatrices[units].layout();
        GemmShape shape = unitMatrices[units].gemmShape();
        int input = 0;
        while (input < inputs && !sameInput(input, shape, layout.k(), firstTile)) {
            input++;
        }
        if (input == inputs) {
            addInput(shape, layout.k(), firstTile);
        } else {
            tiles = firstTile;
        }
        unitInputs[units] = input;
        units++;
    }

    private boolean sameInput(int input, GemmShape shape, int k, int firstTile) {
        if (inputShapes[input].form() != shape.form() || inputWidths[input] != k || inputTiles[input] != tiles - firstTile) {
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

    private void addInput(GemmShape shape, int k, int firstTile) {
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
        inputShapes[inputs] = shape;
        inputWidths[inputs] = k;
        inputFirstTiles[inputs] = firstTile;
        inputTiles[inputs] = tiles - firstTile;
        addGroups(shape.byTables() ? 1 : GROUP_TILES, firstTile);
        inputs++;
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
            rows += (long) unitMatrices[u].layout().rows() * inputTiles[unitInputs[u]];
        }
        long wanted = Math.max(MIN_CHUNK_ROWS, Math.min(MAX_CHUNK_ROWS, rows / ((long) CHUNKS_PER_THREAD * batch.threads())));
        chunks = 0;
        for (int u = 0; u < units; u++) {
            PackedLayout layout = unitMatrices[u].layout();
            if (unitMatrices[u].gemmShape().byTables()) {
                // chunks of equal size, none of them small
                int parts = (int) ((layout.rows() + wanted - 1) / wanted);
                unitRowTiles[u] = (layout.tiles() + parts - 1) / parts;
            } else {
                unitRowTiles[u] = 1;
            }
            chunks += rowChunks(u) * inputGroups[unitInputs[u]];
            unitChunkEnds[u] = chunks;
        }
    }

    private int quantiseChunks(int input) {
        return (inputWidths[input] + QUANTISE_CHUNK - 1) / QUANTISE_CHUNK;
    }

    private int rowChunks(int unit) {
        return (unitMatrices[unit].layout().tiles() + unitRowTiles[unit] - 1) / unitRowTiles[unit];
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
        PackedLayout layout = matrix.layout();
        int rowTiles = Math.min(unitRowTiles[u], layout.tiles() - firstRowTile);
        int globalTile = inputFirstTiles[input] + firstTile;
        long weights = matrix.address() + layout.tileOffset(tileExperts[globalTile], firstRowTile);
        long activations = inputBlocks[input] + firstTile * tileBytes(input);
        long floats = scratch + TABLES_BYTES + SUMS_BYTES;
        int firstRow = firstRowTile * layout.tileRows();
        int rows = Math.min(rowTiles * layout.tileRows(), layout.rows() - firstRow);
        if (matrix.gemmShape().byTables()) {
            lookUp(matrix, weights, rowTiles, activations, scratch, floats);
        } else {
            multiply(matrix, weights, activations, tileBytes(input), groupTiles[group], scratch, floats);
        }
        for (int tile = 0; tile < groupTiles[group]; tile++) {
            store(floats + 2L * tile * layout.tileRows() * BYTES, rows, firstRow,
                    unitDestinations[u] + (firstTile + tile) * COLUMNS, tileColumns[globalTile + tile]);
        }
    }

    /** All steps along k for some row tiles and one column tile, by vector tables. */
    private static void lookUp(PackedMatrix matrix, long weights, int rowTiles, long activations, long tables, long floats) {
        PackedLayout layout = matrix.layout();
        GemmShape shape = matrix.gemmShape();
        int tileRows = layout.tileRows();
        long sums = tables + TABLES_BYTES;
        long scales = floats + FLOATS_BYTES;
        Memory.clear(floats, 2L * rowTiles * tileRows * BYTES);
        for (int step = 0; step < shape.steps(layout.k()); step++) {
            long column = activations + step * ColumnBlocks.stepBytes(shape);
            VectorTables.build(layout.form(), column, 2 * GemmShape.STEP_BYTES, tables);
            int inBlock = step % shape.stepsPerBlock();
            for (int tile = 0; tile < rowTiles; tile++) {
                long block = weights + tile * layout.tileBytes() + (long) (step / shape.stepsPerBlock()) * layout.blockBytes();
                long to = floats + 2L * tile * tileRows * BYTES;
                if (shape.nested()) {
                    lookUpNested(layout, shape, block, inBlock, tables, column, sums, scales, to);
                } else {
                    lookUpFlat(layout, shape, block, inBlock, tables, column, sums + (long) tile * tileRows * BYTES, scales, to);
                }
            }
        }
    }

    /** A step of a block with one scale: sums stay integers until its last step. */
    private static void lookUpFlat(PackedLayout layout, GemmShape shape, long block, int inBlock, long tables, long column,
            long sums, long scales, long floats) {
        int rows = layout.tileRows();
        long codes = block + (long) inBlock * GemmShape.STEP_BYTES * rows;
        if (inBlock == 0) {
            Memory.clear(sums, (long) rows * BYTES);
        }
        GemmKernels.tableSums(tables, codes, rows, layout.lanes() / 4, sums);
        if (inBlock == shape.stepsPerBlock() - 1) {
            RowScales.flat(layout, block, scales);
            GemmKernels.scale(sums, scales, column + ColumnBlocks.columnScales(shape), rows, floats);
        }
    }

    /** A step of four sub-blocks with scales and mins. */
    private static void lookUpNested(PackedLayout layout, GemmShape shape, long block, int inBlock, long tables, long column,
            long sums, long scales, long floats) {
        int rows = layout.tileRows();
        int bytes = shape.partBytes();
        long codes = block + (long) inBlock * GemmShape.STEP_BYTES * rows;
        long mins = scales + SCALES_BYTES;
        for (int sum = 0; sum < SUB_SUMS; sum++) {
            int part = sum / 2;
            int nibble = sum % 2;
            GemmKernels.nibbleSums(tables + (2L * part * bytes + nibble) * GemmKernels.TABLE, codes + (long) part * bytes * rows,
                    4 * nibble, rows, layout.lanes() / 4, sums + (long) sum * rows * BYTES);
        }
        RowScales.nestedWithMins(layout, block, inBlock * SUB_SUMS, SUB_SUMS, shape.lack(), scales, mins);
        GemmKernels.addFourMins(mins, column + ColumnBlocks.columnSums(shape), rows, floats);
        GemmKernels.scaleFour(sums, scales, column + ColumnBlocks.columnScales(shape), rows, floats);
    }

    /** All steps along k for one row tile and a group of column tiles, by multiplication. */
    private static void multiply(PackedMatrix matrix, long weights, long activations, long tileBytes, int columnTiles,
            long unpacked, long floats) {
        PackedLayout layout = matrix.layout();
        GemmShape shape = matrix.gemmShape();
        long sums = unpacked + TABLES_BYTES;
        long scales = floats + FLOATS_BYTES;
        Memory.clear(floats, 2L * columnTiles * layout.tileRows() * BYTES);
        for (int step = 0; step < shape.steps(layout.k()); step++) {
            long column = activations + step * ColumnBlocks.stepBytes(shape);
            if (shape.nested()) {
                long block = weights + (long) (step / shape.stepsPerBlock()) * layout.blockBytes();
                for (int part = 0; part < shape.parts(); part += 2) {
                    multiplyNested(layout, shape, block, step % shape.stepsPerBlock(), part, column, tileBytes, columnTiles,
                            unpacked, sums, scales, floats);
                }
            } else {
                for (int part = 0; part < shape.parts(layout.k(), step); part++) {
                    long block = weights + (long) (step * shape.parts() + part) * layout.blockBytes();
                    multiplyFlat(layout, shape, block, part, column, tileBytes, columnTiles, unpacked, sums, scales, floats);
                }
            }
        }
    }

    /** A block with one scale. */
    private static void multiplyFlat(PackedLayout layout, GemmShape shape, long block, int part, long column, long tileBytes,
            int columnTiles, long unpacked, long sums, long scales, long floats) {
        int rows = layout.tileRows();
        int weights = shape.partWeights();
        long mins = scales + SCALES_BYTES;
        PlaneWeights.unpack(layout, shape, block, 0, unpacked, 32L * rows);
        PlaneWeights.unpack(layout, shape, block, 1, unpacked + 16L * rows, 32L * rows);
        if (shape.withMins()) {
            RowScales.flatWithMins(layout, block, shape.lack(), scales, mins);
        } else {
            RowScales.flat(layout, block, scales);
        }
        for (int tile = 0; tile < columnTiles; tile++) {
            long tileColumn = column + tile * tileBytes;
            long to = floats + 2L * tile * rows * BYTES;
            GemmKernels.productSums(unpacked, tileColumn + (long) part * weights * BYTES, weights, rows, sums);
            long columnScales = tileColumn + ColumnBlocks.columnScales(shape) + 2L * part * BYTES;
            if (shape.withMins()) {
                long columnSums = tileColumn + ColumnBlocks.columnSums(shape) + 2L * part * BYTES;
                GemmKernels.scaleWithMin(sums, scales, mins, columnScales, columnSums, rows, to);
            } else {
                GemmKernels.scale(sums, scales, columnScales, rows, to);
            }
        }
    }

    /** Four sub-blocks, from two parts. */
    private static void multiplyNested(PackedLayout layout, GemmShape shape, long block, int inBlock, int part, long column,
            long tileBytes, int columnTiles, long unpacked, long sums, long scales, long floats) {
        int rows = layout.tileRows();
        int weights = shape.partWeights() / 2;
        int firstPart = inBlock * shape.parts() + part;
        long partCodes = (long) layout.form().planes() * shape.partBytes() * rows;
        long mins = scales + SCALES_BYTES;
        for (int sum = 0; sum < SUB_SUMS; sum++) {
            PlaneWeights.unpack(layout, shape, block + (firstPart + sum / 2) * partCodes, sum % 2,
                    unpacked + 4L * sum * weights * rows, 16L * rows);
        }
        if (shape.withMins()) {
            RowScales.nestedWithMins(layout, block, 2 * firstPart, SUB_SUMS, shape.lack(), scales, mins);
        } else {
            RowScales.nested(layout, block, 2 * firstPart, SUB_SUMS, scales);
        }
        for (int tile = 0; tile < columnTiles; tile++) {
            long tileColumn = column + tile * tileBytes;
            long to = floats + 2L * tile * rows * BYTES;
            for (int sum = 0; sum < SUB_SUMS; sum++) {
                GemmKernels.productSums(unpacked + 4L * sum * weights * rows,
                        tileColumn + (long) (part * shape.partWeights() + sum * weights) * BYTES, weights, rows,
                        sums + (long) sum * rows * BYTES);
            }
            if (shape.withMins()) {
                GemmKernels.addFourMins(mins, tileColumn + ColumnBlocks.columnSums(shape) + 4L * part * BYTES, rows, to);
            }
            GemmKernels.scaleFour(sums, scales, tileColumn + ColumnBlocks.columnScales(shape), rows, to);
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
