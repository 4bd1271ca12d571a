package io.tmac4j.comparison.bench;

import java.util.ArrayList;
import java.util.List;

/**
 * One test in llama-bench's sense and under its name: read {@code prompt} tokens in batches, then decode {@code generate}
 * tokens one by one, after {@code depth} tokens are in the cache already.
 *
 * @param sequences texts that are continued together, each by {@code generate} tokens and each from the same depth; more than
 *                  one only where no prompt is read
 */
public record TestCase(int prompt, int generate, int depth, int sequences) {

    public TestCase {
        if (prompt < 0 || generate < 0 || depth < 0 || prompt + generate == 0 || sequences < 1 || sequences > 1 && prompt > 0) {
            throw new IllegalArgumentException("a test of " + prompt + " prompt and " + generate + " generated tokens at depth "
                    + depth + " in " + sequences + " sequences");
        }
    }

    /** A test of one text. */
    public TestCase(int prompt, int generate, int depth) {
        this(prompt, generate, depth, 1);
    }

    /**
     * All tests in llama-bench's order: for each depth the prompts, the generations, then the pairs; zeros left out.
     *
     * @param parallel numbers of texts that each generation continues together
     */
    public static List<TestCase> sweep(List<Integer> prompts, List<Integer> generations, List<PromptAndGeneration> pairs,
                                       List<Integer> depths, List<Integer> parallel) {
        List<TestCase> tests = new ArrayList<>();
        for (int depth : depths) {
            prompts.stream().filter(n -> n > 0).forEach(n -> tests.add(new TestCase(n, 0, depth)));
            generations.stream().filter(n -> n > 0)
                    .forEach(n -> parallel.forEach(sequences -> tests.add(new TestCase(0, n, depth, sequences))));
            pairs.stream().filter(pair -> pair.prompt() + pair.generate() > 0)
                    .forEach(pair -> tests.add(new TestCase(pair.prompt(), pair.generate(), depth)));
        }
        return List.copyOf(tests);
    }

    /** A prompt and the generation that follows it in the same measurement. */
    public record PromptAndGeneration(int prompt, int generate) {
    }

    /**
     * llama-bench's name, e.g. {@code pp512}, {@code tg128}, {@code pp512+tg128}, {@code pp512 @ d4096}; {@code tg128 x8} is a
     * generation of eight texts together.
     */
    public String name() {
        String work = generate == 0 ? "pp" + prompt : prompt == 0 ? "tg" + generate : "pp" + prompt + "+tg" + generate;
        String together = sequences == 1 ? work : work + " x" + sequences;
        return depth == 0 ? together : together + " @ d" + depth;
    }

    /** The tokens of all texts that a repetition is credited with; those of the depth are not. */
    public int tokens() {
        return prompt + generate * sequences;
    }

    /** The context that the test needs: llama-bench's for each text, so that both tools measure the same attention. */
    public int contextSize() {
        return sequences == 1 ? prompt + generate + depth : sequences * padded(generate + depth);
    }

    /** llama.cpp gives each of several texts a multiple of 256 tokens. */
    private static int padded(int tokens) {
        return Math.ceilDiv(tokens, 256) * 256;
    }
}
