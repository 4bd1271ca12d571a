package io.tmac4j.bindings;

import io.tmac4j.bindings.generated.LlamaCpp;
import io.tmac4j.bindings.generated.llama_batch;
import io.tmac4j.bindings.generated.llama_context_params;
import io.tmac4j.bindings.generated.llama_model_params;
import io.tmac4j.bindings.generated.llama_sampler_chain_params;
import io.tmac4j.bindings.generated.llama_token_data;
import io.tmac4j.bindings.generated.llama_token_data_array;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/**
 * Compares the generated bindings with the libraries that are loaded, before anything else is done with them. The structs
 * that go by value have no version: one of another release would be read from wrong places, silently or with a crash.
 */
final class LibraryProbes {

    /** The release these bindings were generated from; builds say "0.4.0-dev" for it. */
    static final String RELEASE = "0.4.0";

    /** More than any of the structs; what a function writes beyond its struct shows here. */
    private static final long CANARY_BYTES = 1024;

    private LibraryProbes() {
    }

    /**
     * Runs all probes.
     *
     * @throws NativeLibraryException naming the first difference, what was expected and what was found
     */
    static void check() {
        version(RELEASE, LlamaCpp.llama_version().getString(0));
        structures();
        modelDefaults();
        contextDefaults();
        batch();
        for (GgmlType type : GgmlType.values()) {
            type(type.id(), type.ggmlName(), type.blockSize(), type.blockBytes());
        }
    }

    /** A release with or without a "v" before it and a suffix like "-dev" after it. */
    static void version(String expected, String found) {
        String release = found.startsWith("v") ? found.substring(1) : found;
        int suffix = release.indexOf('-');
        expect("llama.cpp's version", expected, suffix < 0 ? release : release.substring(0, suffix));
    }

    private static void structures() {
        written("llama_model_params", llama_model_params.load_mtp$offset() + 1, llama_model_params.sizeof(),
                LlamaCpp::llama_model_default_params);
        written("llama_context_params", llama_context_params.ctx_other$offset() + Long.BYTES, llama_context_params.sizeof(),
                LlamaCpp::llama_context_default_params);
        written("llama_sampler_chain_params", llama_sampler_chain_params.sizeof(), llama_sampler_chain_params.sizeof(),
                LlamaCpp::llama_sampler_chain_default_params);
        expect("sizeof(llama_token_data)", 12L, llama_token_data.sizeof());
        expect("offset of llama_token_data_array.sorted", 24L, llama_token_data_array.sorted$offset());
    }

    /**
     * How many bytes a function writes when it returns a struct: the struct's size less its padding, if the library and the
     * bindings agree, or with it, as compilers do for AArch64. Found by two fillings, of which at least one differs from each
     * byte that is written.
     */
    static void written(String struct, long expected, long size, Function<SegmentAllocator, MemorySegment> function) {
        try (Arena arena = Arena.ofConfined()) {
            long found = 0;
            for (byte filling : new byte[] {0x5A, (byte) 0xA5}) {
                MemorySegment canary = arena.allocate(CANARY_BYTES, Long.BYTES).fill(filling);
                MemorySegment result = function.apply((bytes, alignment) -> canary.asSlice(0, bytes));
                if (result.address() != canary.address()) {
                    // small structs come back in registers, and what was written is the struct
                    MemorySegment.copy(result, 0, canary, 0, result.byteSize());
                }
                long last = CANARY_BYTES;
                while (last > 0 && canary.get(ValueLayout.JAVA_BYTE, last - 1) == filling) {
                    last--;
                }
                found = Math.max(found, last);
            }
            boolean padded = found > expected && found <= size;
            expect("the bytes of " + struct + " (" + size + " with padding)", expected, padded ? expected : found);
        }
    }

