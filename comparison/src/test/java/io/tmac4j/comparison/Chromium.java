package io.tmac4j.comparison;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A Chromium without a window, as pages are tested with. */
record Chromium(Path program) {

    private static final List<String> NAMES = List.of("chromium", "chromium-browser", "google-chrome", "chrome-headless-shell",
            "chrome.exe");
    private static final List<Path> PLACES = List.of(
            Path.of("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
            Path.of("C:/Program Files/Google/Chrome/Application/chrome.exe"));

    /** What a page has become. */
    record Seen(String dom, String console, Path picture, Path print) {
    }

    /** One on the {@code PATH} or in the usual places. */
    static Optional<Chromium> find() {
        Stream<Path> onPath = Stream.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
                .filter(folder -> !folder.isBlank())
                .flatMap(folder -> NAMES.stream().map(name -> Path.of(folder, name)));
        return Stream.concat(onPath, PLACES.stream()).filter(Files::isExecutable).findFirst().map(Chromium::new);
    }

    /** Opens a page without a network, runs its scripts, draws and prints it. */
    Seen open(Path page, Path folder, boolean dark) throws IOException, InterruptedException {
        Path picture = folder.resolve(dark ? "dark.png" : "light.png");
        Path print = folder.resolve(dark ? "dark.pdf" : "light.pdf");
        Path dom = folder.resolve("dom.html");
        Path log = folder.resolve("log.txt");
        List<String> command = new ArrayList<>(List.of(program.toString(), "--headless", "--no-sandbox", "--disable-gpu",
                "--no-first-run", "--disable-extensions", "--disable-dev-shm-usage",
                "--user-data-dir=" + folder.resolve("profile"),
                "--host-resolver-rules=MAP * ~NOTFOUND", "--window-size=1200,2400", "--enable-logging=stderr",
                "--screenshot=" + picture, "--print-to-pdf=" + print, "--dump-dom"));
        if (dark) {
            command.add("--blink-settings=preferredColorScheme=0");
        }
        command.add(page.toUri().toString());
        Process process = new ProcessBuilder(command).redirectOutput(dom.toFile()).redirectError(log.toFile()).start();
        if (!process.waitFor(120, TimeUnit.SECONDS)) {
            process.destroyForcibly().waitFor();
            throw new IOException("Chromium has not ended: " + Files.readString(log));
        }
        String console = Files.readString(log).lines().filter(line -> line.contains("CONSOLE")).toList().toString();
        return new Seen(Files.readString(dom), console, picture, print);
    }
}
