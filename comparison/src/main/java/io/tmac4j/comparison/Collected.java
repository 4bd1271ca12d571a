package io.tmac4j.comparison;

import io.tmac4j.bindings.Engine;
import io.tmac4j.bindings.LlamaCppLibrary;
import io.tmac4j.comparison.bench.Cell;
import io.tmac4j.comparison.bench.SweepRun;
import io.tmac4j.comparison.environment.Environment;
import io.tmac4j.comparison.environment.Priority;
import io.tmac4j.comparison.output.Agreement;
import io.tmac4j.comparison.output.Comparison;
import io.tmac4j.comparison.output.Format;
import io.tmac4j.comparison.output.Json;
import io.tmac4j.comparison.output.Progress;
import io.tmac4j.comparison.output.Result;
import io.tmac4j.comparison.output.ResultWriter;
import io.tmac4j.comparison.output.Results;
import io.tmac4j.comparison.output.Startup;
import io.tmac4j.comparison.output.Text;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Gathers what a sweep finds, prints it, and keeps it in the file of {@code --resume}. */
final class Collected implements SweepRun.Sink {

    private final LlamaCppLibrary library;
    private final ResultWriter writer;
    private final String energy;
    private final Priority priority;
    private final Path file;
    private final Progress progress;
    private final Results before;
    private final Map<String, String> engines = new LinkedHashMap<>();
    private final List<Result> results = new ArrayList<>();
    private final List<Comparison> comparisons = new ArrayList<>();
    private final List<Agreement> agreement = new ArrayList<>();
    private final List<Text> texts = new ArrayList<>();
    private final List<Startup> startups = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();

    /**
     * A collection.
     *
     * @param energy how energy is measured, or why not
     * @param file   where results are kept, or null
     */
    Collected(LlamaCppLibrary library, Format format, PrintWriter out, String energy, Priority priority, Path file,
              Progress progress) throws IOException {
        this.library = library;
        this.energy = energy;
        this.priority = priority;
        this.writer = ResultWriter.of(format, out);
        this.file = file;
        this.progress = progress;
        this.before = file != null && Files.exists(file) ? Json.read(file)
                : new Results(Results.VERSION, null, List.of(), List.of(), List.of(), List.of(), List.of(),
                        List.of());
        if (before.environment() != null) {
            requireSameMachine(before.environment());
            engines.putAll(before.environment().engines());
        }
    }

    /** Results of two machines, or of one in two states, in one file would be compared as if they were one's. */
    private void requireSameMachine(Environment found) {
        Environment here = environment();
        requireSame("of another machine", found.cpu(), here.cpu());
        requireSame("of another Java", found.jvm(), here.jvm());
        requireSame("measured with another --prio", Integer.toString(found.priority()), Integer.toString(here.priority()));
        if (found.llamaCpp() != null) {
            requireSame("of another llama.cpp", name(found.llamaCpp()), name(here.llamaCpp()));
        }
    }

    private void requireSame(String difference, String found, String here) {
        if (found != null && !found.equals(here)) {
            throw new Failure(file + " holds results " + difference + ", " + found + ", and this run has " + here
                    + ": give --resume another file");
        }
    }

    private static String name(Environment.LlamaCpp library) {
        return library.version() + " " + library.commit() + " " + library.cpuVariant();
    }

    @Override
    public Optional<Result> known(Cell cell, Engine engine) {
        return before.results().stream()
                .filter(result -> isOf(result, cell) && result.engine().equals(engine.name()))
                .findFirst();
    }

    private static boolean isOf(Result result, Cell cell) {
        return result.model().equals(cell.model().getFileName().toString())
                && result.threads() == cell.settings().threads()
                && result.nPrompt() == cell.test().prompt()
                && result.nGen() == cell.test().generate()
                && result.nDepth() == cell.test().depth()
                && result.nParallel() == cell.test().sequences()
                && result.nBatch() == cell.settings().batch()
                && result.nUbatch() == cell.settings().ubatch()
                && result.typeK().equals(cell.settings().keyType().ggmlName())
                && result.typeV().equals(cell.settings().valueType().ggmlName())
                && result.flashAttn().equals(cell.settings().flashAttention().name().toLowerCase(Locale.ROOT));
    }

    @Override
    public void finished(List<Result> ofEngines, List<Comparison> compared) {
        results.addAll(ofEngines);
        comparisons.addAll(compared);
        for (Comparison comparison : compared) {
            for (String note : comparison.notes()) {
                note(comparison.test() + ", " + comparison.threads() + " threads: " + note);
            }
        }
        writer.test(ofEngines, compared);
        save();
    }

    @Override
    public void agreement(Agreement found) {
        agreement.add(found);
        save();
    }

    @Override
    public boolean agreementKnown(Path model, List<Engine> wanted) {
        String name = model.getFileName().toString();
        List<Agreement> known = before.agreement().stream().filter(found -> found.model().equals(name)
                && found.baseline().equals(wanted.getFirst().name())
                && wanted.contains(new Engine(found.engine()))).toList();
        if (known.size() < wanted.size() - 1) {
            return false;
        }
        agreement.addAll(known);
        return true;
    }

    @Override
    public void startup(Startup startup) {
        startups.add(startup);
        save();
    }

    @Override
    public boolean startupKnown(Path model, List<Engine> wanted) {
        String name = model.getFileName().toString();
        List<Startup> known = before.startup().stream().filter(found -> found.model().equals(name)
                && wanted.contains(new Engine(found.engine()))).toList();
        if (known.size() < wanted.size()) {
            return false;
        }
        startups.addAll(known);
        return true;
    }

    @Override
    public void text(Text text) {
        texts.add(text);
    }

    @Override
    public void note(String sentence) {
        notes.add(sentence);
    }

    @Override
    public void engine(String name, String description) {
        engines.put(name, description);
    }

    /** Prints what can be printed only at the end. */
    void end() {
        progress.clear();
        writer.end(all());
        save();
    }

    private Results all() {
        return new Results(Results.VERSION, environment(), results, comparisons, agreement, texts, startups, notes);
    }

    private Environment environment() {
        return Environment.here(library, engines, energy, priority);
    }

    private void save() {
        if (file == null) {
            return;
        }
        try {
            Json.write(file, all().with(before));
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }
}
