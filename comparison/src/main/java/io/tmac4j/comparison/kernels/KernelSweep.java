package io.tmac4j.comparison.kernels;

import io.tmac4j.bindings.Engine;
import io.tmac4j.bindings.GgmlType;
import io.tmac4j.comparison.bench.Plan;
import java.util.List;

/**
 * What is measured: every combination of these.
 *
 * @param engine     the engine beside llama.cpp
 * @param types      types of the weights
 * @param shapes     shapes of the weights
 * @param columns    columns of activations that a product has
 * @param threads    numbers of threads
 * @param workingSet where the weights come from, or null: from memory for one column, from the caches for more
 * @param plan       how; its seed draws the weights and activations too
 */
public record KernelSweep(Engine engine, List<GgmlType> types, List<Shape> shapes, List<Integer> columns, List<Integer> threads,
                          WorkingSet workingSet, Plan plan) {

    public KernelSweep {
        types = List.copyOf(types);
        shapes = List.copyOf(shapes);
        columns = List.copyOf(columns);
        threads = List.copyOf(threads);
    }

    /** The columns that are measured with such weights. */
    List<Integer> columns(WorkingSet set) {
        return columns.stream().filter(count -> set == workingSet(count)).toList();
    }

    /** Where the weights of products of so many columns come from. */
    WorkingSet workingSet(int count) {
        return workingSet != null ? workingSet : count == 1 ? WorkingSet.COLD : WorkingSet.HOT;
    }

    /** Rows of the whole table. */
    int size() {
        return types.size() * shapes.size() * columns.size() * threads.size();
    }
}
