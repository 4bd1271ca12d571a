package io.tmac4j.kernels;

import io.tmac4j.bindings.GgmlType;
import java.nio.file.Path;
import java.util.List;

/**
 * What was measured and chosen.
 *
 * @param machine what the choices depend on: processor, number of processors, width of vectors, Java VM, state of the kernels
 * @param file    where they are kept
 * @param seconds how long it took
 * @param trials  all that was measured, in order
 * @param choices what follows, for each type and number of threads
 */
public record TuningReport(String machine, Path file, double seconds, List<Trial> trials, List<Choice> choices) {

    public TuningReport {
        trials = List.copyOf(trials);
        choices = List.copyOf(choices);
    }

    /**
     * Two ways to compute the same products, timed in turns.
     *
     * @param type         type of the weights
     * @param threads      threads
     * @param rows         rows of the matrix
     * @param k            weights a row
     * @param columns      columns of a product
     * @param standard     what is shipped
     * @param other        what was tried beside it
     * @param standardRate its median, in 10^9 weights times columns a second
     * @param otherRate    that of the other
     * @param ratio        other / standard, median of the rounds
     * @param low          a quarter of the rounds had a smaller ratio
     * @param high         a quarter of the rounds had a greater ratio
     */
    public record Trial(GgmlType type, int threads, int rows, int k, int columns, String standard, String other,
            double standardRate, double otherRate, double ratio, double low, double high) {
    }

    /**
     * What is chosen.
     *
     * @param type       type of the weights
     * @param threads    threads of the products
     * @param form       {@code tables}: weights are looked up; {@code words}: they are multiplied
     * @param crossover  columns from which a product with several columns is computed at once, not column by column
     * @param chunkBytes bytes of weights that a thread takes at a time
     * @param shipped    whether this is what is used without tuning too
     */
    public record Choice(GgmlType type, int threads, String form, int crossover, int chunkBytes, boolean shipped) {
    }
}
