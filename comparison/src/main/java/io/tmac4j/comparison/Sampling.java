package io.tmac4j.comparison;

import io.tmac4j.bindings.SamplerOptions;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/** How commands that write text choose tokens: llama-cli's options. */
final class Sampling {

    @Spec(Target.MIXEE)
    private CommandSpec spec;

    @Option(names = "--temp", paramLabel = "N",
            description = "Temperature; 0 always takes the likeliest token (default: ${DEFAULT-VALUE}).")
    private float temperature;

    @Option(names = "--top-k", paramLabel = "N",
            description = "Choose among so many tokens; 0 for all (default: ${DEFAULT-VALUE}).")
    private int topK = SamplerOptions.defaults().topK();

    @Option(names = "--top-p", paramLabel = "N",
            description = "Choose among the likeliest tokens up to this probability (default: ${DEFAULT-VALUE}).")
    private float topP = SamplerOptions.defaults().topP();

    @Option(names = "--min-p", paramLabel = "N",
            description = "Leave out tokens less likely than this part of the likeliest (default: ${DEFAULT-VALUE}).")
    private float minP = SamplerOptions.defaults().minP();

    @Option(names = "--repeat-penalty", paramLabel = "N",
            description = "Make recent tokens less likely; 1 for no penalty (default: ${DEFAULT-VALUE}).")
    private float repeatPenalty = SamplerOptions.defaults().repeatPenalty();

    @Option(names = "--repeat-last-n", paramLabel = "N", description = "How many tokens are recent (default: ${DEFAULT-VALUE}).")
    private int repeatWindow = SamplerOptions.defaults().repeatWindow();

    @Option(names = {"-s", "--seed"}, paramLabel = "N",
            description = "Seed of the choices; -1 for a new one each time (default: ${DEFAULT-VALUE}).")
    private long seed;

    /** The options with a command's own defaults. */
    Sampling(float temperature, long seed) {
        this.temperature = temperature;
        this.seed = seed;
    }

    /**
     * What was asked for.
     *
     * @throws ParameterException if a number is impossible
     */
    SamplerOptions options() {
        try {
            return SamplerOptions.defaults().withTemperature(temperature).withTopK(topK).withTopP(topP).withMinP(minP)
                    .withRepeatPenalty(repeatPenalty).withRepeatWindow(repeatWindow).withSeed(seed);
        } catch (IllegalArgumentException mistake) {
            throw new ParameterException(spec.commandLine(), mistake.getMessage(), mistake);
        }
    }
}
