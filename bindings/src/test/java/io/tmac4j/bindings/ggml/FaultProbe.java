package io.tmac4j.bindings.ggml;

import io.tmac4j.bindings.ContextOptions;
import io.tmac4j.bindings.Engine;
import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.LlamaContext;
import io.tmac4j.bindings.LlamaModel;
import io.tmac4j.bindings.ModelOptions;
import io.tmac4j.bindings.Models;
import io.tmac4j.bindings.ProcessMemory;
import io.tmac4j.bindings.ProductError;
import io.tmac4j.bindings.Sampler;
import io.tmac4j.bindings.SamplerOptions;
import io.tmac4j.bindings.generated.LlamaCpp;
import io.tmac4j.bindings.generated.ggml_backend_dev_props;
import io.tmac4j.bindings.generated.ggml_init_params;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * Uses a model, its products and the engine's buffers with a fault in one upcall after the other, in a JVM of its own whose
 * classes {@link Upcalls} has changed, and tells what came of it and whether a model works afterwards.
 */
final class FaultProbe {

    /** Between the fields of a line of the output. */
    static final String FIELD = "\t";
    static final String SAME = "as without a fault";
    static final String AFTERWARDS = "afterwards";
    static final String WRONG = "wrong results";

    private static final String INJECTED = "injected";

    private static final Engine NAIVE = new Engine("naive");
    private static final ContextOptions SMALL = ContextOptions.defaults().withContextSize(64).withThreads(1).withBatchThreads(1);
    private static final int K = 256;

    /** {@code -Psoak}: uses of everything with a fault in each, after which as much memory is in use as before. */
    static final String CYCLES = "tmac.soak.faulty";

    private FaultProbe() {
    }

    /** @param args points of upcalls */
    public static void main(String[] args) throws Throwable {
        Faults.arm("", 0, 0, null);
        List<Object> expected = useAll("");
        int[] counts = Arrays.stream(args).mapToInt(Faults::reached).toArray();
        List<String> survived = new ArrayList<>();
        for (int i = 0; i < args.length; i++) {
            // the first call, all calls, and all from the middle on, when contexts compute
            if (tell(args[i], counts[i], expected, 1, 1, new IllegalStateException(INJECTED))) {
                survived.add(args[i]);
            }
            if (counts[i] > 1) {
                tell(args[i], counts[i], expected, 1, Integer.MAX_VALUE, new OutOfMemoryError(INJECTED));
                tell(args[i], counts[i], expected, counts[i] / 2 + 1, Integer.MAX_VALUE, new IllegalStateException(INJECTED));
            }
            System.out.println(String.join(FIELD, args[i], AFTERWARDS, useAll("").equals(expected) ? SAME : WRONG));
        }
        int cycles = Integer.getInteger(CYCLES, 0);
        if (cycles > 0) {
            // a fault in these comes before the memory is freed, which then never is
            survived.removeIf(point -> point.contains(".free"));
            soak(survived, expected, cycles);
        }
        System.out.println("end");
    }

    /** One fault after the other at some call of its point, over and over; memory does not grow. */
    private static void soak(List<String> points, List<Object> expected, int cycles) throws Throwable {
        Random random = new Random(1);
        int failed = 0;
        ProcessMemory before = null;
        // the first rounds load classes and fill caches
        for (int i = -2 * points.size(); i < cycles; i++) {
            if (i == 0) {
                before = ProcessMemory.now();
                failed = 0;
            }
            String point = points.get(Math.floorMod(i, points.size()));
            Faults.arm(point, 1 + random.nextInt(4), Integer.MAX_VALUE, new IllegalStateException(INJECTED));
            try {
                if (!useAll(point).equals(expected)) {
                    throw new AssertionError(WRONG + " with a fault at " + point);
                }
            } catch (RuntimeException e) {
                failed++;
            } finally {
                Faults.disarm();
            }
        }
        ProcessMemory after = ProcessMemory.now();
        System.out.println(cycles + " cycles with faults, " + failed + " failed, before: " + before);
        System.out.println(cycles + " cycles with faults, after: " + after);
        after.assertNotGrownSince(before);
    }

    /** Returns whether llama.cpp did not give up: where it does, the memory that it had is never given back. */
    private static boolean tell(String point, int count, List<Object> expected, int from, int to, Throwable fault) {
        Faults.arm(point, from, to, fault);
        String outcome;
        try {
            outcome = useAll(point).equals(expected) ? SAME : WRONG;
        } catch (RuntimeException e) {
            outcome = e.getClass().getSimpleName() + ": " + e.getMessage();
        } finally {
            Faults.disarm();
        }
        System.out.println(String.join(FIELD, point, from + (to > from ? "-" : "") + " of " + count, outcome));
        return !outcome.contains("gave up");
    }

