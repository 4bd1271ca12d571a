package io.tmac4j.comparison.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.WeightMatrix;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

class ReferenceTest {

    private static final int ROWS = 100;
    private static final int K = 2;

    /** Row r is (r, 1). */
    private static WeightMatrix weights() {
        ByteBuffer blocks = ByteBuffer.allocate(ROWS * K * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (int row = 0; row < ROWS; row++) {
            blocks.putFloat(row).putFloat(1);
        }
        return new WeightMatrix(GgmlType.F32, ROWS, K, blocks.array());
    }

    private static float[] product(float scale) {
        float[] results = new float[2 * ROWS];
        for (int row = 0; row < ROWS; row++) {
            results[row] = scale * (2 * row + 3);
            results[ROWS + row] = scale * -row;
        }
        return results;
    }

    @Test
    void theErrorIsThatOfTheResultsRelativeToTheProduct() {
        Reference reference = new Reference(weights(), new float[] {2, 3, -1, 0});
        assertThat(reference.nmse(product(1))).isZero();
        assertThat(reference.nmse(product(1.1f))).isCloseTo(0.01, within(1e-6));
        assertThat(reference.nmse(new float[2 * ROWS])).isCloseTo(1, within(1e-12));
    }

    @Test
    void firstAndLastRowAndColumnAreAlwaysLookedAt() {
        Reference reference = new Reference(weights(), new float[] {2, 3, -1, 0});
        for (int at : new int[] {0, ROWS - 1, ROWS, 2 * ROWS - 1}) {
            float[] results = product(1);
            results[at] += 50;
            assertThat(reference.nmse(results)).as("result %d", at).isPositive();
        }
    }
}
