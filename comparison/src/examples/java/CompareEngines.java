///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 25
//DEPS io.tmac4j:tmac4j-kernels:0.1.0-SNAPSHOT
//RUNTIME_OPTIONS --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED

import io.tmac4j.bindings.ContextOptions;
import io.tmac4j.bindings.Engine;
import io.tmac4j.bindings.ModelOptions;
import io.tmac4j.bindings.SamplerOptions;
import io.tmac4j.bindings.Session;
import io.tmac4j.bindings.SessionOptions;
import io.tmac4j.bindings.TokenStream;

// Asks every engine of this JVM the same and shows what each says, and how fast. For a measurement to rely on, with warm-up and
// intervals, use "tmac compare". Arguments: a GGUF file and a text to continue.
void main(String[] arguments) {
    if (arguments.length != 2) {
        System.err.println("usage: CompareEngines MODEL.gguf TEXT");
        System.exit(2);
    }
    SessionOptions options = SessionOptions.defaults().withTemplate("").withSampler(SamplerOptions.greedy()).withMaxTokens(32)
            .withContext(ContextOptions.defaults().withContextSize(512));
    for (Engine engine : Engine.available()) {
        try (Session session = Session.open(Path.of(arguments[0]), ModelOptions.defaults().withEngine(engine), options);
                TokenStream answer = session.stream(arguments[1])) {
            answer.forEachRemaining(piece -> { });
            IO.println(String.format(Locale.ROOT, "%-10s %8.2f t/s  %s", engine.name(), answer.metrics().generationRate(),
                    answer.text().strip().replaceAll("\\s+", " ")));
        }
    }
}
