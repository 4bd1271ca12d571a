package io.tmac4j.bindings;

import io.tmac4j.bindings.spi.MatMulEngineProvider;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.ServiceLoader;
import java.util.stream.Collectors;

/**
 * Who computes the matrix products of a model: llama.cpp itself, or an engine found through {@link ServiceLoader}.
 *
 * @param name {@code llama.cpp}, or the name of a {@link MatMulEngineProvider}
 */
public record Engine(String name) {

    /** llama.cpp alone, the baseline. */
    public static final Engine LLAMA_CPP = new Engine("llama.cpp");

    /** The lookup-table kernels of tmac4j; available when their module is on the module path or class path. */
    public static final Engine TMAC = new Engine("tmac");

    public Engine {
        Objects.requireNonNull(name, "name");
    }

    /** The engines of this JVM: llama.cpp, then those of the providers found. */
    public static List<Engine> available() {
        List<Engine> engines = new ArrayList<>();
        engines.add(LLAMA_CPP);
        ServiceLoader.load(MatMulEngineProvider.class, Engine.class.getClassLoader()).stream()
                .map(ServiceLoader.Provider::get)
                .map(MatMulEngineProvider::name)
                .map(Engine::new)
                .filter(engine -> !engines.contains(engine))
                .forEach(engines::add);
        return List.copyOf(engines);
    }

    /**
     * The available engine of that name, in any case.
     *
     * @throws IllegalArgumentException naming the engines there are
     */
    public static Engine of(String name) {
        String wanted = name.toLowerCase(Locale.ROOT);
        List<Engine> engines = available();
        return engines.stream().filter(engine -> engine.name.equals(wanted)).findFirst().orElseThrow(() ->
                new IllegalArgumentException("there is no engine \"" + name + "\"; the engines are "
                        + engines.stream().map(Engine::name).collect(Collectors.joining(", "))));
    }

    /** Whether this is llama.cpp without any other engine. */
    public boolean isLlamaCpp() {
        return equals(LLAMA_CPP);
    }

    @Override
    public String toString() {
        return name;
    }
}
