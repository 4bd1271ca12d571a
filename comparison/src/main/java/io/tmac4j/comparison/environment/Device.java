package io.tmac4j.comparison.environment;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;

/** Machines whose cores are known: which thread counts are worth measuring on them. */
public enum Device {
    M2("m2", "Apple M2: 4 performance and 4 efficiency cores", List.of(1, 2, 3, 4, 8)),
    M2_MAX("m2-max", "Apple M2 Max: 8 performance and 4 efficiency cores", List.of(1, 2, 4, 8, 12)),
    M2_ULTRA("m2-ultra", "Apple M2 Ultra: 16 performance and 8 efficiency cores", List.of(1, 4, 8, 16)),
    X_ELITE("x-elite", "Snapdragon X Elite: 12 like cores in 3 clusters", List.of(1, 2, 4, 8, 12)),
    PI_5("pi5", "Raspberry Pi 5: 4 cores", List.of(1, 2, 3, 4));

    private final String id;
    private final String description;
    private final List<Integer> threads;

    Device(String id, String description, List<Integer> threads) {
        this.id = id;
        this.description = description;
        this.threads = threads;
    }

    /** The name that users give. */
    public String id() {
        return id;
    }

    /** What it is. */
    public String description() {
        return description;
    }

    /** Thread counts to measure. */
    public List<Integer> threads() {
        return threads;
    }

    /** The device of that name. */
    public static Optional<Device> ofId(String id) {
        return Arrays.stream(values()).filter(device -> device.id.equals(id.toLowerCase(Locale.ROOT))).findFirst();
    }

    /** One, then doubled up to the number of physical cores of this machine, which is always among them. */
    public static List<Integer> threadsHere() {
        return doubling(Machine.mathThreads());
    }

    static List<Integer> doubling(int cores) {
        return IntStream.concat(
                IntStream.iterate(1, count -> count < cores, count -> 2 * count),
                IntStream.of(cores)).boxed().toList();
    }
}
