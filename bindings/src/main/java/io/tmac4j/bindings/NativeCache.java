package io.tmac4j.bindings;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Unpacks libraries into a folder of the user's cache, once. The folder appears whole by a rename or not at all, so that any
 * number of JVMs may start at once; what is in it is hashed before each use, so that a file damaged or planted is not opened.
 */
final class NativeCache {

    private static final Logger LOG = LoggerFactory.getLogger(NativeCache.class);

    private static final String TEMPORARY = "unpacking-";
    private static final Duration ABANDONED = Duration.ofDays(1);

    /** Enough of the hash to be unique, short enough for Windows' limit on paths. */
    private static final int NAME_LENGTH = 32;

    /** Another JVM may win or repair at the same time; more often than this it is no coincidence. */
    private static final int ATTEMPTS = 5;

    private final Path root;

    /**
     * A cache.
     *
     * @param root folder that need not exist yet
     */
    NativeCache(Path root) {
        this.root = root;
    }

    /**
     * The folder with the libraries of a package, unpacked if it is not there or damaged.
     *
     * @throws NativeLibraryException if it can be neither read nor made
     */
    Path folder(NativePackage libraries) {
        Path target = root.resolve(libraries.id().substring(0, NAME_LENGTH));
        try {
            for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
                if (Files.isDirectory(target, LinkOption.NOFOLLOW_LINKS)) {
                    Optional<String> fault = fault(target, libraries);
                    if (fault.isEmpty()) {
                        return target;
                    }
                    LOG.warn("{} in {}; the libraries are unpacked again", fault.get(), target);
                    setAside(target);
                }
                unpack(libraries, target);
            }
        } catch (IOException e) {
            throw new NativeLibraryException("the llama.cpp libraries cannot be unpacked to " + root + ": " + reason(e)
                    + "; name another folder with -D" + CacheFolder.PROPERTY + " or " + CacheFolder.VARIABLE
                    + ", or an existing one of llama.cpp's libraries with -D" + NativeFolder.PATH_PROPERTY, e);
        }
        throw new NativeLibraryException("the llama.cpp libraries in " + target + " are changed again and again by someone else;"
                + " delete the folder, or name another one with -D" + CacheFolder.PROPERTY);
    }

    private static String reason(IOException e) {
        String message = e.getMessage() == null ? "" : e.getMessage();
        return switch (e) {
            case AccessDeniedException denied -> "permission is denied for " + denied.getFile();
            case FileSystemException system when system.getReason() != null -> system.getReason();
            default -> message.isEmpty() ? e.getClass().getSimpleName() : message;
        };
    }

    private void unpack(NativePackage libraries, Path target) throws IOException {
        createPrivate(root);
        removeAbandoned();
        long needed = libraries.totalSize();
        long free = Files.getFileStore(root).getUsableSpace();
        if (free < needed) {
            throw new IOException("they take " + needed + " bytes and the disk has " + free + " left");
        }
        Path temporary = Files.createTempDirectory(root, TEMPORARY, privateFolder(root));
        boolean moved = false;
        try {
            for (NativePackage.Entry entry : libraries.files()) {
                write(libraries, entry, temporary.resolve(entry.name()));
            }
            moved = move(temporary, target);
        } finally {
            if (!moved) {
                delete(temporary);
            }
        }
    }

    /** False if another JVM was faster. */
    private static boolean move(Path temporary, Path target) throws IOException {
        try {
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
            return true;
        } catch (AtomicMoveNotSupportedException e) {
            throw e;
        } catch (IOException e) {
            if (Files.isDirectory(target, LinkOption.NOFOLLOW_LINKS)) {
                return false;
            }
            throw e;
        }
    }

    private static void write(NativePackage libraries, NativePackage.Entry entry, Path file) throws IOException {
        MessageDigest digest = sha512();
        try (InputStream in = new DigestInputStream(libraries.open().open(entry.name()), digest);
                FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            OutputStream out = Channels.newOutputStream(channel);
            long copied = in.transferTo(out);
            String found = HexFormat.of().formatHex(digest.digest());
            if (copied != entry.size() || !found.equals(entry.sha512())) {
                throw new IOException(entry.name() + " has " + copied + " bytes of SHA-512 " + found + " in its package, and "
                        + entry.size() + " of " + entry.sha512() + " were expected");
            }
            // the rename must not reach the disk before the data
            channel.force(true);
        }
    }

    /** What is wrong with an unpacked folder, if anything is. */
    private static Optional<String> fault(Path folder, NativePackage libraries) throws IOException {
        if (isOpenToOthers(folder)) {
            return Optional.of("other users may write");
        }
        List<String> names;
        try (Stream<Path> list = Files.list(folder)) {
            names = list.map(file -> file.getFileName().toString()).toList();
        }
        Set<String> expected = Set.copyOf(libraries.files().stream().map(NativePackage.Entry::name).toList());
        for (String name : names) {
            // ggml opens what it finds by name, so nothing more may be there
            if (!expected.contains(name)) {
                return Optional.of("there is an unexpected file " + name);
            }
        }
        // one core hashes some 500 MB a second, and there are 25 MB: both cores make that unnoticeable
        return libraries.files().parallelStream().map(entry -> fault(folder.resolve(entry.name()), entry))
                .flatMap(Optional::stream).findFirst();
    }

    private static Optional<String> fault(Path file, NativePackage.Entry entry) {
        try {
            if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS) || Files.size(file) != entry.size()) {
                return Optional.of("the file " + entry.name() + " is missing or has another size");
            }
            MessageDigest digest = sha512();
            // unmapped at once: Windows neither moves nor deletes a file that is mapped
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ); Arena arena = Arena.ofConfined()) {
                digest.update(channel.map(FileChannel.MapMode.READ_ONLY, 0, entry.size(), arena).asByteBuffer());
            }
            return HexFormat.of().formatHex(digest.digest()).equals(entry.sha512()) ? Optional.empty()
                    : Optional.of("the file " + entry.name() + " has another SHA-512");
        } catch (IOException e) {
            return Optional.of("the file " + entry.name() + " cannot be read: " + e.getMessage());
        }
    }

    private static MessageDigest sha512() {
        try {
            return MessageDigest.getInstance("SHA-512");
        } catch (NoSuchAlgorithmException e) {
            throw new NativeLibraryException("this JVM has no SHA-512, so the libraries cannot be checked", e);
        }
    }

    /** Renames a folder before deleting it: a JVM that uses it keeps its files, and no other sees it half deleted. */
    private void setAside(Path folder) throws IOException {
        Path aside = Files.createTempDirectory(root, TEMPORARY, privateFolder(root));
        try {
            Files.move(folder, aside.resolve(folder.getFileName()), StandardCopyOption.ATOMIC_MOVE);
        } catch (NoSuchFileException e) {
            LOG.debug("{} was set aside by another JVM", folder);
        } finally {
            delete(aside);
        }
    }

    /** Temporary folders of JVMs that did not live to the end of unpacking. */
    private void removeAbandoned() {
        Instant before = Instant.now().minus(ABANDONED);
        try (Stream<Path> list = Files.list(root)) {
            for (Path path : list.filter(file -> file.getFileName().toString().startsWith(TEMPORARY)).toList()) {
                if (Files.getLastModifiedTime(path).toInstant().isBefore(before)) {
                    delete(path);
                }
            }
        } catch (IOException e) {
            LOG.debug("abandoned folders in {} were left: {}", root, e.getMessage());
        }
    }

    private static void createPrivate(Path folder) throws IOException {
        if (Files.isDirectory(folder)) {
            return;
        }
        Path existing = folder;
        while (existing != null && !Files.exists(existing)) {
            existing = existing.getParent();
        }
        Files.createDirectories(folder, privateFolder(existing));
    }

    private static boolean hasPosixPermissions(Path path) throws IOException {
        return path != null && Files.getFileStore(path).supportsFileAttributeView("posix");
    }

    /** On Windows a folder inherits from the profile, which is the user's own. */
    private static FileAttribute<?>[] privateFolder(Path where) throws IOException {
        return hasPosixPermissions(where) ? new FileAttribute<?>[] {
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"))} : new FileAttribute<?>[0];
    }

    private static boolean isOpenToOthers(Path folder) throws IOException {
        if (!hasPosixPermissions(folder)) {
            return false;
        }
        Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(folder);
        return permissions.contains(PosixFilePermission.GROUP_WRITE) || permissions.contains(PosixFilePermission.OTHERS_WRITE);
    }

    /** Deletes what can be deleted; Windows keeps libraries that are in use. */
    private static void delete(Path folder) {
        try (Stream<Path> walk = Files.walk(folder)) {
            for (Path path : walk.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        } catch (IOException e) {
            LOG.debug("{} was left: {}", folder, e.getMessage());
        }
    }
}
