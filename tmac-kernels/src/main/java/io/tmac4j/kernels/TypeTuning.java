package io.tmac4j.kernels;

import java.util.List;

/**
 * How products of one type of weights are computed, as far as a measurement or the user decides. Results do not depend on how
 * work is cut; those of both forms differ as roundings of the same activations do, or of scales.
 *
 * @param lookups whether weights are looked up in byte tables, rather than multiplied as words
 * @param work    how products are cut, for some numbers of threads in ascending order, at least one
 * @param mode    how exactly they are looked up, or whether scales of words may be rounded, see {@link RoundedScales}
 */
record TypeTuning(boolean lookups, List<Work> work, TableMode mode) {

    /**
     * How products on some number of threads are cut.
     *
     * @param threads    threads that this was measured on
     * @param crossover  columns from which mpGEMM replaces one product a column, as far as they do not fill a column tile
     * @param chunkBytes weights that a thread takes at a time when it multiplies single columns
     */
    record Work(int threads, int crossover, int chunkBytes) {
    }

    TypeTuning {
        work = List.copyOf(work);
    }

    /** Lookups are as exact as is usual. */
    TypeTuning(boolean lookups, List<Work> work) {
        this(lookups, work, TableMode.DEFAULT);
    }

    /**
     * The same in a mode, as far as it concerns a format: exact lookups give way to words where there are any. Words with exact
     * scales are cut as those with rounded ones are, for they are read alike.
     */
    TypeTuning in(TableMode wanted, BlockFormat format) {
        boolean words = wanted == TableMode.EXACT && format.wordForm().isPresent();
        TypeTuning form = words && lookups ? standard(format, false) : this;
        boolean modes = form.lookups ? !format.lookupForm().orElseThrow().nested()
                : !format.packedWords(wanted).equals(format.packedWords(TableMode.DEFAULT));
        return new TypeTuning(form.lookups, form.work, modes ? wanted : TableMode.DEFAULT);
    }

    /**
     * What is shipped for a format: what can be looked up is; but three bits, of which a lookup in the mean has 1 1/3, only where
     * multiplication is slow, too.
     */
    static TypeTuning standard(BlockFormat format) {
        return standard(format, format.lookupForm()
                .filter(form -> !form.highBits() || VectorWidth.chosen().multipliesSlowly()).isPresent());
    }

    /** One form of a format, with work cut as is shipped. */
    static TypeTuning standard(BlockFormat format, boolean lookups) {
        boolean byTables = lookups || format.wordForm().orElseThrow().byTables();
        int crossover = byTables ? Gemm.TABLES_CROSSOVER : WideSpecies.COLUMNS;
        return new TypeTuning(lookups, List.of(new Work(1, crossover, Session.CHUNK_BYTES)));
    }

    /** How products on that many threads are cut: as for the nearest number that is known. */
    Work work(int threads) {
        Work best = work.getFirst();
        for (int i = 1; i < work.size(); i++) {
            if (Math.abs(work.get(i).threads() - threads) < Math.abs(best.threads() - threads)) {
                best = work.get(i);
            }
        }
        return best;
    }
}
