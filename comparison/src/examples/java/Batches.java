///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 25
//DEPS io.tmac4j:tmac4j-kernels:0.1.0-SNAPSHOT
//RUNTIME_OPTIONS --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED

import io.tmac4j.bindings.ContextOptions;
import io.tmac4j.bindings.Engine;
import io.tmac4j.bindings.LlamaContext;
import io.tmac4j.bindings.LlamaModel;
import io.tmac4j.bindings.ModelOptions;
import io.tmac4j.bindings.ParallelGenerator;
import io.tmac4j.bindings.ParallelSequence;
import io.tmac4j.bindings.SamplerOptions;

// Continues several texts at once: a batch holds a token of each, so that weights are read once for all of them.
// Arguments: a GGUF file, how many tokens each text gets, and the texts.
void main(String[] arguments) {
    if (arguments.length < 3) {
        System.err.println("usage: Batches MODEL.gguf TOKENS TEXT...");
        System.exit(2);
    }
    int length = Integer.parseInt(arguments[1]);
    List<String> texts = List.of(arguments).subList(2, arguments.length);
    ContextOptions options = ContextOptions.defaults().withMaxSequences(texts.size()).withContextSize(texts.size() * 512);
    try (LlamaModel model = LlamaModel.load(Path.of(arguments[0]), ModelOptions.defaults().withEngine(Engine.TMAC));
            LlamaContext context = model.newContext(options);
            ParallelGenerator generator = ParallelGenerator.of(context)) {
        List<ParallelSequence> answers = texts.stream()
                .map(text -> generator.add(model.tokenize(text, true, false), SamplerOptions.greedy(), length)).toList();
        generator.run();
        for (int i = 0; i < texts.size(); i++) {
            IO.println("- " + (texts.get(i) + answers.get(i).text()).strip().replaceAll("\\s+", " "));
        }
    }
}
