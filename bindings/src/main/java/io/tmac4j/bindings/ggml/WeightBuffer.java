package io.tmac4j.bindings.ggml;

import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.generated.LlamaCpp;
import io.tmac4j.bindings.spi.OffHeap;
import io.tmac4j.bindings.spi.PackedWeights;
import io.tmac4j.bindings.spi.WeightTensor;
import io.tmac4j.bindings.spi.WorkerPool;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;

/**
 * One buffer of a model: the owner of its packed weights, and of the memory behind a host buffer. llama.cpp frees it with the
 * model, or at once when loading fails.
 */
final class WeightBuffer implements AutoCloseable {

    private final ModelLoad load;
    private final MemorySegment memory;
    /** Numbers in the weight table by the address of the tensor. */
    private final Map<Long, Integer> entries = new HashMap<>();
    private long packedBytes;

    /**
     * @param memory the CPU buffer behind a host buffer, or null for packed weights
     */
    WeightBuffer(ModelLoad load, MemorySegment memory) {
        this.load = load;
        this.memory = memory;
        load.add(this);
    }

    ModelLoad load() {
        return load;
    }

    MemorySegment memory() {
        return memory;
    }

    long packedBytes() {
        return packedBytes;
    }

    private boolean isHost() {
        return memory.address() != 0;
    }

    /** A tensor was given its place: what lies in host memory can be multiplied with from now on. */
    void init(long tensor) {
        if (isHost() && Ggml.viewSource(tensor) == 0) {
            GgmlType type = GgmlType.ofId(Ggml.type(tensor)).orElseThrow();
            int experts = Math.toIntExact(Ggml.ne(tensor, 2));
            VecDotEngine.weights(type, Ggml.ne(tensor, 0), Ggml.ne(tensor, 1), experts, Ggml.data(tensor)).ifPresent(weights ->
                    enter(tensor, new WeightTable.Entry(VecDotEngine.INSTANCE, weights, experts)));
        }
    }

    private void enter(long tensor, WeightTable.Entry entry) {
        int handle = WeightTable.add(entry);
        packedBytes += entry.weights().byteSize();
        Integer before = entries.put(tensor, handle);
        Ggml.extra(tensor, handle);
        if (before != null) {
            forget(before);
        }
    }

    private void forget(int handle) {
        PackedWeights weights = WeightTable.remove(handle).weights();
        packedBytes -= weights.byteSize();
        weights.close();
    }

    void set(long tensor, long data, long offset, long size) {
        if (isHost()) {
            MemorySegment.copy(OffHeap.ALL, data, OffHeap.ALL, Ggml.data(tensor) + offset, size);
            return;
        }
        String name = Ggml.name(tensor);
        WeightPlan.Item item = load.plan().item(name);
        if (item == null || item.place() != WeightPlan.Place.PACKED) {
            throw new IllegalStateException("llama.cpp put " + name + " into the engine's memory, which was not planned");
        }
        if (offset != 0 || size != weightTensor(item, data).byteSize()) {
            throw new IllegalStateException("llama.cpp wrote " + size + " bytes at " + offset + " of " + name
                    + " instead of all of it");
        }
        if (!load.hasFailed()) {
            pack(tensor, item, data);
        }
    }

    /** Packs what the engine multiplies although it lies in host memory; called once the model is loaded. */
    void packHostTensors() {
        if (isHost()) {
            for (long tensor : entries.keySet().toArray(Long[]::new)) {
                WeightPlan.Item item = load.plan().item(Ggml.name(tensor));
                if (item != null && item.packs()) {
                    pack(tensor, item, Ggml.data(tensor));
                }
            }
        }
    }

    private void pack(long tensor, WeightPlan.Item item, long data) {
        PackedWeights weights = load.engine().pack(weightTensor(item, data), WorkerPool.shared());
        enter(tensor, new WeightTable.Entry(load.engine(), weights, item.experts()));
    }

    private static WeightTensor weightTensor(WeightPlan.Item item, long data) {
        ModelTensor tensor = item.tensor();
        return new WeightTensor(tensor.name(), tensor.type(), item.k(), item.rows(), item.experts(), data);
    }

    void get(long tensor, long data, long offset, long size) {
        if (!isHost()) {
            OffHeap.ALL.asSlice(data, size).fill((byte) 0);
            throw new IllegalStateException("llama.cpp asks for the weights " + Ggml.name(tensor)
                    + " back, which the engine holds in its own form; this model's graph uses them in an unforeseen way");
        }
        MemorySegment.copy(OffHeap.ALL, Ggml.data(tensor) + offset, OffHeap.ALL, data, size);
    }

    void fill(long tensor, byte value, long offset, long size) {
        if (isHost()) {
            OffHeap.ALL.asSlice(Ggml.data(tensor) + offset, size).fill(value);
        }
    }

    void clear(byte value) {
        if (isHost()) {
            LlamaCpp.ggml_backend_buffer_clear(memory, value);
        }
    }

    @Override
    public void close() {
        load.remove(this);
        entries.values().forEach(this::forget);
        entries.clear();
        if (isHost()) {
            LlamaCpp.ggml_backend_buffer_free(memory);
        }
    }
}
