package io.tmac4j.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TriplesTest {

    @Test
    void everyWeightOfABlockHasOnePlace() {
        for (LookupForm pairs : new LookupForm[] {LookupForm.TQ1_0, LookupForm.TQ2_0}) {
            int[] places = pairs.triples().order().clone();
            Arrays.sort(places);
            assertThat(places).isEqualTo(IntStream.range(0, 256).toArray());
        }
        boolean[] seen = new boolean[256];
        for (int table = 0; table < Triples.TABLES; table++) {
            for (int i = 0; i < Triples.weights(table); i++) {
                int place = Triples.firstWeight(table) + i;
                assertThat(seen[place]).as("weight %d of table %d", i, table).isFalse();
                seen[place] = true;
            }
        }
        assertThat(seen).doesNotContain(false);
    }

    @Test
    void matricesOfOneTypeShareTheirInputs() {
        for (BlockFormat format : BlockFormat.ALL) {
            TypeTuning tuning = TypeTuning.standard(format);
            try (PackedMatrix one = Packer.unpacked(format, tuning, 64, 512, 1);
                    PackedMatrix other = Packer.unpacked(format, tuning, 96, 512, 1)) {
                assertThat(one.inputLayout()).as("%s", format.type()).isEqualTo(other.inputLayout());
                assertThat(one.gemmShape()).as("%s", format.type()).isEqualTo(other.gemmShape());
            }
        }
    }

    @Test
    void indicesAreTheCodesInBaseThree() {
        Random random = new Random(1);
        int[] pairs = LookupForm.TQ2_0.order();
        int[] order = LookupForm.TQ2_0.triples().order();
        for (int round = 0; round < 100; round++) {
            int[] codes = new int[256];
            for (int i = 0; i < 256; i++) {
                codes[i] = round == 0 ? 2 : random.nextInt(3);
            }
            long[] words = new long[10];
            words[0] = 42;
            words[9] = 43;
            for (int i = 0; i < 256; i++) {
                words[1 + i / 32] |= (long) codes[pairs[i]] << 2 * (i % 32);
            }
            Triples.encode(words, 1);
            assertThat(words[0]).isEqualTo(42);
            assertThat(words[9]).isEqualTo(43);
            for (int table = 0; table < Triples.TABLES; table++) {
                int expected = 0;
                for (int i = Triples.weights(table) - 1; i >= 0; i--) {
                    expected = 3 * expected + codes[order[Triples.firstWeight(table) + i]];
                }
                assertThat(index(words, table)).as("index of table %d", table).isEqualTo(expected);
            }
        }
    }

    /** The index of a table as the kernel cuts it out of the code bytes. */
    private static int index(long[] words, int table) {
        if (table >= Triples.UNIT_TABLES) {
            int last = table - Triples.UNIT_TABLES;
            int code = codeByte(words, Triples.UNITS * Triples.UNIT_BYTES + last / 2);
            return last % 2 == 0 ? code & 31 : code >> 5;
        }
        int unit = table / 4 * Triples.UNIT_BYTES;
        if (table % 4 < 3) {
            return codeByte(words, unit + table % 4) & 31;
        }
        return codeByte(words, unit) >> 5 | codeByte(words, unit + 1) >> 2 & 24;
    }

    private static int codeByte(long[] words, int i) {
        return (int) (words[1 + i / 8] >>> 8 * (i % 8)) & 0xff;
    }
}
