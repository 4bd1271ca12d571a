package io.tmac4j.bindings;

import java.util.List;

/** Lets text through up to the first stop string; what may be the beginning of one is held back until that is decided. */
final class StopFilter {

    private final List<String> stops;
    private final StringBuilder held = new StringBuilder();
    private boolean stopped;

    StopFilter(List<String> stops) {
        this.stops = stops;
    }

    /** Whether a stop string has come. */
    boolean stopped() {
        return stopped;
    }

    /** Adds text and gives what is certain to lie before a stop string. */
    String add(String text) {
        held.append(text);
        int end = held.length();
        for (String stop : stops) {
            int at = held.indexOf(stop);
            if (at >= 0 && at <= end) {
                end = at;
                stopped = true;
            }
        }
        if (!stopped) {
            end = held.length() - undecided();
        }
        String certain = held.substring(0, end);
        held.delete(0, stopped ? held.length() : end);
        return certain;
    }

    /** The text held back, at the end of all text. */
    String end() {
        String rest = held.toString();
        held.setLength(0);
        return rest;
    }

    /** Length of the longest end of the text that a stop string begins with. */
    private int undecided() {
        int longest = 0;
        for (String stop : stops) {
            for (int length = Math.min(stop.length() - 1, held.length()); length > longest; length--) {
                if (stop.startsWith(held.substring(held.length() - length))) {
                    longest = length;
                }
            }
        }
        return longest;
    }
}
