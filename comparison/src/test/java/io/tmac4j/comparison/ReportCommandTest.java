package io.tmac4j.comparison;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.InputFormat;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import io.tmac4j.comparison.output.Results;
import io.tmac4j.comparison.synth.DemoModel;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportCommandTest {

    @TempDir
    private static Path folder;
    private static Path results;

    @BeforeAll
    static void measure() throws IOException {
        CommandRun run = CommandRun.of("compare", "-m", DemoModel.file().toString(), "-p", "8", "-n", "4",
                "-t", "1,2", "-r", "2", "--no-warmup", "--agreement", "4", "-o", "json");
        assertThat(run.exitCode()).as(run.err()).isZero();
        results = Files.writeString(folder.resolve("results.json"), run.out());
    }

    @Test
    void resultsFitTheirSchema() throws IOException {
        assertThat(resultsSchema().validate(Files.readString(results), InputFormat.JSON)).isEmpty();
        assertThat(resultsSchema().validate("{\"version\":1,\"results\":[]}", InputFormat.JSON))
                .as("an incomplete file").isNotEmpty();
    }

    static JsonSchema resultsSchema() throws IOException {
        try (InputStream schema = Results.class.getResourceAsStream("results.schema.json")) {
            return JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012).getSchema(schema);
        }
    }

    @Test
    void thePageHoldsEveryNumberAndNeedsNoNetwork() throws IOException {
        Path page = folder.resolve("page.html");
        CommandRun run = CommandRun.of("report", results.toString(), "--html", page.toString());
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).isEmpty();
        String html = Files.readString(page);
        assertThat(html).startsWith("<!DOCTYPE html>").contains("pp8", "tg4", "llama.cpp", "shakespeare-3.7m-tq2_0.gguf")
                .doesNotContain("@TITLE@", "@DATA@", "@CHART_LIBRARY@");
        assertThat(html).doesNotContainPattern("<(script|img|link|iframe)[^>]+(src|href)=");
        Matcher data = Pattern.compile("id=\"data\">(.*?)</script>", Pattern.DOTALL).matcher(html);
        assertThat(data.find()).isTrue();
        assertThat(new ObjectMapper().readTree(data.group(1))).isNotEmpty();
    }

    @Test
    void aModelIsNoFileOfResults() throws IOException {
        Path model = DemoModel.file();
        CommandRun run = CommandRun.of("report", model.toString());
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).hasLineCount(1).contains(model + " is no JSON that 'tmac compare -o json' writes");
    }

    @Test
    void aBrowserDrawsEveryFigureInLightAndDarkAndPrintsThem() throws Exception {
        Optional<Chromium> browser = Chromium.find();
        assumeTrue(browser.isPresent(), "there is no Chromium or Chrome on the PATH or in the usual places");
        Path page = folder.resolve("drawn.html");
        assertThat(CommandRun.of("report", results.toString(), "--html", page.toString()).exitCode()).isZero();
        Matcher data = Pattern.compile("id=\"data\">(.*?)</script>", Pattern.DOTALL).matcher(Files.readString(page));
        assertThat(data.find()).isTrue();
        int figures = new ObjectMapper().readTree(data.group(1)).size();
        Chromium.Seen light = browser.get().open(page, folder, false);
        assertThat(light.console()).as("no errors of scripts, nothing asked of a network").isEqualTo("[]");
        assertThat(light.dom().split("<canvas ", -1)).hasSize(figures + 1);
        assertThat(light.dom()).contains("aria-label=\"Generation: shakespeare-3.7m-tq2_0.gguf, tg4");
        assertThat(Files.readAllBytes(light.print())).startsWith("%PDF".getBytes(StandardCharsets.US_ASCII));
        Chromium.Seen dark = browser.get().open(page, folder, true);
        BufferedImage day = ImageIO.read(light.picture().toFile());
        BufferedImage night = ImageIO.read(dark.picture().toFile());
        assertThat(brightness(day.getRGB(2, 2))).isGreaterThan(240);
        assertThat(brightness(night.getRGB(2, 2))).isLessThan(40);
        for (BufferedImage picture : List.of(day, night)) {
            for (int colour : new int[] {0x0072b2, 0xd55e00}) {
                assertThat(pixels(picture, colour)).as("a series of each engine").isGreaterThan(100);
            }
        }
    }

    private static int brightness(int rgb) {
        return ((rgb >> 16 & 255) + (rgb >> 8 & 255) + (rgb & 255)) / 3;
    }

    private static long pixels(BufferedImage picture, int rgb) {
        return IntStream.range(0, picture.getWidth() * picture.getHeight())
                .filter(i -> (picture.getRGB(i % picture.getWidth(), i / picture.getWidth()) & 0xFFFFFF) == rgb).count();
    }

    @Test
    void withoutAPageItPrintsATableOfAllFiles() throws IOException {
        Path other = Files.writeString(folder.resolve("other.json"),
                Files.readString(results).replaceFirst("\"cpu\" : \"[^\"]*\"", "\"cpu\" : \"Another <CPU> | X\""));
        CommandRun run = CommandRun.of("report", results.toString(), other.toString());
        assertThat(run.out()).contains("| machine | model | type |", "Another <CPU> \\| X", " pp8 ", " tg4 ");
        CommandRun csv = CommandRun.of("report", results.toString(), other.toString(), "-o", "csv");
        assertThat(csv.out()).startsWith("machine,model,type,engine,threads,test,t/s,").contains("Another <CPU> | X,");
        Path page = folder.resolve("both.html");
        CommandRun.of("report", results.toString(), other.toString(), "--html", page.toString());
        assertThat(Files.readString(page)).contains("Another &lt;CPU&gt; | X");
    }

    @Test
    void figuresAreWrittenAsFilesOfTheirForm() throws Exception {
        Path kernels = Files.writeString(folder.resolve("kernels.json"), """
                {"version":1,"environment":{"cpu":"Apple M2"},"kernels":[
                {"type":"TQ2_0","rows":4096,"k":4096,"columns":1,"threads":1,"tmac_gops":90.5,"llama_gops":45.0,"ratio":2.01,
                "bandwidth_share":0.4,"nmse_tmac":1e-5,"nmse_llama":1e-5},
                {"type":"Q4_0","rows":4096,"k":4096,"columns":64,"threads":1,"tmac_gops":60.0,"llama_gops":50.0,"ratio":1.2}]}
                """);
        Path ablation = Files.writeString(folder.resolve("ablation.json"), """
                {"version":1,"ablation":[{"step":"lookup","type":"Q4_0","gops":5.5},{"step":"tiles","type":"Q4_0","gops":11}]}
                """);
        Path svg = folder.resolve("figures/svg");
        Path png = folder.resolve("figures/png");
        Path page = folder.resolve("kernels.html");
        CommandRun run = CommandRun.of("report", results.toString(), kernels.toString(), ablation.toString(),
                "--svg", svg.toString(), "--png", png.toString(), "--html", page.toString());
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).isEmpty();
        assertThat(svg.toFile().list()).anyMatch(name -> name.contains("generation"))
                .anyMatch(name -> name.contains("speed-up-over-threads")).anyMatch(name -> name.contains("single-products"))
                .anyMatch(name -> name.contains("what-each-step-brings")).anyMatch(name ->
                        name.contains("published-not-measured"))
                .allMatch(name -> name.endsWith(".svg"));
        for (String name : svg.toFile().list()) {
            assertThat(Files.readString(svg.resolve(name))).contains("<svg", "</svg>");
            BufferedImage image = ImageIO.read(png.resolve(name.replace(".svg", ".png")).toFile());
            assertThat(image.getWidth()).isEqualTo(960);
        }
        assertThat(Files.readString(page)).contains("Single products", "Apple M2", "90.50", "Published, not measured here");
    }

    @Test
    void aFileOfTheSameVersionWithFewerFieldsIsRead() throws IOException {
        Path old = Files.writeString(folder.resolve("old.json"), """
                {"version":1,"environment":{"cpu":"Old"},"results":[{"engine":"tmac","model":"m.gguf","type":"Q4_0",
                "size":1,"params":2,"threads":1,"test":"tg128","avg_ts":10.0,"stddev_ts":0.5,"samples_ts":[10.0]}],
                "comparisons":[],"agreement":[]}
                """);
        CommandRun run = CommandRun.of("report", old.toString());
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).contains("| Old |", "tg128");
    }

    @Test
    void aNewerVersionOrAnotherFileIsRefusedInOneSentence() throws IOException {
        Path newer = Files.writeString(folder.resolve("newer.json"), "{\"version\":99,\"results\":[]}");
        Path kernels = Files.writeString(folder.resolve("new-kernels.json"), "{\"version\":2,\"kernels\":[]}");
        Path broken = Files.writeString(folder.resolve("broken.json"), "{\"version\":1,");
        for (Path file : new Path[] {newer, kernels, broken, folder.resolve("missing.json")}) {
            CommandRun run = CommandRun.of("report", file.toString());
            assertThat(run.exitCode()).isEqualTo(1);
            assertThat(run.err()).hasLineCount(1).contains(file.getFileName().toString());
        }
        assertThat(CommandRun.of("report").exitCode()).isEqualTo(2);
    }
}
