package io.tmac4j.bindings;

import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.lang.module.FindException;
import java.lang.module.ModuleFinder;
import java.lang.module.ModuleReader;
import java.lang.module.ModuleReference;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.regex.Pattern;

/**
 * llama.cpp's libraries as resources of a jar, with the index that says which files there are and what they hash to.
 *
 * @param id    SHA-512 of the package they come from, a name that changes with the contents
 * @param files the libraries
 * @param open  opens one of them by name
 */
record NativePackage(String id, List<Entry> files, Opener open) {

    private static final Pattern FILE_NAME = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._+-]*");
    private static final Pattern SHA512 = Pattern.compile("[0-9a-f]{128}");

    /**
     * One library.
     *
     * @param name   file name without a folder
     * @param size   in bytes
     * @param sha512 hexadecimal, lower case
     */
    record Entry(String name, long size, String sha512) {
    }

    /** Opens a file of the package. */
    interface Opener {
        InputStream open(String name) throws IOException;
    }

    NativePackage {
        files = List.copyOf(files);
    }

    /** The package of a platform on the class path or module path, if it is there. */
    static Optional<NativePackage> find(Platform platform) throws IOException {
        Optional<NativePackage> resolved = in(platform, NativePackage.class.getClassLoader()::getResourceAsStream);
        return resolved.isPresent() ? resolved : onModulePath(platform, System.getProperty("jdk.module.path", ""));
    }

    /** The package in a jar of a module path: no module requires it, so that Java itself leaves it out. */
    static Optional<NativePackage> onModulePath(Platform platform, String modulePath) throws IOException {
        Path[] entries = Pattern.compile(File.pathSeparator, Pattern.LITERAL).splitAsStream(modulePath)
                .filter(entry -> !entry.isBlank()).map(Path::of).toArray(Path[]::new);
        String name = "io.tmac4j.natives." + platform.id().replace('-', '_');
        try {
            Optional<ModuleReference> module = ModuleFinder.of(entries).find(name);
            return module.isEmpty() ? Optional.empty() : in(platform, file -> open(module.get(), file));
        } catch (FindException e) {
            throw new IOException("the module path cannot be searched for " + name + ": " + e.getMessage(), e);
        }
    }

    private static InputStream open(ModuleReference module, String file) throws IOException {
        try (ModuleReader reader = module.open()) {
            Optional<InputStream> found = reader.open(file);
            if (found.isEmpty()) {
                return null;
            }
            try (InputStream in = found.get()) {
                return new ByteArrayInputStream(in.readAllBytes());
            }
        }
    }

    private static Optional<NativePackage> in(Platform platform, Opener resources) throws IOException {
        String folder = "io/tmac4j/natives/" + platform.id() + "/";
        try (InputStream in = resources.open(folder + "index.properties")) {
            if (in == null) {
                return Optional.empty();
            }
            Properties index = new Properties();
            try (Reader reader = new InputStreamReader(in, StandardCharsets.UTF_8)) {
                index.load(reader);
            }
            return Optional.of(of(index, name -> {
                InputStream file = resources.open(folder + name);
                if (file == null) {
                    throw new IOException("the package has no file " + name + ", which its index names");
                }
                return file;
            }));
        }
    }

    /** The package that an index describes. */
    static NativePackage of(Properties index, Opener open) throws IOException {
        List<Entry> files = new ArrayList<>();
        for (String name : required(index, "files").split(",")) {
            // names become paths, so nothing that leads out of the folder
            if (!FILE_NAME.matcher(name).matches()) {
                throw new IOException("the index of the libraries names \"" + name + "\", which is no file name");
            }
            String hash = required(index, "sha512." + name);
            try {
                files.add(new Entry(name, Long.parseLong(required(index, "size." + name)), sha512(hash)));
            } catch (NumberFormatException e) {
                throw new IOException("the index of the libraries gives no size of " + name, e);
            }
        }
        return new NativePackage(sha512(required(index, "package.sha512")), files, open);
    }

    private static String required(Properties index, String key) throws IOException {
        String value = index.getProperty(key);
        if (value == null || value.isBlank()) {
            throw new IOException("the index of the libraries has no " + key);
        }
        return value.strip();
    }

    private static String sha512(String text) throws IOException {
        if (!SHA512.matcher(text).matches()) {
            throw new IOException("the index of the libraries holds \"" + text + "\", which is no SHA-512");
        }
        return text;
    }

    long totalSize() {
        return files.stream().mapToLong(Entry::size).sum();
    }
}
