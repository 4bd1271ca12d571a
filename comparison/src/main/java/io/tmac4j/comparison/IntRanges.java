package io.tmac4j.comparison;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Numbers in llama-bench's notation: a list of numbers and ranges, {@code 1,2}, {@code 1-4}, {@code 1-8*2} (each twice the one
 * before), {@code 0-100+25}.
 */
record IntRanges(List<Integer> values) {

    private static final Pattern RANGE = Pattern.compile("(\\d+)(?:-(\\d+)(?:([+*])(\\d+))?)?");
    /** A range of more numbers is a slip of the keyboard: each would be a test of its own. */
    private static final int MOST = 1000;

    IntRanges {
        values = List.copyOf(values);
    }

    /** Reads the notation. {@link IllegalArgumentException} says what is wrong with it. */
    static IntRanges parse(String text) {
        List<Integer> values = new ArrayList<>();
        for (String part : text.split(",", -1)) {
            Matcher range = RANGE.matcher(part.trim());
            if (!range.matches()) {
                throw new IllegalArgumentException("\"" + part
                        + "\" is neither a number from 0 on nor a range such as 1-4, 1-8*2 or 0-100+25");
            }
            long first = number(range.group(1));
            long last = range.group(2) == null ? first : number(range.group(2));
            boolean times = "*".equals(range.group(3));
            long step = range.group(4) == null ? 1 : number(range.group(4));
            if (last < first) {
                throw new IllegalArgumentException("the range " + part + " ends before it begins");
            }
            for (long value = first, next; value <= last; value = next) {
                next = times ? value * step : value + step;
                if (next <= value) {
                    throw new IllegalArgumentException("the range " + part + " never reaches its end");
                }
                if (values.size() == MOST) {
                    throw new IllegalArgumentException("\"" + text + "\" means more than " + MOST + " numbers");
                }
                values.add((int) value);
            }
        }
        return new IntRanges(values);
    }

    private static long number(String digits) {
        if (digits.length() > 9) {
            throw new IllegalArgumentException(digits + " is too large");
        }
        return Long.parseLong(digits);
    }

    /** All numbers of several occurrences of an option. */
    static List<Integer> all(List<IntRanges> occurrences) {
        return occurrences.stream().flatMap(ranges -> ranges.values.stream()).distinct().toList();
    }

    /** For option values of which 0 has a meaning, e.g. "leave this test out". */
    static final class FromZero implements ITypeConverter<IntRanges> {
        @Override
        public IntRanges convert(String text) {
            return converted(text, 0);
        }
    }

    /** For option values that count something there must be one of. */
    static final class FromOne implements ITypeConverter<IntRanges> {
        @Override
        public IntRanges convert(String text) {
            return converted(text, 1);
        }
    }

    private static IntRanges converted(String text, int least) {
        IntRanges ranges;
        try {
            ranges = parse(text);
        } catch (IllegalArgumentException mistake) {
            throw new TypeConversionException(mistake.getMessage());
        }
        ranges.values.stream().filter(value -> value < least).findFirst().ifPresent(value -> {
            throw new TypeConversionException("must be at least " + least + ", not " + value);
        });
        return ranges;
    }
}
