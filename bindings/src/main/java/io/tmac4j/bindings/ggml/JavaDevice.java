package io.tmac4j.bindings.ggml;

import io.tmac4j.bindings.generated.LlamaCpp;
import io.tmac4j.bindings.generated.ggml_backend;
import io.tmac4j.bindings.generated.ggml_backend_buffer_i;
import io.tmac4j.bindings.generated.ggml_backend_buffer_type;
import io.tmac4j.bindings.generated.ggml_backend_buffer_type_i;
import io.tmac4j.bindings.generated.ggml_backend_dev_caps;
import io.tmac4j.bindings.generated.ggml_backend_dev_props;
import io.tmac4j.bindings.generated.ggml_backend_device;
import io.tmac4j.bindings.generated.ggml_backend_device_i;
import io.tmac4j.bindings.generated.ggml_backend_i;
import io.tmac4j.bindings.generated.ggml_backend_reg;
import io.tmac4j.bindings.generated.ggml_backend_reg_i;
import io.tmac4j.bindings.generated.ggml_backend_set_abort_callback_t;
import io.tmac4j.bindings.spi.OffHeap;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The ggml device of this JVM: the structs of {@code ggml-backend-impl.h}, filled with upcalls and registered once, since a
 * registered device cannot be taken back while contexts hold backends of it.
 *
 * <p>It is of type ACCEL, as ggml's BLAS backend: llama.cpp gives every context a backend of it and asks for each operation
 * whether that takes it. It takes none of a model that was loaded without an engine. Its default buffer type is the CPU's,
 * so that intermediate results stay where the CPU backend reads and writes them.
 *
 * <p>An exception that leaves an upcall ends the VM. So every upcall catches everything, tells the model or context that it
 * belongs to, and returns what llama.cpp takes for failure.
 */
final class JavaDevice {

    private static final Logger LOG = LoggerFactory.getLogger(JavaDevice.class);

    private static final String NAME = "Java";
    private static final long ALIGNMENT = 64;

    /** Where packed tensors pretend to lie: ggml wants an address that is not null, nothing is ever read from it. */
    private static final MemorySegment FAKE_BASE = MemorySegment.ofAddress(1 << 16);

    private static final int TYPE = LlamaCpp.GGML_BACKEND_DEVICE_TYPE_ACCEL();

    /**
     * A wider batch is left to the CPU backend where weights are in ggml's layout: it has blocked kernels. Up to here it would
     * need as long, and its threads would have to be woken, or not be there (LlamaContext.FEW_TOKENS).
     */
    private static final long WIDEST_VEC_DOT = 16;

    private static JavaDevice registered;

    private final Arena arena = Arena.global();
    private final MemorySegment name = arena.allocateFrom(NAME);
    private final MemorySegment description = arena.allocateFrom("matrix products in Java");
    private final MemorySegment packedName = arena.allocateFrom("Java_packed");
    private final MemorySegment hostName = arena.allocateFrom("Java_host");
    private final MemorySegment guid = arena.allocateFrom(ValueLayout.JAVA_LONG, 0x6f692e746d616334L, 0x6a2e62696e64696eL);
    private final MemorySegment cpuType = LlamaCpp.ggml_backend_cpu_buffer_type();
    private final MemorySegment registry = ggml_backend_reg.allocate(arena);
    private final MemorySegment device = ggml_backend_device.allocate(arena);
    private final MemorySegment packedType = ggml_backend_buffer_type.allocate(arena);
    private final MemorySegment hostType = ggml_backend_buffer_type.allocate(arena);
    private final MemorySegment packedBuffer = ggml_backend_buffer_i.allocate(arena);
    private final MemorySegment hostBuffer = ggml_backend_buffer_i.allocate(arena);
    private final MemorySegment backendInterface = ggml_backend_i.allocate(arena);
    private final MemorySegment idleBackend = ggml_backend.allocate(arena);
    private final MemorySegment setAbortCallback = ggml_backend_set_abort_callback_t.allocate(this::setAbortCallback, arena);

    private final ThreadLocal<ModelLoad> loading = new ThreadLocal<>();
    private final ThreadLocal<Boolean> adapting = new ThreadLocal<>();
    private final ThreadLocal<EngineContext> creating = new ThreadLocal<>();
    private final Handles<WeightBuffer> buffers = new Handles<>();
    private final Handles<EngineContext> contexts = new Handles<>();

