package io.tmac4j.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tmac4j.bindings.GgmlType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is measured, chosen and kept; not how fast anything is. */
class TunerTest {

    private static final BlockFormat TERNARY = BlockFormat.of(GgmlType.TQ2_0).orElseThrow();
    private static final TypeTuning WORDS = new TypeTuning(false, List.of(new TypeTuning.Work(1, 8, 96 << 10),
            new TypeTuning.Work(4, 5, 192 << 10)));

    @TempDir
    private Path folder;

    static BlockFormat[] formatsOfBothForms() {
        return List.of(BlockFormat.ALL).stream().filter(Tuner::hasBothForms).toArray(BlockFormat[]::new);
    }

    @Test
    void whatIsKeptIsReadAgainOnThisMachineOnly() {
        KeptTunings here = KeptTunings.in(folder.resolve("new"), "here");
        assertThat(here.read()).isEmpty();
        Map<GgmlType, TypeTuning> tunings = new EnumMap<>(Map.of(GgmlType.TQ2_0, WORDS,
                GgmlType.Q1_0, TypeTuning.standard(BlockFormat.of(GgmlType.Q1_0).orElseThrow())));
        here.write(tunings);
        assertThat(here.read()).isEqualTo(tunings);
        assertThat(KeptTunings.in(folder.resolve("new"), "elsewhere").read()).isEmpty();
        assertThat(folder.resolve("new")).isDirectoryContaining(here.file()::equals)
                .satisfies(path -> assertThat(Files.list(path)).hasSize(1));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "machine=here | machine=there",
        "form=words | form=water",
        "threads=1,4 | threads=4",
        "threads=1,4 | threads=0,4",
        "crossover=8,5 | crossover=8,5000",
        "crossover=8,5 | crossover=",
        "chunk-bytes=98304,196608 | chunk-bytes=98304,99999999999",
        "TQ2_0.chunk-bytes= | chunk-bytes=",
    })
    void aFileThatSaysAnythingUnexpectedIsIgnored(String said, String instead) throws IOException {
        KeptTunings here = KeptTunings.in(folder, "here");
        here.write(Map.of(GgmlType.TQ2_0, WORDS));
        String text = Files.readString(here.file());
        assertThat(text).contains(said);
        Files.writeString(here.file(), text.replace(said, instead));
        assertThat(here.read()).isEmpty();
        assertThat(new Tuner(here).of(TERNARY, Tuner.Mode.AUTO)).isEqualTo(TypeTuning.standard(TERNARY));
    }

    @Test
    void aFileThatIsNoTextIsIgnoredAndReplaced() throws IOException {
        KeptTunings here = KeptTunings.in(folder, "here");
        Files.write(here.file(), new byte[] {(byte) 0xff, (byte) 0xfe, 0, 1, '\\', 'u', 'x'});
        assertThat(here.read()).isEmpty();
        here.write(Map.of(GgmlType.TQ2_0, WORDS));
        assertThat(here.read()).containsOnlyKeys(GgmlType.TQ2_0);
    }

    @Test
    void whereNothingCanBeWrittenTheChoiceHoldsForThisVm() throws IOException {
        KeptTunings nowhere = KeptTunings.in(Files.createFile(folder.resolve("file")), "here");
        nowhere.write(Map.of(GgmlType.TQ2_0, WORDS));
        assertThat(nowhere.read()).isEmpty();
    }

    @Test
    void theNearestNumberOfThreadsDecides() {
        assertThat(WORDS.work(1).threads()).isEqualTo(1);
        assertThat(WORDS.work(2).threads()).isEqualTo(1);
        assertThat(WORDS.work(3).threads()).isEqualTo(4);
        assertThat(WORDS.work(64).threads()).isEqualTo(4);
    }

    @Test
    void theOtherFormMustBeFasterBeyondTheNoise() {
        assertThat(Tuner.isBetter(List.of(duel(1.1, 1.06)), List.of())).isTrue();
        assertThat(Tuner.isBetter(List.of(duel(1.02, 1.01)), List.of())).as("by too little").isFalse();
        assertThat(Tuner.isBetter(List.of(duel(1.1, 0.9)), List.of())).as("too noisy").isFalse();
        assertThat(Tuner.isBetter(List.of(duel(0.99, 0.985)), List.of(duel(1.8, 1.7)))).as("prompts by far").isTrue();
        assertThat(Tuner.isBetter(List.of(duel(0.9, 0.89)), List.of(duel(1.8, 1.7)))).as("tokens slower").isFalse();
        assertThat(Tuner.isBetter(List.of(duel(1.1, 1.05)), List.of(duel(0.5, 0.5)))).as("prompts far slower").isFalse();
        assertThat(Tuner.isBetter(List.of(), List.of())).as("nothing known").isFalse();
    }

    private static Duel.Result duel(double ratio, double low) {
        return new Duel.Result(10, 10 * ratio, ratio, low, 2 * ratio - low);
    }

    @Test
    void theCrossoverIsWhereBothTimesAreEqual() {
        assertThat(Tuner.crossover(8, duel(1, 1), 8)).isEqualTo(8);
        assertThat(Tuner.crossover(8, duel(1.02, 1), 8)).as("within the noise").isEqualTo(8);
        assertThat(Tuner.crossover(8, duel(2, 1.9), 8)).isEqualTo(4);
        assertThat(Tuner.crossover(8, duel(100, 90), 8)).isEqualTo(1);
        assertThat(Tuner.crossover(8, duel(0.01, 0.01), 8)).isEqualTo(WideSpecies.COLUMNS);
        assertThat(Tuner.crossover(8, duel(1, 1), 16)).isEqualTo(8);
    }

    @Test
    void aDuelSaysWhichSideIsFasterAndGivesUpInTime() {
        Runnable slow = () -> pause(2_000_000);
        Runnable fast = () -> pause(500_000);
        Optional<Duel.Result> result = Duel.between(slow, fast, 1e8, new Duel.Limits(5, 4_000_000,
                System.nanoTime() + 60_000_000_000L));
        assertThat(result).hasValueSatisfying(duel -> {
            assertThat(duel.ratio()).isGreaterThan(1);
            assertThat(duel.low()).isLessThanOrEqualTo(duel.ratio());
            assertThat(duel.high()).isGreaterThanOrEqualTo(duel.ratio());
        });
        assertThat(Duel.between(slow, fast, 1, new Duel.Limits(5, 1_000_000, System.nanoTime() + 50_000_000)))
                .as("so few weights that nothing is compiled").isEmpty();
    }

    private static void pause(long nanos) {
        long end = System.nanoTime() + nanos;
        while (System.nanoTime() < end) {
            Thread.onSpinWait();
        }
    }

    @Test
    void everythingIsMeasuredChosenAndKept() {
        Tuner.Effort little = new Tuner.Effort(List.of(new TrialShape(64, 512)), 0, 3, 1_000_000, 500_000_000L);
        Tuner tuner = new Tuner(KeptTunings.in(folder, "here"));
        List<String> said = new ArrayList<>();
        TuningReport report = tuner.measure(List.of(TERNARY), List.of(1, 2), little, said::add);
        assertThat(said).hasSize(2 + 2 + 2 + 3).allMatch(line -> line.startsWith("TQ2_0 64x512"));
        assertThat(report.choices()).extracting(TuningReport.Choice::threads).containsExactly(1, 2);
        assertThat(report.trials()).allSatisfy(trial -> {
            assertThat(trial.standardRate()).isPositive();
            assertThat(trial.otherRate()).isPositive();
            assertThat(trial.low()).isLessThanOrEqualTo(trial.high());
        });
        TypeTuning kept = new Tuner(KeptTunings.in(folder, "here")).of(TERNARY, Tuner.Mode.AUTO);
        assertThat(kept.lookups()).isEqualTo(report.choices().getFirst().form().equals("tables"));
        assertThat(kept.work()).extracting(TypeTuning.Work::chunkBytes)
                .isEqualTo(report.choices().stream().map(TuningReport.Choice::chunkBytes).toList());
    }

    @Test
    void ofAFirstLoadOnlyWhatWasFoundIsKept() {
        KeptTunings here = KeptTunings.in(folder, "here");
        Tuner tuner = new Tuner(here);
        TypeTuning first = tuner.of(TERNARY, Tuner.Mode.FIRST);
        assertThat(here.read()).satisfiesAnyOf(
                kept -> assertThat(kept).isEmpty(),
                kept -> assertThat(kept).containsOnly(Map.entry(GgmlType.TQ2_0, first)));
        BlockFormat words = BlockFormat.of(GgmlType.Q4_K).orElseThrow();
        assertThat(tuner.of(words, Tuner.Mode.FIRST)).isEqualTo(TypeTuning.standard(words));
    }

    @ParameterizedTest
    @MethodSource("formatsOfBothForms")
    void bothFormsGiveTheProduct(BlockFormat format) {
        for (boolean lookups : new boolean[] {true, false}) {
            for (int columns : new int[] {1, 3, 9, 33}) {
                for (int crossover : new int[] {1, WideSpecies.COLUMNS}) {
                    TypeTuning tuning = new TypeTuning(lookups, List.of(new TypeTuning.Work(1, crossover, 4 << 10)));
                    try (TestProduct product = new TestProduct(format, 1024, 130, columns, 3)) {
                        Random random = new Random(3);
                        product.activations((column, i) -> (float) random.nextGaussian()).multiply(tuning, 2);
                        assertThat(product.error()).as("%s, %d columns", tuning, columns).isLessThanOrEqualTo(1);
                    }
                }
            }
        }
    }

    @Test
    void thePropertyIsOffAutoOrFirst() {
        assertThat(Tuner.mode(null)).isEqualTo(Tuner.Mode.AUTO);
        assertThat(Tuner.mode("off")).isEqualTo(Tuner.Mode.OFF);
        assertThat(Tuner.mode("auto")).isEqualTo(Tuner.Mode.AUTO);
        assertThat(Tuner.mode("first")).isEqualTo(Tuner.Mode.FIRST);
        assertThatThrownBy(() -> Tuner.mode("yes")).isInstanceOf(IllegalStateException.class)
                .hasMessage("the property tmac.tune is yes; give off, auto or first");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -1})
    void threadsThatCannotBeAreRefused(int threads) {
        assertThatThrownBy(() -> Tuner.tune(List.of(GgmlType.TQ2_0), List.of(threads), said -> { }))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("give numbers from 1 on");
        assertThatThrownBy(() -> Tuner.tune(List.of(GgmlType.F32), List.of(1), said -> { }))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("does not take F32");
    }
}
