package io.tmac4j.natives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FetchNativesTest {

    private static final Path PINS = Path.of("llama.cpp.properties");

    @TempDir
    private Path folder;

    private Path cache;
    private Path licences;
    private Path output;
    private FetchNatives withoutNpm;

    @BeforeEach
    void setUp() throws IOException {
        cache = Files.createDirectories(folder.resolve("cache"));
        licences = Files.createDirectories(folder.resolve("licences"));
        output = folder.resolve("output");
        Files.writeString(licences.resolve("llama.cpp.txt"), "licence of llama.cpp");
        withoutNpm = new FetchNatives(cache, licences, Optional.empty(), false);
    }

    @Test
    void allFivePlatformsArePinned() throws IOException {
        assertThat(Pin.platforms(PINS)).containsExactly("linux-arm64", "linux-x64", "mac-arm64", "win-arm64", "win-x64");
        List<Pin> pins = new ArrayList<>();
        for (String platform : Pin.platforms(PINS)) {
            pins.add(Pin.read(PINS, platform).orElseThrow());
        }
        assertThat(pins).allSatisfy(pin -> {
            assertThat(pin.sha512()).matches("[0-9a-f]{128}");
            assertThat(pin.packageName()).startsWith("@node-llama-cpp/");
            assertThat(pin.release()).isEqualTo("v0.4.0");
        });
        assertThat(pins).extracting(Pin::sha512).doesNotHaveDuplicates();
    }

    @Test
    void unknownPlatformIsRefusedWithTheKnownOnesUnlessLibrariesAreNamed() throws Exception {
        withoutNpm.layOut(PINS, "solaris-sparc", output, "own");
        assertThat(output).isEmptyDirectory();
        assertThatThrownBy(() -> withoutNpm.layOut(PINS, "solaris-sparc", output, ""))
                .isInstanceOf(FetchException.class)
                .hasMessageContaining("solaris-sparc")
                .hasMessageContaining("linux-arm64, linux-x64, mac-arm64, win-arm64, win-x64")
                .hasMessageContaining("-Dtmac.llama.path=FOLDER");
    }

    @Test
    void cachedPackageNeedsNoNpmAndOnlyLibrariesAreTaken() throws Exception {
        Pin pin = cachedPackage();

        withoutNpm.layOut(pin, output, "");

        Path natives = output.resolve("io/tmac4j/natives/linux-x64");
        try (var files = Files.list(natives)) {
            assertThat(files.map(file -> file.getFileName().toString())).containsExactlyInAnyOrder("index.properties",
                    "libggml-base.so", "libggml.v0.4.0.so", "libllama.v0.4.0.so", "libggml-cpu-x64.so");
        }
        assertThat(output.resolve("META-INF/licenses/node-llama-cpp.txt")).hasContent("licence of node-llama-cpp");
        assertThat(output.resolve("META-INF/licenses/llama.cpp.txt")).hasContent("licence of llama.cpp");
        assertThat(output.resolve("META-INF/natives.cdx.json")).content().contains("\"bomFormat\": \"CycloneDX\"",
                "pkg:npm/" + pin.packageName().replace("@", "%40") + "@" + pin.version(), pin.sha512(),
                "{\"type\": \"file\", \"name\": \"libllama.v0.4.0.so\"", Sha512.of(natives.resolve("libllama.v0.4.0.so")));
        Properties index = new Properties();
        try (var reader = Files.newBufferedReader(natives.resolve("index.properties"))) {
            index.load(reader);
        }
        assertThat(index).containsEntry("files", "libggml-base.so,libggml-cpu-x64.so,libggml.v0.4.0.so,libllama.v0.4.0.so")
                .containsEntry("library.llama", "libllama.v0.4.0.so")
                .containsEntry("library.ggml", "libggml.v0.4.0.so")
                .containsEntry("library.ggml-base", "libggml-base.so")
                .containsEntry("package.sha512", pin.sha512())
                .containsEntry("sha512.libllama.v0.4.0.so", Sha512.of(natives.resolve("libllama.v0.4.0.so")))
                .containsEntry("size.libllama.v0.4.0.so", "700");
    }

    @Test
    void wrongHashNamesBothHashes() throws IOException {
        Pin pin = cachedPackage();
        Pin other = new Pin(pin.platform(), pin.release(), pin.packageName(), pin.version(), "0".repeat(128));

        assertThatThrownBy(() -> FetchNatives.requireHash(other, cache.resolve(pin.tarballName())))
                .isInstanceOf(FetchException.class)
                .hasMessageContaining("expected SHA-512 " + other.sha512())
                .hasMessageContaining("found " + pin.sha512());
    }

    @Test
    void damagedCacheIsNotUsed() throws IOException {
        Pin pin = cachedPackage();
        Files.writeString(cache.resolve(pin.tarballName()), "damaged");

        assertThatThrownBy(() -> withoutNpm.layOut(pin, output, "")).isInstanceOf(FetchException.class);
        assertThat(output.resolve("io/tmac4j/natives/linux-x64/index.properties")).doesNotExist();
    }

    @Test
    void withoutNpmOneSentenceNamesTheProperty() {
        Pin pin = new Pin("linux-x64", "v0.4.0", "@node-llama-cpp/linux-x64", "1.0.0", "0".repeat(128));

        assertThatThrownBy(() -> withoutNpm.layOut(pin, output, ""))
                .isInstanceOf(FetchException.class)
                .hasMessage("llama.cpp v0.4.0 for linux-x64 could not be fetched: no npm client was found on the PATH; "
                        + "install Node.js, or point -Dtmac.llama.path=FOLDER or the environment variable TMAC_LLAMA_PATH "
                        + "to a folder with its libraries.");
    }

    @Test
    void ownLibrariesNeedNoPackage() throws Exception {
        Pin pin = new Pin("linux-x64", "v0.4.0", "@node-llama-cpp/linux-x64", "1.0.0", "0".repeat(128));
        Path own = Files.createDirectories(folder.resolve("own libraries"));
        Files.createFile(own.resolve("libllama.so"));

        withoutNpm.layOut(pin, output, own.toString());

        assertThat(output.resolve("io/tmac4j/natives/linux-x64")).isEmptyDirectory();
    }

    @Test
    void ownFolderWithoutLibrariesIsRefused() {
        Pin pin = new Pin("linux-x64", "v0.4.0", "@node-llama-cpp/linux-x64", "1.0.0", "0".repeat(128));

        assertThatThrownBy(() -> withoutNpm.layOut(pin, output, licences.toString()))
                .isInstanceOf(FetchException.class)
                .hasMessageContaining("tmac.llama.path")
                .hasMessageContaining(licences.toString());
        assertThatThrownBy(() -> withoutNpm.layOut(pin, output, folder.resolve("missing").toString()))
                .isInstanceOf(FetchException.class);
    }

    @Test
    void npmIsFoundUnderTheNameOfTheSystem() throws IOException {
        Path bin = Files.createDirectories(folder.resolve("with space"));
        Path cmd = Files.createFile(bin.resolve("npm.cmd"));
        assertThat(cmd.toFile().setExecutable(true)).isTrue();

        assertThat(NpmClient.find(bin.toString(), true)).isPresent();
        assertThat(NpmClient.find(bin.toString(), false)).isEmpty();
    }

    /** A package with this layout as npm has it, in the cache, and the pin that fits it. */
    private Pin cachedPackage() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (OutputStream tar = new GZIPOutputStream(bytes)) {
            entry(tar, "package/LICENSE", "licence of node-llama-cpp");
            entry(tar, "package/bins/linux-x64/libggml-base.so", "base");
            entry(tar, "package/bins/linux-x64/libggml.v0.4.0.so", "g".repeat(512));
            entry(tar, "package/bins/linux-x64/libllama.v0.4.0.so", "l".repeat(700));
            entry(tar, "package/bins/linux-x64/libllama-common.so", "common");
            entry(tar, "package/bins/linux-x64/libggml-cpu-x64.so", "cpu");
            entry(tar, "package/bins/linux-x64/llama-addon.node", "addon");
            entry(tar, "package/package.json", "{}");
            tar.write(new byte[1024]);
        }
        Pin pin = new Pin("linux-x64", "v0.4.0", "@scope/linux-x64", "1.0.0", Sha512.of(bytes.toByteArray()));
        Files.write(cache.resolve("scope-linux-x64-1.0.0.tgz"), bytes.toByteArray());
        return pin;
    }

    private static void entry(OutputStream tar, String path, String content) throws IOException {
        byte[] header = new byte[512];
        byte[] name = path.getBytes(StandardCharsets.UTF_8);
        System.arraycopy(name, 0, header, 0, name.length);
        byte[] size = String.format("%011o", content.length()).getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(size, 0, header, 124, size.length);
        header[156] = '0';
        tar.write(header);
        tar.write(content.getBytes(StandardCharsets.US_ASCII));
        tar.write(new byte[(512 - content.length() % 512) % 512]);
    }
}
