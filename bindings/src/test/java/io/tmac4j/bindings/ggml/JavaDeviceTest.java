package io.tmac4j.bindings.ggml;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.LlamaCppLibrary;
import io.tmac4j.bindings.Models;
import io.tmac4j.bindings.generated.LlamaCpp;
import io.tmac4j.bindings.generated.ggml_backend_dev_props;
import io.tmac4j.bindings.generated.ggml_init_params;
import io.tmac4j.bindings.generated.ggml_tensor;
import io.tmac4j.bindings.generated.ggml_to_float_t;
import io.tmac4j.bindings.generated.ggml_type_traits;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;
import org.junit.jupiter.params.provider.ValueSource;

/** The device through ggml's own functions: single operations, and upcalls that fail. */
class JavaDeviceTest {

    private static final long K = 512;
    private static final long ROWS = 33;

    private final Arena arena = Arena.ofConfined();
    private final Random random = new Random(1);
    private ModelLoad load;
    private EngineContext engineContext;
    private MemorySegment weightsContext;
    private MemorySegment graphContext;
    private MemorySegment buffer = MemorySegment.NULL;
    private MemorySegment backend = MemorySegment.NULL;

    @BeforeAll
    static void libraries() {
        Models.assumeLibraries();
        LlamaCppLibrary.load();
        JavaDevice.get();
    }

    @BeforeEach
    void open() {
        weightsContext = context();
        graphContext = context();
    }

    @AfterEach
    void close() {
        NaiveEngine.behave();
        LlamaCpp.ggml_backend_free(backend);
        if (buffer.address() != 0) {
            LlamaCpp.ggml_backend_buffer_free(buffer);
        }
        LlamaCpp.ggml_free(graphContext);
        LlamaCpp.ggml_free(weightsContext);
        arena.close();
        assertThat(NaiveEngine.LIVE_BYTES).hasValue(0);
        assertThat(NaiveEngine.LIVE_STATES).hasValue(0);
        assertThat(WeightTable.size()).isZero();
        assertThat(JavaDevice.get().liveBuffers()).isZero();
        assertThat(JavaDevice.get().liveContexts()).isZero();
    }

    private MemorySegment context() {
        MemorySegment parameters = ggml_init_params.allocate(arena);
        ggml_init_params.mem_size(parameters, 1 << 20);
        ggml_init_params.mem_buffer(parameters, MemorySegment.NULL);
        ggml_init_params.no_alloc(parameters, true);
        return LlamaCpp.ggml_init(parameters);
    }

    /** Weights of a model of their own on the naive engine, in the planned buffer type; {@code floats} become what they hold. */
    private MemorySegment weights(String name, GgmlType type, long k, long rows, long experts, MemorySegment floats) {
        MemorySegment tensor = LlamaCpp.ggml_new_tensor_3d(weightsContext, type.id(), k, rows, experts);
        LlamaCpp.ggml_set_name(tensor, arena.allocateFrom(name));
        load = new ModelLoad(NaiveEngine.INSTANCE,
                WeightPlan.of(List.of(new ModelTensor(name, type, List.of(k, rows, experts, 1L))), NaiveEngine.INSTANCE));
        boolean packed = load.plan().item(name).place() == WeightPlan.Place.PACKED;
        allocate(packed ? JavaDevice.get().packedType() : JavaDevice.get().hostType());
        MemorySegment blocks = quantised(type, k, floats);
        LlamaCpp.ggml_backend_tensor_set(tensor, blocks, 0, blocks.byteSize());
        return tensor;
    }

    private void allocate(MemorySegment type) {
        JavaDevice.get().loading(load);
        try {
            buffer = LlamaCpp.ggml_backend_alloc_ctx_tensors_from_buft(weightsContext, type);
        } finally {
            JavaDevice.get().loading(null);
        }
        if (buffer.address() != 0) {
            LlamaCpp.ggml_backend_buffer_set_usage(buffer, LlamaCpp.GGML_BACKEND_BUFFER_USAGE_WEIGHTS());
        }
    }

