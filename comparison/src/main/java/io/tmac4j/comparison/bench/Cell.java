package io.tmac4j.comparison.bench;

import java.nio.file.Path;

/** One point of a sweep: a model, the settings, a test. All engines are measured on it. */
public record Cell(Path model, Settings settings, TestCase test) {

    /** How long the cell takes compared with others, roughly: a prompt token costs a fraction of a generated one. */
    double weight() {
        double batched = test.prompt() + (test.sequences() - 1) * test.generate();
        return (batched / 4 + test.generate() + test.depth() / 8.0) / settings.threads();
    }
}
