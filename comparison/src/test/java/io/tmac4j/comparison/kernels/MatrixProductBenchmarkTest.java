package io.tmac4j.comparison.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MatrixProductBenchmarkTest {

    @ParameterizedTest
    @ValueSource(strings = {"tmac", "llama.cpp"})
    void countsWorkAndNoticesThatNothingWasComputed(String engine) {
        MatrixProductBenchmark benchmark = new MatrixProductBenchmark();
        benchmark.type = "TQ2_0";
        benchmark.shape = "64x256";
        benchmark.columns = 3;
        benchmark.threads = 1;
        benchmark.engine = engine;
        benchmark.open();
        try {
            assertThatThrownBy(benchmark::check).isInstanceOf(IllegalStateException.class).hasMessageContaining(engine);
            MatrixProductBenchmark.Work work = new MatrixProductBenchmark.Work();
            benchmark.run(work);
            benchmark.check();
            assertThat(work.gigaOperations).isEqualTo(2 * 64 * 256 * 3 * 1e-9);
        } finally {
            benchmark.close();
        }
    }
}
