package io.tmac4j.kernels;

import io.tmac4j.bindings.spi.EngineVariant;
import io.tmac4j.bindings.spi.MatMulEngine;
import io.tmac4j.bindings.spi.MatMulEngineProvider;
import io.tmac4j.kernels.ablation.AblationEngine;
import io.tmac4j.kernels.ablation.Optimisation;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Opens the T-MAC engine: decides once what this VM can do, and says so. */
public final class TmacEngineProvider implements MatMulEngineProvider {

    private static final Logger LOG = LoggerFactory.getLogger(TmacEngineProvider.class);

    /** For {@link java.util.ServiceLoader}. */
    public TmacEngineProvider() {
    }

    @Override
    public String name() {
        return "tmac";
    }

    @Override
    public MatMulEngine open() {
        Optional<String> obstacle = obstacle();
        MatMulEngine engine;
        if (obstacle.isPresent()) {
            LOG.warn("The tmac engine computes in plain Java, {}", obstacle.get());
            engine = new ScalarEngine(obstacle.get());
        } else {
            engine = new TmacEngine();
        }
        LOG.info("tmac engine: {}", engine.description());
        return engine;
    }

    /** {@inheritDoc} They are those of {@link Optimisation}. */
    @Override
    public List<EngineVariant> variants() {
        return obstacle().isEmpty() ? AblationEngine.steps() : List.of();
    }

    /** Why this VM cannot use vectors. */
    static Optional<String> obstacle() {
        boolean vectors = ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
        Optional<String> obstacle = obstacle(vectors, System.getProperty("java.vm.name", ""),
                System.getProperty("java.vm.info", ""));
        if (obstacle.isEmpty() && System.getProperty(VectorWidth.PROPERTY) == null) {
            return withoutAvx(System.getProperty("os.arch"), VectorWidth.floatBits());
        }
        return obstacle;
    }

    /**
     * How slow it is without vectors, why they cannot be used and what to do about it, from the VM's properties; empty if they
     * can. The factors were measured with the demo model and two threads on an AMD Zen 3: 2200 tokens a second with vectors, 55
     * in plain Java, 11 by C1, 0.2 interpreted.
     */
    static Optional<String> obstacle(boolean vectorModule, String vmName, String vmInfo) {
        if (!vectorModule) {
            return Optional.of("about 40 times as slow as with vectors: "
                    + "the module jdk.incubator.vector is missing; start Java with --add-modules jdk.incubator.vector");
        }
        if (vmInfo.contains("interpreted mode")) {
            return Optional.of("about 10000 times as slow as with vectors: "
                    + "the VM only interprets; start Java without -Xint");
        }
        if (vmInfo.contains("emulated-client") || vmName.contains("Client")) {
            return Optional.of("about 200 times as slow as with vectors: "
                    + "the C2 compiler is off; start Java without -XX:TieredStopAtLevel and on a server VM");
        }
        return Optional.empty();
    }

    /**
     * Without AVX, C2 leaves vector operations to calls that allocate: 37 tokens a second in the measurement above, where plain
     * Java has 63 in the same VM.
     *
     * @param floatBits the widest vectors of floats; AVX has 256 bits of them, even where integers have 128
     */
    static Optional<String> withoutAvx(String architecture, int floatBits) {
        return List.of("amd64", "x86_64").contains(architecture) && floatBits < 256
                ? Optional.of("about 35 times as slow as with vectors, which would be slower still: this VM uses no AVX; "
                        + "start Java without -XX:UseAVX=0, on a processor that has AVX")
                : Optional.empty();
    }
}
