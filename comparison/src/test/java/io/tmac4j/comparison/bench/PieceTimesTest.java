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
                new GraphPiece("blk.1.ffn_gate.weight", "blk.1.ffn_down.weight", 3, 1, 26_000, 29_000)), 50_000, 7_000_000,
                9_000_000, null);
        assertThat(pieces.totalMs()).isCloseTo(0.05, within(1e-9));
        assertThat(pieces.engineMs()).isCloseTo(0.01, within(1e-9));
        assertThat(pieces.betweenMs()).isCloseTo(0.04, within(1e-9));
        assertThat(pieces.workersCpuMs()).isEqualTo(7);
        assertThat(pieces.places()).containsExactly(
                new Pieces.Place("blk.*.ffn_down.weight", "blk.*.attn_q.weight", 1, 10, 2),
                new Pieces.Place("blk.*.attn_v.weight", "blk.*.ffn_gate.weight", 2, 4, 2));
    }

    @Test
    void onlyTheLayersNumberIsLeftOutOfAName() {
        assertThat(PieceTimes.place("blk.12.ffn_up.weight")).isEqualTo("blk.*.ffn_up.weight");
        assertThat(PieceTimes.place("attention")).isEqualTo("attention");
        assertThat(PieceTimes.place("output.weight")).isEqualTo("output.weight");
    }
}