    /** Fields that changed places show in the values: the defaults of neighbours differ. */
    private static void modelDefaults() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment params = LlamaCpp.llama_model_default_params(arena);
            Map<String, Object> found = new LinkedHashMap<>();
            found.put("n_gpu_layers", llama_model_params.n_gpu_layers(params));
            found.put("split_mode", llama_model_params.split_mode(params));
            found.put("load_mode", llama_model_params.load_mode(params));
            found.put("lazy_mode", llama_model_params.lazy_mode(params));
            found.put("main_gpu", llama_model_params.main_gpu(params));
            found.put("vocab_only", llama_model_params.vocab_only(params));
            found.put("check_tensors", llama_model_params.check_tensors(params));
            found.put("use_extra_bufts", llama_model_params.use_extra_bufts(params));
            found.put("no_host", llama_model_params.no_host(params));
            found.put("no_alloc", llama_model_params.no_alloc(params));
            found.put("load_mtp", llama_model_params.load_mtp(params));
            Map<String, Object> expected = new LinkedHashMap<>();
            expected.put("n_gpu_layers", -1);
            expected.put("split_mode", LlamaCpp.LLAMA_SPLIT_MODE_LAYER());
            expected.put("load_mode", LlamaCpp.LLAMA_LOAD_MODE_AUTO());
            expected.put("lazy_mode", LlamaCpp.LLAMA_LAZY_MODE_AUTO());
            expected.put("main_gpu", 0);
            expected.put("vocab_only", false);
            expected.put("check_tensors", false);
            expected.put("use_extra_bufts", true);
            expected.put("no_host", false);
            expected.put("no_alloc", false);
            expected.put("load_mtp", false);
            defaults("llama_model_params", expected, found);
        }
    }

    private static void contextDefaults() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment params = LlamaCpp.llama_context_default_params(arena);
            Map<String, Object> found = new LinkedHashMap<>();
            found.put("n_ctx", llama_context_params.n_ctx(params));
            found.put("n_batch", llama_context_params.n_batch(params));
            found.put("n_ubatch", llama_context_params.n_ubatch(params));
            found.put("n_seq_max", llama_context_params.n_seq_max(params));
            found.put("flash_attn_type", llama_context_params.flash_attn_type(params));
            found.put("yarn_ext_factor", llama_context_params.yarn_ext_factor(params));
            found.put("defrag_thold", llama_context_params.defrag_thold(params));
            found.put("type_k", llama_context_params.type_k(params));
            found.put("type_v", llama_context_params.type_v(params));
            found.put("embeddings", llama_context_params.embeddings(params));
            found.put("offload_kqv", llama_context_params.offload_kqv(params));
            found.put("no_perf", llama_context_params.no_perf(params));
            found.put("op_offload", llama_context_params.op_offload(params));
            found.put("swa_full", llama_context_params.swa_full(params));
            found.put("kv_unified", llama_context_params.kv_unified(params));
            Map<String, Object> expected = new LinkedHashMap<>();
            expected.put("n_ctx", 512);
            expected.put("n_batch", 2048);
            expected.put("n_ubatch", 512);
            expected.put("n_seq_max", 1);
            expected.put("flash_attn_type", LlamaCpp.LLAMA_FLASH_ATTN_TYPE_AUTO());
            expected.put("yarn_ext_factor", -1f);
            expected.put("defrag_thold", -1f);
            expected.put("type_k", LlamaCpp.GGML_TYPE_F16());
            expected.put("type_v", LlamaCpp.GGML_TYPE_F16());
            expected.put("embeddings", false);
            expected.put("offload_kqv", true);
            expected.put("no_perf", true);
            expected.put("op_offload", true);
            expected.put("swa_full", true);
            expected.put("kv_unified", false);
            defaults("llama_context_params", expected, found);
        }
    }

    static void defaults(String struct, Map<String, Object> expected, Map<String, Object> found) {
        expected.forEach((field, value) -> expect("the default of " + struct + "." + field, value, found.get(field)));
    }

    private static void batch() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment batch = LlamaCpp.llama_batch_init(arena, 4, 0, 1);
            expect("llama_batch.n_tokens", 0, llama_batch.n_tokens(batch));
            expect("llama_batch.embd", 0L, llama_batch.embd(batch).address());
            expect("llama_batch.logits set", true, llama_batch.logits(batch).address() != 0);
            LlamaCpp.llama_batch_free(batch);
        }
    }

    /** A type of weights as the library knows it. */
    static void type(int id, String name, long blockSize, long blockBytes) {
        expect("the name of type " + id, name, LlamaCpp.ggml_type_name(id).getString(0));
        expect("the weights in a block of " + name, blockSize, LlamaCpp.ggml_blck_size(id));
        expect("the bytes in a block of " + name, blockBytes, LlamaCpp.ggml_type_size(id));
    }

    private static void expect(String what, Object expected, Object found) {
        if (!Objects.equals(expected, found)) {
            throw new NativeLibraryException("the llama.cpp libraries do not fit these bindings: " + what + " was expected to be "
                    + expected + " and is " + found + "; use the libraries of llama.cpp v" + RELEASE);
        }
    }
}
