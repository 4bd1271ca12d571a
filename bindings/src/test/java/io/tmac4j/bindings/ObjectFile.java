package io.tmac4j.bindings;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * What a dynamic library offers and needs, read out of its 64-bit little-endian file: ELF, Mach-O or PE.
 *
 * @param processor {@code x64} or {@code arm64}
 * @param exports   names that others can look up, as C spells them
 * @param needed    libraries that the loader opens with it, as the file names them
 */
record ObjectFile(String processor, Set<String> exports, List<String> needed) {

    private static final int ELF = 0x464c457f;
    private static final int MACH_O = 0xfeedfacf;
    private static final int DOS = 0x5a4d;
    private static final int PE = 0x4550;

    /**
     * Reads a library.
     *
     * @throws IOException if it is none of the three formats
     */
    static ObjectFile read(Path file) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        int magic = bytes.getInt(0);
        if (magic == ELF) {
            return elf(bytes);
        }
        if (magic == MACH_O) {
            return machO(bytes);
        }
        if ((magic & 0xffff) == DOS && bytes.getInt(bytes.getInt(0x3c)) == PE) {
            return pe(bytes, bytes.getInt(0x3c));
        }
        throw new IOException(file + " is neither ELF nor Mach-O nor PE");
    }

    private static ObjectFile elf(ByteBuffer bytes) throws IOException {
        final int dynamicSection = 6;
        final int dynamicSymbols = 11;
        Set<String> exports = new TreeSet<>();
        List<String> needed = new ArrayList<>();
        int sections = (int) bytes.getLong(0x28);
        int sectionSize = bytes.getShort(0x3a);
        for (int i = 0; i < bytes.getShort(0x3c); i++) {
            int section = sections + i * sectionSize;
            int type = bytes.getInt(section + 4);
            if (type != dynamicSection && type != dynamicSymbols) {
                continue;
            }
            int start = (int) bytes.getLong(section + 0x18);
            int end = start + (int) bytes.getLong(section + 0x20);
            int names = (int) bytes.getLong(sections + bytes.getInt(section + 0x28) * sectionSize + 0x18);
            for (int at = start; at < end; at += type == dynamicSymbols ? 24 : 16) {
                if (type == dynamicSection) {
                    final int neededTag = 1;
                    if (bytes.getLong(at) == neededTag) {
                        needed.add(text(bytes, names + (int) bytes.getLong(at + 8)));
                    }
                } else if (bytes.getShort(at + 6) != 0 && bytes.get(at + 4) >> 4 != 0 && (bytes.get(at + 5) & 3) % 3 == 0) {
                    // defined, not local, of default or protected visibility
                    exports.add(text(bytes, names + bytes.getInt(at)));
                }
            }
        }
        return new ObjectFile(processor(bytes.getShort(0x12) & 0xffff, 0x3e, 0xb7), exports, needed);
    }

    private static ObjectFile machO(ByteBuffer bytes) throws IOException {
        Set<String> exports = new TreeSet<>();
        List<String> needed = new ArrayList<>();
        int command = 32;
        for (int i = 0; i < bytes.getInt(16); i++) {
            switch (bytes.getInt(command)) {
                // LC_LOAD_DYLIB, LC_LOAD_WEAK_DYLIB, LC_REEXPORT_DYLIB
                case 0xc, 0x80000018, 0x8000001f -> needed.add(text(bytes, command + bytes.getInt(command + 8)));
                // LC_DYLD_INFO_ONLY, LC_DYLD_EXPORTS_TRIE
                case 0x80000022 -> trie(bytes, bytes.getInt(command + 40), 0, "", exports);
                case 0x80000033 -> trie(bytes, bytes.getInt(command + 8), 0, "", exports);
                default -> { }
            }
            command += bytes.getInt(command + 4);
        }
        return new ObjectFile(processor(bytes.getInt(4), 0x01000007, 0x0100000c), exports, needed);
    }

    /** A node of the prefix tree that dyld looks names up in; each begins with an underscore more than in C. */
    private static void trie(ByteBuffer bytes, int start, int node, String prefix, Set<String> exports) {
        int[] at = {start + node};
        int terminal = uleb128(bytes, at);
        if (terminal > 0) {
            exports.add(prefix.substring(1));
        }
        at[0] += terminal;
        int children = bytes.get(at[0]++) & 0xff;
        for (int i = 0; i < children; i++) {
            String edge = text(bytes, at[0]);
            at[0] += edge.length() + 1;
            trie(bytes, start, uleb128(bytes, at), prefix + edge, exports);
        }
    }

    private static int uleb128(ByteBuffer bytes, int[] at) {
        int value = 0;
        for (int shift = 0; ; shift += 7) {
            byte next = bytes.get(at[0]++);
            value |= (next & 0x7f) << shift;
            if (next >= 0) {
                return value;
            }
        }
    }

    private static ObjectFile pe(ByteBuffer bytes, int header) throws IOException {
        int directories = header + 24 + 112;
        Set<String> exports = new TreeSet<>();
        int exportTable = offset(bytes, header, bytes.getInt(directories));
        int names = offset(bytes, header, bytes.getInt(exportTable + 32));
        for (int i = 0; i < bytes.getInt(exportTable + 24); i++) {
            exports.add(text(bytes, offset(bytes, header, bytes.getInt(names + 4 * i))));
        }
        List<String> needed = new ArrayList<>();
        int imported = offset(bytes, header, bytes.getInt(directories + 8));
        for (; bytes.getInt(imported + 12) != 0; imported += 20) {
            needed.add(text(bytes, offset(bytes, header, bytes.getInt(imported + 12))));
        }
        return new ObjectFile(processor(bytes.getShort(header + 4) & 0xffff, 0x8664, 0xaa64), exports, needed);
    }

    /** Where in the file an address of the loaded library lies. */
    private static int offset(ByteBuffer bytes, int header, int address) throws IOException {
        int sections = header + 24 + bytes.getShort(header + 20);
        for (int i = 0; i < bytes.getShort(header + 6); i++) {
            int section = sections + 40 * i;
            int start = bytes.getInt(section + 12);
            if (address >= start && address < start + bytes.getInt(section + 16)) {
                return address - start + bytes.getInt(section + 20);
            }
        }
        throw new IOException("the address " + Integer.toHexString(address) + " lies in no section");
    }

    private static String processor(int found, int x64, int arm64) throws IOException {
        if (found != x64 && found != arm64) {
            throw new IOException("unknown processor " + Integer.toHexString(found));
        }
        return found == x64 ? "x64" : "arm64";
    }

    private static String text(ByteBuffer bytes, int start) {
        int end = start;
        while (bytes.get(end) != 0) {
            end++;
        }
        return new String(bytes.array(), start, end - start, StandardCharsets.UTF_8);
    }
}
