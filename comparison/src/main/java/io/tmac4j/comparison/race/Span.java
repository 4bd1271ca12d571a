package io.tmac4j.comparison.race;

/** Some characters of a line and how they look. */
record Span(String text, Look look) {

    /** Looks: in a terminal an SGR code (ECMA-48), in a picture a colour. */
    enum Look {
        PLAIN("0", "#d6d6d6"), DIM("2", "#8b8f98"), STRONG("1", "#ffffff"), FIRST("1;36", "#56b4e9"), SECOND("1;33", "#e69f00");

        private final String code;
        private final String colour;

        Look(String code, String colour) {
            this.code = code;
            this.colour = colour;
        }

        String code() {
            return code;
        }

        String colour() {
            return colour;
        }
    }
}
