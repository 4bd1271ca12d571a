package io.tmac4j.comparison.bench;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * Who runs when. Contestants are interleaved in rounds, so that a machine that slows down slows all of them. Of two
 * rounds the first has a random order and the second its reverse: nobody gains from running first or last.
 */
final class Order {

    private Order() {
    }

    /** For each round the contestants' numbers in the order in which they run. */
    static List<List<Integer>> rounds(int contestants, int rounds, Random random) {
        List<List<Integer>> result = new ArrayList<>(rounds);
        List<Integer> order = new ArrayList<>();
        for (int i = 0; i < contestants; i++) {
            order.add(i);
        }
        for (int round = 0; round < rounds; round++) {
            if (round % 2 == 0) {
                Collections.shuffle(order, random);
                result.add(List.copyOf(order));
            } else {
                result.add(List.copyOf(order).reversed());
            }
        }
        return result;
    }
}
