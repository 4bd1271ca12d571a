package io.tmac4j.comparison.report;

import io.tmac4j.bindings.GgmlType;
import io.tmac4j.comparison.output.Comparison;
import io.tmac4j.comparison.output.Result;
import io.tmac4j.comparison.report.Figure.Point;
import io.tmac4j.comparison.report.Figure.Series;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;

/** Chooses what there is to draw: the T-MAC paper's figures from our own data, as far as the data go. */
final class Figures {

    private static final String MEASURED = "measured";
    private static final String RATIO = "tmac / llama.cpp";

    private Figures() {
    }

    /** All figures that these files have data for. */
    static List<Figure> of(List<Machines.Entry> machines) {
        List<Figure> figures = new ArrayList<>();
        for (Machines.Entry machine : machines) {
            rates(machine, true, figures);
            rates(machine, false, figures);
        }
        speedUpOverThreads(machines, figures);
        overBits(machines, figures);
        kernelsOverBits(machines, figures);
        ablation(machines, figures);
        ratios(machines, figures);
        energy(machines, figures);
        published(machines, figures);
        return List.copyOf(figures);
    }

    /** Token rates over threads, the paper's figure 2; as bars where there is only one number of threads. */
    private static void rates(Machines.Entry machine, boolean generation, List<Figure> figures) {
        String what = generation ? "Generation" : "Prompt processing";
        Map<String, List<Result>> groups = group(machine.results().results().stream()
                .filter(result -> generation ? result.nPrompt() == 0 : result.nGen() == 0).toList(), r -> r.model() + ", "
                        + r.label());
        List<Result> alone = new ArrayList<>();
        groups.forEach((name, results) -> {
            if (results.stream().map(Result::threads).distinct().count() < 2) {
                alone.addAll(results);
            } else {
                figures.add(new Figure(what + ": " + name + " on " + machine.name(), "threads", "tokens per second", "line",
                        engines(machine, results, Result::threads)));
            }
        });
        if (!alone.isEmpty()) {
            figures.add(new Figure(what + " on " + machine.name(), "", "tokens per second", "bar",
                    engines(machine, alone, Figures::label)));
        }
    }

    private static List<Series> engines(Machines.Entry machine, List<Result> results, Function<Result, Object> x) {
        List<Series> series = new ArrayList<>();
        group(results, Result::engine).forEach((engine, own) -> series.add(new Series(engine, MEASURED, own.stream()
                .map(r -> new Point(x.apply(r), r.medianTs(), Summary.comparison(machine, r).map(Figures::ratio).orElse("")))
                .toList())));
        return series;
    }

    private static <T> Map<String, List<T>> group(List<T> all, Function<T, String> key) {
        return all.stream().collect(Collectors.groupingBy(key, LinkedHashMap::new, Collectors.toList()));
    }

    /** The speed-up that the paper writes above the bars of its figure 2. */
    private static void speedUpOverThreads(List<Machines.Entry> machines, List<Figure> figures) {
        List<Series> series = new ArrayList<>();
        for (Machines.Entry machine : machines) {
            group(machine.results().comparisons(), c -> c.model() + " " + c.test() + " " + c.engine()).forEach((name, own) -> {
                if (own.stream().map(Comparison::threads).distinct().count() > 1) {
                    series.add(new Series(name.replace(".gguf", "") + onMachine(machines, machine), MEASURED,
                            own.stream().map(c -> new Point(c.threads(), c.ratio(), ratio(c))).toList()));
                }
            });
        }
        add(figures, "Speed-up over threads", "threads", RATIO, "line", series);
    }

    /** One thread, generation, each weight type, whole models. */
    private static void overBits(List<Machines.Entry> machines, List<Figure> figures) {
        List<Series> series = new ArrayList<>();
        for (Machines.Entry machine : machines) {
            List<Point> points = machine.results().comparisons().stream()
                    .filter(c -> c.threads() == 1 && c.test().matches("tg\\d+"))
                    .map(c -> new Point(bits(c.type()), c.ratio(), c.type() + ", " + c.model() + ": " + ratio(c)))
                    .sorted(Figures::byNumber)
                    .toList();
            if (points.stream().map(Point::x).distinct().count() > 1) {
                series.add(new Series(machine.name(), MEASURED, points));
            }
        }
        add(figures, "Speed-up over bits a weight: whole models, one thread, generation", "bits a weight", RATIO, "scatter",
                series);
    }

