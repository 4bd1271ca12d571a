package io.tmac4j.comparison.race;

/**
 * One engine at one moment of a race.
 *
 * @param engine        its name
 * @param tokens        tokens generated
 * @param limit         tokens to generate
 * @param promptSeconds time it took to read the prompt
 * @param seconds       time it has worked on its tokens, the other engine's turns left out
 * @param text          its text so far
 * @param running       whether this is its turn
 * @param finished      whether it is done
 */
public record LaneView(String engine, int tokens, int limit, double promptSeconds, double seconds, String text, boolean running,
                       boolean finished) {

    /** Tokens a second of its own time; 0 before the first. */
    public double rate() {
        return tokens == 0 ? 0 : tokens / seconds;
    }
}
