package io.tmac4j.bindings;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/** Mutated models are refused or run; they do not end the process, hang, or take memory without bounds. */
class HostileGgufTest {

    @TempDir
    private Path folder;

    @Test
    void mutationsOfSomeArchitecturesAndTokenizersAreSurvived() throws IOException, InterruptedException {
        FuzzRun run = new FuzzRun(folder);
        run.seed("gpt2", "olmoe", "mamba", "tokenizer-llama", "tokenizer-gpt2", "tokenizer-bert", "tokenizer-t5");
        run.run(0, 800);
        assertThat(run.failures()).isEmpty();
        assertThat(run.counts().get(FuzzCounts.LOADED)).as("loaded").isGreaterThan(80);
        assertThat(run.counts().get(FuzzCounts.REFUSED)).as("refused").isGreaterThan(80)
                .isEqualTo(800 - run.counts().get(FuzzCounts.LOADED));
    }

    /** Architectures in which llama.cpp divided by one of these zeros, or met a null pointer for one. */
    @Test
    void zerosOfSomeArchitecturesAreSurvived() throws IOException, InterruptedException {
        zeros("olmo2", "phimoe", "gemma3", "rwkv7", "mamba2", "afmoe", "modern-bert", "pockettts");
    }

    @Test
    @EnabledIfSystemProperty(named = "tmac.fuzz.files", matches = "[0-9]+")
    void zerosOfAllArchitecturesAreSurvived() throws IOException, InterruptedException {
        zeros(TinyModels.architectures().toArray(String[]::new));
    }

    private void zeros(String... architectures) throws IOException, InterruptedException {
        FuzzRun run = new FuzzRun(folder);
        run.seed(architectures);
        run.runZeros();
        assertThat(run.failures()).isEmpty();
        assertThat(run.counts().get(FuzzCounts.LOADED)).as("loaded").isGreaterThan(4L * architectures.length);
    }

    /**
     * {@code -Pfuzz}; {@code -Dtmac.fuzz.first} and {@code -Dtmac.fuzz.files} say which mutations. One that was stopped goes on
     * in the folder {@code -Dtmac.fuzz.folder}, target/fuzz if not given.
     */
    @Test
    @EnabledIfSystemProperty(named = "tmac.fuzz.files", matches = "[0-9]+")
    void mutationsOfAllModelsAreSurvived() throws IOException, InterruptedException {
        Path work = Files.createDirectories(Path.of(System.getProperty("tmac.fuzz.folder", "target/fuzz")).toAbsolutePath());
        int first = Integer.getInteger("tmac.fuzz.first", 0);
        FuzzRun run = new FuzzRun(work);
        run.seed();
        run.run(first, first + Integer.getInteger("tmac.fuzz.files"));
        assertThat(run.failures()).isEmpty();
    }
}
