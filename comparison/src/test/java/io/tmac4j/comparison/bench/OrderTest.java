package io.tmac4j.comparison.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class OrderTest {

    @Test
    void everyContestantRunsOnceInEachRound() {
        assertThat(Order.rounds(3, 7, new Random(1))).hasSize(7)
                .allSatisfy(round -> assertThat(round).containsExactlyInAnyOrder(0, 1, 2));
    }

    @Test
    void everySecondRoundReversesTheOneBefore() {
        List<List<Integer>> rounds = Order.rounds(2, 10, new Random(2));
        for (int i = 1; i < rounds.size(); i += 2) {
            assertThat(rounds.get(i)).isEqualTo(rounds.get(i - 1).reversed());
        }
        assertThat(rounds.stream().filter(round -> round.getFirst() == 0).count()).isEqualTo(5);
    }

    @Test
    void whoBeginsIsRandom() {
        assertThat(Order.rounds(2, 100, new Random(3)).stream().map(List::getFirst).distinct()).hasSize(2);
        assertThat(Order.rounds(2, 100, new Random(3))).isEqualTo(Order.rounds(2, 100, new Random(3)));
    }
}
