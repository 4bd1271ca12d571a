package io.tmac4j.comparison.output;

import io.tmac4j.comparison.Failure;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** Writes a file at once or not at all, so that an interruption leaves the file of before. */
public final class WholeFile {

    private WholeFile() {
    }

    /**
     * Makes sure that a file can be written before work begins whose result goes there.
     *
     * @throws Failure if it cannot, and why
     */
    public static void requireWritable(Path file) {
        Path folder = file.toAbsolutePath().getParent();
        if (Files.isDirectory(file)) {
            throw new Failure("cannot write " + file + ": it is a folder; name a file in it");
        }
        if (folder == null || !Files.isDirectory(folder)) {
            throw new Failure("cannot write " + file + ": there is no folder " + folder);
        }
        if (!Files.isWritable(folder)) {
            throw new Failure("cannot write " + file + ": no permission to write in the folder " + folder);
        }
        if (Files.exists(file) && !Files.isRegularFile(file)) {
            throw new Failure("cannot write " + file + ": it exists and is no regular file");
        }
    }

    /** Writes text in UTF-8. */
    public static void write(Path file, String text) throws IOException {
        write(file, text.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * Writes bytes; a file of that name is replaced, a folder is not.
     *
     * @throws Failure if there can be no file of that name
     */
    public static void write(Path file, byte[] bytes) throws IOException {
        requireWritable(file);
        Path absolute = file.toAbsolutePath();
        // Not a temporary file of Java's: such a file can be read by its owner only.
        Path unfinished = absolute.resolveSibling("." + absolute.getFileName() + "." + ProcessHandle.current().pid() + ".part");
        try {
            Files.write(unfinished, bytes);
            Files.move(unfinished, absolute, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(unfinished);
        }
    }
}
