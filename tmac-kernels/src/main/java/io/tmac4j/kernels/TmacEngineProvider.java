package io.tmac4j.kernels;

import io.tmac4j.bindings.spi.MatMulEngine;
import io.tmac4j.bindings.spi.MatMulEngineProvider;
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
        boolean vectors = ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
        Optional<String> obstacle = obstacle(vectors, System.getProperty("java.vm.name", ""),
                System.getProperty("java.vm.info", ""));
        MatMulEngine engine;
        if (obstacle.isPresent()) {
            LOG.warn("The tmac engine computes in plain Java, very slowly: {}", obstacle.get());
            engine = new ScalarEngine(obstacle.get());
        } else {
            engine = new TmacEngine();
        }
        LOG.info("tmac engine: {}", engine.description());
        return engine;
    }

    /** Why vectors cannot be used and what to do about it, from the VM's properties; empty if they can. */
    static Optional<String> obstacle(boolean vectorModule, String vmName, String vmInfo) {
        if (!vectorModule) {
            return Optional.of("the module jdk.incubator.vector is missing; start Java with --add-modules jdk.incubator.vector");
        }
        if (vmInfo.contains("interpreted mode")) {
            return Optional.of("the VM only interprets; start Java without -Xint");
        }
        if (vmInfo.contains("emulated-client") || vmName.contains("Client")) {
            return Optional.of("the C2 compiler is off; start Java without -XX:TieredStopAtLevel and on a server VM");
        }
        return Optional.empty();
    }
}