    private MemorySegment quantised(GgmlType type, long k, MemorySegment floats) {
        long rows = floats.byteSize() / Float.BYTES / k;
        MemorySegment blocks = arena.allocate(type.rowBytes(k) * rows, 64);
        if (type == GgmlType.F32) {
            return blocks.copyFrom(floats);
        }
        MemorySegment importance = arena.allocate(ValueLayout.JAVA_FLOAT, k);
        for (long i = 0; i < k; i++) {
            importance.setAtIndex(ValueLayout.JAVA_FLOAT, i, 1);
        }
        LlamaCpp.ggml_quantize_chunk(type.id(), floats, blocks, 0, rows, k, importance);
        MemorySegment traits = Ggml.struct(LlamaCpp.ggml_get_type_traits(type.id()), ggml_type_traits.sizeof());
        ggml_to_float_t.invoke(ggml_type_traits.to_float(traits), blocks, floats, rows * k);
        return blocks;
    }

    private MemorySegment gaussians(long count) {
        MemorySegment floats = arena.allocate(ValueLayout.JAVA_FLOAT, Math.max(1, count));
        for (long i = 0; i < count; i++) {
            floats.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextGaussian());
        }
        return floats;
    }

    private void openBackend(int threads) {
        engineContext = new EngineContext(load, threads, threads);
        JavaDevice device = JavaDevice.get();
        device.creating(engineContext);
        try {
            MemorySegment registered = LlamaCpp.ggml_backend_dev_by_name(arena.allocateFrom("Java"));
            backend = LlamaCpp.ggml_backend_dev_init(registered, MemorySegment.NULL);
        } finally {
            device.creating(null);
        }
    }

    private int compute(MemorySegment result) {
        MemorySegment graph = LlamaCpp.ggml_new_graph(graphContext);
        LlamaCpp.ggml_build_forward_expand(graph, result);
        return LlamaCpp.ggml_backend_graph_compute(backend, graph);
    }

    /** Gives a tensor of the graph memory of the test. */
    private MemorySegment place(MemorySegment tensor) {
        long end = 4;
        for (int i = 0; i < 4; i++) {
            end += (Ggml.ne(tensor.address(), i) - 1) * Ggml.nb(tensor.address(), i);
        }
        MemorySegment memory = arena.allocate(Math.max(64, end), 64);
        ggml_tensor.data(Ggml.struct(tensor, ggml_tensor.sizeof()), memory);
        return memory;
    }

    private static double dot(MemorySegment weights, long row, MemorySegment input, long firstByte, long k) {
        double sum = 0;
        for (long i = 0; i < k; i++) {
            sum += (double) weights.getAtIndex(ValueLayout.JAVA_FLOAT, row * k + i)
                    * input.get(ValueLayout.JAVA_FLOAT, firstByte + i * Float.BYTES);
        }
        return sum;
    }

    /** Normalised mean square error over all results of a product with a dense input of any strides. */
    private static double nmse(MemorySegment weights, MemorySegment input, MemorySegment inputTensor, MemorySegment output,
            MemorySegment outputTensor) {
        long in = inputTensor.address();
        long out = outputTensor.address();
        double difference = 0;
        double size = 0;
        for (long i3 = 0; i3 < Ggml.ne(out, 3); i3++) {
            for (long i2 = 0; i2 < Ggml.ne(out, 2); i2++) {
                for (long i1 = 0; i1 < Ggml.ne(out, 1); i1++) {
                    for (long row = 0; row < Ggml.ne(out, 0); row++) {
                        double expected = dot(weights, row, input,
                                i1 * Ggml.nb(in, 1) + i2 * Ggml.nb(in, 2) + i3 * Ggml.nb(in, 3), Ggml.ne(in, 0));
                        double found = output.get(ValueLayout.JAVA_FLOAT,
                                row * 4 + i1 * Ggml.nb(out, 1) + i2 * Ggml.nb(out, 2) + i3 * Ggml.nb(out, 3));
                        difference += (found - expected) * (found - expected);
                        size += expected * expected;
                    }
                }
            }
        }
        return difference / size;
    }

    private boolean supports(MemorySegment operation) {
        return LlamaCpp.ggml_backend_supports_op(backend, operation);
    }

    private static void strides(MemorySegment tensor, long nb1, long nb2, long nb3) {
        MemorySegment struct = Ggml.struct(tensor, ggml_tensor.sizeof());
        ggml_tensor.nb(struct, 1, nb1);
        ggml_tensor.nb(struct, 2, nb2);
        ggml_tensor.nb(struct, 3, nb3);
    }

    private void checkProduct(MemorySegment weights, MemorySegment floats, MemorySegment input, double bound) {
        MemorySegment product = LlamaCpp.ggml_mul_mat(graphContext, weights, input);
        MemorySegment data = place(input);
        MemorySegment output = place(product);
        data.copyFrom(gaussians(data.byteSize() / Float.BYTES));
        assertThat(supports(product)).isTrue();
        assertThat(compute(product)).isEqualTo(LlamaCpp.GGML_STATUS_SUCCESS());
        assertThat(nmse(floats, data, input, output, product)).isLessThan(bound);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 31, 2048})
    void anyNumberOfColumnsIsMultiplied(long columns) {
        MemorySegment floats = gaussians(K * ROWS);
        MemorySegment weights = weights("output.weight", GgmlType.Q4_0, K, ROWS, 1, floats);
        openBackend(2);
        checkProduct(weights, floats, LlamaCpp.ggml_new_tensor_2d(graphContext, Ggml.TYPE_F32, K, columns), 1e-10);
    }

    @Test
    void noColumnsAreNoWork() {
        MemorySegment weights = weights("output.weight", GgmlType.Q4_0, K, ROWS, 1, gaussians(K * ROWS));
        openBackend(2);
        MemorySegment input = LlamaCpp.ggml_new_tensor_2d(graphContext, Ggml.TYPE_F32, K, 0);
        MemorySegment product = LlamaCpp.ggml_mul_mat(graphContext, weights, input);
        place(input);
        place(product);
        int products = NaiveEngine.PRODUCTS.get();
        assertThat(compute(product)).isEqualTo(LlamaCpp.GGML_STATUS_SUCCESS());
        assertThat(NaiveEngine.PRODUCTS).hasValue(products);
    }

    @Test
    void inputsOfMoreDimensionsAndOddStridesAreMultiplied() {
        MemorySegment floats = gaussians(K * ROWS);
        MemorySegment weights = weights("output.weight", GgmlType.Q4_0, K, ROWS, 1, floats);
        openBackend(2);
        checkProduct(weights, floats, LlamaCpp.ggml_new_tensor_4d(graphContext, Ggml.TYPE_F32, K, 3, 2, 2), 1e-10);
        MemorySegment padded = LlamaCpp.ggml_new_tensor_2d(graphContext, Ggml.TYPE_F32, K, 5);
        strides(padded, K * 4 + 64, 5 * (K * 4 + 64), 5 * (K * 4 + 64));
        checkProduct(weights, floats, padded, 1e-10);
        MemorySegment permuted = LlamaCpp.ggml_new_tensor_3d(graphContext, Ggml.TYPE_F32, K, 3, 2);
        strides(permuted, 2 * K * 4, K * 4, 6 * K * 4);
        checkProduct(weights, floats, permuted, 1e-10);
    }

    @Test
    void whatDoesNotFitIsRefused() {
        MemorySegment weights = weights("output.weight", GgmlType.Q4_0, K, ROWS, 1, gaussians(K * ROWS));
        openBackend(1);
        MemorySegment half = LlamaCpp.ggml_new_tensor_2d(graphContext, GgmlType.F16.id(), K, 1);
        assertThat(supports(LlamaCpp.ggml_mul_mat(graphContext, weights, half))).as("f16 input").isFalse();
        MemorySegment input = LlamaCpp.ggml_new_tensor_2d(graphContext, Ggml.TYPE_F32, K, 2);
        MemorySegment transposed = LlamaCpp.ggml_new_tensor_2d(graphContext, Ggml.TYPE_F32, K, 2);
        ggml_tensor.nb(Ggml.struct(transposed, ggml_tensor.sizeof()), 0, 8);
        assertThat(supports(LlamaCpp.ggml_mul_mat(graphContext, weights, transposed))).as("transposed input").isFalse();
        MemorySegment unplaced = LlamaCpp.ggml_new_tensor_2d(graphContext, GgmlType.Q4_0.id(), K, ROWS);
        assertThat(supports(LlamaCpp.ggml_mul_mat(graphContext, unplaced, input))).as("weights elsewhere").isFalse();
        assertThat(supports(input)).as("a leaf elsewhere").isFalse();
        assertThat(supports(weights)).as("a leaf of ours").isTrue();
        MemorySegment rows = LlamaCpp.ggml_new_tensor_1d(graphContext, Ggml.TYPE_I32, 2);
        assertThat(supports(LlamaCpp.ggml_get_rows(graphContext, weights, rows))).as("GET_ROWS").isFalse();
        assertThat(supports(LlamaCpp.ggml_mul_mat(graphContext, weights, input))).isTrue();
    }

    @ParameterizedTest
    @EnumSource(mode = Mode.EXCLUDE, names = {"Q1_0", "Q2_0", "TQ1_0", "TQ2_0", "Q2_K", "Q3_K", "Q4_0", "Q4_1", "Q4_K",
            "Q8_1", "Q8_K", "I8", "I16", "I32", "I64", "F64"})
    void vecDotMultipliesFewColumnsAndLeavesManyToTheCpu(GgmlType type) {
        long rows = 4099;
        MemorySegment floats = gaussians(K * rows);
        MemorySegment weights = weights("output.weight", type, K, rows, 1, floats);
        assertThat(load.plan().item("output.weight").place()).isEqualTo(WeightPlan.Place.HOST);
        openBackend(2);
        for (long columns : new long[] {1, 2, 3}) {
            checkProduct(weights, floats, LlamaCpp.ggml_new_tensor_2d(graphContext, Ggml.TYPE_F32, K, columns), 1e-4);
        }
        MemorySegment wide = LlamaCpp.ggml_new_tensor_2d(graphContext, Ggml.TYPE_F32, K, 100);
        assertThat(supports(LlamaCpp.ggml_mul_mat(graphContext, weights, wide))).isFalse();
    }

    @ParameterizedTest
    @CsvSource({"Q4_0,1,1", "Q4_0,7,1", "Q4_0,7,3", "Q4_0,64,3", "Q8_0,1,1", "Q8_0,1,3", "Q8_0,3,3", "F32,1,1", "F32,3,1"})
    void expertsAreRoutedByToken(GgmlType type, long tokens, long inputs) {
        long experts = 5;
        long used = 3;
        long rows = type == GgmlType.Q4_0 ? ROWS : 1000;
        MemorySegment floats = gaussians(K * rows * experts);
        MemorySegment weights = weights("blk.0.ffn_up_exps.weight", type, K, rows, experts, floats);
        openBackend(2);
        MemorySegment input = LlamaCpp.ggml_new_tensor_3d(graphContext, Ggml.TYPE_F32, K, inputs, tokens);
        MemorySegment ids = LlamaCpp.ggml_new_tensor_2d(graphContext, Ggml.TYPE_I32, used, tokens);
        // as llama.cpp's: the first of all experts in the order of their scores
        strides(ids, experts * 4, experts * 4 * tokens, experts * 4 * tokens);
        MemorySegment product = LlamaCpp.ggml_mul_mat_id(graphContext, weights, input, ids);
        MemorySegment data = place(input);
        data.copyFrom(gaussians(data.byteSize() / 4));
        MemorySegment chosen = place(ids);
        for (long token = 0; token < tokens; token++) {
            for (long i = 0; i < used; i++) {
                chosen.set(ValueLayout.JAVA_INT, token * experts * 4 + i * 4, (int) ((token + 2 * i) % experts));
            }
        }
        MemorySegment output = place(product);
        assertThat(supports(product)).isTrue();
        assertThat(compute(product)).isEqualTo(LlamaCpp.GGML_STATUS_SUCCESS());
        double difference = 0;
        double size = 0;
        for (long token = 0; token < tokens; token++) {
            for (long i = 0; i < used; i++) {
                for (long row = 0; row < rows; row++) {
                    double expected = dot(floats, (token + 2 * i) % experts * rows + row, data,
                            (token * inputs + i % inputs) * K * 4, K);
                    double found = output.getAtIndex(ValueLayout.JAVA_FLOAT, (token * used + i) * rows + row);
                    difference += (found - expected) * (found - expected);
                    size += expected * expected;
                }
            }
        }
        assertThat(difference / size).isLessThan(1e-4);
    }

    @Test
    void anExpertThatDoesNotExistFailsTheGraph() {
        MemorySegment weights = weights("blk.0.ffn_up_exps.weight", GgmlType.Q4_0, K, ROWS, 4, gaussians(K * ROWS * 4));
        openBackend(2);
        MemorySegment input = LlamaCpp.ggml_new_tensor_3d(graphContext, Ggml.TYPE_F32, K, 1, 1);
        MemorySegment ids = LlamaCpp.ggml_new_tensor_2d(graphContext, Ggml.TYPE_I32, 1, 1);
        MemorySegment product = LlamaCpp.ggml_mul_mat_id(graphContext, weights, input, ids);
        place(input);
        place(ids).set(ValueLayout.JAVA_INT, 0, 4);
        place(product);
        assertThat(compute(product)).isEqualTo(LlamaCpp.GGML_STATUS_FAILED());
        assertThat(engineContext.takeFailure()).hasValueSatisfying(e -> assertThat(e).hasMessageContaining("expert 4 of 4"));
    }

    @Test
    void aProductThatReadsAnothersResultWaitsForIt() {
        MemorySegment floats = gaussians(K * K);
        MemorySegment weights = weights("output.weight", GgmlType.Q4_0, K, K, 1, floats);
        openBackend(2);
        MemorySegment input = LlamaCpp.ggml_new_tensor_2d(graphContext, Ggml.TYPE_F32, K, 2);
        MemorySegment first = LlamaCpp.ggml_mul_mat(graphContext, weights, input);
        MemorySegment second = LlamaCpp.ggml_mul_mat(graphContext, weights, first);
        MemorySegment data = place(input);
        data.copyFrom(gaussians(2 * K));
        MemorySegment middle = place(first);
        MemorySegment output = place(second);
        int batches = NaiveEngine.BATCHES.get();
        assertThat(compute(second)).isEqualTo(LlamaCpp.GGML_STATUS_SUCCESS());
        assertThat(NaiveEngine.BATCHES.get() - batches).isEqualTo(2);
        assertThat(nmse(floats, middle, first, output, second)).isLessThan(1e-10);
    }

    @Test
    void aProductThatOverwritesAnothersInputWaitsForIt() {
        MemorySegment floats = gaussians(K * K);
        MemorySegment weights = weights("output.weight", GgmlType.Q4_0, K, K, 1, floats);
        openBackend(2);
        MemorySegment input = LlamaCpp.ggml_new_tensor_2d(graphContext, Ggml.TYPE_F32, K, 1);
        MemorySegment other = LlamaCpp.ggml_new_tensor_2d(graphContext, Ggml.TYPE_F32, K, 1);
        MemorySegment first = LlamaCpp.ggml_mul_mat(graphContext, weights, input);
        MemorySegment second = LlamaCpp.ggml_mul_mat(graphContext, weights, other);
        MemorySegment data = place(input);
        MemorySegment before = gaussians(K);
        data.copyFrom(before);
        place(other).copyFrom(gaussians(K));
        MemorySegment output = place(first);
        ggml_tensor.data(Ggml.struct(second, ggml_tensor.sizeof()), data);
        MemorySegment graph = LlamaCpp.ggml_new_graph(graphContext);
        LlamaCpp.ggml_build_forward_expand(graph, first);
        LlamaCpp.ggml_build_forward_expand(graph, second);
        int batches = NaiveEngine.BATCHES.get();
        assertThat(LlamaCpp.ggml_backend_graph_compute(backend, graph)).isEqualTo(LlamaCpp.GGML_STATUS_SUCCESS());
        assertThat(NaiveEngine.BATCHES.get() - batches).isEqualTo(2);
        assertThat(nmse(floats, before, input, output, first)).isLessThan(1e-10);
    }

    @Test
    void abuseOfABufferIsToldToItsModel() {
        MemorySegment weights = weights("output.weight", GgmlType.Q4_0, K, ROWS, 1, gaussians(K * ROWS));
        MemorySegment bytes = arena.allocate(1024);
        LlamaCpp.ggml_backend_tensor_set(weights, bytes, 0, 18);
        assertThat(load.takeFailure()).hasMessageContaining("18 bytes at 0 of output.weight");
        bytes.fill((byte) 1);
        LlamaCpp.ggml_backend_tensor_get(weights, bytes, 0, 1024);
        assertThat(load.takeFailure()).hasMessageContaining("output.weight back");
        assertThat(bytes.toArray(ValueLayout.JAVA_BYTE)).containsOnly(0);
        LlamaCpp.ggml_backend_buffer_clear(buffer, (byte) 0);
        LlamaCpp.ggml_backend_tensor_memset(weights, (byte) 0, 0, 1024);
        assertThat(load.hasFailed()).isFalse();
        LlamaCpp.ggml_set_name(weights, arena.allocateFrom("unplanned.weight"));
        LlamaCpp.ggml_backend_tensor_set(weights, arena.allocate(K / 32 * 18 * ROWS), 0, K / 32 * 18 * ROWS);
        assertThat(load.takeFailure()).hasMessageContaining("unplanned.weight");
    }

    @Test
    void hostBuffersHoldTheBytes() {
        MemorySegment floats = gaussians(1000 * K);
        MemorySegment weights = weights("output.weight", GgmlType.F32, K, 1000, 1, floats);
        MemorySegment back = arena.allocate(floats.byteSize());
        LlamaCpp.ggml_backend_tensor_get(weights, back, 0, back.byteSize());
        assertThat(back.mismatch(floats)).isEqualTo(-1);
        LlamaCpp.ggml_backend_tensor_memset(weights, (byte) 7, 8, 4);
        LlamaCpp.ggml_backend_tensor_get(weights, back, 8, 4);
        assertThat(back.get(ValueLayout.JAVA_INT, 0)).isEqualTo(0x07070707);
        LlamaCpp.ggml_backend_buffer_clear(buffer, (byte) 0);
        LlamaCpp.ggml_backend_tensor_get(weights, back, 0, back.byteSize());
        assertThat(back.toArray(ValueLayout.JAVA_BYTE)).containsOnly(0);
    }

    @Test
    void anAllocationThatFailsIsNullAndSaidWhy() {
        load = new ModelLoad(NaiveEngine.INSTANCE, WeightPlan.of(List.of(), NaiveEngine.INSTANCE));
        JavaDevice.get().loading(load);
        try {
            long absurd = 1L << 60;
            assertThat(LlamaCpp.ggml_backend_buft_alloc_buffer(JavaDevice.get().hostType(), absurd).address()).isZero();
            assertThat(load.takeFailure()).isInstanceOf(OutOfMemoryError.class).hasMessageContaining(String.valueOf(absurd));
        } finally {
            JavaDevice.get().loading(null);
        }
        assertThat(LlamaCpp.ggml_backend_buft_alloc_buffer(JavaDevice.get().packedType(), 64).address())
                .as("a buffer outside of a load").isZero();
    }

    @Test
    void aBackendThatCannotBeMadeIsNullAndSaidWhy() {
        load = new ModelLoad(NaiveEngine.INSTANCE, WeightPlan.of(List.of(), NaiveEngine.INSTANCE));
        engineContext = new EngineContext(load, 1, 1);
        engineContext.close();
        JavaDevice.get().creating(engineContext);
        try {
            MemorySegment device = LlamaCpp.ggml_backend_dev_by_name(arena.allocateFrom("Java"));
            assertThat(LlamaCpp.ggml_backend_dev_init(device, MemorySegment.NULL).address()).isZero();
        } finally {
            JavaDevice.get().creating(null);
        }
        assertThat(engineContext.takeFailure()).isPresent();
    }

    @Test
    void theRegisteredDeviceIsAnAcceleratorWithoutMemory() {
        MemorySegment device = LlamaCpp.ggml_backend_dev_by_name(arena.allocateFrom("Java"));
        assertThat(LlamaCpp.ggml_backend_dev_type(device)).isEqualTo(LlamaCpp.GGML_BACKEND_DEVICE_TYPE_ACCEL());
        MemorySegment properties = ggml_backend_dev_props.allocate(arena);
        LlamaCpp.ggml_backend_dev_get_props(device, properties);
        assertThat(ggml_backend_dev_props.name(properties).getString(0)).isEqualTo("Java");
        assertThat(ggml_backend_dev_props.memory_total(properties)).isZero();
        assertThat(LlamaCpp.ggml_backend_reg_get_proc_address(LlamaCpp.ggml_backend_dev_backend_reg(device),
                arena.allocateFrom("nothing")).address()).isZero();
        assertThat(LlamaCpp.ggml_backend_buft_is_host(JavaDevice.get().hostType())).isTrue();
        assertThat(LlamaCpp.ggml_backend_buft_is_host(JavaDevice.get().packedType())).isFalse();
    }

    @Test
    void theStructsFit() {
        assertThatCode(StructProbes::check).doesNotThrowAnyException();
    }
}
