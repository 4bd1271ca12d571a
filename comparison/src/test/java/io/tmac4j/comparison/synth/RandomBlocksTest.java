package io.tmac4j.comparison.synth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tmac4j.bindings.GgmlType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class RandomBlocksTest {

    private static final int BLOCKS = 2000;

    /** A change of these bytes changes what a seed gives: raise {@code SyntheticModel.RECIPE} with it. */
    @Test
    void aSeedGivesTheSameBytesOnEveryPlatform() throws NoSuchAlgorithmException {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        for (GgmlType type : GgmlType.values()) {
            if (RandomBlocks.TYPES.contains(type)) {
                digest.update(blocks(type, 42));
            }
        }
        assertThat(HexFormat.of().formatHex(digest.digest()))
                .isEqualTo("5b412e18689750f607d4872e33d73e7adee61aeb75fea873f0d36f5f746ddf58");
    }

    @Test
    void anotherSeedGivesOtherBytes() {
        for (GgmlType type : RandomBlocks.TYPES) {
            assertThat(blocks(type, 1)).as(type.name()).isNotEqualTo(blocks(type, 2));
        }
    }

    @Test
    void ternaryTypesUseTheirThreeCodesOnlyAndEvenly() {
        int[] counts = new int[4];
        byte[] tq2 = blocks(GgmlType.TQ2_0, 42);
        for (int block = 0; block < BLOCKS; block++) {
            for (int i = 0; i < 64; i++) {
                for (int shift = 0; shift < 8; shift += 2) {
                    counts[tq2[block * 66 + i] >> shift & 3]++;
                }
            }
        }
        assertThat(counts[3]).isZero();
        for (int code = 0; code < 3; code++) {
            assertThat(counts[code]).isBetween(BLOCKS * 256 / 3 - 2000, BLOCKS * 256 / 3 + 2000);
        }

        byte[] tq1 = blocks(GgmlType.TQ1_0, 42);
        for (int block = 0; block < BLOCKS; block++) {
            for (int i = 0; i < 52; i++) {
                int stored = tq1[block * 54 + i] & 0xFF;
                int digits = stored * 243 >> 8;
                assertThat((digits * 256 + 242) / 243).as("five digits of the base 3, rounded up").isEqualTo(stored);
                assertThat(i < 48 || digits % 3 == 0).as("the tail holds four digits").isTrue();
            }
        }
    }

    @Test
    void everyScaleIsAFiniteNumber() {
        assertScalesAreFinite(GgmlType.Q4_0, 0);
        assertScalesAreFinite(GgmlType.Q4_1, 0, 2);
        assertScalesAreFinite(GgmlType.Q2_K, 80, 82);
        assertScalesAreFinite(GgmlType.Q3_K, 108);
        assertScalesAreFinite(GgmlType.Q4_K, 0, 2);
        assertScalesAreFinite(GgmlType.Q6_K, 208);
        assertScalesAreFinite(GgmlType.TQ2_0, 64);
    }

    @Test
    void typesWithoutARecipeAreRefused() {
        assertThatThrownBy(() -> new RandomBlocks(GgmlType.IQ2_XXS, 0, 1, false)).hasMessage("no random weights of type IQ2_XXS");
    }

    private static void assertScalesAreFinite(GgmlType type, int... offsets) {
        ByteBuffer bytes = ByteBuffer.wrap(blocks(type, 42)).order(ByteOrder.LITTLE_ENDIAN);
        for (int block = 0; block < BLOCKS; block++) {
            for (int offset : offsets) {
                float scale = Float.float16ToFloat(bytes.getShort(block * type.blockBytes() + offset));
                assertThat(Math.abs(scale)).as(type.name()).isBetween(1e-6f, 1f);
            }
        }
    }

    private static byte[] blocks(GgmlType type, long seed) {
        byte[] bytes = new byte[BLOCKS * type.blockBytes()];
        new RandomBlocks(type, 0, 1 / 64.0, false).fill(BlockRandom.of(seed, "blk.0.ffn_up.weight", 0), bytes, bytes.length);
        return bytes;
    }
}
