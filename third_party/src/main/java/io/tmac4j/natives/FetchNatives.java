package io.tmac4j.natives;

import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Lays out the resources of the natives jars: fetches each pinned package once, checks it, and takes the libraries out. */
public final class FetchNatives {

    /** Written last, so that its presence says that a platform's folder is complete. */
    private static final String INDEX = "index.properties";
    private static final String MATERIALS = "META-INF/natives.cdx.json";

    private final Path cache;
    private final Path licences;
    private final Optional<NpmClient> npm;
    private final boolean offline;

    FetchNatives(Path cache, Path licences, Optional<NpmClient> npm, boolean offline) {
        this.cache = cache;
        this.licences = licences;
        this.npm = npm;
        this.offline = offline;
    }

    /**
     * Called by the build.
     *
     * @param args the pins (file), the licence texts (folder), the output (folder), platforms separated by commas,
     *             {@code own=} with the user's own library folder, if any, and {@code offline=true} if Maven is offline
     */
    public static void main(String[] args) throws IOException, InterruptedException {
        Map<String, String> environment = System.getenv();
        String os = System.getProperty("os.name");
        String ownLibraries = args[4].substring("own=".length());
        if (ownLibraries.isBlank()) {
            ownLibraries = environment.getOrDefault("TMAC_LLAMA_PATH", "");
        }
        Path output = Files.createDirectories(Path.of(args[2]));
        Path complete = output.resolve("complete");
        Files.deleteIfExists(complete);
        FetchNatives fetch = new FetchNatives(
                CacheFolder.of(environment, os, Path.of(System.getProperty("user.home"))).resolve("npm"),
                Path.of(args[1]),
                NpmClient.find(environment.getOrDefault("PATH", environment.getOrDefault("Path", "")), os.startsWith("Windows")),
                args[5].equals("offline=true"));
        try {
            for (String platform : args[3].split(",")) {
                fetch.layOut(Path.of(args[0]), platform, output.resolve(platform), ownLibraries);
            }
            Files.createFile(complete);
        } catch (FetchException e) {
            System.err.println("[ERROR] " + e.getMessage());
            System.exit(1);
        }
    }

    /** Makes the jar content of a platform by its name; of one without a pin only if the user names libraries. */
    void layOut(Path pins, String platform, Path output, String ownLibraries) throws IOException, InterruptedException {
        Optional<Pin> pin = Pin.read(pins, platform);
        if (pin.isPresent()) {
            layOut(pin.get(), output, ownLibraries);
        } else if (ownLibraries.isBlank()) {
            throw new FetchException("There are no prebuilt llama.cpp libraries for this platform (" + platform + ", "
                    + System.getProperty("os.name") + " on " + System.getProperty("os.arch") + "), only for "
                    + String.join(", ", Pin.platforms(pins)) + "; build llama.cpp yourself and "
                    + FetchException.OWN_LIBRARIES + ".");
        } else {
            Files.createDirectories(output);
        }
    }

    /**
     * Makes one platform's jar content.
     *
     * @param ownLibraries a folder that the user names instead of the package, or an empty string: then a package that is not
     *                     cached is not fetched, and the content stays empty
     * @throws FetchException if the libraries cannot be had, or are not those that the pin promises
     */
    void layOut(Pin pin, Path output, String ownLibraries) throws IOException, InterruptedException {
        Path folder = output.resolve("io/tmac4j/natives").resolve(pin.platform());
        if (isUpToDate(folder.resolve(INDEX), pin) && Files.exists(output.resolve(MATERIALS))) {
            return;
        }
        deleteTree(output);
        Files.createDirectories(folder);
        Path cached = cache.resolve(pin.tarballName());
        if (ownLibraries.isBlank()) {
            extract(pin, fetch(pin, cached), output, folder);
        } else {
            requireLibraries(Path.of(ownLibraries), pin.release());
            if (Files.exists(cached) && Sha512.of(cached).equals(pin.sha512())) {
                extract(pin, cached, output, folder);
            }
        }
    }

    private static boolean isUpToDate(Path index, Pin pin) throws IOException {
        if (!Files.exists(index)) {
            return false;
        }
        Properties properties = new Properties();
        try (var reader = Files.newBufferedReader(index)) {
            properties.load(reader);
        }
        return pin.sha512().equals(properties.getProperty("package.sha512"));
    }

    private static void requireLibraries(Path folder, String release) throws IOException {
        if (Files.isDirectory(folder)) {
            try (Stream<Path> files = Files.list(folder)) {
                if (files.map(file -> file.getFileName().toString()).anyMatch(Library::isLlama)) {
                    return;
                }
            }
        }
        throw new FetchException("tmac.llama.path (or TMAC_LLAMA_PATH) is " + folder + ", which is no folder with the "
                + "libraries of llama.cpp " + release + " (libllama, libggml, libggml-base, libggml-cpu-*); "
                + "correct it or leave it out.");
    }

