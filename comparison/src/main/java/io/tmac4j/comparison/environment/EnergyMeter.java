package io.tmac4j.comparison.environment;

import java.nio.file.Path;
import java.util.List;
import java.util.OptionalDouble;

/** What the computer uses, as far as the operating system lets a program read it. Close it: some need a helper process. */
public sealed interface EnergyMeter extends AutoCloseable permits RaplMeter, PowerSamples, EnergyMeter.Unreadable {

    /** Energy used since the meter was made, in joules; empty if it cannot be read (any more). */
    OptionalDouble joules();

    /** What is measured and by whom, or "not readable, because ...". */
    String description();

    @Override
    void close();

    /** The meter of this machine. */
    static EnergyMeter here() {
        return switch (Machine.os()) {
            case LINUX -> RaplMeter.open(Path.of("/sys/class/powercap"));
            case MACOS -> Machine.output("id", "-u").filter(user -> user.strip().equals("0")).isPresent()
                    ? PowerSamples.start("powermetrics: CPU power as macOS estimates it", PowerSamples::powermetricsMilliwatts,
                            List.of("powermetrics", "--samplers", "cpu_power", "-i", "100", "--buffer-size", "1"))
                    : new Unreadable("macOS gives its estimate (powermetrics) to root only: start tmac with sudo");
            case WINDOWS -> PowerSamples.start("battery: discharge of the whole machine", PowerSamples::batteryMilliwatts,
                    List.of("powershell", "-NoProfile", "-Command", "while ($true) { $b = Get-CimInstance -Namespace root/wmi "
                            + "-ClassName BatteryStatus; [Console]::Out.WriteLine($b.DischargeRate); "
                            + "Start-Sleep -Milliseconds 500 }"));
            case OTHER -> new Unreadable("tmac knows no energy meter of this operating system");
        };
    }

    /** A machine without a meter, or whose meter is closed to this user. */
    record Unreadable(String reason) implements EnergyMeter {

        @Override
        public OptionalDouble joules() {
            return OptionalDouble.empty();
        }

        @Override
        public String description() {
            return "not readable, because " + reason;
        }

        @Override
        public void close() {
            // There is nothing open.
        }
    }
}
