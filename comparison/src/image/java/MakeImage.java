import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.module.Configuration;
import java.lang.module.ModuleFinder;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Enumeration;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;

/**
 * Makes a self-contained image of {@code tmac} for this computer: a Java run-time with the modules that the program needs
 * (jlink),
 * the program's jars, some of which are automatic modules that jlink refuses, llama.cpp's libraries, launchers, licences, and
 * an AOT cache (JEP 483, 514) recorded by a training run of the image itself. Started by
 * {@code mvn -Pimage package}; arguments: the folder of the program's jars, the folder of the launchers, the licence file, and
 * the image's folder, which is replaced.
 */
public final class MakeImage {

    private static final String MAIN = "io.tmac4j.comparison";
    /** Logback names a class of it in a place that the verifier looks at, though its descriptor calls it optional. */
    private static final String NAMING = "java.naming";
    private static final String LIBRARIES = "io/tmac4j/natives/";
    private static final String LICENCES = "META-INF/licenses/";
    private static final boolean WINDOWS = System.getProperty("os.name").toLowerCase(Locale.ROOT).startsWith("windows");

    private MakeImage() {
    }

    public static void main(String[] args) throws Exception {
        Path jars = Path.of(args[0]);
        Path image = Path.of(args[3]);
        try {
            deleteTree(image);
            link(jars, image);
            copyJars(jars, image);
            unpack(jars.resolve("natives"), image);
            launchers(Path.of(args[1]), image);
            Files.copy(Path.of(args[2]), image.resolve("legal").resolve("tmac4j.txt"));
            train(image);
            System.out.println("[INFO] The image is " + image + " (" + (size(image) >> 20) + " MB); start "
                    + image.resolve("bin").resolve(WINDOWS ? "tmac.cmd" : "tmac"));
        } catch (IllegalStateException e) {
            System.err.println("[ERROR] " + e.getMessage());
            System.exit(1);
        }
    }

    private static void link(Path jars, Path image) {
        ToolProvider jlink = ToolProvider.findFirst("jlink").orElseThrow(() -> new IllegalStateException(
                "this JDK (" + System.getProperty("java.home") + ") has no jlink; install a full JDK 25"));
        StringWriter said = new StringWriter();
        int exitCode = jlink.run(new PrintWriter(said), new PrintWriter(said), "--add-modules", systemModules(jars),
                "--no-header-files", "--no-man-pages", "--output", image.toString());
        if (exitCode != 0) {
            throw new IllegalStateException("jlink failed: " + said.toString().strip());
        }
    }

    /** The JDK's modules that the program's jars need, transitively. */
    private static String systemModules(Path jars) {
        Set<String> names = new TreeSet<>(Set.of(NAMING, "jdk.incubator.vector"));
        Configuration.empty().resolve(ModuleFinder.of(jars), ModuleFinder.ofSystem(), Set.of(MAIN)).modules().stream()
                .filter(module -> ModuleFinder.ofSystem().find(module.name()).isPresent())
                .forEach(module -> names.add(module.name()));
        return String.join(",", names);
    }

    private static void copyJars(Path jars, Path image) throws IOException {
        Path modules = Files.createDirectories(image.resolve("modules"));
        for (Path jar : list(jars)) {
            Files.copy(jar, modules.resolve(jar.getFileName()));
        }
    }

    /** Takes llama.cpp's libraries and licence texts out of the jar of this platform. */
    private static void unpack(Path folder, Path image) throws IOException {
        Path natives = Files.createDirectories(image.resolve("natives"));
        Path legal = Files.createDirectories(image.resolve("legal").resolve("natives"));
        int libraries = 0;
        for (Path archive : list(folder)) {
            try (JarFile jar = new JarFile(archive.toFile())) {
                Enumeration<JarEntry> entries = jar.entries();
                while (entries.hasMoreElements()) {
                    JarEntry entry = entries.nextElement();
                    String name = entry.getName();
                    if (entry.isDirectory() || !name.startsWith(LIBRARIES) && !name.startsWith(LICENCES)) {
                        continue;
                    }
                    boolean library = name.startsWith(LIBRARIES);
                    String file = name.substring(name.lastIndexOf('/') + 1);
                    try (InputStream in = jar.getInputStream(entry)) {
                        Files.copy(in, (library ? natives : legal).resolve(file));
                    }
                    libraries += library ? 1 : 0;
                }
            }
        }
        if (libraries == 0) {
            throw new IllegalStateException(folder + " holds no jar with llama.cpp's libraries; an image needs them: build "
                    + "without tmac.llama.path");
        }
    }

    private static void launchers(Path folder, Path image) throws IOException {
        String wanted = WINDOWS ? "tmac.cmd" : "tmac";
        Path launcher = Files.copy(folder.resolve(wanted), image.resolve("bin").resolve(wanted));
        launcher.toFile().setExecutable(true, false);
    }

    /** Runs the image with the arguments that its launcher gives: a cache is taken only by a JVM that was started alike. */
    private static void train(Path image) throws IOException, InterruptedException {
        Path cache = image.resolve("lib").resolve("tmac.aot");
        Path work = Files.createTempDirectory(image.getParent(), "training");
        Path log = image.resolveSibling("training.log");
        try {
            List<String> command = new ArrayList<>(List.of(
                    image.resolve("bin").resolve(WINDOWS ? "java.exe" : "java").toString(),
                    "-XX:AOTCacheOutput=" + cache, "-Dtmac.llama.path=" + image.resolve("natives"), "-Dtmac.cache=" + work,
                    "--module-path", image.resolve("modules").toString(), "--add-modules", "jdk.incubator.vector",
                    "--enable-native-access=io.tmac4j.bindings,io.tmac4j.kernels,org.jline.terminal.ffm",
                    "-XX:+UseSerialGC", "--module", MAIN + "/" + MAIN + ".AotTraining"));
            int exitCode = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start().waitFor();
            if (exitCode != 0 || !Files.exists(cache)) {
                throw new IllegalStateException("the training run of the image ended with " + exitCode + "; " + log
                        + " says more");
            }
        } finally {
            deleteTree(work);
        }
    }

    private static List<Path> list(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.toString().endsWith(".jar")).sorted().toList();
        }
    }

    private static long size(Path root) throws IOException {
        try (Stream<Path> paths = Files.walk(root)) {
            long bytes = 0;
            for (Path path : paths.filter(path -> Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)).toList()) {
                bytes += Files.size(path);
            }
            return bytes;
        }
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
