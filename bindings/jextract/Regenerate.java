import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Runs jextract over llama.cpp's headers and shows how its output differs from the committed one; changes no source. Started by
 * {@code mvn -pl bindings -am -Pregenerate-bindings process-classes}; arguments: the folder of this file, the folder of the
 * committed output, a folder to work in, and {@code headers=} with a llama.cpp source tree, or nothing after it to take the
 * tree out of the npm package, which needs npm and git.
 */
public final class Regenerate {

    private static final String PACKAGE = "node-llama-cpp@3.21.1";
    private static final String TARBALL = "node-llama-cpp-3.21.1.tgz";
    private static final String SHA512 = "13737412fd956b4c33c9dbd7605c0cf47bf2a34ecfa168edf13ffd18c738dc2b"
            + "edf18915fcd53fb5852010c0b582b4cfbf6a3d3d18d08b41b759be4ffdac2232";
    private static final List<String> HEADER_FOLDERS = List.of("include", "ggml/include", "ggml/src");
    private static final boolean WINDOWS = System.getProperty("os.name").toLowerCase(Locale.ROOT).startsWith("windows");

    /** jextract emits this unused constant whatever it includes; its cast throws where C's long has 32 bits. */
    private static final Pattern C_LONG_LINE = Pattern.compile("\\R[^\\r\\n]* C_LONG = [^\\r\\n]*");

    private Regenerate() {
    }

    public static void main(String[] args) throws Exception {
        Path here = Path.of(args[0]);
        Path committed = Path.of(args[1]);
        Path work = Path.of(args[2]);
        String headers = args[3].substring("headers=".length());
        try {
            Path jextract = onPath("jextract", WINDOWS ? "jextract.bat" : "jextract");
            deleteTree(work);
            Files.createDirectories(work);
            Path tree = headers.isBlank() ? treeOfPackage(work) : Path.of(headers);
            Path fresh = generate(jextract, here, tree, work);
            compare(committed, fresh);
        } catch (IllegalStateException e) {
            System.err.println("[ERROR] " + e.getMessage());
            System.exit(1);
        }
    }

    private static Path treeOfPackage(Path work) throws Exception {
        Path npm = onPath("npm", WINDOWS ? "npm.cmd" : "npm");
        Path git = onPath("git", WINDOWS ? "git.exe" : "git");
        run(work, List.of(npm.toString(), "pack", PACKAGE, "--ignore-scripts", "--silent"));
        byte[] tarball = Files.readAllBytes(work.resolve(TARBALL));
        String found = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-512").digest(tarball));
        if (!found.equals(SHA512)) {
            throw new IllegalStateException("The package " + PACKAGE + " is not the pinned one: expected SHA-512 " + SHA512
                    + ", found " + found + ".");
        }
        run(work, List.of("tar", "-xzf", TARBALL, "package/llama/gitRelease.bundle"));
        run(work, List.of(git.toString(), "-c", "advice.detachedHead=false", "clone", "-q",
                "package/llama/gitRelease.bundle", "llama.cpp"));
        return work.resolve("llama.cpp");
    }

    private static Path generate(Path jextract, Path here, Path tree, Path work) throws Exception {
        Path headers = Files.createDirectories(work.resolve("headers"));
        for (String folder : HEADER_FOLDERS) {
            Path source = tree.resolve(folder);
            if (!Files.isDirectory(source)) {
                throw new IllegalStateException(tree + " is no source tree of llama.cpp: it has no folder " + folder + ".");
            }
            copyMatching(source, headers, ".h");
        }
        copyMatching(here.resolve("stubs"), Files.createDirectories(work.resolve("stubs")), ".h");
        copyMatching(here, work, ".h");
        copyMatching(here, work, ".args");
        Files.writeString(work.resolve("compile_flags.txt"), "-nostdinc\n");
        run(work, List.of(jextract.toString(), "-I", "stubs", "-I", "headers", "--output", "out",
                "--target-package", "io.tmac4j.bindings.generated", "--header-class-name", "LlamaCpp",
                "@llama.args", "llama-all.h"));
        Path fresh = work.resolve("out/io/tmac4j/bindings/generated");
        Path shared = fresh.resolve("LlamaCpp$shared.java");
        Files.writeString(shared, C_LONG_LINE.matcher(Files.readString(shared)).replaceFirst(""));
        return fresh;
    }

    private static void compare(Path committed, Path fresh) throws IOException {
        TreeSet<String> names = new TreeSet<>(names(committed, ".java"));
        names.addAll(names(fresh, ".java"));
        List<String> differences = new ArrayList<>();
        for (String name : names) {
            Path old = committed.resolve(name);
            Path now = fresh.resolve(name);
            if (!Files.exists(old)) {
                differences.add("new:     " + name);
            } else if (!Files.exists(now)) {
                differences.add("gone:    " + name);
            } else if (Files.mismatch(old, now) >= 0) {
                differences.add("changed: " + name + firstDifference(old, now));
            }
        }
        System.out.println("[INFO] " + names.size() + " files, " + differences.size()
                + " differ from the committed ones; the new ones are in " + fresh);
        differences.forEach(line -> System.out.println("[INFO] " + line));
    }

    private static String firstDifference(Path old, Path now) throws IOException {
        List<String> before = Files.readAllLines(old);
        List<String> after = Files.readAllLines(now);
        int line = 0;
        while (line < before.size() && line < after.size() && before.get(line).equals(after.get(line))) {
            line++;
        }
        return "\n    line " + (line + 1) + "\n    - " + (line < before.size() ? before.get(line) : "(end)")
                + "\n    + " + (line < after.size() ? after.get(line) : "(end)");
    }

    private static Path onPath(String what, String file) {
        for (String folder : System.getenv("PATH").split(Pattern.quote(File.pathSeparator))) {
            Path candidate = Path.of(folder).resolve(file);
            if (!folder.isBlank() && Files.isExecutable(candidate)) {
                return candidate;
            }
        }
        throw new IllegalStateException(what + " was not found on the PATH; "
                + "bindings/jextract/README.md says what regenerating needs.");
    }

    private static void run(Path folder, List<String> command) throws IOException, InterruptedException {
        int exitCode = new ProcessBuilder(command).directory(folder.toFile()).inheritIO().start().waitFor();
        if (exitCode != 0) {
            throw new IllegalStateException("'" + String.join(" ", command) + "' ended with exit code " + exitCode + ".");
        }
    }

    private static List<String> names(Path folder, String suffix) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).filter(name -> name.endsWith(suffix)).toList();
        }
    }

    private static void copyMatching(Path from, Path to, String suffix) throws IOException {
        for (String name : names(from, suffix)) {
            Files.copy(from.resolve(name), to.resolve(name), StandardCopyOption.REPLACE_EXISTING);
        }
    }

    private static void deleteTree(Path root) throws IOException {
        if (Files.exists(root)) {
            try (Stream<Path> paths = Files.walk(root)) {
                for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                    // git makes its objects read-only, which Windows takes for a reason not to delete them
                    path.toFile().setWritable(true);
                    Files.delete(path);
                }
            }
        }
    }
}
