package io.tmac4j.comparison.output;

import io.tmac4j.comparison.environment.Environment;
import java.util.List;

/**
 * A file of results.
 *
 * @param version     of this form; readers refuse a newer one
 * @param environment what was measured on
 * @param results     a line for each engine and test
 * @param comparisons a line for each test: an engine against the baseline
 * @param agreement   a line for each model: do the engines compute the same
 * @param texts       what each engine wrote, for models that can write
 * @param startup     a line for each model and engine: its start in a process of its own
 * @param notes       what the reader must know before believing the numbers
 */
public record Results(int version, Environment environment, List<Result> results, List<Comparison> comparisons,
                      List<Agreement> agreement, List<Text> texts, List<Startup> startup, List<String> notes) {

    /** The version that this program writes. */
    public static final int VERSION = 1;

    public Results {
        results = results == null ? List.of() : List.copyOf(results);
        comparisons = comparisons == null ? List.of() : List.copyOf(comparisons);
        agreement = agreement == null ? List.of() : List.copyOf(agreement);
        texts = texts == null ? List.of() : List.copyOf(texts);
        startup = startup == null ? List.of() : List.copyOf(startup);
        notes = notes == null ? List.of() : List.copyOf(notes);
    }
}
