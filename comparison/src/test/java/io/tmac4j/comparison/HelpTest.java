package io.tmac4j.comparison;

import static org.assertj.core.api.Assertions.assertThat;

import io.tmac4j.comparison.environment.Device;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;

class HelpTest {

    private static final Set<String> PICOCLIS_OWN = Set.of("help", "generate-completion");

    static List<String> commands() {
        return List.copyOf(Tmac.commandLine().getSubcommands().keySet());
    }

    @ParameterizedTest
    @MethodSource("commands")
    void everyCommandHasHelpWithItsOptionsAndExitCodes(String command) {
        CommandRun run = CommandRun.of("help", command);
        assertThat(run.exitCode()).isZero();
        assertThat(run.out()).contains("Usage: tmac " + command);
        if (!PICOCLIS_OWN.contains(command)) {
            assertThat(run.out()).contains("Examples:", "  tmac ", "Exit codes:");
        }
        CommandLine line = Tmac.commandLine().getSubcommands().get(command);
        assertThat(line.getCommandSpec().usageMessage().header()).as("a line of its own in the list of commands").isNotEmpty();
    }

    @Test
    void theManualPageHoldsEveryCommand() {
        CommandRun run = CommandRun.of("man");
        assertThat(run.exitCode()).isZero();
        assertThat(run.out()).startsWith(".TH TMAC 1").contains(".SS tmac compare", ".SS tmac generate",
                "\\fB\\-ctk, \\-\\-cache\\-type\\-k",
                ".SH EXIT STATUS").doesNotContain("%%");
        assertThat(run.out().lines()).noneMatch(line -> line.startsWith("'"));
    }

    @Test
    void charactersThatMeanSomethingInRoffAreEscaped() {
        assertThat(ManPage.escape(".a-b\\c")).isEqualTo("\\&.a\\-b\\ec");
    }

    @Test
    void completionKnowsTheCommands() {
        CommandRun run = CommandRun.of("generate-completion");
        assertThat(run.exitCode()).isZero();
        assertThat(run.out()).contains("compare", "--n-prompt", "race", "--slice", "complete -F");
    }

    @Test
    void devicesListThreadCountsThatCompareTakes() {
        CommandRun run = CommandRun.of("devices");
        assertThat(run.out()).contains("here", "m2 ", "x-elite", "-t 1,2,4,8,12");
        assertThat(CommandRun.of("compare", "--device", "toaster").err()).contains("x-elite");
        assertThat(CommandRun.of("compare", "--device", "m2", "-t", "1").exitCode()).isEqualTo(2);
        assertThat(Device.threadsHere()).contains(1).isSorted();
    }
}
