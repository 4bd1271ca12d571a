package io.tmac4j.comparison.output;

import java.util.Locale;

/** The forms in which results are written. */
public enum Format {
    MD, CSV, JSON, JSONL;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
