package io.tmac4j.comparison;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TmacTest {

    @Test
    void withoutArgumentsItPrintsItsHelp() {
        CommandRun run = CommandRun.of();
        assertThat(run.exitCode()).isZero();
        assertThat(run.out()).contains("Usage:", "version", "Exit codes:");
        assertThat(run.err()).isEmpty();
    }

    @Test
    void anUnknownCommandIsOneSentenceAndExitCodeTwo() {
        CommandRun run = CommandRun.of("fly");
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.out()).isEmpty();
        assertThat(run.err()).hasLineCount(1).startsWith("tmac: ").contains("fly", "--help");
    }

    @Test
    void aMistypedCommandIsAnsweredWithTheOneThatIsMeant() {
        assertThat(CommandRun.of("genrate").err()).hasLineCount(1)
                .startsWith("tmac: there is no command 'genrate'; did you mean ").contains("generate", "?");
    }

    @Test
    void versionNamesThisProgramAndTheJavaVm() {
        CommandRun run = CommandRun.of("version");
        assertThat(run.exitCode()).isZero();
        assertThat(run.out()).contains("tmac4j", "Java");
        assertThat(CommandRun.of("--version").out()).isEqualTo(run.out());
    }
}
