package io.tmac4j.comparison.bench;

import java.util.ArrayList;
import java.util.List;

/**
 * One test in llama-bench's sense and under its name: read {@code prompt} tokens in batches, then decode {@code generate}
 * tokens one by one, after {@code depth} tokens are in the cache already.
 */
public record TestCase(int prompt, int generate, int depth) {

    public TestCase {
        if (prompt < 0 || generate < 0 || depth < 0 || prompt + generate == 0) {
            throw new IllegalArgumentException(
                    "a test of " + prompt + " prompt and " + generate + " generated tokens at depth " + depth);
        }
    }

    /** All tests in llama-bench's order: for each depth the prompts, the generations, then the pairs; zeros left out. */
    public static List<TestCase> sweep(List<Integer> prompts, List<Integer> generations, List<PromptAndGeneration> pairs,
                                       List<Integer> depths) {
        List<TestCase> tests = new ArrayList<>();
        for (int depth : depths) {
            prompts.stream().filter(n -> n > 0).forEach(n -> tests.add(new TestCase(n, 0, depth)));
            generations.stream().filter(n -> n > 0).forEach(n -> tests.add(new TestCase(0, n, depth)));
            pairs.stream().filter(pair -> pair.prompt() + pair.generate() > 0)
                    .forEach(pair -> tests.add(new TestCase(pair.prompt(), pair.generate(), depth)));
        }
        return List.copyOf(tests);
    }

    /** A prompt and the generation that follows it in the same measurement. */
    public record PromptAndGeneration(int prompt, int generate) {
    }

    /** llama-bench's name, e.g. {@code pp512}, {@code tg128}, {@code pp512+tg128}, {@code pp512 @ d4096}. */
    public String name() {
        String work = generate == 0 ? "pp" + prompt : prompt == 0 ? "tg" + generate : "pp" + prompt + "+tg" + generate;
        return depth == 0 ? work : work + " @ d" + depth;
    }

    /** The tokens that a repetition is credited with; those of the depth are not. */
    public int tokens() {
        return prompt + generate;
    }

    /** The context that the test needs: llama-bench's, so that both tools measure the same attention. */
    public int contextSize() {
        return prompt + generate + depth;
    }
}
