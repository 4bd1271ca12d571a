package io.tmac4j.bindings.ggml;

import io.tmac4j.bindings.NativeLibraryException;
import io.tmac4j.bindings.generated.LlamaCpp;
import io.tmac4j.bindings.generated.ggml_backend;
import io.tmac4j.bindings.generated.ggml_backend_buffer;
import io.tmac4j.bindings.generated.ggml_backend_device;
import io.tmac4j.bindings.generated.ggml_backend_reg;
import io.tmac4j.bindings.generated.ggml_init_params;
import io.tmac4j.bindings.generated.ggml_tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Objects;

/**
 * Compares the structs that the Java device reads and fills with what the loaded libraries do, by the functions that ggml
 * exports for the same fields. A library of another release would otherwise read function pointers from wrong places.
 */
final class StructProbes {

    /** Bytes of {@code struct ggml_object}, which {@code ggml_tensor_overhead} counts too. */
    private static final long OBJECT_BYTES = 32;

    private static final long K = 64;
    private static final long ROWS = 7;
    private static final long COLUMNS = 3;

    private StructProbes() {
    }

    /**
     * @throws NativeLibraryException naming the first field that differs, what was expected and what was found
     */
    static void check() {
        MemorySegment cpu = LlamaCpp.ggml_backend_dev_by_type(LlamaCpp.GGML_BACKEND_DEVICE_TYPE_CPU());
        expect("a CPU device", true, cpu.address() != 0);
        checkRegistry(cpu);
        checkBuffer(cpu);
        checkBackend(cpu);
        checkTensors();
    }

    private static void checkRegistry(MemorySegment cpu) {
        MemorySegment registry = LlamaCpp.ggml_backend_dev_backend_reg(cpu);
        expect("ggml_backend_reg.api_version", LlamaCpp.GGML_BACKEND_API_VERSION(),
                ggml_backend_reg.api_version(Ggml.struct(registry, ggml_backend_reg.sizeof())));
        expect("ggml_backend_device.reg", registry, ggml_backend_device.reg(Ggml.struct(cpu, ggml_backend_device.sizeof())));
    }

    private static void checkBuffer(MemorySegment cpu) {
        MemorySegment type = LlamaCpp.ggml_backend_dev_buffer_type(cpu);
        MemorySegment made = LlamaCpp.ggml_backend_buft_alloc_buffer(type, 4096);
        try {
            MemorySegment buffer = Ggml.struct(made, ggml_backend_buffer.sizeof());
            LlamaCpp.ggml_backend_buffer_set_usage(made, LlamaCpp.GGML_BACKEND_BUFFER_USAGE_WEIGHTS());
            expect("ggml_backend_buffer.buft", type, ggml_backend_buffer.buft(buffer));
            expect("ggml_backend_buffer.size", LlamaCpp.ggml_backend_buffer_get_size(made), ggml_backend_buffer.size(buffer));
            expect("ggml_backend_buffer.usage", LlamaCpp.GGML_BACKEND_BUFFER_USAGE_WEIGHTS(), ggml_backend_buffer.usage(buffer));
        } finally {
            LlamaCpp.ggml_backend_buffer_free(made);
        }
    }

    private static void checkBackend(MemorySegment cpu) {
        MemorySegment made = LlamaCpp.ggml_backend_dev_init(cpu, MemorySegment.NULL);
        try {
            MemorySegment backend = Ggml.struct(made, ggml_backend.sizeof());
            expect("ggml_backend.guid", LlamaCpp.ggml_backend_guid(made), ggml_backend.guid(backend));
            expect("ggml_backend.device", cpu, ggml_backend.device(backend));
        } finally {
            LlamaCpp.ggml_backend_free(made);
        }
    }

