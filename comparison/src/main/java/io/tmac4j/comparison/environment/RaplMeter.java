package io.tmac4j.comparison.environment;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Collectors;

/**
 * The processor's own counters of energy (RAPL) in Linux's {@code /sys/class/powercap}: one for each package, in
 * microjoules, starting again from zero at a limit that stands beside it.
 */
final class RaplMeter implements EnergyMeter {

    private static final class Zone {

        private final String name;
        private final Path counter;
        private final long limit;
        private long last;
        private long total;

        Zone(String name, Path counter, long limit, long now) {
            this.name = name;
            this.counter = counter;
            this.limit = limit;
            this.last = now;
        }

        boolean update() {
            Optional<Long> now = number(counter);
            now.ifPresent(value -> {
                total += increase(last, value, limit);
                last = value;
            });
            return now.isPresent();
        }
    }

    private final List<Zone> zones;

    private RaplMeter(List<Zone> zones) {
        this.zones = zones;
    }

    /** The packages' counters in this folder. */
    static EnergyMeter open(Path powercap) {
        List<Zone> zones = new ArrayList<>();
        Path closed = null;
        try (DirectoryStream<Path> folders = Files.newDirectoryStream(powercap, "intel-rapl:*")) {
            for (Path folder : folders) {
                String name = Machine.read(folder.resolve("name")).map(String::strip).orElse("");
                if (!name.startsWith("package")) {
                    continue;
                }
                Path counter = folder.resolve("energy_uj");
                Optional<Long> now = number(counter);
                if (now.isPresent()) {
                    zones.add(new Zone(name, counter, number(folder.resolve("max_energy_range_uj")).orElse(0L), now.get()));
                } else {
                    closed = counter;
                }
            }
        } catch (IOException missing) {
            return new Unreadable("this Linux offers no energy counters in " + powercap
                    + ", as is usual in virtual machines and on Arm");
        }
        if (closed != null) {
            return new Unreadable("only root may read " + closed + ": 'sudo chmod a+r " + closed + "' lets everybody");
        }
        return zones.isEmpty() ? new Unreadable("there is no processor package among the energy counters in " + powercap)
                : new RaplMeter(zones);
    }

    @Override
    public OptionalDouble joules() {
        long total = 0;
        for (Zone zone : zones) {
            if (!zone.update()) {
                return OptionalDouble.empty();
            }
            total += zone.total;
        }
        return OptionalDouble.of(total * 1e-6);
    }

    @Override
    public String description() {
        return "RAPL, whole processor: " + zones.stream().map(zone -> zone.name).sorted().collect(Collectors.joining(", "));
    }

    @Override
    public void close() {
        // Files are opened for each reading only.
    }

    /** What was counted between two readings; a smaller second one has gone through the limit. */
    static long increase(long before, long now, long limit) {
        return now >= before ? now - before : limit - before + now;
    }

    private static Optional<Long> number(Path file) {
        return Machine.read(file).map(String::strip).filter(text -> text.matches("\\d{1,18}")).map(Long::parseLong);
    }
}
