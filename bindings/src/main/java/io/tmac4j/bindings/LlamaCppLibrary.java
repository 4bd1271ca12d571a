package io.tmac4j.bindings;

import io.tmac4j.bindings.generated.LlamaCpp;
import io.tmac4j.bindings.generated.ggml_backend_feature;
import io.tmac4j.bindings.generated.ggml_backend_get_features_t;
import io.tmac4j.bindings.generated.ggml_backend_init_t;
import io.tmac4j.bindings.generated.ggml_backend_reg;
import io.tmac4j.bindings.generated.ggml_backend_score_t;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** llama.cpp's libraries in this JVM: loaded once, with the CPU backend that fits this processor best, and never unloaded. */
@SuppressWarnings("restricted")
public final class LlamaCppLibrary {

    private static final Logger LOG = LoggerFactory.getLogger(LlamaCppLibrary.class);

    private static LlamaCppLibrary loaded;
    private static NativeLibraryException failure;

    private final Path folder;
    private final String cpuVariant;
    private final String version;
    private final String commit;
    private final String systemInfo;
    private final List<String> cpuFeatures;
    private final String cpuName;

    private LlamaCppLibrary(Path folder, String cpuVariant, List<String> cpuFeatures) {
        this.folder = folder;
        this.cpuVariant = cpuVariant;
        this.version = LlamaCpp.llama_version().getString(0);
        this.commit = LlamaCpp.ggml_commit().getString(0);
        this.systemInfo = LlamaCpp.llama_print_system_info().getString(0);
        this.cpuFeatures = cpuFeatures;
        this.cpuName = LlamaCpp.ggml_backend_dev_description(cpuDevice()).getString(0);
    }

    /**
     * The libraries, loaded by the first call. A failed load is final for this JVM, since libraries cannot be unloaded.
     *
     * @throws NativeLibraryException if they cannot be found, loaded, or are another release than these bindings are made for
     */
    public static synchronized LlamaCppLibrary load() {
        if (loaded != null) {
            return loaded;
        }
        if (failure != null) {
            throw new NativeLibraryException(failure.getMessage(), failure);
        }
        Platform platform = Platform.of(System.getProperty("os.name"), System.getProperty("os.arch"));
        Path folder = NativeFolder.find(platform);
        try {
            loaded = load(folder, platform);
            return loaded;
        } catch (NativeLibraryException e) {
            failure = e;
            throw e;
        } catch (ExceptionInInitializerError e) {
            // the generated class of a function that the libraries do not have
            failure = new NativeLibraryException("the llama.cpp libraries in " + folder + " do not fit these bindings: "
                    + (e.getCause() == null ? e : e.getCause().getMessage()) + "; use the libraries of llama.cpp v"
                    + LibraryProbes.RELEASE, e);
            throw failure;
        } catch (UnsatisfiedLinkError | IllegalArgumentException | IOException e) {
            failure = new NativeLibraryException("the llama.cpp libraries in " + folder + " cannot be loaded: " + e.getMessage(),
                    e);
            throw failure;
        }
    }

    private static LlamaCppLibrary load(Path folder, Platform platform) throws IOException {
        List<String> files;
        try (Stream<Path> list = Files.list(folder)) {
            files = list.map(file -> file.getFileName().toString()).toList();
        }
        // In the order of their dependencies: Windows looks for those of a library by name among what is loaded already.
        // System.load makes them visible to the generated bindings, which look symbols up in their class loader's libraries.
        for (String base : List.of("ggml-base", "ggml", "llama")) {
            System.load(folder.resolve(library(folder, platform, base, files)).toString());
        }
        LibraryProbes.check();
        NativeLog.install();
        NativeGuard.install();
        String variant = loadCpuBackend(folder, platform, files);
        LlamaCpp.llama_backend_init();
        LlamaCppLibrary library = new LlamaCppLibrary(folder, variant, features());
        LOG.info("llama.cpp {} ({}) with the CPU backend {} from {}", library.version, library.commit, variant, folder);
        return library;
    }

    private static String library(Path folder, Platform platform, String base, List<String> files) {
        return platform.library(base, files).orElseThrow(() -> new NativeLibraryException(
                folder + " holds no library " + base + " of llama.cpp for " + platform.id()));
    }

