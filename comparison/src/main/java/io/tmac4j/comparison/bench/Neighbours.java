package io.tmac4j.comparison.bench;

import io.tmac4j.comparison.Failure;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Processes that keep one core each busy, at the priority of this one; they end when this is closed or this VM ends. */
final class Neighbours implements AutoCloseable {

    /** As little as a VM needs: a compiler that is done at once, and one thread that collects nothing. */
    private static final List<String> OPTIONS = List.of("-Xmx16m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1");

    private final List<Process> processes = new ArrayList<>();

    private Neighbours() {
    }

    /**
     * Starts {@code count} of them and waits until each is busy.
     *
     * @throws Failure if that cannot be done; the message says why
     */
    static Neighbours start(int count) {
        Neighbours all = new Neighbours();
        boolean started = false;
        try {
            for (int i = 0; i < count; i++) {
                all.processes.add(new ProcessBuilder(ChildVm.command(Burner.class, OPTIONS, List.of()))
                        .redirectErrorStream(true).start());
            }
            for (Process process : all.processes) {
                awaitBurning(process);
            }
            started = true;
            return all;
        } catch (IOException impossible) {
            throw new Failure("no process that keeps a core busy could be started: " + impossible.getMessage(), impossible);
        } finally {
            if (!started) {
                all.close();
            }
        }
    }

    private static void awaitBurning(Process process) throws IOException {
        BufferedReader said = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        StringBuilder other = new StringBuilder();
        for (String line = said.readLine(); !Burner.BURNS.equals(line); line = said.readLine()) {
            if (line == null) {
                throw new IOException("it ended with \"" + other.toString().strip() + "\"");
            }
            other.append(line).append(' ');
        }
    }

    int count() {
        return (int) processes.stream().filter(Process::isAlive).count();
    }

    /** Ends them; none is left when this returns. */
    @Override
    public void close() {
        processes.forEach(Process::destroyForcibly);
        processes.forEach(process -> process.onExit().join());
    }
}
