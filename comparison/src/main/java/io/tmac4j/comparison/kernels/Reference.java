package io.tmac4j.comparison.kernels;

import io.tmac4j.bindings.WeightMatrix;
import java.util.stream.IntStream;

/** What a product should be: a sample of rows and columns in double precision from the unpacked weights. */
final class Reference {

    private static final int SAMPLED_ROWS = 48;
    private static final int SAMPLED_COLUMNS = 8;

    private final WeightMatrix weights;
    private final int[] rows;
    private final int[] columns;
    private final double[][] expected;

    /** @param activations columns of {@code k} floats, one after the other */
    Reference(WeightMatrix weights, float[] activations) {
        this.weights = weights;
        rows = sample(weights.rows(), SAMPLED_ROWS);
        columns = sample(activations.length / weights.k(), SAMPLED_COLUMNS);
        expected = new double[rows.length][columns.length];
        for (int i = 0; i < rows.length; i++) {
            float[] row = weights.row(rows[i]);
            for (int j = 0; j < columns.length; j++) {
                int first = columns[j] * weights.k();
                double sum = 0;
                for (int n = 0; n < weights.k(); n++) {
                    sum += (double) row[n] * activations[first + n];
                }
                expected[i][j] = sum;
            }
        }
    }

    /** Numbers below {@code count} at equal distances, first and last among them; all if they are few. */
    private static int[] sample(int count, int most) {
        return count <= most ? IntStream.range(0, count).toArray()
                : IntStream.range(0, most).map(i -> (int) ((long) i * (count - 1) / (most - 1))).toArray();
    }

    /** Normalised mean square error of a product's results: columns of {@code rows} floats, one after the other. */
    double nmse(float[] results) {
        double difference = 0;
        double size = 0;
        for (int i = 0; i < rows.length; i++) {
            for (int j = 0; j < columns.length; j++) {
                double error = results[columns[j] * weights.rows() + rows[i]] - expected[i][j];
                difference += error * error;
                size += expected[i][j] * expected[i][j];
            }
        }
        return difference / size;
    }
}
