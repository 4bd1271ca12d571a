package io.tmac4j.kernels;

import io.tmac4j.bindings.spi.PackedWeights;
import java.lang.foreign.Arena;

/** The packed weights of one tensor. */
final class PackedMatrix implements PackedWeights {

    /** Alignment of the memory: a page, so that no vector crosses a cache line. */
    private static final long ALIGNMENT = 4096;

    private final BlockFormat format;
    private final PackedLayout layout;
    private final TableLayout tableLayout;
    private final GemmShape gemmShape;
    private final Arena arena = Arena.ofShared();
    private final long address;
    private boolean closed;

    /**
     * Allocates memory for {@code layout}.
     *
     * @throws OutOfMemoryError if there is not enough
     */
    PackedMatrix(BlockFormat format, PackedLayout layout) {
        this.format = format;
        this.layout = layout;
        this.tableLayout = new TableLayout(layout.form(), layout.k());
        this.gemmShape = GemmShape.of(layout.form());
        this.address = arena.allocate(layout.byteSize(), ALIGNMENT).address();
    }

    /** The format of the weights before packing. */
    BlockFormat format() {
        return format;
    }

    /** Where everything stands. */
    PackedLayout layout() {
        return layout;
    }

    /** Where the tables of an input stand. */
    TableLayout tableLayout() {
        return tableLayout;
    }

    /** How mpGEMM walks along k. */
    GemmShape gemmShape() {
        return gemmShape;
    }

    /** Address of the first tile of expert 0. */
    long address() {
        return address;
    }

    @Override
    public long byteSize() {
        return layout.byteSize();
    }

    @Override
    public String description() {
        return layout.form().name() + ", tiles of " + layout.tileRows() + " rows";
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            arena.close();
        }
    }
}
