package io.tmac4j.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tmac4j.bindings.generated.LlamaCpp;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class LibraryProbesTest {

    @BeforeAll
    static void load() {
        Models.assumeLibraries();
        LlamaCppLibrary.load();
    }

    @Test
    void theLibrariesOfThePinnedReleasePass() {
        assertThatCode(LibraryProbes::check).doesNotThrowAnyException();
        LlamaCppLibrary library = LlamaCppLibrary.load();
        assertThat(library.version()).startsWith("0.4.0");
        assertThat(library.commit()).isNotBlank();
        assertThat(library.cpuVariant()).isNotBlank();
        assertThat(library.folder()).isDirectory();
        assertThat(LlamaCppLibrary.load()).isSameAs(library);
    }

    @Test
    void anotherReleaseIsRefusedWithBothNames() {
        assertThatCode(() -> LibraryProbes.version("0.4.0", "v0.4.0")).doesNotThrowAnyException();
        assertThatThrownBy(() -> LibraryProbes.version("0.4.0", "0.5.0-dev")).isInstanceOf(NativeLibraryException.class)
                .hasMessageContaining("expected to be 0.4.0 and is 0.5.0");
        assertThatThrownBy(() -> LibraryProbes.version("0.4.0", "0.4.01")).isInstanceOf(NativeLibraryException.class);
    }

    @Test
    void aStructOfAnotherSizeIsRefusedWithBothSizes() {
        assertThatThrownBy(() -> LibraryProbes.written("llama_model_params", 70, 72, LlamaCpp::llama_model_default_params))
                .isInstanceOf(NativeLibraryException.class)
                .hasMessageContaining("llama_model_params").hasMessageContaining("expected to be 70 and is 78");
    }

    @Test
    void aStructMayBeWrittenWithItsPadding() {
        assertThatCode(() -> LibraryProbes.written("llama_model_params", 75, 80, LlamaCpp::llama_model_default_params))
                .doesNotThrowAnyException();
    }

    @Test
    void anotherDefaultIsRefusedWithBothValues() {
        assertThatThrownBy(() -> LibraryProbes.defaults("s", Map.of("field", 1), Map.of("field", 2)))
                .isInstanceOf(NativeLibraryException.class).hasMessageContaining("s.field was expected to be 1 and is 2");
    }

    @Test
    void anotherBlockLayoutIsRefusedWithBothSizes() {
        assertThatThrownBy(() -> LibraryProbes.type(GgmlType.TQ2_0.id(), "tq2_0", 256, 68))
                .isInstanceOf(NativeLibraryException.class)
                .hasMessageContaining("tq2_0").hasMessageContaining("expected to be 68 and is 66");
        assertThatThrownBy(() -> LibraryProbes.type(GgmlType.TQ2_0.id(), "tq3_0", 256, 66))
                .hasMessageContaining("expected to be tq3_0 and is tq2_0");
    }
}
