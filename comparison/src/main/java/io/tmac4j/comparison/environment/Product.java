package io.tmac4j.comparison.environment;

import java.lang.module.ModuleDescriptor;
import java.util.Optional;

/** What this program is. */
public final class Product {

    private Product() {
    }

    /** The version that the build gave this module, or "development" when it runs outside of a packaged module. */
    public static String version() {
        return Optional.ofNullable(Product.class.getModule().getDescriptor())
                .flatMap(ModuleDescriptor::rawVersion)
                .or(() -> Optional.ofNullable(Product.class.getPackage().getImplementationVersion()))
                .orElse("development");
    }
}
