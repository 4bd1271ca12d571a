package io.tmac4j.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tmac4j.bindings.generated.LlamaCpp;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class NativeGuardTest {

    @BeforeAll
    static void libraries() {
        Models.assumeLibraries();
        LlamaCppLibrary.load();
    }

    @Test
    void aFailedAssertionOfLlamaCppBecomesAnException() {
        // ggml_backend_dev_name asserts that there is a device
        assertThatThrownBy(() -> NativeGuard.call("test", () -> LlamaCpp.ggml_backend_dev_name(MemorySegment.NULL)))
                .isInstanceOf(NativeGuard.GaveUpException.class).hasMessageStartingWith("it gave up at ggml-backend.cpp:")
                .hasMessageContaining("GGML_ASSERT(device)");
    }

    @Test
    void whatTheCallGivesOrThrowsIsPassedOn() {
        assertThat(NativeGuard.call("test", () -> LlamaCpp.ggml_blck_size(GgmlType.TQ2_0.id()))).isEqualTo(256);
        IllegalStateException thrown = new IllegalStateException("mine");
        assertThatThrownBy(() -> NativeGuard.call("test", () -> {
            throw thrown;
        })).isSameAs(thrown);
    }

    @Test
    void foldersOfTheMachineThatBuiltLlamaCppAreLeftOut() {
        assertThat(NativeGuard.withoutFolders("/a/b c/llama-vocab.cpp:12: GGML_ASSERT(x/y) failed"))
                .isEqualTo("llama-vocab.cpp:12: GGML_ASSERT(x/y) failed");
        assertThat(NativeGuard.withoutFolders("D:\\a\\ggml.c:3: bad\n")).isEqualTo("ggml.c:3: bad");
        assertThat(NativeGuard.withoutFolders("no place")).isEqualTo("no place");
    }
}
