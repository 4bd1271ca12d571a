package io.tmac4j.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class SamplerTest {

    private static final int DRAWS = 4000;
    private static final SamplerOptions FIVE = SamplerOptions.defaults().withTopK(5).withTopP(1).withMinP(0).withTemperature(1.5f)
            .withSeed(11);

    private static LlamaModel model;
    private static LlamaContext context;

    @BeforeAll
    static void read() {
        model = LlamaModel.load(Models.demo());
        context = model.newContext(ContextOptions.defaults().withContextSize(64));
        context.decode(model.tokenize("ROMEO:\nMy", true, false));
    }

    @AfterAll
    static void close() {
        context.close();
        model.close();
    }

    @Test
    void coupledOrNotATokenIsDrawnAsOftenAsItIsLikely() {
        float[] logits = context.logits(-1);
        List<Integer> best = IntStream.range(0, logits.length).boxed()
                .sorted(Comparator.comparingDouble((Integer token) -> -logits[token])).limit(5).toList();
        double sum = best.stream().mapToDouble(token -> Math.exp(logits[token] / 1.5)).sum();
        for (Sampler opened : List.of(Sampler.of(FIVE), Sampler.coupled(FIVE))) {
            try (Sampler sampler = opened) {
                List<Integer> drawn = draw(sampler, DRAWS);
                assertThat(best).containsAll(drawn);
                for (int token : best) {
                    double probability = Math.exp(logits[token] / 1.5) / sum;
                    double share = drawn.stream().filter(other -> other == token).count() / (double) DRAWS;
                    assertThat(share).isCloseTo(probability,
                            within(5 * Math.sqrt(probability * (1 - probability) / DRAWS)));
                }
            }
        }
    }

    @Test
    void coupledDrawsFollowFromTheSeedAndBeginAgainAfterAReset() {
        try (Sampler sampler = Sampler.coupled(FIVE); Sampler same = Sampler.coupled(FIVE);
                Sampler other = Sampler.coupled(FIVE.withSeed(12))) {
            List<Integer> drawn = draw(sampler, 100);
            assertThat(draw(same, 100)).isEqualTo(drawn);
            assertThat(draw(other, 100)).isNotEqualTo(drawn);
            sampler.reset();
            assertThat(draw(sampler, 100)).isEqualTo(drawn);
        }
    }

    @Test
    void aCoupledSamplerFollowsItsGrammarAndIsGreedyWithoutTemperature() {
        try (Sampler digits = Sampler.coupled(FIVE.withGrammar(Grammar.of("root ::= [0-9]+")));
                Sampler coupled = Sampler.coupled(SamplerOptions.greedy());
                Sampler greedy = Sampler.of(SamplerOptions.greedy())) {
            assertThat(model.detokenize(new int[] {digits.sample(context, -1)}, false, false)).matches("\\d+");
            assertThat(coupled.sample(context, -1)).isEqualTo(greedy.sample(context, -1));
        }
    }

    private static List<Integer> draw(Sampler sampler, int count) {
        List<Integer> drawn = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            drawn.add(sampler.sample(context, -1));
        }
        return drawn;
    }
}
