package io.tmac4j.comparison;

import io.tmac4j.comparison.output.Terminal;
import io.tmac4j.comparison.synth.DemoModel;
import java.io.IOException;
import java.util.List;

/** What the build of an image runs, so that its AOT cache holds the classes that commands need first. */
final class AotTraining {

    private AotTraining() {
    }

    public static void main(String[] arguments) throws IOException {
        String demo = DemoModel.file().toString();
        for (List<String> command : List.of(
                List.of("version"),
                List.of("generate", "-m", demo, "-e", "llama.cpp", "-n", "16", "ROMEO:"),
                List.of("generate", "-m", demo, "-e", "tmac", "-n", "16", "ROMEO:"),
                List.of("compare", "-m", demo, "-p", "16", "-n", "4", "-r", "1"),
                List.of("doctor"))) {
            int exitCode = Tmac.run(Terminal.out(), Terminal.err(), command.toArray(String[]::new));
            // doctor fails on a computer that has something to fix
            if (exitCode != 0 && !command.getFirst().equals("doctor")) {
                System.exit(exitCode);
            }
        }
    }
}
