package io.tmac4j.comparison.kernels;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The shape of a matrix of weights.
 *
 * @param rows rows, the length of a product's result
 * @param k    weights a row, the length of the inner product
 */
public record Shape(int rows, int k) {

    /** The matrices of Llama 2 7B and 13B on which T-MAC's authors measured their kernels. */
    public static final List<Shape> PAPER = List.of(new Shape(4096, 4096), new Shape(11008, 4096), new Shape(4096, 11008),
            new Shape(5120, 5120), new Shape(13824, 5120), new Shape(5120, 13824));

    private static final Pattern NOTATION = Pattern.compile("([1-9]\\d{0,6})x([1-9]\\d{0,6})");

    /**
     * Reads {@code ROWSxK}.
     *
     * @throws IllegalArgumentException if it is none
     */
    public static Shape parse(String text) {
        Matcher numbers = NOTATION.matcher(text.trim());
        if (!numbers.matches()) {
            throw new IllegalArgumentException("\"" + text + "\" is no shape such as 4096x11008, rows x weights a row");
        }
        return new Shape(Integer.parseInt(numbers.group(1)), Integer.parseInt(numbers.group(2)));
    }

    /** Weights of the matrix. */
    public long weights() {
        return (long) rows * k;
    }

    @Override
    public String toString() {
        return rows + "x" + k;
    }
}