    /** The paper's figure 5: single products on one core, for one column (decoding) and for many (prompts). */
    private static void kernelsOverBits(List<Machines.Entry> machines, List<Figure> figures) {
        List<Series> series = new ArrayList<>();
        for (Machines.Entry machine : machines) {
            group(machine.kernels().stream().filter(kernel -> kernel.threads() == 1).toList(),
                    kernel -> (kernel.columns() == 1 ? "one column" : kernel.columns() + " columns")
                            + (kernel.workingSet() == null ? "" : ", " + kernel.workingSet())).forEach((name, own) ->
                    series.add(new Series(name + onMachine(machines, machine), MEASURED, own.stream()
                            .map(kernel -> new Point(bits(kernel.type()), kernel.ratio(), String.format(Locale.ROOT,
                                    "%s %d x %d: %.1f against %.1f Gop/s", kernel.type(), kernel.rows(), kernel.k(),
                                    kernel.tmacGops(), kernel.llamaGops())))
                            .sorted(Figures::byNumber).toList())));
        }
        add(figures, "Speed-up of single products over bits a weight: one core", "bits a weight", RATIO, "scatter", series);
    }

    /** The paper's figure 7: what each step brings. */
    private static void ablation(List<Machines.Entry> machines, List<Figure> figures) {
        for (Machines.Entry machine : machines) {
            List<Series> series = new ArrayList<>();
            group(machine.ablation(), KernelFile.Step::type).forEach((type, steps) -> series.add(new Series(type, MEASURED,
                    steps.stream().map(step -> new Point(step.step(), step.gops(), "")).toList())));
            add(figures, "What each step brings, on " + machine.name(), "", "10⁹ operations per second", "bar", series);
        }
    }

    /** All ratios as bars, for a quick look. */
    private static void ratios(List<Machines.Entry> machines, List<Figure> figures) {
        List<Series> series = new ArrayList<>();
        for (Machines.Entry machine : machines) {
            List<Point> points = machine.results().comparisons().stream()
                    .map(c -> new Point(c.model().replace(".gguf", "") + " " + c.test() + " t" + c.threads(), c.ratio(),
                            ratio(c)))
                    .toList();
            if (!points.isEmpty()) {
                series.add(new Series(machine.name(), MEASURED, points));
            }
        }
        add(figures, "Speed-up in every test", "", RATIO, "bar", series);
    }

    private static void energy(List<Machines.Entry> machines, List<Figure> figures) {
        for (Machines.Entry machine : machines) {
            List<Result> known = machine.results().results().stream().filter(r -> r.joulesPerToken() != null).toList();
            List<Series> series = new ArrayList<>();
            ToDoubleFunction<Result> joules = Result::joulesPerToken;
            group(known, Result::engine).forEach((engine, own) -> series.add(new Series(engine, MEASURED, own.stream()
                    .map(r -> new Point(label(r), joules.applyAsDouble(r), "")).toList())));
            add(figures, "Energy on " + machine.name(), "", "joules per token", "bar", series);
        }
    }

    /** What others published for the C++ T-MAC on the machines of this report: to look at, not measured here. */
    private static void published(List<Machines.Entry> machines, List<Figure> figures) {
        for (Published reference : Published.ALL) {
            if (machines.stream().anyMatch(machine -> reference.isOf(machine.name()))) {
                figures.add(reference.figure());
            }
        }
    }

    private static void add(List<Figure> figures, String title, String x, String y, String kind, List<Series> series) {
        if (!series.isEmpty()) {
            figures.add(new Figure(title, x, y, kind, List.copyOf(series)));
        }
    }

    private static String label(Result r) {
        return r.model().replace(".gguf", "") + " " + r.label() + " t" + r.threads();
    }

    private static String onMachine(List<Machines.Entry> machines, Machines.Entry machine) {
        return machines.size() > 1 ? ", " + machine.name() : "";
    }

    private static int byNumber(Point a, Point b) {
        return Double.compare((Double) a.x(), (Double) b.x());
    }

    private static String ratio(Comparison c) {
        return String.format(Locale.ROOT, "%.2fx (%.2f to %.2f), %s", c.ratio(), c.ratioLow(), c.ratioHigh(), c.verdict());
    }

    /** Bits a weight of a type's name such as {@code TQ2_0 - 2.06 bpw ternary}; NaN if there is no such type. */
    static double bits(String type) {
        return GgmlType.ofName(type.split("[ -]")[0]).map(GgmlType::bitsPerWeight).orElse(Double.NaN);
    }
}
