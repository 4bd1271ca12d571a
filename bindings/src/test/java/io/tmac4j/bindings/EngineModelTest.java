package io.tmac4j.bindings;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class EngineModelTest {

    static final Engine NAIVE = new Engine("naive");
    static final ContextOptions SMALL = ContextOptions.defaults().withContextSize(256);

    static double nmse(float[] expected, float[] found) {
        double difference = 0;
        double size = 0;
        for (int i = 0; i < expected.length; i++) {
            difference += Math.pow(expected[i] - found[i], 2);
            size += expected[i] * expected[i];
        }
        return difference / size;
    }

    @Test
    void theDemoModelGivesTheLogitsOfLlamaCpp() {
        try (LlamaModel pure = LlamaModel.load(Models.demo());
                LlamaModel ours = LlamaModel.load(Models.demo(), ModelOptions.defaults().withEngine(NAIVE));
                LlamaContext a = pure.newContext(SMALL);
                LlamaContext b = ours.newContext(SMALL)) {
            int[] tokens = pure.tokenize("First Citizen:\nBefore we proceed any further, hear me speak.", true, false);
            a.decode(tokens);
            b.decode(tokens);
            for (int i = 0; i < 20; i++) {
                a.decode(5 + i);
                b.decode(5 + i);
                assertThat(nmse(a.logits(-1), b.logits(-1))).isLessThan(1e-3);
            }
        }
    }
}
