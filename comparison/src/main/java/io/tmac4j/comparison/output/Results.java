package io.tmac4j.comparison.output;

import io.tmac4j.comparison.environment.Environment;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;

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

    /** These results, and before them those of an earlier file that they do not replace. */
    public Results with(Results before) {
        List<Result> kept = before.results.stream().filter(old -> results.stream().noneMatch(old::isOfTheSame)).toList();
        List<Comparison> compared = before.comparisons.stream()
                .filter(old -> kept.stream().anyMatch(result -> old.engine().equals(result.engine())
                        && old.model().equals(result.model()) && old.tmacTs() == result.medianTs()))
                .toList();
        return new Results(version, environment, joined(kept, results), joined(compared, comparisons),
                replaced(before.agreement, agreement, Agreement::model, Agreement::engine),
                replaced(before.texts, texts, Text::model, Text::engine),
                replaced(before.startup, startup, Startup::model, Startup::engine),
                joined(before.notes, notes).stream().distinct().toList());
    }

    /** The newer ones, and before them the older ones of other models or engines. */
    private static <T> List<T> replaced(List<T> before, List<T> now, Function<T, String> model, Function<T, String> engine) {
        return joined(before.stream().filter(old -> now.stream().noneMatch(found -> model.apply(found).equals(model.apply(old))
                && engine.apply(found).equals(engine.apply(old)))).toList(), now);
    }

    private static <T> List<T> joined(List<T> first, List<T> second) {
        return Stream.concat(first.stream(), second.stream()).toList();
    }
}
