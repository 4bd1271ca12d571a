package io.tmac4j.comparison.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tmac4j.bindings.GraphPiece;
import io.tmac4j.comparison.output.Pieces;
import java.util.List;
import org.junit.jupiter.api.Test;

class PieceTimesTest {

    @Test
    void layersCountTogetherAndWhatTookLongestComesFirst() {
        Pieces pieces = PieceTimes.of(List.of(
                new GraphPiece("blk.0.attn_q.weight", "blk.0.attn_v.weight", 3, 1, 1_000, 5_000),
                new GraphPiece("blk.0.ffn_gate.weight", "blk.0.ffn_down.weight", 3, 1, 7_000, 8_000),
                new GraphPiece("blk.1.attn_q.weight", "blk.1.attn_v.weight", 3, 1, 18_000, 20_000),
                new GraphPiece("blk.1.ffn_gate.weight", "blk.1.ffn_down.weight", 3, 1, 26_000, 29_000)), 50_000,
                new PieceTimes.Counters(7_000_000, 4_000_000, 12_000_000, null, 3L));
        assertThat(pieces.totalMs()).isCloseTo(0.05, within(1e-9));
        assertThat(pieces.engineMs()).isCloseTo(0.01, within(1e-9));
        assertThat(pieces.betweenMs()).isCloseTo(0.04, within(1e-9));
        assertThat(pieces.workersCpuMs()).isEqualTo(7);
        assertThat(pieces.othersCpuMs()).as("all but the caller's and the workers'").isCloseTo(1, within(1e-9));
        assertThat(pieces.switches()).isNull();
        assertThat(pieces.sleeps()).isEqualTo(3);
        assertThat(pieces.places()).containsExactly(
                new Pieces.Place("blk.*.ffn_down.weight", "blk.*.attn_q.weight", 1, 10, 2),
                new Pieces.Place("blk.*.attn_v.weight", "blk.*.ffn_gate.weight", 2, 4, 2));
    }

    @Test
    void countersAreDifferencesAndUnknownWhereOneOfBothIs() {
        PieceTimes.Counters earlier = new PieceTimes.Counters(1, 20, 300, 4L, null);
        assertThat(new PieceTimes.Counters(11, 120, 1300, 10L, 5L).since(earlier))
                .isEqualTo(new PieceTimes.Counters(10, 100, 1000, 6L, null));
    }

    @Test
    void theProcessorTimeOfThisThreadIsTheCallers() {
        PieceTimes.Counters before = PieceTimes.Counters.now();
        long until = System.nanoTime() + 20_000_000;
        while (System.nanoTime() < until) {
            Thread.onSpinWait();
        }
        PieceTimes.Counters used = PieceTimes.Counters.now().since(before);
        assertThat(used.callerNanos()).isPositive();
        assertThat(used.processNanos()).isGreaterThanOrEqualTo(used.callerNanos() / 2);
    }

    @Test
    void onlyTheLayersNumberIsLeftOutOfAName() {
        assertThat(PieceTimes.place("blk.12.ffn_up.weight")).isEqualTo("blk.*.ffn_up.weight");
        assertThat(PieceTimes.place("attention")).isEqualTo("attention");
        assertThat(PieceTimes.place("output.weight")).isEqualTo("output.weight");
    }
}
