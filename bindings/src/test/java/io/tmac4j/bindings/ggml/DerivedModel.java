package io.tmac4j.bindings.ggml;

import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.LlamaCppLibrary;
import io.tmac4j.bindings.Models;
import io.tmac4j.bindings.generated.LlamaCpp;
import io.tmac4j.bindings.generated.ggml_init_params;
import io.tmac4j.bindings.generated.ggml_tensor;
import io.tmac4j.bindings.generated.ggml_to_float_t;
import io.tmac4j.bindings.generated.ggml_type_traits;
import io.tmac4j.bindings.generated.gguf_init_params;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Random;
import java.util.function.BiConsumer;
import java.util.function.UnaryOperator;

/** The demo model with its matrices in other types, or as a mixture of experts, written by ggml itself. */
final class DerivedModel implements AutoCloseable {

    private static final int EXPERTS = 4;
    private static final int EXPERTS_USED = 2;
    private static final int LAYERS = 4;
    private static final long CONTEXT_BYTES = 256L << 20;

    private final Arena arena = Arena.ofConfined();
    private final MemorySegment source;
    private final MemorySegment sourceTensors;
    private final MemorySegment target;
    private final MemorySegment targetTensors;
    private BiConsumer<String, MemorySegment> change = (_, _) -> { };

    private DerivedModel() {
        LlamaCppLibrary.load();
        MemorySegment holder = arena.allocate(ValueLayout.ADDRESS);
        MemorySegment parameters = gguf_init_params.allocate(arena);
        gguf_init_params.no_alloc(parameters, false);
        gguf_init_params.ctx(parameters, holder);
        source = LlamaCpp.gguf_init_from_file(text(Models.demo().toString()), parameters);
        sourceTensors = holder.get(ValueLayout.ADDRESS, 0);
        target = LlamaCpp.gguf_init_empty();
        LlamaCpp.gguf_set_kv(target, source);
        MemorySegment init = ggml_init_params.allocate(arena);
        ggml_init_params.mem_size(init, CONTEXT_BYTES);
        ggml_init_params.mem_buffer(init, MemorySegment.NULL);
        ggml_init_params.no_alloc(init, false);
        targetTensors = LlamaCpp.ggml_init(init);
    }

    /** The demo model with all matrices of its layers, and its embedding, which is its head too, in the given types. */
    static Path dense(Path folder, GgmlType layers, GgmlType embedding) {
        Path file = folder.resolve("dense-" + layers + "-" + embedding + ".gguf");
        try (DerivedModel model = new DerivedModel()) {
            model.copyTensors(name -> name, layers, embedding);
            model.write(file);
        }
        return file;
    }

    /** The demo model in f32, its tensors as {@code change} leaves them. */
    static Path changed(Path folder, BiConsumer<String, MemorySegment> change) {
        Path file = folder.resolve("changed.gguf");
        try (DerivedModel model = new DerivedModel()) {
            model.change = change;
            model.copyTensors(name -> name, GgmlType.F32, GgmlType.F32);
            model.write(file);
        }
        return file;
    }

    /** A mixture of four experts, of which two are used: those of layer l are the feed-forward networks of all layers. */
    static Path experts(Path folder, GgmlType layers) {
        Path file = folder.resolve("experts-" + layers + ".gguf");
        try (DerivedModel model = new DerivedModel()) {
            LlamaCpp.gguf_set_val_u32(model.target, model.text("llama.expert_count"), EXPERTS);
            LlamaCpp.gguf_set_val_u32(model.target, model.text("llama.expert_used_count"), EXPERTS_USED);
            model.copyTensors(name -> name.matches(".*\\.ffn_(gate|up|down)\\.weight") ? null : name, layers, GgmlType.Q8_0);
            for (int layer = 0; layer < LAYERS; layer++) {
                model.addRouter(layer);
                for (String part : new String[] {"gate", "up", "down"}) {
                    model.addExperts(layer, part, layers);
                }
            }
            model.write(file);
        }
        return file;
    }

    private MemorySegment text(String text) {
        return arena.allocateFrom(text);
    }

