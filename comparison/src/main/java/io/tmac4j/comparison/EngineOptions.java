package io.tmac4j.comparison;

import io.tmac4j.kernels.Tuner;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import picocli.CommandLine.Option;

/** What the commands that compute with the tmac engine can ask of it: system properties of the engine, as options. */
public final class EngineOptions {

    /** The engine's property for the mode of its tables. */
    private static final String MODE = "tmac.mode";

    /** Values of {@code --tune}. */
    enum Tune { OFF, AUTO, FIRST }

    @Option(names = "--tune", paramLabel = "off|auto|first",
            description = "Whether the tmac engine does as 'tmac tune' found best (auto, the default) or as shipped (off); "
                    + "first: measure for up to two seconds when a model is loaded whose type was not tuned.")
    void tune(Tune value) {
        System.setProperty(Tuner.PROPERTY, value.name().toLowerCase(Locale.ROOT));
    }

    /** Values of {@code --mode}. */
    enum Mode { EXACT, DEFAULT, FAST }

    @Option(names = "--mode", paramLabel = "exact|default|fast",
            description = "How the tmac engine looks up weights of one, two and, on some processors, three bits: exact "
                    + "(integers, as 8-bit activations give them; one bit at half the rate), default (tables of 8 bits), fast "
                    + "(of 7 bits, four times the error; one bit, Q2_0, TQ1_0 and TQ2_0). Scales of Q4_K, which those "
                    + "processors round to 8 bits, are not rounded in the exact mode.")
    void mode(Mode value) {
        System.setProperty(MODE, value.name().toLowerCase(Locale.ROOT));
    }

    /** Options of a Java VM whose engine shall work as the one of this VM does. */
    public static List<String> asProperties() {
        return Stream.of(Tuner.PROPERTY, MODE).filter(name -> System.getProperty(name) != null)
                .map(name -> "-D" + name + "=" + System.getProperty(name)).toList();
    }
}
