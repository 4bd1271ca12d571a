package io.tmac4j.bindings;

/** Loads the libraries in a JVM of its own. */
final class LoadProbe {

    private LoadProbe() {
    }

    public static void main(String[] args) {
        System.out.println("loaded from " + LlamaCppLibrary.load().folder());
    }
}