    /**
     * Loads the CPU backend with the highest score on this processor, as {@code ggml_backend_load_best} does, but no other
     * backend (macOS packages hold Metal and BLAS too), by whatever letters the path has, and knowing which one it is.
     */
    private static String loadCpuBackend(Path folder, Platform platform, List<String> files) {
        if (LlamaCpp.ggml_backend_dev_by_type(LlamaCpp.GGML_BACKEND_DEVICE_TYPE_CPU()).address() != 0) {
            // a build by hand without plug-ins; its CPU library is a dependency of ggml, opened again for its symbols
            platform.cpuBase(files).ifPresent(file -> System.load(folder.resolve(file).toString()));
            return "built-in";
        }
        String best = null;
        int bestScore = 0;
        for (String file : platform.cpuVariants(files)) {
            int score = score(folder.resolve(file));
            LOG.debug("CPU backend {} scores {}", file, score);
            if (score > bestScore) {
                best = file;
                bestScore = score;
            }
        }
        if (best == null) {
            best = platform.cpuBase(files).orElseThrow(() -> new NativeLibraryException(
                    folder + " holds no CPU backend of ggml that runs on this processor"));
        }
        Path file = folder.resolve(best);
        System.load(file.toString());
        SymbolLookup symbols = SymbolLookup.libraryLookup(file, Arena.global());
        MemorySegment init = symbols.find("ggml_backend_init").orElseThrow(() ->
                new NativeLibraryException(file + " is no backend of ggml: it has no function ggml_backend_init"));
        MemorySegment registry = ggml_backend_init_t.invoke(init);
        if (registry.address() == 0) {
            throw new NativeLibraryException("the CPU backend " + file + " did not start");
        }
        registry = registry.reinterpret(ggml_backend_reg.sizeof());
        int api = ggml_backend_reg.api_version(registry);
        if (api != LlamaCpp.GGML_BACKEND_API_VERSION()) {
            throw new NativeLibraryException("the CPU backend " + file + " has version " + api
                    + " of ggml's backend interface; version "
                    + LlamaCpp.GGML_BACKEND_API_VERSION() + " was expected, use the libraries of llama.cpp v0.4.0");
        }
        LlamaCpp.ggml_backend_register(registry);
        return platform.variant(best).filter(name -> !name.isEmpty()).orElse("generic");
    }

    /** How well a CPU backend fits this processor; 0 if it cannot run. */
    private static int score(Path file) {
        try (Arena arena = Arena.ofConfined()) {
            Optional<MemorySegment> function = SymbolLookup.libraryLookup(file, arena).find("ggml_backend_score");
            return function.isEmpty() ? 0 : ggml_backend_score_t.invoke(function.get());
        } catch (IllegalArgumentException e) {
            LOG.debug("CPU backend {} cannot be opened: {}", file, e.getMessage());
            return 0;
        }
    }

    private static MemorySegment cpuDevice() {
        return LlamaCpp.ggml_backend_dev_by_type(LlamaCpp.GGML_BACKEND_DEVICE_TYPE_CPU());
    }

    private static List<String> features() {
        List<String> features = new ArrayList<>();
        MemorySegment registry = LlamaCpp.ggml_backend_dev_backend_reg(cpuDevice());
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment function = LlamaCpp.ggml_backend_reg_get_proc_address(registry,
                    arena.allocateFrom("ggml_backend_get_features"));
            if (function.address() == 0) {
                return List.of();
            }
            MemorySegment list = ggml_backend_get_features_t.invoke(function, registry).reinterpret(Long.MAX_VALUE);
            for (int i = 0; ; i++) {
                MemorySegment feature = ggml_backend_feature.asSlice(list, i);
                MemorySegment name = ggml_backend_feature.name(feature);
                if (name.address() == 0) {
                    return List.copyOf(features);
                }
                String value = ggml_backend_feature.value(feature).getString(0);
                features.add(value.equals("1") ? name.getString(0) : name.getString(0) + "=" + value);
            }
        }
    }

    /** The folder the libraries were loaded from. */
    public Path folder() {
        return folder;
    }

    /** The release, as llama.cpp gives it. */
    public String version() {
        return version;
    }

    /** The commit that ggml was built from. */
    public String commit() {
        return commit;
    }

    /** The CPU backend chosen for this processor, e.g. {@code zen4}. */
    public String cpuVariant() {
        return cpuVariant;
    }

    /** What llama.cpp says about the features it was built with. */
    public String systemInfo() {
        return systemInfo;
    }

    /** The processor features that the CPU backend uses, e.g. {@code AVX512}. */
    public List<String> cpuFeatures() {
        return cpuFeatures;
    }

    /** The processor's name, as llama.cpp finds it out. */
    public String cpuName() {
        return cpuName;
    }

    @Override
    public String toString() {
        return "llama.cpp " + version + " (" + commit + "), CPU backend " + cpuVariant
                + cpuFeatures.stream().collect(Collectors.joining(" ", " [", "]"));
    }
}