    /** Returns the tarball out of the cache, after fetching it if it is missing or damaged there. */
    private Path fetch(Pin pin, Path cached) throws IOException, InterruptedException {
        if (Files.exists(cached) && Sha512.of(cached).equals(pin.sha512())) {
            return cached;
        }
        Files.createDirectories(cache);
        Path temporary = Files.createTempDirectory(cache, "fetch");
        try {
            Path fetched = temporary.resolve(pin.tarballName());
            download(pin, temporary);
            if (!Files.exists(fetched)) {
                throw new FetchException("'npm pack " + pin.npmSpec() + "' ended well but left no " + pin.tarballName() + "; "
                        + "try again, or " + FetchException.OWN_LIBRARIES + ".");
            }
            requireHash(pin, fetched);
            // another build may do the same at the same time: both files are the same, the last one stays
            return Files.move(fetched, cached, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            deleteTree(temporary);
        }
    }

    private void download(Pin pin, Path folder) throws IOException, InterruptedException {
        String what = "llama.cpp " + pin.release() + " for " + pin.platform() + " could not be fetched: ";
        if (npm.isEmpty()) {
            throw new FetchException(what + "no npm client was found on the PATH; install Node.js, or "
                    + FetchException.OWN_LIBRARIES + ".");
        }
        System.err.println("[INFO] Fetching " + pin.npmSpec() + " with npm (about 10 MB, kept in " + cache + ")");
        try {
            npm.get().pack(pin.npmSpec(), folder, offline);
        } catch (FetchException e) {
            throw new FetchException(what + e.getMessage() + "; check the network, or " + FetchException.OWN_LIBRARIES + ".");
        }
    }

    static void requireHash(Pin pin, Path tarball) throws IOException {
        String found = Sha512.of(tarball);
        if (!found.equals(pin.sha512())) {
            throw new FetchException("The package " + pin.npmSpec() + " is not the pinned one: expected SHA-512 " + pin.sha512()
                    + ", found " + found + "; if the registry is to be trusted, correct third_party/llama.cpp.properties, else "
                    + FetchException.OWN_LIBRARIES + ".");
        }
    }

    private void extract(Pin pin, Path tarball, Path output, Path folder) throws IOException {
        Path licenceFolder = Files.createDirectories(output.resolve("META-INF/licenses"));
        Map<String, byte[]> libraries = new TreeMap<>();
        Tarball.forEachFile(tarball, (path, content) -> {
            String name = path.substring(path.lastIndexOf('/') + 1);
            if (path.equals("package/LICENSE")) {
                Files.write(licenceFolder.resolve("node-llama-cpp.txt"), content);
            } else if (path.startsWith("package/bins/") && Library.isWanted(name)) {
                libraries.put(name, content);
            }
        });
        try (Stream<Path> texts = Files.list(licences)) {
            for (Path text : texts.toList()) {
                Files.copy(text, licenceFolder.resolve(text.getFileName()), StandardCopyOption.REPLACE_EXISTING);
            }
        }
        for (Map.Entry<String, byte[]> library : libraries.entrySet()) {
            Files.write(folder.resolve(library.getKey()), library.getValue());
        }
        MaterialsList.write(pin, libraries, output.resolve(MATERIALS));
        writeIndex(pin, libraries, folder);
    }

    /** Written by hand, not by {@link Properties#store}, which adds the date: the same input gives the same bytes. */
    private static void writeIndex(Pin pin, Map<String, byte[]> libraries, Path folder) throws IOException {
        Map<String, String> index = new TreeMap<>();
        index.put("platform", pin.platform());
        index.put("release", pin.release());
        index.put("package", pin.npmSpec());
        index.put("package.sha512", pin.sha512());
        index.put("files", String.join(",", libraries.keySet()));
        for (Map.Entry<String, byte[]> library : libraries.entrySet()) {
            String name = library.getKey();
            index.put("sha512." + name, Sha512.of(library.getValue()));
            index.put("size." + name, Integer.toString(library.getValue().length));
            Library.role(name).ifPresent(role -> index.put("library." + role, name));
        }
        Path partial = folder.resolve(INDEX + ".part");
        try (Writer writer = Files.newBufferedWriter(partial)) {
            for (Map.Entry<String, String> entry : index.entrySet()) {
                writer.write(entry.getKey() + "=" + entry.getValue() + "\n");
            }
        }
        Files.move(partial, folder.resolve(INDEX), StandardCopyOption.ATOMIC_MOVE);
    }

    private static void deleteTree(Path root) throws IOException {
        if (Files.exists(root)) {
            try (Stream<Path> paths = Files.walk(root)) {
                for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                    Files.deleteIfExists(path);
                }
            }
        }
    }
}