    /** What a program may do that makes llama.cpp call Java; returns results that are the same each time. */
    private static List<Object> useAll(String point) {
        List<Object> results = new ArrayList<>();
        int[] tokens;
        try (LlamaModel model = LlamaModel.load(Models.demo(), ModelOptions.defaults().withEngine(NAIVE).withProgress(_ -> { }));
                LlamaContext context = model.newContext(SMALL);
                Sampler sampler = Sampler.of(SamplerOptions.greedy())) {
            tokens = model.tokenize("ROMEO:\nWhat", true, false);
            context.decode(tokens);
            for (int i = 0; i < 2; i++) {
                int token = sampler.sample(context, -1);
                results.add(token);
                context.decode(token);
            }
        }
        try (LlamaModel plain = LlamaModel.load(Models.demo())) {
            ProductError.measure(plain, NAIVE, tokens, 1).forEach(error -> results.add(error.tensor()));
        }
        if (point.contains(".hostBase ")) {
            // llama.cpp asks for it while it loads, where its giving up is contained, and at no other time
            Faults.disarm();
        }
        results.add(useBuffers());
        return results;
    }

    /** Calls ggml's functions that llama.cpp has no need of for a model; returns a byte of a tensor. */
    private static int useBuffers() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment device = LlamaCpp.ggml_backend_dev_by_name(arena.allocateFrom("Java"));
            MemorySegment properties = ggml_backend_dev_props.allocate(arena);
            LlamaCpp.ggml_backend_dev_get_props(device, properties);
            LlamaCpp.ggml_backend_dev_memory(device, properties, properties);
            useBuffer(arena, "blk.0.attn_q.weight", GgmlType.Q4_0);
            return useBuffer(arena, "output.weight", GgmlType.Q8_0);
        }
    }

    private static int useBuffer(Arena arena, String name, GgmlType type) {
        MemorySegment parameters = ggml_init_params.allocate(arena);
        ggml_init_params.mem_size(parameters, 1 << 16);
        ggml_init_params.no_alloc(parameters, true);
        MemorySegment context = LlamaCpp.ggml_init(parameters);
        MemorySegment buffer = MemorySegment.NULL;
        int rows = 1000;
        ModelLoad load = new ModelLoad(NaiveEngine.INSTANCE, WeightPlan.of(
                List.of(new ModelTensor(name, type, List.of((long) K, (long) rows, 1L, 1L))), NaiveEngine.INSTANCE));
        try {
            MemorySegment tensor = LlamaCpp.ggml_new_tensor_2d(context, type.id(), K, rows);
            LlamaCpp.ggml_set_name(tensor, arena.allocateFrom(name));
            JavaDevice device = JavaDevice.get();
            device.loading(load);
            buffer = LlamaCpp.ggml_backend_alloc_ctx_tensors_from_buft(context,
                    load.plan().item(name).place() == WeightPlan.Place.PACKED ? device.packedType() : device.hostType());
            throwIf(load);
            MemorySegment bytes = arena.allocate(type.rowBytes(K) * rows);
            LlamaCpp.ggml_backend_buffer_clear(buffer, (byte) 0);
            LlamaCpp.ggml_backend_tensor_set(tensor, bytes, 0, bytes.byteSize());
            LlamaCpp.ggml_backend_tensor_memset(tensor, (byte) 7, 0, bytes.byteSize());
            throwIf(load);
            LlamaCpp.ggml_backend_tensor_get(tensor, bytes, 0, bytes.byteSize());
            // packed weights cannot be given back
            boolean packed = load.plan().item(name).place() == WeightPlan.Place.PACKED;
            Throwable refusal = load.takeFailure();
            if (packed == (refusal == null) || refusal != null && INJECTED.equals(refusal.getMessage())) {
                throw new IllegalStateException("get: " + (refusal == null ? "no failure" : refusal.getMessage()));
            }
            return bytes.get(ValueLayout.JAVA_BYTE, 0);
        } finally {
            JavaDevice.get().loading(null);
            if (buffer.address() != 0) {
                LlamaCpp.ggml_backend_buffer_free(buffer);
            }
            LlamaCpp.ggml_free(context);
        }
    }

    private static void throwIf(ModelLoad load) {
        Throwable failure = load.takeFailure();
        if (failure != null) {
            throw new IllegalStateException("buffer: " + failure.getMessage());
        }
    }
}