    private static void checkTensors() {
        expect("sizeof(ggml_tensor) with its header", ggml_tensor.sizeof() + OBJECT_BYTES, LlamaCpp.ggml_tensor_overhead());
        expectName("op MUL_MAT", "MUL_MAT", LlamaCpp.ggml_op_name(Ggml.OP_MUL_MAT));
        expectName("op MUL_MAT_ID", "MUL_MAT_ID", LlamaCpp.ggml_op_name(Ggml.OP_MUL_MAT_ID));
        expectName("op TRANSPOSE", "TRANSPOSE", LlamaCpp.ggml_op_name(Ggml.OP_TRANSPOSE));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment parameters = ggml_init_params.allocate(arena);
            ggml_init_params.mem_size(parameters, 1 << 20);
            ggml_init_params.mem_buffer(parameters, MemorySegment.NULL);
            ggml_init_params.no_alloc(parameters, false);
            MemorySegment context = LlamaCpp.ggml_init(parameters);
            try {
                checkProduct(arena, context);
            } finally {
                LlamaCpp.ggml_free(context);
            }
        }
    }

    private static void checkProduct(Arena arena, MemorySegment context) {
        int type = LlamaCpp.GGML_TYPE_Q4_0();
        MemorySegment weights = LlamaCpp.ggml_new_tensor_2d(context, type, K, ROWS);
        MemorySegment input = LlamaCpp.ggml_new_tensor_2d(context, LlamaCpp.GGML_TYPE_F32(), K, COLUMNS);
        LlamaCpp.ggml_set_name(weights, arena.allocateFrom("probe"));
        MemorySegment product = LlamaCpp.ggml_mul_mat(context, weights, input);
        long w = weights.address();
        long p = product.address();
        expect("ggml_tensor.type", type, Ggml.type(w));
        expect("ggml_tensor.ne", ROWS, Ggml.ne(w, 1));
        expect("ggml_tensor.nb", K / LlamaCpp.ggml_blck_size(type) * LlamaCpp.ggml_type_size(type), Ggml.nb(w, 1));
        expect("ggml_tensor.name", "probe", Ggml.name(w));
        expect("ggml_tensor.data", LlamaCpp.ggml_get_data(weights).address(), Ggml.data(w));
        expect("ggml_tensor.op", Ggml.OP_MUL_MAT, Ggml.op(p));
        expect("ggml_tensor.src[0]", w, Ggml.source(p, 0));
        expect("ggml_tensor.src[1]", input.address(), Ggml.source(p, 1));
        expect("ggml_tensor.view_src", p, Ggml.viewSource(view(context, product)));
        expect("ggml_tensor.extra", 0L, Ggml.extra(p));
        MemorySegment graph = LlamaCpp.ggml_new_graph(context);
        LlamaCpp.ggml_build_forward_expand(graph, product);
        expect("the nodes of a graph", p, Ggml.node(Ggml.nodes(graph.address()), Ggml.nodeCount(graph.address()) - 1));
        expect("ggml_tensor.flags", LlamaCpp.GGML_TENSOR_FLAG_COMPUTE(), Ggml.flags(p) & LlamaCpp.GGML_TENSOR_FLAG_COMPUTE());
    }

    /** {@code ggml_view_1d} of five floats; the generated bindings hold no function that makes a view. */
    private static long view(MemorySegment context, MemorySegment tensor) {
        MemorySegment function = SymbolLookup.loaderLookup().findOrThrow("ggml_view_1d");
        MethodHandle handle = Ggml.function(function, FunctionDescriptor.of(ValueLayout.ADDRESS,
                ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
        try {
            return (long) handle.invokeExact(context.address(), tensor.address(), 5L, 0L);
        } catch (Throwable t) {
            throw Ggml.unexpected(t);
        }
    }

    private static void expectName(String what, String expected, MemorySegment found) {
        expect(what, expected, found.getString(0));
    }

    private static void expect(String what, Object expected, Object found) {
        if (!Objects.equals(expected, found)) {
            throw new NativeLibraryException("the llama.cpp libraries do not fit these bindings: " + what + " was expected to be "
                    + expected + " and is " + found + "; use the libraries of llama.cpp v0.4.0");
        }
    }
}
