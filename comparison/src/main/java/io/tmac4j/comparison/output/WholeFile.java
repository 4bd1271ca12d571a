package io.tmac4j.comparison.output;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** Writes a file at once or not at all, so that an interruption leaves the file of before. */
public final class WholeFile {

    private WholeFile() {
    }

    /** Writes text in UTF-8. */
    public static void write(Path file, String text) throws IOException {
        write(file, text.getBytes(StandardCharsets.UTF_8));
    }

    /** Writes bytes; a file of that name is replaced, a folder is not. */
    public static void write(Path file, byte[] bytes) throws IOException {
        Path absolute = file.toAbsolutePath();
        if (Files.isDirectory(absolute)) {
            throw new FileAlreadyExistsException(file.toString());
        }
        if (!Files.isDirectory(absolute.getParent())) {
            throw new NoSuchFileException(absolute.getParent().toString());
        }
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
