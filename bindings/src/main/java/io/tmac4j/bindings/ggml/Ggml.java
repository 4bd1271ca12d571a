package io.tmac4j.bindings.ggml;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.tmac4j.bindings.generated.LlamaCpp;
import io.tmac4j.bindings.generated.ggml_backend;
import io.tmac4j.bindings.generated.ggml_backend_buffer;
import io.tmac4j.bindings.generated.ggml_backend_device;
import io.tmac4j.bindings.generated.ggml_tensor;
import io.tmac4j.bindings.spi.OffHeap;
import java.lang.foreign.AddressLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * ggml's structs and functions by plain addresses. The generated accessors make a {@link MemorySegment} for each pointer;
 * what runs for every node of every graph reads fields at the generated offsets instead.
 */
@SuppressWarnings("restricted")
final class Ggml {

    static final int OP_NONE = LlamaCpp.GGML_OP_NONE();
    static final int OP_VIEW = LlamaCpp.GGML_OP_VIEW();
    static final int OP_RESHAPE = LlamaCpp.GGML_OP_RESHAPE();
    static final int OP_PERMUTE = LlamaCpp.GGML_OP_PERMUTE();
    static final int OP_TRANSPOSE = LlamaCpp.GGML_OP_TRANSPOSE();
    static final int OP_MUL_MAT = LlamaCpp.GGML_OP_MUL_MAT();
    static final int OP_MUL_MAT_ID = LlamaCpp.GGML_OP_MUL_MAT_ID();
    static final int OP_FLASH_ATTN_EXT = LlamaCpp.GGML_OP_FLASH_ATTN_EXT();
    static final int TYPE_F32 = LlamaCpp.GGML_TYPE_F32();
    static final int TYPE_F16 = LlamaCpp.GGML_TYPE_F16();
    static final int TYPE_I32 = LlamaCpp.GGML_TYPE_I32();

    private static final long POINTER_BYTES = ADDRESS.byteSize();
    private static final long TYPE = ggml_tensor.type$offset();
    private static final long BUFFER = ggml_tensor.buffer$offset();
    private static final long NE = ggml_tensor.ne$offset();
    private static final long NB = ggml_tensor.nb$offset();
    private static final long OP = ggml_tensor.op$offset();
    private static final long PARAMETERS = ggml_tensor.op_params$offset();
    private static final long FLAGS = ggml_tensor.flags$offset();
    private static final long SRC = ggml_tensor.src$offset();
    private static final long VIEW_SRC = ggml_tensor.view_src$offset();
    private static final long DATA = ggml_tensor.data$offset();
    private static final long NAME = ggml_tensor.name$offset();
    private static final long EXTRA = ggml_tensor.extra$offset();
    private static final long BUFFER_TYPE = ggml_backend_buffer.buft$offset();
    private static final long BUFFER_CONTEXT = ggml_backend_buffer.context$offset();
    private static final long BACKEND_CONTEXT = ggml_backend.context$offset();
    private static final long DEVICE_CONTEXT = ggml_backend_device.context$offset();

    private static final Linker LINKER = Linker.nativeLinker();
    private static final MethodHandle GRAPH_N_NODES =
            function(LlamaCpp.ggml_graph_n_nodes$address(), LlamaCpp.ggml_graph_n_nodes$descriptor());
    private static final MethodHandle GRAPH_NODES =
            function(LlamaCpp.ggml_graph_nodes$address(), LlamaCpp.ggml_graph_nodes$descriptor());

    private Ggml() {
    }

    /** A generated descriptor with pointers as {@code long}: the same registers on every 64-bit ABI, and nothing to allocate. */
    static FunctionDescriptor raw(FunctionDescriptor descriptor) {
        MemoryLayout[] arguments = descriptor.argumentLayouts().stream().map(Ggml::raw).toArray(MemoryLayout[]::new);
        return descriptor.returnLayout()
                .map(result -> FunctionDescriptor.of(raw(result), arguments))
                .orElseGet(() -> FunctionDescriptor.ofVoid(arguments));
    }

    private static MemoryLayout raw(MemoryLayout layout) {
        return layout instanceof AddressLayout ? JAVA_LONG : layout;
    }

    /** A function by its address, pointers as {@code long}. */
    static MethodHandle function(MemorySegment address, FunctionDescriptor descriptor, Linker.Option... options) {
        return LINKER.downcallHandle(address, raw(descriptor), options);
    }