    private void copyTensors(UnaryOperator<String> name, GgmlType layers, GgmlType embedding) {
        for (long i = 0; i < LlamaCpp.gguf_get_n_tensors(source); i++) {
            String found = LlamaCpp.gguf_get_tensor_name(source, i).getString(0);
            MemorySegment struct = Ggml.struct(find(found), ggml_tensor.sizeof());
            String wanted = name.apply(found);
            boolean matrix = ggml_tensor.ne(struct, 1) > 1;
            if (wanted != null) {
                GgmlType type = !matrix ? GgmlType.F32 : found.startsWith("token_embd") ? embedding : layers;
                MemorySegment copy = add(wanted, type, ggml_tensor.ne(struct, 0), ggml_tensor.ne(struct, 1), 1);
                MemorySegment floats = floats(found);
                change.accept(wanted, floats);
                quantise(floats, type, data(copy), ggml_tensor.ne(struct, 0));
            }
        }
    }

    private void addRouter(int layer) {
        Random random = new Random(layer);
        long k = Ggml.ne(find("blk.0.ffn_gate.weight").address(), 0);
        MemorySegment router = add("blk." + layer + ".ffn_gate_inp.weight", GgmlType.F32, k, EXPERTS, 1);
        for (long i = 0; i < k * EXPERTS; i++) {
            data(router).setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextGaussian());
        }
    }

    private void addExperts(int layer, String part, GgmlType type) {
        long model = find("blk.0.ffn_" + part + ".weight").address();
        long k = Ggml.ne(model, 0);
        long rows = Ggml.ne(model, 1);
        MemorySegment experts = add("blk." + layer + ".ffn_" + part + "_exps.weight", type, k, rows, EXPERTS);
        long bytes = type.rowBytes(k) * rows;
        for (int expert = 0; expert < EXPERTS; expert++) {
            MemorySegment floats = floats("blk." + (layer + expert) % LAYERS + ".ffn_" + part + ".weight");
            quantise(floats, type, data(experts).asSlice(expert * bytes, bytes), k);
        }
    }

    private MemorySegment find(String name) {
        return LlamaCpp.ggml_get_tensor(sourceTensors, text(name));
    }

    private MemorySegment floats(String name) {
        MemorySegment tensor = Ggml.struct(find(name), ggml_tensor.sizeof());
        long count = ggml_tensor.ne(tensor, 0) * ggml_tensor.ne(tensor, 1);
        MemorySegment floats = arena.allocate(ValueLayout.JAVA_FLOAT, count);
        MemorySegment raw = LlamaCpp.ggml_get_data(tensor);
        if (ggml_tensor.type(tensor) == Ggml.TYPE_F32) {
            floats.copyFrom(Ggml.struct(raw, floats.byteSize()));
        } else {
            MemorySegment traits = LlamaCpp.ggml_get_type_traits(ggml_tensor.type(tensor));
            traits = Ggml.struct(traits, ggml_type_traits.sizeof());
            ggml_to_float_t.invoke(ggml_type_traits.to_float(traits), raw, floats, count);
        }
        return floats;
    }

    private MemorySegment add(String name, GgmlType type, long k, long rows, long experts) {
        MemorySegment tensor = experts == 1 && rows == 1 ? LlamaCpp.ggml_new_tensor_1d(targetTensors, type.id(), k)
                : experts == 1 ? LlamaCpp.ggml_new_tensor_2d(targetTensors, type.id(), k, rows)
                : LlamaCpp.ggml_new_tensor_3d(targetTensors, type.id(), k, rows, experts);
        LlamaCpp.ggml_set_name(tensor, text(name));
        LlamaCpp.gguf_add_tensor(target, tensor);
        return tensor;
    }

    private static MemorySegment data(MemorySegment tensor) {
        return Ggml.struct(LlamaCpp.ggml_get_data(tensor), CONTEXT_BYTES);
    }

    private void quantise(MemorySegment floats, GgmlType type, MemorySegment into, long k) {
        if (type == GgmlType.F32) {
            into.copyFrom(floats);
            return;
        }
        MemorySegment importance = arena.allocate(ValueLayout.JAVA_FLOAT, k);
        for (long i = 0; i < k; i++) {
            importance.setAtIndex(ValueLayout.JAVA_FLOAT, i, 1);
        }
        LlamaCpp.ggml_quantize_chunk(type.id(), floats, into, 0, floats.byteSize() / Float.BYTES / k, k, importance);
    }

    private void write(Path file) {
        if (!LlamaCpp.gguf_write_to_file(target, text(file.toString()), false)) {
            throw new IllegalStateException("cannot write " + file);
        }
    }

    @Override
    public void close() {
        LlamaCpp.ggml_free(targetTensors);
        LlamaCpp.gguf_free(target);
        LlamaCpp.ggml_free(sourceTensors);
        LlamaCpp.gguf_free(source);
        arena.close();
    }
}
