package io.tmac4j.bindings;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class NativeLogTest {

    @Test
    void namesOfFunctionsAreLeftOutAndOtherColonsKept() {
        assertThat(NativeLog.withoutFunction("llama_model_load: error loading model: it: is bad"))
                .isEqualTo("error loading model: it: is bad");
        assertThat(NativeLog.withoutFunction("error loading model: it is bad")).isEqualTo("error loading model: it is bad");
        assertThat(NativeLog.withoutFunction("no colon")).isEqualTo("no colon");
    }
}