    /** Counts what went wrong in a context, it is not known in which, so that its graphs cannot be trusted. */
    private volatile int doubts;

    private JavaDevice() {
        fillRegistry();
        fillDevice();
        fillBufferTypes();
        fillBackend();
    }

    /** The device, registered by the first call. */
    static synchronized JavaDevice get() {
        if (registered == null) {
            StructProbes.check();
            JavaDevice made = new JavaDevice();
            LlamaCpp.ggml_backend_register(made.registry);
            registered = made;
        }
        return registered;
    }

    MemorySegment packedType() {
        return packedType;
    }

    MemorySegment hostType() {
        return hostType;
    }

    /** The load that buffers allocated on this thread belong to, until it is set to null. */
    void loading(ModelLoad load) {
        if (load == null) {
            loading.remove();
        } else {
            loading.set(load);
        }
    }

    /** Whether buffers allocated on this thread are for an adapter, until it is set to false. */
    void adapting(boolean value) {
        if (value) {
            adapting.set(true);
        } else {
            adapting.remove();
        }
    }

    /** The context that backends initialised on this thread belong to, until it is set to null. */
    void creating(EngineContext context) {
        if (context == null) {
            creating.remove();
        } else {
            creating.set(context);
        }
    }

    /** Weight buffers that llama.cpp has not freed yet. */
    int liveBuffers() {
        return buffers.size();
    }

    /** Contexts whose backend llama.cpp has not freed yet. */
    int liveContexts() {
        return contexts.size();
    }

    private void fillRegistry() {
        ggml_backend_reg.api_version(registry, LlamaCpp.GGML_BACKEND_API_VERSION());
        MemorySegment functions = ggml_backend_reg.iface(registry);
        ggml_backend_reg_i.get_name(functions, ggml_backend_reg_i.get_name.allocate(_ -> name, arena));
        ggml_backend_reg_i.get_device_count(functions, ggml_backend_reg_i.get_device_count.allocate(_ -> 1, arena));
        ggml_backend_reg_i.get_device(functions, ggml_backend_reg_i.get_device.allocate((_, _) -> device, arena));
        ggml_backend_reg_i.get_proc_address(functions, ggml_backend_reg_i.get_proc_address.allocate(this::procedure, arena));
    }

    private void fillDevice() {
        MemorySegment functions = ggml_backend_device.iface(device);
        ggml_backend_device_i.get_name(functions, ggml_backend_device_i.get_name.allocate(_ -> name, arena));
        ggml_backend_device_i.get_description(functions, ggml_backend_device_i.get_description.allocate(_ -> description, arena));
        ggml_backend_device_i.get_memory(functions, ggml_backend_device_i.get_memory.allocate(this::memory, arena));
        ggml_backend_device_i.get_type(functions, ggml_backend_device_i.get_type.allocate(_ -> TYPE, arena));
        ggml_backend_device_i.get_props(functions, ggml_backend_device_i.get_props.allocate(this::properties, arena));
        ggml_backend_device_i.init_backend(functions, ggml_backend_device_i.init_backend.allocate(this::initBackend, arena));
        ggml_backend_device_i.get_buffer_type(functions, ggml_backend_device_i.get_buffer_type.allocate(_ -> cpuType, arena));
        ggml_backend_device_i.supports_op(functions, ggml_backend_device_i.supports_op.allocate(this::supportsOperation, arena));
        ggml_backend_device_i.supports_buft(functions,
                ggml_backend_device_i.supports_buft.allocate(this::supportsBufferType, arena));
        ggml_backend_device.reg(device, registry);
    }

    private void fillBufferTypes() {
        fillBufferType(packedType, packedName, false);
        fillBufferType(hostType, hostName, true);
        ggml_backend_buffer_i.get_base(packedBuffer, ggml_backend_buffer_i.get_base.allocate(_ -> FAKE_BASE, arena));
        ggml_backend_buffer_i.get_base(hostBuffer, ggml_backend_buffer_i.get_base.allocate(this::hostBase, arena));
        for (MemorySegment functions : new MemorySegment[] {packedBuffer, hostBuffer}) {
            ggml_backend_buffer_i.free_buffer(functions, ggml_backend_buffer_i.free_buffer.allocate(this::freeBuffer, arena));
            ggml_backend_buffer_i.init_tensor(functions, ggml_backend_buffer_i.init_tensor.allocate(this::initTensor, arena));
            ggml_backend_buffer_i.set_tensor(functions, ggml_backend_buffer_i.set_tensor.allocate(this::setTensor, arena));
            ggml_backend_buffer_i.get_tensor(functions, ggml_backend_buffer_i.get_tensor.allocate(this::getTensor, arena));
            ggml_backend_buffer_i.memset_tensor(functions, ggml_backend_buffer_i.memset_tensor.allocate(this::fillTensor, arena));
            ggml_backend_buffer_i.clear(functions, ggml_backend_buffer_i.clear.allocate(this::clearBuffer, arena));
        }
    }

