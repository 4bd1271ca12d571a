package io.tmac4j.kernels;

import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.spi.AttentionKernel;
import io.tmac4j.bindings.spi.MatMulBatch;
import io.tmac4j.bindings.spi.MatMulEngine;
import io.tmac4j.bindings.spi.PackedWeights;
import io.tmac4j.bindings.spi.WeightTensor;
import io.tmac4j.bindings.spi.WorkerPool;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.stream.Collectors;

/** Low-bit products by table lookup with byte shuffles. */
final class TmacEngine implements MatMulEngine {

    /** Rows and weights a row are counted in ints; more than any model has. */
    private static final long MAX_DIMENSION = 1 << 28;

    /**
     * If true, the engine takes types with codebooks too: their kernels are right, but behind llama.cpp's, since the Vector
     * API has no multiplication of bytes that adds pairs.
     */
    static final String CODEBOOKS = "tmac.codebooks";

    /** If false, llama.cpp's own code computes attention. */
    static final String ATTENTION = "tmac.attention";

    private final VectorWidth width = VectorWidth.chosen();
    private final Map<GgmlType, String> tuned = new ConcurrentSkipListMap<>();

    /** What it works with; once weights have been packed, also which types of them are not computed as shipped. */
    @Override
    public String description() {
        return "table lookup on " + width.lookupBits() + "-bit vectors"
                + (width.lookupBits() < width.bits() ? ", all else on " + width.bits() : "") + ": " + width.reason()
                + (tuned.isEmpty() ? "" : tuned.entrySet().stream().map(entry -> entry.getKey() + " by " + entry.getValue())
                .collect(Collectors.joining(", ", "; not as shipped: ", "")));
    }

    @Override
    public Optional<String> refusal(GgmlType type, long k, long rows) {
        return refusalOf(type, k, rows);
    }

    /** Why a tensor cannot be packed, the same on every machine. */
    static Optional<String> refusalOf(GgmlType type, long k, long rows) {
        if (BlockFormat.of(type).isEmpty()) {
            return Optional.of("no lookup kernel for " + type.ggmlName());
        }
        if (BlockFormat.of(type).flatMap(BlockFormat::wordForm).filter(WordForm::hasCodebook).isPresent()
                && !Boolean.getBoolean(CODEBOOKS)) {
            return Optional.of("llama.cpp is faster with " + type.ggmlName() + "; with -D" + CODEBOOKS
                    + "=true the engine takes it all the same");
        }
        if (k <= 0 || rows <= 0 || k % type.blockSize() != 0) {
            return Optional.of("rows of " + k + " weights are not whole blocks of " + type.blockSize());
        }
        if (k > MAX_DIMENSION || rows > MAX_DIMENSION) {
            return Optional.of("a matrix of " + rows + " x " + k + " is too large");
        }
        return Optional.empty();
    }

    @Override
    public PackedWeights pack(WeightTensor source, WorkerPool pool) {
        BlockFormat format = BlockFormat.of(source.type()).orElseThrow();
        TypeTuning tuning = Tuner.chosen(format).in(TableMode.chosen(), format);
        if (tuning.equals(TypeTuning.standard(format))) {
            tuned.remove(format.type());
        } else {
            tuned.put(format.type(), Tuner.form(tuning) + (tuning.mode() == TableMode.DEFAULT ? ""
                    : " (" + tuning.mode().name().toLowerCase(Locale.ROOT) + ")"));
        }
        return Packer.pack(format, source, tuning, pool, Runtime.getRuntime().availableProcessors());
    }

    @Override
    public void multiply(MatMulBatch batch) {
        if (batch.size() == 0) {
            return;
        }
        Session session = (Session) batch.engineState();
        if (session == null) {
            session = new Session();
            batch.engineState(session);
        }
        session.multiply(batch);
        for (int p = 0; p < batch.size() && !batch.isCancelled(); p++) {
            RowsApart rows = ((PackedMatrix) batch.product(p).weights()).rowsApart();
            if (rows != null) {
                rows.multiply(batch.product(p), batch);
            }
        }
    }

    @Override
    public Optional<AttentionKernel> attention() {
        return Boolean.parseBoolean(System.getProperty(ATTENTION, "true")) ? Optional.of(new VectorAttention())
                : Optional.empty();
    }
}
