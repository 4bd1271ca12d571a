package io.tmac4j.natives;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Properties;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * What the repository promises about one platform's libraries.
 *
 * @param platform    tmac4j's name of the platform, as {@code linux-x64}
 * @param release     llama.cpp's release
 * @param packageName npm package without version
 * @param version     version of the npm package
 * @param sha512      SHA-512 of the package's tarball, lower-case hexadecimal
 */
record Pin(String platform, String release, String packageName, String version, String sha512) {

    private static final String SHA512_SUFFIX = ".sha512";

    /** Reads the pin of {@code platform} from a properties file; empty if there are no libraries for it. */
    static Optional<Pin> read(Path file, String platform) throws IOException {
        Properties properties = load(file);
        return Optional.ofNullable(properties.getProperty(platform + SHA512_SUFFIX))
                .map(sha512 -> new Pin(platform, properties.getProperty("release"), properties.getProperty(platform + ".package"),
                        properties.getProperty("version"), sha512));
    }

    /** The platforms that a properties file has pins of, sorted. */
    static SortedSet<String> platforms(Path file) throws IOException {
        SortedSet<String> platforms = new TreeSet<>();
        for (String key : load(file).stringPropertyNames()) {
            if (key.endsWith(SHA512_SUFFIX)) {
                platforms.add(key.substring(0, key.length() - SHA512_SUFFIX.length()));
            }
        }
        return platforms;
    }

    private static Properties load(Path file) throws IOException {
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(file)) {
            properties.load(reader);
        }
        return properties;
    }

    /** The package as npm names it, {@code @scope/name@version}. */
    String npmSpec() {
        return packageName + "@" + version;
    }

    /** The file that {@code npm pack} makes: the scope's sign is dropped, the slash becomes a dash. */
    String tarballName() {
        return packageName.replace("@", "").replace('/', '-') + "-" + version + ".tgz";
    }
}
