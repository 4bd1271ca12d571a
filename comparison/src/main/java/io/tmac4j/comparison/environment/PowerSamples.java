package io.tmac4j.comparison.environment;

import java.io.BufferedReader;
import java.io.IOException;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Energy as the sum of power over time, where a program of the system prints power again and again. */
final class PowerSamples implements EnergyMeter {

    private static final Pattern POWERMETRICS = Pattern.compile("CPU Power:\\s*(\\d+(?:\\.\\d+)?) mW");
    /** A sample older than this is no longer true. */
    private static final double STALE_SECONDS = 3;
    private static final long FIRST_SAMPLE_MILLIS = 4000;

    private final String description;
    private final Process process;
    private double joules;
    private double watts = Double.NaN;
    private long last;

    private PowerSamples(String description, Process process) {
        this.description = description;
        this.process = process;
    }

    /**
     * Starts the program and waits for its first sample.
     *
     * @param milliwatts power that a line of its output tells, or empty if it tells none
     */
    static EnergyMeter start(String description, Function<String, OptionalDouble> milliwatts, List<String> command) {
        Process process;
        try {
            process = new ProcessBuilder(command).redirectErrorStream(true).start();
        } catch (IOException missing) {
            return new Unreadable("the program " + command.getFirst() + " cannot be started: " + missing.getMessage());
        }
        PowerSamples meter = new PowerSamples(description, process);
        Thread.ofPlatform().daemon().name("tmac-power").start(() -> meter.listen(milliwatts));
        if (meter.waitForFirst()) {
            return meter;
        }
        meter.close();
        return new Unreadable(command.getFirst() + " tells no power (a machine on mains power or without a battery?)");
    }

    private synchronized boolean waitForFirst() {
        long end = System.nanoTime() + FIRST_SAMPLE_MILLIS * 1_000_000;
        try {
            while (Double.isNaN(watts) && process.isAlive() && System.nanoTime() < end) {
                wait(100);
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
        return !Double.isNaN(watts);
    }

    private void listen(Function<String, OptionalDouble> milliwatts) {
        try (BufferedReader reader = process.inputReader()) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                milliwatts.apply(line).ifPresent(value -> sample(value * 1e-3, System.nanoTime()));
            }
        } catch (IOException ended) {
            close();
        }
    }

    /** From the sample before until now the power was that of the new sample, which looks back. */
    synchronized void sample(double newWatts, long now) {
        if (!Double.isNaN(watts)) {
            joules += newWatts * (now - last) * 1e-9;
        }
        watts = newWatts;
        last = now;
        notifyAll();
    }

    @Override
    public OptionalDouble joules() {
        return joules(System.nanoTime());
    }

    synchronized OptionalDouble joules(long now) {
        double age = (now - last) * 1e-9;
        return Double.isNaN(watts) || age > STALE_SECONDS ? OptionalDouble.empty() : OptionalDouble.of(joules + watts * age);
    }

    @Override
    public String description() {
        return description;
    }

    @Override
    public void close() {
        process.destroy();
    }

    static OptionalDouble powermetricsMilliwatts(String line) {
        Matcher match = POWERMETRICS.matcher(line);
        return match.matches() ? OptionalDouble.of(Double.parseDouble(match.group(1))) : OptionalDouble.empty();
    }

    /** {@code DischargeRate} of a battery; zero means that it does not discharge, so that it tells nothing. */
    static OptionalDouble batteryMilliwatts(String line) {
        String text = line.strip();
        return text.matches("[1-9]\\d{0,6}") ? OptionalDouble.of(Double.parseDouble(text)) : OptionalDouble.empty();
    }
}
