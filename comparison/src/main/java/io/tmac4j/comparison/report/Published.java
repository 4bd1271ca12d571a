package io.tmac4j.comparison.report;

import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * Token rates that others have published for the C++ implementation of T-MAC, to hold measurements against.
 *
 * @param machine  part of the processor's name, in lower case
 * @param title    machine, model and source
 * @param threads  thread counts
 * @param baseline llama.cpp's rates
 * @param tmac     T-MAC's rates
 */
record Published(String machine, String title, List<Integer> threads, List<Double> baseline, List<Double> tmac) {

    private static final String PAPER = "T-MAC, arXiv 2407.00088";
    private static final String PULL_REQUEST = "llama.cpp pull request 10181";

    static final List<Published> ALL = List.of(
            new Published("apple m2", "Apple M2, 7B at 2 bits (Q2_K), " + PULL_REQUEST, List.of(1, 2, 3, 4),
                    List.of(4.59, 8.72, 12.61, 16.38), List.of(12.86, 20.47, 27.83, 34.48)),
            new Published("apple m2", "Apple M2, 7B at 4 bits (Q4_0), " + PULL_REQUEST, List.of(1, 2, 3, 4),
                    List.of(5.69, 10.16, 14.60, 18.70), List.of(7.01, 12.30, 17.26, 21.59)),
            new Published("apple m2 ultra", "Apple M2 Ultra, BitNet-3B, " + PAPER, List.of(1, 4, 8),
                    List.of(6.03, 20.94, 36.46), List.of(22.20, 53.95, 66.14)),
            new Published("x elite", "Snapdragon X Elite, BitNet-3B, " + PAPER, List.of(1, 4, 8),
                    List.of(5.18, 19.00, 31.72), List.of(19.86, 47.99, 48.38)),
            new Published("x elite", "Snapdragon X Elite, 7B at 2 bits, " + PAPER, List.of(1, 4, 8),
                    List.of(2.02, 8.71, 16.80), List.of(10.31, 28.44, 29.75)),
            new Published("raspberry pi 5", "Raspberry Pi 5, BitNet-3B, " + PAPER, List.of(1, 2),
                    List.of(1.37, 2.71), List.of(8.03, 11.09)));

    boolean isOf(String cpu) {
        String name = cpu.toLowerCase(Locale.ROOT);
        int at = name.indexOf(machine);
        // "Apple M2" is another processor than "Apple M2 Ultra"; behind the name may stand the file's in brackets.
        return at >= 0 && !(machine.equals("apple m2") && name.substring(at + machine.length()).matches(" (pro|max|ultra).*"));
    }

    Figure figure() {
        return new Figure("Published, not measured here: " + title, "threads", "tokens per second", "line",
                List.of(series("llama.cpp (published)", baseline), series("T-MAC in C++ (published)", tmac)));
    }

    private Figure.Series series(String name, List<Double> rates) {
        return new Figure.Series(name, "published", IntStream.range(0, rates.size())
                .mapToObj(i -> new Figure.Point(threads.get(i), rates.get(i), "published")).toList());
    }
}
