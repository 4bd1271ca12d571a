package io.tmac4j.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** File names are those of the npm packages of llama.cpp v0.4.0. */
class PlatformTest {

    @ParameterizedTest
    @CsvSource({
        "Linux, amd64, LINUX_X64", "Linux, x86_64, LINUX_X64", "Linux, aarch64, LINUX_ARM64", "Mac OS X, aarch64, MAC_ARM64",
        "Darwin, arm64, MAC_ARM64", "Windows 11, amd64, WIN_X64", "Windows 11, aarch64, WIN_ARM64",
        "Windows Server 2025, amd64, WIN_X64"
    })
    void isDetectedFromTheNamesThatJvmsGive(String name, String arch, Platform platform) {
        assertThat(Platform.of(name, arch)).isEqualTo(platform);
    }

    @ParameterizedTest
    @CsvSource({"Mac OS X, x86_64", "FreeBSD, amd64", "Linux, riscv64", "Linux, x86"})
    void othersAreRefusedWithWhatThereIs(String name, String arch) {
        assertThatThrownBy(() -> Platform.of(name, arch)).isInstanceOf(NativeLibraryException.class)
                .hasMessageContaining("linux-x64, linux-arm64, mac-arm64, win-x64, win-arm64")
                .hasMessageContaining(name).hasMessageContaining(NativeFolder.PATH_PROPERTY);
    }

    @Test
    void linuxFilesAreFound() {
        List<String> files = List.of("_nlcBuildMetadata.json", "libggml-base.so", "libggml-cpu-alderlake.so",
                "libggml-cpu-x64.so",
                "libggml-cpu-zen4.so", "libggml.v0.4.0.so", "libllama-common.so", "libllama.v0.4.0.so", "llama-addon.node");
        assertThat(Platform.LINUX_X64.library("ggml-base", files)).contains("libggml-base.so");
        assertThat(Platform.LINUX_X64.library("ggml", files)).contains("libggml.v0.4.0.so");
        assertThat(Platform.LINUX_X64.library("llama", files)).contains("libllama.v0.4.0.so");
        assertThat(Platform.LINUX_X64.cpuVariants(files))
                .containsExactly("libggml-cpu-alderlake.so", "libggml-cpu-x64.so", "libggml-cpu-zen4.so");
        assertThat(Platform.LINUX_X64.cpuBase(files)).isEmpty();
        assertThat(Platform.LINUX_ARM64.variant("libggml-cpu-armv8.2_3.so")).contains("armv8.2_3");
    }

    @Test
    void macFilesAreFoundAndNeitherMetalNorBlasIsACpuBackend() {
        List<String> files = List.of("libggml-base.dylib", "libggml-blas.so", "libggml-cpu-apple_m1.so",
                "libggml-cpu-apple_m2_m3.so",
                "libggml-cpu-apple_m4.so", "libggml-metal.so", "libggml.metal.v0.4.0.dylib", "libllama-common.dylib",
                "libllama.metal.v0.4.0.dylib");
        assertThat(Platform.MAC_ARM64.library("ggml-base", files)).contains("libggml-base.dylib");
        assertThat(Platform.MAC_ARM64.library("ggml", files)).contains("libggml.metal.v0.4.0.dylib");
        assertThat(Platform.MAC_ARM64.library("llama", files)).contains("libllama.metal.v0.4.0.dylib");
        assertThat(Platform.MAC_ARM64.cpuVariants(files))
                .containsExactly("libggml-cpu-apple_m1.so", "libggml-cpu-apple_m2_m3.so", "libggml-cpu-apple_m4.so");
    }

    @Test
    void windowsFilesAreFound() {
        List<String> files = List.of("ggml-base.dll", "ggml-cpu.dll", "ggml.v0.4.0.dll", "llama-addon.lib", "llama-common.dll",
                "llama.v0.4.0.dll");
        assertThat(Platform.WIN_ARM64.library("ggml-base", files)).contains("ggml-base.dll");
        assertThat(Platform.WIN_ARM64.library("ggml", files)).contains("ggml.v0.4.0.dll");
        assertThat(Platform.WIN_ARM64.library("llama", files)).contains("llama.v0.4.0.dll");
        assertThat(Platform.WIN_ARM64.cpuVariants(files)).isEmpty();
        assertThat(Platform.WIN_ARM64.cpuBase(files)).contains("ggml-cpu.dll");
        assertThat(Platform.WIN_X64.variant("ggml-cpu-haswell.dll")).contains("haswell");
    }

    @Test
    void buildsByHandAreFound() {
        List<String> files = List.of("libggml-base.so", "libggml-base.so.0", "libggml-cpu.so", "libggml.so", "libggml.so.0",
                "libllama.so", "libllama.so.0.0.1");
        assertThat(Platform.LINUX_X64.library("llama", files)).contains("libllama.so");
        assertThat(Platform.LINUX_X64.library("ggml", files)).contains("libggml.so");
        assertThat(Platform.LINUX_X64.cpuBase(files)).contains("libggml-cpu.so");
        assertThat(Platform.LINUX_X64.library("llama", List.of("libllama-common.so"))).isEmpty();
    }
}
