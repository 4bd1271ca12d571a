package io.tmac4j.kernels;

import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.LlamaCppLibrary;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** llama.cpp's own inner product of a type, from the CPU backend that it chose for this processor. */
@SuppressWarnings("restricted")
final class LlamaDot {

    private static final long FROM_FLOAT = 0;
    private static final long VEC_DOT = 8;
    private static final long VEC_DOT_TYPE = 16;
    private static final long TRAITS_BYTES = 32;
    private static final Linker LINKER = Linker.nativeLinker();
    private static final MethodHandle TRAITS = LINKER.downcallHandle(
            SymbolLookup.libraryLookup(backend(), Arena.global()).find("ggml_get_type_traits_cpu").orElseThrow(),
            FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.JAVA_INT));

    private final MethodHandle quantise;
    private final MethodHandle dot;
    private final GgmlType activationType;

    LlamaDot(GgmlType type) {
        MemorySegment traits = traits(type);
        activationType = GgmlType.ofId(traits.get(ValueLayout.JAVA_INT, VEC_DOT_TYPE)).orElseThrow();
        quantise = LINKER.downcallHandle(traits(activationType).get(ValueLayout.ADDRESS, FROM_FLOAT),
                FunctionDescriptor.ofVoid(ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));
        dot = LINKER.downcallHandle(traits.get(ValueLayout.ADDRESS, VEC_DOT),
                FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG,
                        ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_INT));
    }

    /** The file that llama.cpp's CPU backend has been loaded from. */
    private static Path backend() {
        LlamaCppLibrary library = LlamaCppLibrary.load();
        String ending = "ggml-cpu-" + library.cpuVariant();
        try (Stream<Path> files = Files.list(library.folder())) {
            return files.filter(file -> file.getFileName().toString().replaceFirst("\\.[a-z]+$", "").endsWith(ending))
                    .findFirst().orElseThrow(() -> new AssertionError("no " + ending + " in " + library.folder()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static MemorySegment traits(GgmlType type) {
        try {
            return ((MemorySegment) TRAITS.invokeExact(type.id())).reinterpret(TRAITS_BYTES);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** Weights and f32 activations at these addresses, multiplied as a decode step of llama.cpp does. */
    float product(long weights, long activations, int k) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment quantised = arena.allocate(activationType.rowBytes(k), 64);
            MemorySegment sum = arena.allocate(ValueLayout.JAVA_FLOAT);
            quantise.invokeExact(MemorySegment.ofAddress(activations), quantised, (long) k);
            dot.invokeExact(k, sum, 0L, MemorySegment.ofAddress(weights), 0L, quantised, 0L, 1);
            return sum.get(ValueLayout.JAVA_FLOAT, 0);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }
}
