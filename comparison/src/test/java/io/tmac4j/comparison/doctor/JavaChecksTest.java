package io.tmac4j.comparison.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import io.tmac4j.comparison.doctor.Finding.Status;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class JavaChecksTest {

    private static final String SERVER = "OpenJDK 64-Bit Server VM";

    @Test
    void theReleaseThatIsMeasuredOnIsFine() {
        assertThat(JavaChecks.release(25, "25.0.3", "x").status()).isEqualTo(Status.OK);
        assertThat(JavaChecks.release(26, "26", "x").status()).isEqualTo(Status.WARNING);
    }

    @Test
    void onlyC2IsFine() {
        assertThat(compiler(SERVER, "mixed mode, sharing", "4", false)).isEqualTo(Status.OK);
        assertThat(compiler("Java HotSpot(TM) 64-Bit Server VM", "mixed mode", null, false)).isEqualTo(Status.OK);
        assertThat(compiler(SERVER, "interpreted mode, sharing", "4", false)).isEqualTo(Status.FIX);
        assertThat(compiler(SERVER, "mixed mode, emulated-client, sharing", "1", false)).isEqualTo(Status.FIX);
        assertThat(compiler(SERVER, "mixed mode, sharing", "3", false)).isEqualTo(Status.FIX);
        assertThat(compiler("OpenJDK 64-Bit Minimal VM", "mixed mode", null, false)).isEqualTo(Status.FIX);
        assertThat(compiler("Eclipse OpenJ9 VM", "JIT enabled", null, false)).isEqualTo(Status.FIX);
        assertThat(compiler(SERVER, "mixed mode", "4", true)).isEqualTo(Status.WARNING);
        assertThat(compiler(SERVER, "compiled mode", "4", false)).isEqualTo(Status.WARNING);
    }

    @Test
    void nativeAccessThatIsDeniedMustBeFixed() {
        assertThat(JavaChecks.nativeAccess(true, List.of()).status()).isEqualTo(Status.OK);
        assertThat(JavaChecks.nativeAccess(false, List.of()).status()).isEqualTo(Status.WARNING);
        assertThat(JavaChecks.nativeAccess(false, List.of("--illegal-native-access=deny")).status()).isEqualTo(Status.FIX);
    }

    @Test
    void flagsThatHurtAreNamed() {
        assertThat(flags(List.of("-Xmx4g", "-XX:+UseSerialGC"), "64", "251658240")).extracting(Finding::status)
                .containsExactly(Status.OK);
        assertThat(flags(List.of(), "64", null)).extracting(Finding::found).containsExactly("none");
        assertThat(flags(List.of("-XX:UseAVX=1", "-agentlib:jdwp=x", "-XX:-EnableVectorSupport"), "16", "1048576"))
                .extracting(Finding::status).containsExactly(Status.WARNING, Status.WARNING, Status.FIX, Status.WARNING,
                        Status.WARNING);
        assertThat(JavaChecks.flags(List.of(), Optional.of("16"), Optional.empty(), false)).extracting(Finding::status)
                .as("128 bits are all that NEON has").containsExactly(Status.OK);
    }

    @Test
    void translatedProgramsMustBeReplaced() {
        assertThat(JavaChecks.architecture("x86_64", true).status()).isEqualTo(Status.FIX);
        assertThat(JavaChecks.architecture("aarch64", false).status()).isEqualTo(Status.OK);
        assertThat(JavaChecks.vectorModule(false).status()).isEqualTo(Status.FIX);
    }

    private static List<Finding> flags(List<String> arguments, String vectorBytes, String codeCache) {
        return JavaChecks.flags(arguments, Optional.of(vectorBytes), Optional.ofNullable(codeCache), true);
    }

    private static Status compiler(String name, String info, String level, boolean graal) {
        return JavaChecks.compiler(name, info, Optional.ofNullable(level), graal).status();
    }
}
