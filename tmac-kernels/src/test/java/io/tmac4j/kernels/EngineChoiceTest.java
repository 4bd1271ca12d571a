package io.tmac4j.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** What is chosen for a VM. */
@Tag("processors")
class EngineChoiceTest {

    private static final String SERVER = "OpenJDK 64-Bit Server VM";
    private static final String MIXED = "mixed mode, sharing";

    /** The build starts VMs of many kinds and says what each of them shall choose. */
    @Test
    @EnabledIfSystemProperty(named = "tmac.test.engine", matches = ".+")
    void thisVmHasTheEngineThatItWasStartedFor() {
        assertThat(new TmacEngineProvider().open().description()).contains(System.getProperty("tmac.test.engine"));
    }

    @Test
    void aServerVmWithTheVectorModuleHasNoObstacle() {
        assertThat(TmacEngineProvider.obstacle(true, SERVER, MIXED)).isEmpty();
    }

    @Test
    void everyObstacleSaysWhatToDo() {
        assertThat(TmacEngineProvider.obstacle(false, SERVER, MIXED).orElseThrow())
                .contains("--add-modules jdk.incubator.vector");
        assertThat(TmacEngineProvider.obstacle(true, SERVER, "interpreted mode, sharing").orElseThrow())
                .contains("without -Xint");
        assertThat(TmacEngineProvider.obstacle(true, SERVER, "mixed mode, emulated-client, sharing").orElseThrow())
                .contains("without -XX:TieredStopAtLevel");
        assertThat(TmacEngineProvider.obstacle(true, "OpenJDK 64-Bit Client VM", MIXED).orElseThrow()).contains("server VM");
        assertThat(TmacEngineProvider.withoutAvx("amd64", 128).orElseThrow()).contains("without -XX:UseAVX=0");
    }

    @Test
    void everyObstacleSaysHowSlowItMakesTheEngine() {
        assertThat(Stream.of(TmacEngineProvider.obstacle(false, SERVER, MIXED),
                TmacEngineProvider.obstacle(true, SERVER, "mixed mode, emulated-client, sharing"),
                TmacEngineProvider.obstacle(true, SERVER, "interpreted mode, sharing"),
                TmacEngineProvider.withoutAvx("x86_64", 128))).allSatisfy(
                        reason -> assertThat(reason.orElseThrow()).matches("about [0-9]+ times as slow as with vectors.*: .*"));
    }

    @Test
    void vectorsAreUsedWithAvxAndOnOtherProcessors() {
        assertThat(TmacEngineProvider.withoutAvx("amd64", 256)).isEmpty();
        assertThat(TmacEngineProvider.withoutAvx("aarch64", 128)).isEmpty();
    }

    @Test
    void vectorsAreAsWideAsTheProcessorShuffles() {
        String zen4 = "flags\t\t: fpu avx2 avx512f avx512bw avx512_vbmi gfni";
        String cascadeLake = "flags\t\t: fpu avx2 avx512f avx512bw avx512_vnni";
        assertThat(VectorWidth.choose(null, null, 512, zen4).bits()).isEqualTo(512);
        assertThat(VectorWidth.choose(null, null, 512, cascadeLake).bits()).isEqualTo(256);
        assertThat(VectorWidth.choose("512", null, 512, cascadeLake).bits()).isEqualTo(512);
        assertThat(VectorWidth.choose(null, null, 512, "").bits()).isEqualTo(512);
        assertThat(VectorWidth.choose(null, null, 256, "").bits()).isEqualTo(256);
        assertThat(VectorWidth.choose(null, null, 128, "").bits()).isEqualTo(128);
        assertThatThrownBy(() -> VectorWidth.choose("64", null, 256, "")).isInstanceOf(IllegalStateException.class)
                .hasMessage("the property tmac.vector.bits is 64; give 128, 256 or 512");
        assertThat(VectorWidth.chooseOrIgnore("64", "128", 256, "").lookupBits()).isEqualTo(256);
    }

    @Test
    void lookupsAreOf128BitsWhereTheProcessorComputesInHalves() {
        String zen = "vendor_id\t: AuthenticAMD\ncpu family\t: 23\nmodel\t\t: 1\nmodel name\t: AMD EPYC 7601\nflags\t\t: avx2";
        assertThat(VectorWidth.choose(null, null, 256, zen)).extracting(VectorWidth::bits, VectorWidth::lookupBits)
                .containsExactly(256, 128);
        assertThat(VectorWidth.choose(null, null, 256, zen).multipliesSlowly()).isTrue();
        assertThat(VectorWidth.choose(null, null, 256, "").multipliesSlowly()).isFalse();
        assertThat(VectorWidth.choose(null, null, 128, "").multipliesSlowly()).isFalse();
        assertThat(VectorWidth.choose(null, "256", 256, zen).lookupBits()).isEqualTo(256);
        assertThat(VectorWidth.choose("256", null, 256, zen).lookupBits()).isEqualTo(256);
        String zen2 = zen.replace("model\t\t: 1\n", "model\t\t: 49\n");
        assertThat(VectorWidth.choose(null, null, 256, zen2).lookupBits()).isEqualTo(256);
        assertThat(VectorWidth.choose(null, "128", 256, "").lookupBits()).isEqualTo(128);
        assertThatThrownBy(() -> VectorWidth.choose(null, "512", 256, "")).isInstanceOf(IllegalStateException.class)
                .hasMessage("the property tmac.lookup.bits is 512; give 128 or 256");
        assertThat(VectorWidth.computesInHalves("AMD64 Family 23 Model 17 Stepping 0, AuthenticAMD")).isTrue();
        assertThat(VectorWidth.computesInHalves("AMD64 Family 21 Model 101 Stepping 1, AuthenticAMD")).isTrue();
        assertThat(VectorWidth.computesInHalves("AMD64 Family 25 Model 33 Stepping 2, AuthenticAMD")).isFalse();
        assertThat(VectorWidth.computesInHalves("Intel64 Family 6 Model 151 Stepping 2, GenuineIntel")).isFalse();
        assertThat(VectorWidth.computesInHalves("vendor_id\t: HygonGenuine\ncpu family\t: 24\nmodel\t\t: 0")).isTrue();
        assertThat(VectorWidth.computesInHalves("")).isFalse();
    }
}
