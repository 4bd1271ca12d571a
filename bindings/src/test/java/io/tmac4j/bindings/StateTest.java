package io.tmac4j.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StateTest {

    private static final ContextOptions SMALL = ContextOptions.defaults().withContextSize(256).withThreads(1);

    private static LlamaModel model;

    @TempDir
    private Path folder;

    @BeforeAll
    static void load() {
        model = LlamaModel.load(Models.demo());
    }

    @AfterAll
    static void close() {
        if (model != null) {
            model.close();
        }
    }

    private static void prompt(LlamaContext context) {
        context.decode(model.tokenize("ROMEO:\nBut soft, what light through yonder window breaks?", true, false));
    }

    private static String greedy(LlamaContext context) {
        try (Sampler sampler = Sampler.of(SamplerOptions.greedy())) {
            int[] tokens = new int[40];
            for (int i = 0; i < tokens.length; i++) {
                tokens[i] = sampler.sample(context, -1);
                context.decode(tokens[i]);
            }
            return Arrays.toString(tokens);
        }
    }

    @Test
    void aRestoredContextGoesOnWithoutReadingThePromptAgain() {
        try (LlamaContext first = model.newContext(SMALL); LlamaContext second = model.newContext(SMALL)) {
            prompt(first);
            byte[] state = first.saveState();
            float[] logits = first.logits(-1);
            String expected = greedy(first);
            second.restoreState(state);
            assertThat(second.position(0)).isPositive();
            assertThat(second.logits(-1)).isEqualTo(logits);
            assertThat(second.saveState()).isEqualTo(state);
            assertThat(greedy(second)).isEqualTo(expected);
            first.restoreState(state);
            assertThat(greedy(first)).isEqualTo(expected);
        }
    }

    @Test
    void aFileHoldsTheSame() throws IOException {
        Path file = folder.resolve("state ü.bin");
        try (LlamaContext first = model.newContext(SMALL); LlamaContext second = model.newContext(SMALL)) {
            prompt(first);
            first.saveState(file);
            first.saveState(file);
            second.restoreState(file);
            assertThat(greedy(second)).isEqualTo(greedy(first));
        }
        try (Stream<Path> list = Files.list(folder)) {
            assertThat(list).containsExactly(file);
        }
    }

    @Test
    void anEmptyContextHasAStateToo() {
        try (LlamaContext first = model.newContext(SMALL); LlamaContext second = model.newContext(SMALL)) {
            prompt(second);
            second.restoreState(first.saveState());
            assertThat(second.position(0)).isZero();
            assertThatThrownBy(() -> greedy(second)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void clearedContextsGiveNoOldLogits() {
        try (LlamaContext context = model.newContext(SMALL)) {
            prompt(context);
            context.clear();
            assertThatThrownBy(() -> context.logits(-1)).isInstanceOf(IllegalArgumentException.class);
            prompt(context);
            context.truncate(0, 3);
            byte[] state = context.saveState();
            context.restoreState(state);
            assertThat(context.position(0)).isEqualTo(3);
            assertThatThrownBy(() -> context.logits(-1)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void damagedStatesAreRefusedAndTheContextStaysUsable() {
        try (LlamaContext context = model.newContext(SMALL)) {
            prompt(context);
            byte[] state = context.saveState();
            assertThatThrownBy(() -> context.restoreState(new byte[0])).isInstanceOf(LlamaException.class)
                    .hasMessageContaining("no saved");
            assertThatThrownBy(() -> context.restoreState(new byte[100])).isInstanceOf(LlamaException.class);
            assertThatThrownBy(() -> context.restoreState(Arrays.copyOf(state, state.length - 1)))
                    .isInstanceOf(LlamaException.class).hasMessageContaining("damaged");
            for (int place : new int[] {8, 17, 40, 48, 56, 60, 5000, state.length - 1}) {
                byte[] changed = state.clone();
                changed[place] ^= 0x10;
                assertThatThrownBy(() -> context.restoreState(changed)).isInstanceOf(LlamaException.class);
            }
            context.restoreState(state);
            greedy(context);
        }
    }

    @Test
    void aStateThatIsTooLongForTheContextIsRefused() {
        try (LlamaContext large = model.newContext(SMALL.withContextSize(1024)); LlamaContext small = model.newContext(SMALL)) {
            for (int i = 0; i < 400; i++) {
                large.decode(3 + i);
            }
            byte[] state = large.saveState();
            assertThatThrownBy(() -> small.restoreState(state)).isInstanceOf(LlamaException.class)
                    .hasMessageContaining("does not fit a context of 256 tokens");
            prompt(small);
            greedy(small);
        }
    }

    @Test
    void filesThatCannotBeReadOrWrittenAreSaidToBe() {
        try (LlamaContext context = model.newContext(SMALL)) {
            assertThatThrownBy(() -> context.restoreState(folder.resolve("nowhere"))).isInstanceOf(LlamaException.class)
                    .hasMessageContaining("nowhere").hasMessageContaining("not there");
            assertThatThrownBy(() -> context.saveState(folder.resolve("no/folder"))).isInstanceOf(LlamaException.class)
                    .hasMessageContaining("not there");
        }
    }
}
