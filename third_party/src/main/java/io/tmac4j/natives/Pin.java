package io.tmac4j.natives;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
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

    /** Reads the pins of {@code platforms} from a properties file. */
    static List<Pin> read(Path file, List<String> platforms) throws IOException {
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(file)) {
            properties.load(reader);
        }
        List<Pin> pins = new ArrayList<>();
        for (String platform : platforms) {
            String sha512 = properties.getProperty(platform + SHA512_SUFFIX);
            if (sha512 == null) {
                throw new FetchException("There are no prebuilt llama.cpp libraries for the platform '" + platform + "', only for "
                        + String.join(", ", platforms(properties)) + "; build llama.cpp " + properties.getProperty("release")
                        + " yourself and " + FetchException.OWN_LIBRARIES + ".");
            }
            pins.add(new Pin(platform, properties.getProperty("release"), properties.getProperty(platform + ".package"),
                    properties.getProperty("version"), sha512));
        }
        return pins;
    }

    private static TreeSet<String> platforms(Properties properties) {
        TreeSet<String> platforms = new TreeSet<>();
        for (String key : properties.stringPropertyNames()) {
            if (key.endsWith(SHA512_SUFFIX)) {
                platforms.add(key.substring(0, key.length() - SHA512_SUFFIX.length()));
            }
        }
        return platforms;
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
