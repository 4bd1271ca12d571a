///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 25
//DEPS io.tmac4j:tmac4j-kernels:0.1.0-SNAPSHOT
//RUNTIME_OPTIONS --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED

import io.tmac4j.bindings.ContextOptions;
import io.tmac4j.bindings.Engine;
import io.tmac4j.bindings.LlamaContext;
import io.tmac4j.bindings.LlamaModel;
import io.tmac4j.bindings.ModelOptions;

// Which text is nearest to the first one: cosine of the embeddings of their last tokens. Arguments: a GGUF file and the texts.
void main(String[] arguments) {
    if (arguments.length < 3) {
        System.err.println("usage: Embeddings MODEL.gguf TEXT TEXT...");
        System.exit(2);
    }
    try (LlamaModel model = LlamaModel.load(Path.of(arguments[0]), ModelOptions.defaults().withEngine(Engine.TMAC));
            LlamaContext context = model.newContext(ContextOptions.defaults().withContextSize(512).withEmbeddings(true))) {
        float[] first = embedding(model, context, arguments[1]);
        for (int i = 2; i < arguments.length; i++) {
            double likeness = cosine(first, embedding(model, context, arguments[i]));
            IO.println(String.format(Locale.ROOT, "%.4f  %s", likeness, arguments[i]));
        }
    }
}

float[] embedding(LlamaModel model, LlamaContext context, String text) {
    context.clear();
    context.decode(model.tokenize(text, true, false));
    return context.embeddings(-1);
}

double cosine(float[] a, float[] b) {
    double dot = 0;
    double squareA = 0;
    double squareB = 0;
    for (int i = 0; i < a.length; i++) {
        dot += a[i] * b[i];
        squareA += a[i] * a[i];
        squareB += b[i] * b[i];
    }
    return dot / Math.sqrt(squareA * squareB);
}
