package io.tmac4j.comparison.doctor;

import java.util.Locale;

/**
 * What was found about one thing that decides speed or failure.
 *
 * @param status how good it is
 * @param topic  what was looked at
 * @param found  what was found, for people
 * @param advice what to do, or an empty string
 */
public record Finding(Status status, String topic, String found, String advice) {

    /** How good a finding is. */
    public enum Status {
        /** Nothing to do. */
        OK,
        /** It works, but slower than it could, or measurements are not to be trusted. */
        WARNING,
        /** It does not work until this is fixed. */
        FIX;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    static Finding ok(String topic, String found) {
        return new Finding(Status.OK, topic, found, "");
    }

    static Finding warning(String topic, String found, String advice) {
        return new Finding(Status.WARNING, topic, found, advice);
    }

    static Finding fix(String topic, String found, String advice) {
        return new Finding(Status.FIX, topic, found, advice);
    }
}
