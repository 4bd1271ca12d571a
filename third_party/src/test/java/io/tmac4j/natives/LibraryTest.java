package io.tmac4j.natives;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LibraryTest {

    @ParameterizedTest
    @CsvSource({
        "libggml-base.so,ggml-base", "libggml-base.dylib,ggml-base", "ggml-base.dll,ggml-base",
        "libggml.v0.4.0.so,ggml", "libggml.metal.v0.4.0.dylib,ggml", "ggml.v0.4.0.dll,ggml", "libggml.so,ggml",
        "libllama.v0.4.0.so,llama", "libllama.metal.v0.4.0.dylib,llama", "llama.v0.4.0.dll,llama", "libllama.so,llama"})
    void librariesOpenedByNameHaveARole(String file, String role) {
        assertThat(Library.role(file)).hasValue(role);
        assertThat(Library.isWanted(file)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "libggml-cpu-zen4.so", "libggml-cpu-armv8.0_1.so", "libggml-cpu-apple_m2_m3.so", "ggml-cpu.dll", "libggml-blas.so"})
    void pluginsAreTakenWithoutARole(String file) {
        assertThat(Library.isWanted(file)).isTrue();
        assertThat(Library.role(file)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "llama-addon.node", "llama-addon.lib", "libllama-common.so", "llama-common.dll", "libllama-common.dylib",
        "_nlcBuildMetadata.json", "LICENSE"})
    void whatBelongsToNodeIsLeftOut(String file) {
        assertThat(Library.isWanted(file)).isFalse();
    }
}
