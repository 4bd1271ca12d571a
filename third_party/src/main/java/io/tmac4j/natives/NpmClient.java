package io.tmac4j.natives;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/** The npm client on the PATH. Which registry it asks, and through which proxy, is the user's npm configuration. */
final class NpmClient {

    /** A package is 10 MB: a network on which that takes longer is taken for a broken one. */
    private static final long TIMEOUT_MINUTES = 10;

    private final Path executable;

    private NpmClient(Path executable) {
        this.executable = executable;
    }

    /**
     * Finds the client.
     *
     * @param searchPath value of PATH
     * @param windows    whether names end in {@code .cmd}
     */
    static Optional<NpmClient> find(String searchPath, boolean windows) {
        for (String folder : searchPath.split(Pattern.quote(File.pathSeparator))) {
            if (!folder.isBlank()) {
                Path candidate = Path.of(folder.strip()).resolve(windows ? "npm.cmd" : "npm");
                if (Files.isRegularFile(candidate) && Files.isExecutable(candidate)) {
                    return Optional.of(new NpmClient(candidate));
                }
            }
        }
        return Optional.empty();
    }

    /**
     * Downloads a package's tarball into {@code folder}.
     *
     * @throws FetchException if npm fails; the message holds what npm said
     */
    void pack(String spec, Path folder, boolean offline) throws IOException, InterruptedException {
        Path log = Files.createTempFile(folder, "npm", ".log");
        Process process = new ProcessBuilder(command(spec, offline))
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectInput(ProcessBuilder.Redirect.PIPE)
                .redirectOutput(log.toFile())
                .start();
        process.getOutputStream().close();
        if (!process.waitFor(TIMEOUT_MINUTES, TimeUnit.MINUTES)) {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly().waitFor();
            throw new FetchException("'npm pack " + spec + "' did not end within " + TIMEOUT_MINUTES + " minutes");
        }
        if (process.exitValue() != 0) {
            throw new FetchException("'npm pack " + spec + "' ended with exit code " + process.exitValue()
                    + reason(Files.readString(log)));
        }
    }

    /** No argument holds a space: quoting for {@code npm.cmd} differs between Windows and Java. */
    private List<String> command(String spec, boolean offline) {
        List<String> command = new ArrayList<>(List.of(executable.toString(), "pack", spec, "--ignore-scripts",
                "--fetch-retries=2", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000"));
        if (offline) {
            command.add("--offline");
        }
        return command;
    }

    /** npm's first error line that is more than a code, in parentheses. */
    private static String reason(String output) {
        return output.lines()
                .map(line -> line.replaceFirst("^npm (ERR!|error)", "").strip())
                .filter(line -> line.contains(" ") && !line.startsWith("npm "))
                .filter(line -> !line.matches("(code|errno|syscall|type) .*"))
                .findFirst()
                .map(line -> " (" + line + ")")
                .orElse("");
    }
}
