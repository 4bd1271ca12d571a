package io.tmac4j.bindings;

import java.nio.charset.StandardCharsets;
import java.util.AbstractList;
import java.util.Arrays;
import java.util.RandomAccess;

/** An array of strings from a GGUF file, kept as its bytes: vocabularies have hundreds of thousands. */
final class GgufStrings extends AbstractList<String> implements RandomAccess {

    private final byte[] bytes;
    private final int[] ends;

    /**
     * Takes over the arrays.
     *
     * @param bytes all strings in UTF-8, one after the other
     * @param ends  where each ends
     */
    GgufStrings(byte[] bytes, int[] ends) {
        this.bytes = bytes;
        this.ends = ends;
    }

    @Override
    public String get(int index) {
        int start = start(index);
        return new String(bytes, start, ends[index] - start, StandardCharsets.UTF_8);
    }

    @Override
    public int size() {
        return ends.length;
    }

    private int start(int index) {
        return index == 0 ? 0 : ends[index - 1];
    }

    /** The end of a string as C sees it: at its first zero byte. */
    private int cEnd(int index) {
        int i = start(index);
        while (i < ends[index] && bytes[i] != 0) {
            i++;
        }
        return i;
    }

    /** The index of the first string that C takes for the same as an earlier, not empty one; -1 if there is none. */
    int firstDuplicate() {
        // open addressing with at most half of the places taken
        int[] table = new int[Integer.highestOneBit(Math.max(4, ends.length)) * 4];
        for (int i = 0; i < ends.length; i++) {
            int start = start(i);
            int end = cEnd(i);
            if (start == end) {
                continue;
            }
            int hash = 1;
            for (int j = start; j < end; j++) {
                hash = 31 * hash + bytes[j];
            }
            int place = (hash ^ hash >>> 15) & table.length - 1;
            while (table[place] != 0) {
                int other = table[place] - 1;
                if (Arrays.equals(bytes, start, end, bytes, start(other), cEnd(other))) {
                    return i;
                }
                place = place + 1 & table.length - 1;
            }
            table[place] = i + 1;
        }
        return -1;
    }
}
