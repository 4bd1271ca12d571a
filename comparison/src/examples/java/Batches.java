///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 25
//DEPS io.tmac4j:tmac4j-kernels:0.1.0-SNAPSHOT
//RUNTIME_OPTIONS --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED

import io.tmac4j.bindings.Batch;
import io.tmac4j.bindings.ContextOptions;
import io.tmac4j.bindings.Engine;
import io.tmac4j.bindings.LlamaContext;
import io.tmac4j.bindings.LlamaModel;
import io.tmac4j.bindings.ModelOptions;
import io.tmac4j.bindings.Sampler;
import io.tmac4j.bindings.SamplerOptions;

// Continues several texts at once: one batch holds a token of each, so that weights are read once for all of them.
// Arguments: a GGUF file, how many tokens each text gets, and the texts.
void main(String[] arguments) {
    if (arguments.length < 3) {
        System.err.println("usage: Batches MODEL.gguf TOKENS TEXT...");
        System.exit(2);
    }
    int length = Integer.parseInt(arguments[1]);
    List<String> texts = List.of(arguments).subList(2, arguments.length);
    int count = texts.size();
    ContextOptions options = ContextOptions.defaults().withMaxSequences(count).withContextSize(count * 512);
    try (LlamaModel model = LlamaModel.load(Path.of(arguments[0]), ModelOptions.defaults().withEngine(Engine.TMAC));
            LlamaContext context = model.newContext(options);
            Batch batch = new Batch(context.batchSize());
            Sampler sampler = Sampler.of(SamplerOptions.greedy())) {
        // where in the last batch the logits of each text are, or -1 once it has ended
        int[] last = new int[count];
        for (int text = 0; text < count; text++) {
            int[] tokens = model.tokenize(texts.get(text), true, false);
            for (int i = 0; i < tokens.length; i++) {
                batch.add(tokens[i], i, text, i == tokens.length - 1);
            }
            last[text] = batch.size() - 1;
        }
        List<StringBuilder> answers = texts.stream().map(StringBuilder::new).toList();
        for (int i = 0; i < length && batch.size() > 0; i++) {
            context.decode(batch);
            batch.clear();
            int[] chosen = new int[count];
            for (int text = 0; text < count; text++) {
                chosen[text] = last[text] < 0 ? -1 : sampler.sample(context, last[text]);
            }
            for (int text = 0; text < count; text++) {
                if (chosen[text] < 0 || model.isEndOfGeneration(chosen[text])) {
                    last[text] = -1;
                } else {
                    answers.get(text).append(model.detokenize(new int[] {chosen[text]}, false, false));
                    last[text] = batch.size();
                    batch.add(chosen[text], context.position(text), text, true);
                }
            }
        }
        answers.forEach(answer -> IO.println("- " + answer.toString().strip().replaceAll("\\s+", " ")));
    }
}
