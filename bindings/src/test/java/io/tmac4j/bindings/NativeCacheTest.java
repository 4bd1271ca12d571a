package io.tmac4j.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeCacheTest {

    @TempDir
    private Path folder;

    private final AtomicInteger opened = new AtomicInteger();

    private static String sha512(String text) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-512").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Properties index(String... files) {
        Properties index = new Properties();
        index.setProperty("package.sha512", sha512("package"));
        index.setProperty("files", String.join(",", files));
        for (String file : files) {
            index.setProperty("sha512." + file, sha512("contents of " + file));
            index.setProperty("size." + file, "" + ("contents of " + file).length());
        }
        return index;
    }

    private NativePackage libraries() throws IOException {
        return NativePackage.of(index("liba.so", "libb.so"), this::contents);
    }

    private InputStream contents(String name) {
        opened.incrementAndGet();
        return new ByteArrayInputStream(("contents of " + name).getBytes(StandardCharsets.UTF_8));
    }

    private static List<String> names(Path folder) throws IOException {
        try (Stream<Path> list = Files.list(folder)) {
            return list.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void unpacksOnceIntoAPrivateFolder() throws IOException {
        Path root = folder.resolve("new").resolve("cache with ümlaut");
        Path first = new NativeCache(root).folder(libraries());
        assertThat(names(first)).containsExactly("liba.so", "libb.so");
        assertThat(names(root)).hasSize(1);
        assertThat(first.resolve("libb.so")).hasContent("contents of libb.so");
        assertThat(new NativeCache(root).folder(libraries())).isEqualTo(first);
        assertThat(opened).hasValue(2);
        if (Files.getFileStore(first).supportsFileAttributeView("posix")) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(first))).isEqualTo("rwx------");
        }
    }

    @Test
    void damagedAndPlantedFilesAreReplaced() throws IOException {
        NativeCache cache = new NativeCache(folder);
        Path unpacked = cache.folder(libraries());
        Files.writeString(unpacked.resolve("liba.so"), "contents of libx.so");
        assertThat(cache.folder(libraries()).resolve("liba.so")).hasContent("contents of liba.so");
        Files.delete(unpacked.resolve("libb.so"));
        assertThat(cache.folder(libraries()).resolve("libb.so")).exists();
        Files.writeString(unpacked.resolve("libggml-cpu-evil.so"), "planted");
        assertThat(names(cache.folder(libraries()))).containsExactly("liba.so", "libb.so");
        assertThat(names(folder)).hasSize(1);
    }

    @Test
    void aPackageThatDoesNotHoldWhatItsIndexSaysIsRefusedAndLeavesNothing() throws IOException {
        NativePackage wrong = NativePackage.of(index("liba.so"), name -> new ByteArrayInputStream("contents of libX.so".getBytes(
                StandardCharsets.UTF_8)));
        assertThatThrownBy(() -> new NativeCache(folder).folder(wrong)).isInstanceOf(NativeLibraryException.class)
                .hasMessageContaining(sha512("contents of liba.so")).hasMessageContaining(sha512("contents of libX.so"));
        assertThat(names(folder)).isEmpty();
    }

    @Test
    void namesThatLeadOutOfTheFolderAreRefused() {
        for (String name : new String[] {"../liba.so", "a/b.so", "..", "C:\\a.dll", ".hidden"}) {
            assertThatThrownBy(() -> NativePackage.of(index(name), this::contents)).isInstanceOf(IOException.class)
                    .hasMessageContaining("no file name");
        }
    }

    @Test
    void aCacheThatCannotBeWrittenIsSaidToBe() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "in the way");
        NativePackage libraries = libraries();
        assertThatThrownBy(() -> new NativeCache(file.resolve("natives")).folder(libraries))
                .isInstanceOf(NativeLibraryException.class)
                .hasMessageContaining(file.toString()).hasMessageContaining(CacheFolder.PROPERTY)
                .hasMessageContaining(NativeFolder.PATH_PROPERTY);
        assertThat(file).hasContent("in the way");
    }

    /** The system's own errors, on a file system of 64 KB in memory. */
    @Test
    void aFullDiskAndOneThatMayOnlyBeReadAreSaidToBeAndLeaveNothing() throws IOException, InterruptedException {
        Path disk = Files.createDirectory(folder.resolve("disk"));
        Assumptions.assumeTrue(runs("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk.toString()),
                "only Linux's root may mount a small disk");
        try {
            Properties large = index("liba.so");
            large.setProperty("size.liba.so", "1000000");
            assertThatThrownBy(() -> new NativeCache(disk).folder(NativePackage.of(large, this::contents)))
                    .isInstanceOf(NativeLibraryException.class).hasMessageContaining("they take 1000000 bytes and the disk has ")
                    .hasMessageContaining(CacheFolder.PROPERTY);
            // room enough by the sizes in its index, but not for what it holds
            NativePackage lies = NativePackage.of(index("liba.so"), name -> new ByteArrayInputStream(new byte[1_000_000]));
            assertThatThrownBy(() -> new NativeCache(disk).folder(lies)).isInstanceOf(NativeLibraryException.class)
                    .hasMessageContaining(disk + ": No space left on device").hasMessageContaining(CacheFolder.PROPERTY);
            assertThat(names(disk)).isEmpty();
            assertThat(new NativeCache(disk).folder(libraries())).as("it can be used afterwards").exists();
            assertThat(runs("mount", "-o", "remount,ro", disk.toString())).isTrue();
            assertThat(new NativeCache(disk).folder(libraries())).as("what is unpacked needs no writing").exists();
            assertThatThrownBy(() -> new NativeCache(disk.resolve("natives")).folder(libraries()))
                    .isInstanceOf(NativeLibraryException.class).hasMessageContaining("Read-only file system")
                    .hasMessageContaining(CacheFolder.PROPERTY).hasMessageContaining(NativeFolder.PATH_PROPERTY);
        } finally {
            assertThat(runs("umount", disk.toString())).isTrue();
        }
    }

    private static boolean runs(String... command) throws InterruptedException {
        try {
            return new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start()
                    .waitFor() == 0;
        } catch (IOException e) {
            return false;
        }
    }

    @Test
    void severalJvmsMayUnpackAtOnce() throws IOException, InterruptedException {
        Platform platform = Platform.of(System.getProperty("os.name"), System.getProperty("os.arch"));
        Assumptions.assumeTrue(NativePackage.find(platform).isPresent(), "no packaged libraries for " + platform.id());
        List<Process> processes = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            ProcessBuilder builder = new ProcessBuilder(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(), "--enable-native-access=ALL-UNNAMED",
                    "-cp", System.getProperty("java.class.path"), "-D" + CacheFolder.PROPERTY + "=" + folder,
                    LoadProbe.class.getName()).redirectErrorStream(true);
            builder.environment().remove(NativeFolder.PATH_VARIABLE);
            File output = folder.resolve("output-" + i).toFile();
            processes.add(builder.redirectOutput(output).start());
        }
        for (int i = 0; i < processes.size(); i++) {
            assertThat(processes.get(i).waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(Files.readString(folder.resolve("output-" + i))).contains("loaded from " + folder.resolve("natives"));
            assertThat(processes.get(i).exitValue()).isZero();
        }
        assertThat(names(folder.resolve("natives"))).hasSize(1);
    }
}
