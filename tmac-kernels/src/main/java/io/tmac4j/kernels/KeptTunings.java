package io.tmac4j.kernels;

import io.tmac4j.bindings.CacheFolder;
import io.tmac4j.bindings.GgmlType;
import io.tmac4j.bindings.LlamaCppLibrary;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The file in which what was chosen by measurement is kept, one for each machine, Java VM and state of the kernels: its name is a
 * hash of these, and it names them too. A file that says anything unexpected is as good as none.
 *
 * @param file    where it is, or would be
 * @param machine what the choices depend on
 */
record KeptTunings(Path file, String machine) {

    private static final Logger LOG = LoggerFactory.getLogger(KeptTunings.class);

    private static final String MACHINE = "machine";
    private static final String FORM = ".form";
    private static final String TABLES = "tables";
    private static final String WORDS = "words";
    private static final String THREADS = ".threads";
    private static final String CROSSOVER = ".crossover";
    private static final String CHUNK_BYTES = ".chunk-bytes";

    private static final int MOST_THREADS = 4096;
    private static final int LEAST_CHUNK = 4 << 10;
    private static final int GREATEST_CHUNK = 64 << 20;

    private static final int NAME_LENGTH = 16;

    /** The classes whose speed is measured. */
    private static final List<Class<?>> KERNELS = List.of(LookupTables.class, LookupKernels.class, NestedSums.class,
            NestedScales.class, ScaleKernels.class, WordColumns.class, WordSums.class, WordScales.class, GemmKernels.class,
            VectorTables.class, WordWeights.class, Triples.class, TritOffsets.class, LookupMatrix.class, WordMatrix.class,
            LookupLayout.class, TableLayout.class, WordLayout.class, Session.class, Gemm.class, LookupGemm.class, WordGemm.class,
            ColumnBlocks.class, Quantiser.class, RowScales.class, RoundedScales.class);

    /** The file of this machine and VM, in the cache folder. */
    static KeptTunings here() {
        String machine = String.join(" | ", LlamaCppLibrary.load().cpuName().strip(), System.getProperty("os.arch"),
                Runtime.getRuntime().availableProcessors() + " processors",
                "shuffles of " + VectorWidth.chosen().lookupBits() + " bits, vectors of " + 8 * WideSpecies.BYTES,
                System.getProperty("java.vm.name") + " " + System.getProperty("java.vm.version"), "kernels " + kernels());
        return in(CacheFolder.path(), machine);
    }

    /** The file of a machine. */
    static KeptTunings in(Path folder, String machine) {
        return new KeptTunings(
                folder.resolve("tuning-" + hash(sha256(), machine.getBytes(StandardCharsets.UTF_8)) + ".properties"),
                machine);
    }

    private static String kernels() {
        MessageDigest digest = sha256();
        for (Class<?> kernel : KERNELS) {
            try (InputStream code = kernel.getResourceAsStream(kernel.getSimpleName() + ".class")) {
                digest.update(code.readAllBytes());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return hash(digest, new byte[0]);
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    private static String hash(MessageDigest digest, byte[] last) {
        return HexFormat.of().formatHex(digest.digest(last)).substring(0, NAME_LENGTH);
    }

    /** What is kept; empty if there is no such file, or none that can be trusted, which the log then says. */
    Map<GgmlType, TypeTuning> read() {
        Map<GgmlType, TypeTuning> tunings = new EnumMap<>(GgmlType.class);
        try {
            Properties properties = new Properties();
            properties.load(new StringReader(Files.readString(file)));
            if (!machine.equals(properties.getProperty(MACHINE))) {
                throw new IllegalArgumentException("it belongs to another machine");
            }
            for (BlockFormat format : BlockFormat.ALL) {
                if (properties.getProperty(format.type() + FORM) != null) {
                    tunings.put(format.type(), tuning(format, properties));
                }
            }
            return tunings;
        } catch (NoSuchFileException none) {
            return tunings;
        } catch (CharacterCodingException e) {
            return unusable("it is no text");
        } catch (IOException | IllegalArgumentException e) {
            return unusable(e.getMessage());
        }
    }

    private Map<GgmlType, TypeTuning> unusable(String reason) {
        LOG.warn("What was tuned is ignored, since {} cannot be used: {}; `tmac tune` writes it anew", file, reason);
        return new EnumMap<>(GgmlType.class);
    }

    private static TypeTuning tuning(BlockFormat format, Properties properties) {
        String type = format.type().toString();
        String form = properties.getProperty(type + FORM);
        boolean lookups = form.equals(TABLES);
        if (!lookups && !form.equals(WORDS) || (lookups ? format.lookupForm().isEmpty() : format.wordForm().isEmpty())) {
            throw new IllegalArgumentException(type + " has no form \"" + form + "\"");
        }
        int[] threads = numbers(properties, type + THREADS, 1, MOST_THREADS);
        int[] crossovers = numbers(properties, type + CROSSOVER, 1, WideSpecies.COLUMNS);
        int[] chunks = numbers(properties, type + CHUNK_BYTES, LEAST_CHUNK, GREATEST_CHUNK);
        if (threads.length != crossovers.length || threads.length != chunks.length) {
            throw new IllegalArgumentException("the lists of " + type + " are not equally long");
        }
        List<TypeTuning.Work> work = new ArrayList<>();
        for (int i = 0; i < threads.length; i++) {
            work.add(new TypeTuning.Work(threads[i], crossovers[i], chunks[i]));
        }
        return new TypeTuning(lookups, work);
    }

    private static int[] numbers(Properties properties, String name, int least, int most) {
        String text = properties.getProperty(name, "");
        if (!text.matches("\\d{1,9}(,\\d{1,9})*")) {
            throw new IllegalArgumentException(name + " is \"" + text + "\"");
        }
        int[] numbers = Arrays.stream(text.split(",")).mapToInt(Integer::parseInt).toArray();
        for (int number : numbers) {
            if (number < least || number > most) {
                throw new IllegalArgumentException(name + " is not between " + least + " and " + most + " but " + number);
            }
        }
        return numbers;
    }

    /** Writes the file anew, whole or not at all; if it cannot, the log says so. */
    void write(Map<GgmlType, TypeTuning> tunings) {
        Properties properties = new Properties();
        properties.setProperty(MACHINE, machine);
        tunings.forEach((type, tuning) -> {
            properties.setProperty(type + FORM, tuning.lookups() ? TABLES : WORDS);
            properties.setProperty(type + THREADS, list(tuning.work().stream().map(TypeTuning.Work::threads).toList()));
            properties.setProperty(type + CROSSOVER, list(tuning.work().stream().map(TypeTuning.Work::crossover).toList()));
            properties.setProperty(type + CHUNK_BYTES, list(tuning.work().stream().map(TypeTuning.Work::chunkBytes).toList()));
        });
        StringWriter text = new StringWriter();
        Path unfinished = file.resolveSibling(file.getFileName() + "." + ProcessHandle.current().pid() + ".part");
        try {
            properties.store(text, "What the tmac engine chose by measurement; may be deleted");
            Files.createDirectories(file.getParent());
            Files.writeString(unfinished, text.toString());
            Files.move(unfinished, file, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            LOG.warn("What was tuned could not be kept in {}: {}", file, e.toString());
        } finally {
            unfinished.toFile().delete();
        }
    }

    private static String list(List<Integer> numbers) {
        return String.join(",", numbers.stream().map(String::valueOf).toList());
    }
}
