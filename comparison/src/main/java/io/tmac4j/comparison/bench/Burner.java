package io.tmac4j.comparison.bench;

import java.io.IOException;

/** Keeps one core busy until its standard input ends, so no longer than the program that started it. */
final class Burner {

    /** What it prints once it burns. */
    static final String BURNS = "burns";

    private Burner() {
    }

    /** Never returns; ends the VM. */
    public static void main(String[] args) {
        Thread waiting = new Thread(Burner::awaitEnd, "end of input");
        waiting.setDaemon(true);
        waiting.start();
        System.out.println(BURNS);
        while (true) {
            Thread.onSpinWait();
        }
    }

    private static void awaitEnd() {
        try {
            while (System.in.read() >= 0) {
                // nothing is said to it
            }
        } catch (IOException e) {
            // an input that cannot be read has ended too
        }
        Runtime.getRuntime().halt(0);
    }
}
