///usr/bin/env jbang "$0" "$@" ; exit $?
//JAVA 25
//DEPS io.tmac4j:tmac4j-kernels:0.1.0-SNAPSHOT
//RUNTIME_OPTIONS --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED

import io.tmac4j.bindings.ContextOptions;
import io.tmac4j.bindings.Engine;
import io.tmac4j.bindings.ModelOptions;
import io.tmac4j.bindings.Session;
import io.tmac4j.bindings.SessionOptions;

// A conversation on the terminal: one line a turn, an empty line or the end of input ends it. "/llama.cpp" and "/tmac" change
// the engine on the way. Arguments: a GGUF file.
void main(String[] arguments) {
    if (arguments.length != 1) {
        System.err.println("usage: Chat MODEL.gguf");
        System.exit(2);
    }
    SessionOptions options = SessionOptions.defaults().withSystem("You answer briefly.").withMaxTokens(100)
            .withContext(ContextOptions.defaults().withContextSize(2048));
    try (Session session = Session.open(Path.of(arguments[0]), ModelOptions.defaults().withEngine(Engine.TMAC), options)) {
        for (String line = IO.readln("> "); line != null && !line.isBlank(); line = IO.readln("\n> ")) {
            if (line.startsWith("/")) {
                session.switchEngine(Engine.of(line.substring(1)));
                IO.println("(" + session.engine() + ")");
            } else {
                session.ask(line, IO::print);
            }
        }
    }
}