    private void fillBufferType(MemorySegment type, MemorySegment typeName, boolean host) {
        MemorySegment functions = ggml_backend_buffer_type.iface(type);
        ggml_backend_buffer_type_i.get_name(functions, ggml_backend_buffer_type_i.get_name.allocate(_ -> typeName, arena));
        ggml_backend_buffer_type_i.alloc_buffer(functions,
                ggml_backend_buffer_type_i.alloc_buffer.allocate((self, size) -> allocateBuffer(self, size, host), arena));
        ggml_backend_buffer_type_i.get_alignment(functions,
                ggml_backend_buffer_type_i.get_alignment.allocate(_ -> ALIGNMENT, arena));
        ggml_backend_buffer_type_i.is_host(functions, ggml_backend_buffer_type_i.is_host.allocate(_ -> host, arena));
        ggml_backend_buffer_type.device(type, device);
    }

    private void fillBackend() {
        ggml_backend_i.get_name(backendInterface, ggml_backend_i.get_name.allocate(_ -> name, arena));
        ggml_backend_i.free(backendInterface, ggml_backend_i.free.allocate(this::freeBackend, arena));
        ggml_backend_i.graph_compute(backendInterface, computeStub());
        fillBackend(idleBackend, device, 0);
    }

    /** Called for every piece of every graph, so it takes plain addresses: a segment for each would be garbage. */
    private MemorySegment computeStub() {
        FunctionDescriptor descriptor = Ggml.raw(ggml_backend_i.graph_compute.descriptor());
        try {
            MethodHandle method = MethodHandles.lookup().findVirtual(JavaDevice.class, "compute", descriptor.toMethodType());
            return Ggml.upcall(method.bindTo(this), descriptor, arena);
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    private void fillBackend(MemorySegment backend, MemorySegment itsDevice, long context) {
        ggml_backend.guid(backend, guid);
        ggml_backend.iface(backend, backendInterface);
        ggml_backend.device(backend, itsDevice);
        ggml_backend.context(backend, MemorySegment.ofAddress(context));
    }

    // Registry and device

    private MemorySegment procedure(MemorySegment self, MemorySegment wanted) {
        try {
            boolean known = Ggml.string(wanted.address()).equals("ggml_backend_set_abort_callback");
            return known ? setAbortCallback : MemorySegment.NULL;
        } catch (Throwable t) {
            lost("get_proc_address", t);
            return MemorySegment.NULL;
        }
    }

    private void memory(MemorySegment self, MemorySegment free, MemorySegment total) {
        try {
            // none of its own: it uses the memory that the CPU device reports
            OffHeap.ALL.set(ValueLayout.JAVA_LONG, free.address(), 0);
            OffHeap.ALL.set(ValueLayout.JAVA_LONG, total.address(), 0);
        } catch (Throwable t) {
            lost("get_memory", t);
        }
    }

    private void properties(MemorySegment self, MemorySegment target) {
        try {
            MemorySegment properties = Ggml.struct(target, ggml_backend_dev_props.sizeof());
            properties.fill((byte) 0);
            ggml_backend_dev_props.name(properties, name);
            ggml_backend_dev_props.description(properties, description);
            ggml_backend_dev_props.type(properties, TYPE);
            ggml_backend_dev_caps.mmap_support(ggml_backend_dev_props.caps(properties), true);
        } catch (Throwable t) {
            lost("get_props", t);
        }
    }

    private MemorySegment initBackend(MemorySegment self, MemorySegment parameters) {
        EngineContext context = null;
        try {
            context = creating.get();
            if (context == null) {
                return idleBackend;
            }
            MemorySegment itsDevice = context.device();
            context.doubts(doubts);
            itsDevice.copyFrom(device);
            int handle = contexts.add(context);
            ggml_backend_device.context(itsDevice, MemorySegment.ofAddress(handle));
            fillBackend(context.backend(), itsDevice, handle);
            return context.backend();
        } catch (Throwable t) {
            fail(context, "init_backend", t);
            return MemorySegment.NULL;
        }
    }

    private boolean supportsBufferType(MemorySegment self, MemorySegment type) {
        try {
            return type.address() == packedType.address() || type.address() == hostType.address()
                    || LlamaCpp.ggml_backend_buft_is_host(type);
        } catch (Throwable t) {
            lost("supports_buft", t);
            // there are no other buffer types than those that are supported
            return true;
        }
    }

    /**
     * When this fails, "no" would make llama.cpp end the VM if the weights are the engine's, since no other backend takes them.
     * So the answer is "yes", and the context, or every one if it is not known which, computes nothing any more.
     */
    private boolean supportsOperation(MemorySegment self, MemorySegment operation) {
        EngineContext context = null;
        try {
            context = contexts.get((int) Ggml.deviceContext(self.address()));
            long node = operation.address();
            int op = Ggml.op(node);
            if (op == Ggml.OP_MUL_MAT || op == Ggml.OP_MUL_MAT_ID) {
                return supportsProduct(node, op == Ggml.OP_MUL_MAT_ID);
            }
            if (op == Ggml.OP_FLASH_ATTN_EXT) {
                return context != null && context.takesAttention(node);
            }
            return GraphRunner.isView(op) && isOurs(Ggml.bufferType(node));
        } catch (Throwable t) {
            if (context == null) {
                doubts++;
                lost("supports_op", t);
            } else {
                context.giveUp(t);
            }
            return true;
        }
    }

    private boolean isOurs(long bufferType) {
        return bufferType == packedType.address() || bufferType == hostType.address();
    }

    private boolean supportsProduct(long node, boolean routed) {
        long weights = Ggml.source(node, 0);
        long input = Ggml.source(node, 1);
        if (!isOurs(Ggml.bufferType(weights)) || Ggml.viewSource(weights) != 0) {
            return false;
        }
        WeightTable.Entry entry = WeightTable.get(Ggml.extra(weights));
        boolean fits = entry != null
                && Ggml.type(input) == Ggml.TYPE_F32 && Ggml.nb(input, 0) == Float.BYTES
                && Ggml.type(node) == Ggml.TYPE_F32 && Ggml.nb(node, 0) == Float.BYTES
                && Ggml.ne(weights, 3) == 1
                && (routed ? Ggml.type(Ggml.source(node, 2)) == Ggml.TYPE_I32 && Ggml.ne(input, 3) == 1
                        : Ggml.ne(weights, 2) == 1);
        if (!fits) {
            return false;
        }
        return entry.engine() != VecDotEngine.INSTANCE || GraphRunner.tokens(node, routed) <= WIDEST_VEC_DOT;
    }

    // Buffers

    private MemorySegment allocateBuffer(MemorySegment self, long size, boolean host) {
        ModelLoad load = null;
        try {
            if (adapting.get() != null) {
                return LlamaCpp.ggml_backend_buft_alloc_buffer(cpuType, size);
            }
            load = loading.get();
            if (load == null) {
                throw new IllegalStateException("a buffer of " + size + " bytes was asked for outside of a model's load");
            }
            WeightBuffer buffer = new WeightBuffer(load, host ? hostMemory(size) : MemorySegment.NULL);
            int handle = buffers.add(buffer);
            MemorySegment functions = host ? hostBuffer : packedBuffer;
            return LlamaCpp.ggml_backend_buffer_init(self, functions, MemorySegment.ofAddress(handle), size);
        } catch (Throwable t) {
            fail(load, "alloc_buffer", t);
            return MemorySegment.NULL;
        }
    }

    /** A buffer of the CPU's own kind: aligned, and not written before the weights are. */
    private MemorySegment hostMemory(long size) {
        MemorySegment memory = LlamaCpp.ggml_backend_buft_alloc_buffer(cpuType, size);
        if (memory.address() == 0) {
            throw new OutOfMemoryError("no memory for " + size + " bytes of weights");
        }
        return memory;
    }

    private WeightBuffer buffer(MemorySegment buffer) {
        return buffers.get((int) Ggml.bufferContext(buffer.address()));
    }

    private MemorySegment hostBase(MemorySegment self) {
        try {
            return LlamaCpp.ggml_backend_buffer_get_base(buffer(self).memory());
        } catch (Throwable t) {
            fail((ModelLoad) null, "get_base", t);
            return MemorySegment.NULL;
        }
    }

    private void freeBuffer(MemorySegment self) {
        try {
            buffers.remove((int) Ggml.bufferContext(self.address())).close();
        } catch (Throwable t) {
            lost("free_buffer", t);
        }
    }

    private int initTensor(MemorySegment self, MemorySegment tensor) {
        WeightBuffer buffer = null;
        try {
            buffer = buffer(self);
            buffer.init(tensor.address());
            return LlamaCpp.GGML_STATUS_SUCCESS();
        } catch (Throwable t) {
            fail(buffer, "init_tensor", t);
            return LlamaCpp.GGML_STATUS_FAILED();
        }
    }

    private void setTensor(MemorySegment self, MemorySegment tensor, MemorySegment data, long offset, long size) {
        WeightBuffer buffer = null;
        try {
            buffer = buffer(self);
            buffer.set(tensor.address(), data.address(), offset, size);
        } catch (Throwable t) {
            fail(buffer, "set_tensor", t);
        }
    }

    private void getTensor(MemorySegment self, MemorySegment tensor, MemorySegment data, long offset, long size) {
        WeightBuffer buffer = null;
        try {
            buffer = buffer(self);
            buffer.get(tensor.address(), data.address(), offset, size);
        } catch (Throwable t) {
            fail(buffer, "get_tensor", t);
        }
    }

    private void fillTensor(MemorySegment self, MemorySegment tensor, byte value, long offset, long size) {
        WeightBuffer buffer = null;
        try {
            buffer = buffer(self);
            buffer.fill(tensor.address(), value, offset, size);
        } catch (Throwable t) {
            fail(buffer, "memset_tensor", t);
        }
    }

    private void clearBuffer(MemorySegment self, byte value) {
        WeightBuffer buffer = null;
        try {
            buffer = buffer(self);
            buffer.clear(value);
        } catch (Throwable t) {
            fail(buffer, "clear", t);
        }
    }

    private void fail(WeightBuffer buffer, String upcall, Throwable failure) {
        fail(buffer == null ? null : buffer.load(), upcall, failure);
    }

    /** Tells the load, or, where the upcall did not come to know it, the one of this thread. */
    private void fail(ModelLoad known, String upcall, Throwable failure) {
        try {
            ModelLoad load = known == null ? loading.get() : known;
            if (load != null) {
                load.fail(failure);
                return;
            }
        } catch (Throwable t) {
            failure.addSuppressed(t);
        }
        lost(upcall, failure);
    }

    // Backends

    private EngineContext context(long backend) {
        return contexts.get((int) Ggml.backendContext(backend));
    }

    private static void fail(EngineContext context, String upcall, Throwable failure) {
        if (context == null) {
            lost(upcall, failure);
        } else {
            context.fail(failure);
        }
    }

    private int compute(long self, long graph) {
        EngineContext context = null;
        try {
            context = context(self);
            if (context.doubts() != doubts) {
                context.giveUp(new IllegalStateException("the Java device failed in supports_op"));
            }
            return context.compute(graph);
        } catch (Throwable t) {
            fail(context, "graph_compute", t);
            return LlamaCpp.GGML_STATUS_FAILED();
        }
    }

    private void setAbortCallback(MemorySegment backend, MemorySegment callback, MemorySegment data) {
        try {
            EngineContext context = context(backend.address());
            if (context != null) {
                context.abortCallback(callback, data);
            }
        } catch (Throwable t) {
            lost("set_abort_callback", t);
        }
    }

    private void freeBackend(MemorySegment self) {
        try {
            int handle = (int) Ggml.backendContext(self.address());
            if (handle != 0) {
                contexts.remove(handle).close();
            }
        } catch (Throwable t) {
            lost("free", t);
        }
    }

    /** A failure that no model or context can be told of. */
    private static void lost(String upcall, Throwable failure) {
        try {
            LOG.error("the Java device failed in {}", upcall, failure);
        } catch (Throwable _) {
            // nothing is left to tell, and nothing may leave an upcall
        }
    }
}
