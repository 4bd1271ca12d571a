package io.tmac4j.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.io.Reader;
import java.lang.classfile.ClassFile;
import java.lang.classfile.constantpool.MemberRefEntry;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The natives jars' contents, for every platform that this build laid out: that of the host, or all five with
 * {@code -Pall-platforms}. Nothing is loaded; the files of the other systems are read as what they are.
 */
class NativePackagesTest {

    private static final Path NATIVES = Path.of("..", "third_party", "target", "natives");
    private static final String LLAMA_CPP = "io/tmac4j/bindings/generated/LlamaCpp";

    /** What a system has without us: its C library, C++ run-time and, on macOS, frameworks. */
    private static final Pattern SYSTEM = Pattern.compile(
            "lib(c|m|dl|pthread|rt|stdc\\+\\+|gcc_s)\\.so\\.\\d+|ld-linux-.*\\.so\\.\\d"
            + "|/usr/lib/.*\\.dylib|/System/Library/Frameworks/.*"
            + "|(kernel32|advapi32|bcrypt|vcruntime140|vcruntime140_1|msvcp140|api-ms-win-.*)\\.dll");

    static Stream<Platform> platforms() {
        Set<String> laidOut = Set.of(System.getProperty("natives.platforms").split(","));
        return Stream.of(Platform.values()).filter(platform -> laidOut.contains(platform.id()));
    }

    @ParameterizedTest
    @MethodSource("platforms")
    void holdEveryFunctionThatTheBindingsCall(Platform platform) throws Exception {
        Path folder = folder(platform);
        List<String> files = files(platform);
        Set<String> called = calledFunctions();
        assertThat(called).contains("llama_decode", "ggml_backend_register").hasSizeGreaterThan(100);
        Set<String> found = new HashSet<>();
        for (String base : List.of("ggml-base", "ggml", "llama")) {
            String library = platform.library(base, files).orElseThrow();
            found.addAll(ObjectFile.read(folder.resolve(library)).exports());
        }
        List<String> plugins = plugins(platform, files);
        assertThat(plugins).isNotEmpty();
        for (String plugin : plugins) {
            Set<String> exports = ObjectFile.read(folder.resolve(plugin)).exports();
            Set<String> missing = new TreeSet<>(called);
            missing.removeAll(found);
            missing.removeAll(exports);
            assertThat(missing).as("functions that neither %s nor llama.cpp's other libraries export", plugin).isEmpty();
            assertThat(exports).as(plugin).contains("ggml_backend_init");
            if (platform.cpuVariants(files).contains(plugin)) {
                assertThat(exports).as(plugin).contains("ggml_backend_score");
            }
        }
        System.out.printf(Locale.ROOT, "%s: %d functions called, all exported; %d libraries, %d of them CPU backends%n",
                platform.id(), called.size(), files.size(), plugins.size());
    }

    @ParameterizedTest
    @MethodSource("platforms")
    void areForTheirProcessorAndNeedNothingButOneAnotherAndTheSystem(Platform platform) throws Exception {
        List<String> files = files(platform);
        for (String file : files) {
            ObjectFile library = ObjectFile.read(folder(platform).resolve(file));
            assertThat(platform.id()).as(file).endsWith("-" + library.processor());
            assertThat(library.needed()).as("libraries that %s needs", file).isNotEmpty().allMatch(needed ->
                    files.contains(needed.substring(needed.lastIndexOf('/') + 1))
                            || SYSTEM.matcher(needed).matches() || SYSTEM.matcher(needed.toLowerCase(Locale.ROOT)).matches());
        }
    }

    private static List<String> plugins(Platform platform, List<String> files) {
        List<String> variants = platform.cpuVariants(files);
        return variants.isEmpty() ? List.of(platform.cpuBase(files).orElseThrow()) : variants;
    }

    private static Path folder(Platform platform) {
        return NATIVES.resolve(platform.id()).resolve("io/tmac4j/natives").resolve(platform.id());
    }

    private static List<String> files(Platform platform) throws IOException {
        Path index = folder(platform).resolve("index.properties");
        if (System.getProperty(NativeFolder.PATH_PROPERTY) != null || System.getenv(NativeFolder.PATH_VARIABLE) != null) {
            assumeThat(index).as("libraries of the user's own are used, and nothing is packaged").exists();
        }
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(index)) {
            properties.load(reader);
        }
        return NativePackage.of(properties, name -> Files.newInputStream(folder(platform).resolve(name))).files().stream()
                .map(NativePackage.Entry::name).toList();
    }

    /** Functions of llama.cpp that classes of the bindings call: each has a class of its own in the generated code. */
    private static Set<String> calledFunctions() throws IOException, URISyntaxException {
        Path classes = Path.of(NativePackage.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        Set<String> called = new TreeSet<>();
        try (Stream<Path> all = Files.walk(classes)) {
            for (Path file : all.filter(path -> path.toString().endsWith(".class")
                    && !path.getParent().endsWith("generated")).toList()) {
                for (var entry : ClassFile.of().parse(file).constantPool()) {
                    if (entry instanceof MemberRefEntry member && member.owner().asInternalName().equals(LLAMA_CPP)
                            && Files.exists(classes.resolve(LLAMA_CPP + "$" + member.name().stringValue() + ".class"))) {
                        called.add(member.name().stringValue());
                    }
                }
            }
        }
        return called;
    }
}
