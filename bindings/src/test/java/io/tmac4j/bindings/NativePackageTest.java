package io.tmac4j.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativePackageTest {

    private static final String FOLDER = "io/tmac4j/natives/win-arm64/";
    private static final String INDEX = "package.sha512=" + "a".repeat(128) + "\nfiles=llama.dll\nsize.llama.dll=3\n"
            + "sha512.llama.dll=" + "b".repeat(128) + "\n";

    @TempDir
    private Path folder;

    private Path jar() throws IOException {
        Manifest manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        manifest.getMainAttributes().putValue("Automatic-Module-Name", "io.tmac4j.natives.win_arm64");
        Path file = folder.resolve("natives.jar");
        try (JarOutputStream jar = new JarOutputStream(Files.newOutputStream(file), manifest)) {
            jar.putNextEntry(new JarEntry(FOLDER + "index.properties"));
            jar.write(INDEX.getBytes(StandardCharsets.UTF_8));
            jar.putNextEntry(new JarEntry(FOLDER + "llama.dll"));
            jar.write("dll".getBytes(StandardCharsets.UTF_8));
        }
        return file;
    }

    @Test
    void isFoundOnAModulePathThoughNoModuleRequiresIt() throws IOException {
        String path = folder.resolve("absent") + File.pathSeparator + jar();
        NativePackage found = NativePackage.onModulePath(Platform.WIN_ARM64, path).orElseThrow();
        assertThat(found.files()).extracting(NativePackage.Entry::name).containsExactly("llama.dll");
        try (InputStream in = found.open().open("llama.dll")) {
            assertThat(in.readAllBytes()).asString(StandardCharsets.UTF_8).isEqualTo("dll");
        }
    }

    @Test
    void ofAnotherPlatformIsNone() throws IOException {
        assertThat(NativePackage.onModulePath(Platform.LINUX_X64, jar().toString())).isEmpty();
        assertThat(NativePackage.onModulePath(Platform.LINUX_X64, "")).isEmpty();
    }

    @Test
    void aModulePathThatCannotBeReadIsNamed() throws IOException {
        Path broken = Files.writeString(folder.resolve("broken.jar"), "no archive");
        assertThatThrownBy(() -> NativePackage.onModulePath(Platform.LINUX_X64, broken.toString()))
                .isInstanceOf(IOException.class).hasMessageContainingAll("io.tmac4j.natives.linux_x64", "broken.jar");
    }
}
