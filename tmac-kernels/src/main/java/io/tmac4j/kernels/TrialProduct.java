package io.tmac4j.kernels;

import io.tmac4j.bindings.spi.MatMulBatch;
import io.tmac4j.bindings.spi.WorkerPool;
import java.lang.foreign.Arena;

/**
 * Products of a matrix in one form, to be timed. They take turns among copies, so that weights come from memory as in a decode
 * step. How long a product takes does not depend on its codes: all memory is filled with the bits of one f16 number, which every
 * scale then is.
 */
final class TrialProduct implements AutoCloseable {

    private static final long HALVES = 0x0001_0001_0001_0001L * Float.floatToFloat16(1f / 64);

    private static final int ALIGNMENT = 64;

    private final Arena arena = Arena.ofShared();
    private final MatMulBatch batch = new MatMulBatch(WorkerPool.shared(), () -> false);
    private final Session session = new Session();
    private final PackedMatrix[] copies;
    private final long input;
    private final long output;
    private int next;

    /**
     * Allocates and fills the copies.
     *
     * @param form  which form the weights take
     * @param bytes how much memory the copies take together, about; one copy for 0
     * @param most  columns of a product, at most
     * @throws OutOfMemoryError if there is not enough
     */
    TrialProduct(BlockFormat format, TypeTuning form, TrialShape shape, long bytes, int most) {
        copies = new PackedMatrix[(int) Math.max(1, bytes / (format.type().rowBytes(shape.k()) * shape.rows()))];
        try {
            long inputBytes = (long) Float.BYTES * most * shape.k();
            input = arena.allocate(inputBytes, ALIGNMENT).address();
            for (long at = 0; at < inputBytes; at += Float.BYTES) {
                Memory.f32(input + at, at % 7 - 3f);
            }
            output = arena.allocate((long) Float.BYTES * most * shape.rows(), ALIGNMENT).address();
            for (int i = 0; i < copies.length; i++) {
                copies[i] = Packer.unpacked(NarrowedFormat.usual(format), form, shape.rows(), shape.k(), 1);
                fill(copies[i].address(), copies[i].byteSize());
            }
        } catch (Throwable t) {
            close();
            throw t;
        }
    }

    private static void fill(long address, long bytes) {
        Memory.i64(address, HALVES);
        for (long done = Long.BYTES; done < bytes; done *= 2) {
            Memory.copy(address, address + done, Math.min(done, bytes - done));
        }
    }

    /** Computes one product, with the next of the copies, cut as {@code tuning} says. */
    void multiply(int columns, int threads, TypeTuning tuning) {
        PackedMatrix matrix = copies[next];
        next = (next + 1) % copies.length;
        matrix.tuning(tuning);
        batch.clear(threads);
        batch.add().dense(matrix, columns, input, (long) Float.BYTES * matrix.k(), output, (long) Float.BYTES * matrix.rows());
        session.multiply(batch);
    }

    @Override
    public void close() {
        session.close();
        for (PackedMatrix copy : copies) {
            if (copy != null) {
                copy.close();
            }
        }
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