    /** A kind of function whose address is the handle's first argument, pointers as {@code long}. */
    static MethodHandle function(FunctionDescriptor descriptor, Linker.Option... options) {
        return LINKER.downcallHandle(raw(descriptor), options);
    }

    /** A function pointer for a Java method, pointers as {@code long}. */
    static MemorySegment upcall(MethodHandle method, FunctionDescriptor descriptor, Arena arena) {
        return LINKER.upcallStub(method, raw(descriptor), arena);
    }

    /** A struct behind a pointer that llama.cpp gave. */
    static MemorySegment struct(MemorySegment pointer, long size) {
        return pointer.reinterpret(size);
    }

    static int intAt(long address) {
        return OffHeap.ALL.get(JAVA_INT, address);
    }

    static long longAt(long address) {
        return OffHeap.ALL.get(JAVA_LONG, address);
    }

    static String string(long address) {
        return OffHeap.ALL.getString(address);
    }

    static int type(long tensor) {
        return intAt(tensor + TYPE);
    }

    static int op(long tensor) {
        return intAt(tensor + OP);
    }

    static void op(long tensor, int value) {
        OffHeap.ALL.set(JAVA_INT, tensor + OP, value);
    }

    /** One of an operation's parameters that are floats. */
    static float floatParameter(long tensor, int index) {
        return OffHeap.ALL.get(JAVA_FLOAT, tensor + PARAMETERS + (long) index * Float.BYTES);
    }

    static int flags(long tensor) {
        return intAt(tensor + FLAGS);
    }

    /** Elements along a dimension. */
    static long ne(long tensor, int dimension) {
        return longAt(tensor + NE + (long) dimension * Long.BYTES);
    }

    static void ne(long tensor, int dimension, long value) {
        OffHeap.ALL.set(JAVA_LONG, tensor + NE + (long) dimension * Long.BYTES, value);
    }

    /** Bytes from one element along a dimension to the next. */
    static long nb(long tensor, int dimension) {
        return longAt(tensor + NB + (long) dimension * Long.BYTES);
    }

    static long source(long tensor, int index) {
        return longAt(tensor + SRC + index * POINTER_BYTES);
    }

    static void source(long tensor, int index, long value) {
        OffHeap.ALL.set(JAVA_LONG, tensor + SRC + index * POINTER_BYTES, value);
    }

    static long viewSource(long tensor) {
        return longAt(tensor + VIEW_SRC);
    }

    static long data(long tensor) {
        return longAt(tensor + DATA);
    }

    static void data(long tensor, long value) {
        OffHeap.ALL.set(JAVA_LONG, tensor + DATA, value);
    }

    static String name(long tensor) {
        return string(tensor + NAME);
    }

    static long extra(long tensor) {
        return longAt(tensor + EXTRA);
    }

    static void extra(long tensor, long value) {
        OffHeap.ALL.set(JAVA_LONG, tensor + EXTRA, value);
    }

    /** The buffer type that a tensor, or the tensor it views, lies in; 0 if it is not allocated yet. */
    static long bufferType(long tensor) {
        long viewed = viewSource(tensor);
        long buffer = longAt((viewed == 0 ? tensor : viewed) + BUFFER);
        return buffer == 0 ? 0 : longAt(buffer + BUFFER_TYPE);
    }

    static long bufferContext(long buffer) {
        return longAt(buffer + BUFFER_CONTEXT);
    }

    static long backendContext(long backend) {
        return longAt(backend + BACKEND_CONTEXT);
    }

    static long deviceContext(long device) {
        return longAt(device + DEVICE_CONTEXT);
    }

    static int nodeCount(long graph) {
        try {
            return (int) GRAPH_N_NODES.invokeExact(graph);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** The address of the array of pointers to a graph's nodes. */
    static long nodes(long graph) {
        try {
            return (long) GRAPH_NODES.invokeExact(graph);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static long node(long nodes, int index) {
        return longAt(nodes + index * POINTER_BYTES);
    }

    /** What a downcall threw: native code throws nothing, so it is an error of the VM or of the handle's type. */
    static RuntimeException unexpected(Throwable t) {
        return switch (t) {
            case RuntimeException e -> e;
            case Error e -> throw e;
            default -> new IllegalStateException(t);
        };
    }
}
