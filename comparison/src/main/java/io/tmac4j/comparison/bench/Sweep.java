package io.tmac4j.comparison.bench;

import io.tmac4j.bindings.Engine;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * All that one command measures.
 *
 * @param models   the files whose rates are measured
 * @param engines  the engines; the first is the baseline
 * @param settings each combination of threads, batches, cache types and flash attention
 * @param tests    the tests for each of them
 * @param plan     how each cell is measured
 * @param busy     numbers of processes beside which each cell is measured again while they keep a core each busy
 * @param pieces   whether to tell where the time of each test goes
 * @param bandwidth whether to measure how fast memory is read, to compare generation with
 * @param startupPrompt tokens of the prompt with which each engine's start is measured; 0 leaves it out
 * @param agreeing further files on which only the engines' agreement is checked
 * @param agreementTokens tokens on which agreement is checked; 0 leaves it out
 */
public record Sweep(List<Path> models, List<Engine> engines, List<Settings> settings, List<TestCase> tests, Plan plan,
                    List<Integer> busy, boolean pieces, boolean bandwidth, int startupPrompt, List<Path> agreeing,
                    int agreementTokens) {

    public Sweep {
        models = List.copyOf(models);
        engines = List.copyOf(engines);
        settings = List.copyOf(settings);
        tests = List.copyOf(tests);
        busy = List.copyOf(busy);
        agreeing = List.copyOf(agreeing);
    }

    /** The cells of one model, in llama-bench's order: settings outside, tests inside. */
    List<Cell> cells(Path model) {
        List<Cell> cells = new ArrayList<>();
        for (Settings setting : settings) {
            for (TestCase test : tests) {
                cells.add(new Cell(model, setting, test));
            }
        }
        return cells;
    }

    double weight() {
        return models.stream().flatMap(model -> cells(model).stream()).mapToDouble(Cell::weight).sum();
    }
}
