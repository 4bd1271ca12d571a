package io.tmac4j.comparison.synth;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * A file that appears under its name only when it is complete. Until then it has a temporary name beside it, and is deleted when
 * it is closed incomplete or the VM is told to end.
 */
final class PartFile implements AutoCloseable {

    private final Path target;
    private final Path path;
    private final FileChannel channel;
    private final Thread atExit;

    private PartFile(Path target, Path path) throws IOException {
        this.target = target;
        this.path = path;
        channel = FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        atExit = new Thread(this::discard, "part-file-cleanup");
        try {
            Runtime.getRuntime().addShutdownHook(atExit);
        } catch (IllegalStateException ending) {
            discard();
            throw new IOException("the program is ending", ending);
        }
    }

    /** Begins the file {@code target}, whose folder exists. Several programs may write the same one: the last one stays. */
    static PartFile of(Path target) throws IOException {
        return new PartFile(target, target.resolveSibling(target.getFileName() + "." + ProcessHandle.current().pid() + "-"
                + Long.toHexString(System.nanoTime()) + ".part"));
    }

    /** Writes at a position; by several threads if they like. */
    void write(byte[] bytes, int length, long at) throws IOException {
        ByteBuffer source = ByteBuffer.wrap(bytes, 0, length);
        long position = at;
        while (source.hasRemaining()) {
            position += channel.write(source, position);
        }
    }

    /** Makes the file {@code size} bytes long if it is shorter, with zeros. */
    void pad(long size) throws IOException {
        int missing = Math.toIntExact(Math.max(0, size - channel.size()));
        write(new byte[missing], missing, channel.size());
    }

    /** Gives the file its name; one of the same name is replaced. */
    void complete() throws IOException {
        channel.close();
        Files.move(path, target, StandardCopyOption.ATOMIC_MOVE);
    }

    @Override
    public void close() {
        discard();
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (IllegalStateException ending) {
            // the hook runs already and finds nothing left to do
        }
    }

    private void discard() {
        try {
            channel.close();
            Files.deleteIfExists(path);
        } catch (IOException notDeleted) {
            // the folder is gone or unreachable: nothing is left that could be removed
        }
    }
}
