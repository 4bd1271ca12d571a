package io.tmac4j.natives;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;

/** Reads the regular files of a gzipped tar archive (POSIX ustar, which is what npm writes). */
final class Tarball {

    private static final int BLOCK = 512;
    private static final int NAME_LENGTH = 100;
    private static final int SIZE_OFFSET = 124;
    private static final int SIZE_LENGTH = 12;
    private static final int TYPE_OFFSET = 156;
    private static final int PREFIX_OFFSET = 345;
    private static final int PREFIX_LENGTH = 155;

    private Tarball() {
    }

    /** Receives one file: its path in the archive and its bytes. */
    interface Visitor {
        void file(String path, byte[] content) throws IOException;
    }

    static void forEachFile(Path archive, Visitor visitor) throws IOException {
        try (InputStream in = new GZIPInputStream(new BufferedInputStream(Files.newInputStream(archive)))) {
            byte[] header = new byte[BLOCK];
            while (in.readNBytes(header, 0, BLOCK) == BLOCK && header[0] != 0) {
                long size = Long.parseLong(text(header, SIZE_OFFSET, SIZE_LENGTH), 8);
                byte[] content = in.readNBytes(Math.toIntExact(size));
                if (content.length < size) {
                    throw new EOFException("the archive ends within " + path(header));
                }
                in.skipNBytes((BLOCK - size % BLOCK) % BLOCK);
                if (header[TYPE_OFFSET] == '0' || header[TYPE_OFFSET] == 0) {
                    visitor.file(path(header), content);
                }
            }
        }
    }

    private static String path(byte[] header) {
        String prefix = text(header, PREFIX_OFFSET, PREFIX_LENGTH);
        String name = text(header, 0, NAME_LENGTH);
        return prefix.isEmpty() ? name : prefix + "/" + name;
    }

    /** A field ends at its first NUL or at its full length. */
    private static String text(byte[] header, int offset, int length) {
        int end = offset;
        while (end < offset + length && header[end] != 0) {
            end++;
        }
        return new String(header, offset, end - offset, StandardCharsets.UTF_8).strip();
    }
}
