package io.tmac4j.comparison.kernels;

import io.tmac4j.bindings.Engine;
import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.MatrixProduct;
import io.tmac4j.bindings.WeightMatrix;
import io.tmac4j.comparison.synth.RandomMatrix;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** Products of one matrix on each engine, weights from memory for one column. A wrong result fails the benchmark. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(value = 1, jvmArgsAppend = {"--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"})
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
public class MatrixProductBenchmark {

    /** Above the rounding of activations to eight bits, with either engine; any wrong weight or scale is far above it. */
    private static final double MOST_NMSE = 1e-3;

    @Param({"Q1_0", "Q2_0", "TQ1_0", "TQ2_0", "Q2_K", "Q3_K", "Q4_0", "Q4_1", "Q4_K"})
    String type;

    @Param({"4096x4096", "11008x4096", "4096x11008", "5120x5120", "13824x5120", "5120x13824"})
    String shape;

    @Param({"1", "8", "32", "512"})
    int columns;

    @Param("1")
    int threads;

    @Param({"tmac", "llama.cpp"})
    String engine;

    private MatrixProduct product;
    private Reference reference;
    private double operations;

    /** 10^9 operations, beside the runs that JMH counts itself. */
    @State(Scope.Thread)
    @AuxCounters(AuxCounters.Type.OPERATIONS)
    public static class Work {

        public double gigaOperations;
    }

    @Setup(Level.Trial)
    public void open() {
        Shape of = Shape.parse(shape);
        WeightMatrix weights = RandomMatrix.of(GgmlType.valueOf(type), of.rows(), of.k(), 1);
        WorkingSet set = columns == 1 ? WorkingSet.COLD : WorkingSet.HOT;
        int copies = set.copies(weights.blocks().length, 2);
        float[] activations = KernelRun.gaussians(columns * of.k(), 1);
        reference = new Reference(weights, activations);
        operations = 2.0 * of.weights() * columns * copies;
        product = MatrixProduct.open(Engine.of(engine), weights, copies);
        product.prepare(activations, 1, threads);
    }

    @Benchmark
    public void run(Work work) {
        product.run();
        work.gigaOperations += operations * 1e-9;
    }

    @TearDown(Level.Iteration)
    public void check() {
        double nmse = reference.nmse(product.results());
        if (!(nmse < MOST_NMSE)) {
            throw new IllegalStateException(engine + " is off by an NMSE of " + nmse);
        }
    }

    @TearDown(Level.Trial)
    public void close() {
        product.close();
    }
}
