package io.tmac4j.bindings;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The platforms that llama.cpp's libraries are packaged for, and how their files are called there. */
enum Platform {
    LINUX_X64("linux-x64", "lib", "so", List.of("so")),
    LINUX_ARM64("linux-arm64", "lib", "so", List.of("so")),
    // ggml calls its plug-ins .so on macOS too
    MAC_ARM64("mac-arm64", "lib", "dylib", List.of("so", "dylib")),
    WIN_X64("win-x64", "", "dll", List.of("dll")),
    WIN_ARM64("win-arm64", "", "dll", List.of("dll"));

    private final String id;
    private final String prefix;
    private final String extension;
    private final List<String> pluginExtensions;

    Platform(String id, String prefix, String extension, List<String> pluginExtensions) {
        this.id = id;
        this.prefix = prefix;
        this.extension = extension;
        this.pluginExtensions = pluginExtensions;
    }

    /** The name used in resource paths, e.g. {@code linux-x64}. */
    String id() {
        return id;
    }

    /**
     * The platform of the values of {@code os.name} and {@code os.arch}.
     *
     * @throws NativeLibraryException if there are no libraries for it
     */
    static Platform of(String osName, String osArch) {
        String name = osName.toLowerCase(Locale.ROOT);
        String system = name.startsWith("linux") ? "linux"
                : name.startsWith("mac") || name.startsWith("darwin") ? "mac"
                : name.startsWith("windows") ? "win" : name;
        String arch = switch (osArch.toLowerCase(Locale.ROOT)) {
            case "amd64", "x86_64", "x64" -> "x64";
            case "aarch64", "arm64" -> "arm64";
            default -> osArch;
        };
        String id = system + "-" + arch;
        return Stream.of(values()).filter(platform -> platform.id.equals(id)).findFirst().orElseThrow(() ->
                new NativeLibraryException("llama.cpp's libraries are packaged for " + ids() + ", not for " + osName + " on "
                        + osArch
                        + "; build llama.cpp v0.4.0 there and name the folder of its libraries with -D"
                        + NativeFolder.PATH_PROPERTY));
    }

    private static String ids() {
        return Stream.of(values()).map(Platform::id).collect(Collectors.joining(", "));
    }

    /**
     * Which of {@code files} is the library {@code base}, e.g. {@code libllama.v0.4.0.so} for {@code llama}. Builds by
     * hand carry no release in the name, so the shortest match is taken.
     */
    Optional<String> library(String base, Collection<String> files) {
        Pattern pattern = Pattern.compile((prefix.isEmpty() ? "(?:lib)?" : prefix) + Pattern.quote(base)
                + "(?:\\.[A-Za-z0-9_.]+)?\\." + extension + "(?:\\.[0-9]+)*");
        return files.stream().filter(file -> pattern.matcher(file).matches()).min(shortestFirst());
    }

    /** The files among {@code files} that hold a CPU backend for one kind of processor, e.g. {@code libggml-cpu-zen4.so}. */
    List<String> cpuVariants(Collection<String> files) {
        return files.stream().filter(file -> variant(file).filter(variant -> !variant.isEmpty()).isPresent()).sorted().toList();
    }

    /** The file among {@code files} that holds the CPU backend for any processor, e.g. {@code ggml-cpu.dll}. */
    Optional<String> cpuBase(Collection<String> files) {
        return files.stream().filter(file -> variant(file).filter(String::isEmpty).isPresent()).min(shortestFirst());
    }

    /**
     * The kind of processor that a CPU backend's file is for, e.g. {@code zen4}; empty string for any, no value if it is none.
     */
    Optional<String> variant(String file) {
        var matcher = Pattern.compile((prefix.isEmpty() ? "(?:lib)?" : prefix) + "ggml-cpu(?:-([A-Za-z0-9_.]+?))?\\.(?:"
                + String.join("|", pluginExtensions) + ")(?:\\.[0-9]+)*").matcher(file);
        return matcher.matches() ? Optional.of(matcher.group(1) == null ? "" : matcher.group(1)) : Optional.empty();
    }

    private static Comparator<String> shortestFirst() {
        return Comparator.comparingInt(String::length).thenComparing(Comparator.naturalOrder());
    }
}
