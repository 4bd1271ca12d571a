import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The NEON loops of our kernels, as C2 of an aarch64 JDK compiles them, and those of llama.cpp, as clang compiles them, costed by
 * llvm-mca. Run by neon-loops.sh; writes Markdown tables to standard output.
 *
 * <pre>NeonLoops WORK_FOLDER</pre> with {@code machine-code.log} of the VM and {@code quants-PROCESSOR.o} and
 * {@code repack-PROCESSOR.o} of clang in it
 */
final class NeonLoops {

    private static final List<String> PROCESSORS = List.of("apple-m2", "oryon-1");
    private static final String MCA = System.getProperty("llvm.mca", "llvm-mca-19");
    private static final String OBJDUMP = System.getProperty("objdump", "aarch64-linux-gnu-objdump");
    private static final int ITERATIONS = 200;

    /** Instructions a cycle: as Cyclone's model has it, and eight, which the front end delivers, where Oryon's model has 16. */
    private static final Map<String, Integer> DISPATCH = Map.of("apple-m2", 6, "oryon-1", 8);

    /** A dot product multiplies 16 weights, a matrix product 2 x 2 x 8. */
    private static final int WEIGHTS_A_DOT = 16;
    private static final int WEIGHTS_A_MATRIX_PRODUCT = 32;

    private static final Pattern METHOD = Pattern.compile(
            "Compiled method \\(c2\\) +\\d+ +\\d+ +4 +([\\w.$]+)::(\\w+) \\(\\d+ bytes\\)");
    private static final Pattern CODE = Pattern.compile("  0x([0-9a-f]{16}): ([0-9a-f |]+).*");
    private static final Pattern INSTRUCTION = Pattern.compile(" *([0-9a-f]+):\\s+[0-9a-f]{8}\\s+(.*)");
    private static final Pattern BRANCH = Pattern.compile("(b|b\\.\\w+|cbn?z|tbn?z)\\s+(.*, ?)?(?:0x)?([0-9a-f]+)");
    /** A scalar load with an offset, which LLVM 19 has no cost of for oryon-1; with an unscaled offset it has. */
    private static final Pattern UNKNOWN_LOAD = Pattern.compile("^ldr([bh]?) ([xw]\\w+, )\\[(\\w+)(?:, #\\w+)?\\]$");
    private static final Pattern VECTOR = Pattern.compile("\\b[vq]\\d+\\b.*");

    private final Path work;

    private NeonLoops(Path work) {
        this.work = work;
    }

    public static void main(String[] arguments) throws IOException {
        new NeonLoops(Path.of(arguments[0])).write();
    }

    /** An instruction at its address. */
    private record Instruction(long address, String text) {

        /** Where it jumps to, or -1. */
        long target() {
            Matcher branch = BRANCH.matcher(text);
            return branch.matches() ? Long.parseUnsignedLong(branch.group(3), 16) : -1;
        }

        boolean isVector() {
            return VECTOR.matcher(text).find();
        }
    }

    /** The instructions of a loop, the jump back the last one. */
    private record Loop(List<Instruction> body) {

        long count(String pattern) {
            Pattern compiled = Pattern.compile(pattern);
            return body.stream().filter(instruction -> compiled.matcher(instruction.text).lookingAt()).count();
        }

        long vectors() {
            return body.stream().filter(Instruction::isVector).count();
        }

        long shuffles() {
            return count("tbl\\s+v\\d+\\.16b, \\{v\\d+\\.16b\\},");
        }

        long dots() {
            return count("sdot|udot|usdot");
        }

        long matrixProducts() {
            return count("smmla|ummla|usmmla");
        }

        long adds() {
            return count("add\\s+v\\d+\\.8h");
        }

        long products() {
            return count("ml[as]\\s+v\\d+\\.8h|mul\\s+v\\d+\\.8h");
        }

        long floats() {
            return count("fm(la|ul)\\s+v\\d+\\.4s");
        }

        /** Lookups by shuffles, else multiplications of integers, else additions: what a loop that sums is there for. */
        long sums() {
            return shuffles() > 0 ? shuffles() : products() > 0 ? products() : adds();
        }

        /** Integers that scales of sub-blocks are multiplied with. */
        long subBlocks() {
            return count("ml[as]\\s+v\\d+\\.4s|mul\\s+v\\d+\\.4s");
        }

        /** What a loop is there for: where a method has lookups, additions alone are beside the point. */
        private int kind() {
            return shuffles() > 0 ? 2 : products() > 0 ? 1 : 0;
        }

        boolean isBetterThan(Loop other) {
            if (kind() != other.kind()) {
                return kind() > other.kind();
            }
            if (sums() == 0 && other.sums() == 0) {
                return floats() < other.floats() || floats() == other.floats() && body.size() < other.body.size();
            }
            return sums() * other.body.size() > other.sums() * body.size();
        }

        long moves() {
            return count("mov\\s+v\\d+\\.16b, v\\d+\\.16b|orr\\s+v(\\d+)\\.16b, v(\\d+)\\.16b, v\\2\\.16b");
        }

        long spills() {
            return count("(ld|st)[rp]\\s+[qd]\\d+.*\\[sp");
        }
    }

    /** Runs a program and returns what it wrote to standard output. */
    private static String run(List<String> command) throws IOException {
        Process process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes());
        try {
            if (process.waitFor() != 0) {
                throw new IOException(command + " failed");
            }
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
        return output;
    }

    private static List<Instruction> parse(Stream<String> lines) {
        List<Instruction> code = new ArrayList<>();
        lines.forEach(line -> {
            Matcher matcher = INSTRUCTION.matcher(line);
            if (matcher.matches()) {
                String text = matcher.group(2).replaceAll("\\s*(//|<).*", "").replace('\t', ' ').strip();
                code.add(new Instruction(Long.parseLong(matcher.group(1), 16), text));
            }
        });
        return code;
    }

    /** Innermost loops that compute with vectors. */
    private static List<Loop> loops(List<Instruction> code) {
        Map<Long, Integer> places = new TreeMap<>();
        for (int i = 0; i < code.size(); i++) {
            places.put(code.get(i).address, i);
        }
        List<int[]> ranges = new ArrayList<>();
        for (int i = 0; i < code.size(); i++) {
            Integer to = places.get(code.get(i).target());
            if (to != null && to <= i) {
                ranges.add(new int[] {to, i});
            }
        }
        List<Loop> loops = new ArrayList<>();
        for (int[] range : ranges) {
            boolean innermost = ranges.stream().noneMatch(other -> other != range && other[0] >= range[0] && other[1] <= range[1]
                    && !(other[0] == range[0] && other[1] == range[1]));
            Loop loop = new Loop(List.copyOf(code.subList(range[0], range[1] + 1)));
            if (innermost && loop.vectors() > 2) {
                loops.add(loop);
            }
        }
        return loops;
    }

    /** The machine code of each method that C2 compiled from its beginning, the last version of it. */
    private Map<String, List<Instruction>> javaMethods(Path log) throws IOException {
        Map<String, StringBuilder> hex = new LinkedHashMap<>();
        StringBuilder current = null;
        boolean inCode = false;
        for (String line : Files.readAllLines(log, java.nio.charset.StandardCharsets.ISO_8859_1)) {
            Matcher method = METHOD.matcher(line);
            if (line.startsWith("Compiled method")) {
                current = null;
                if (method.matches()) {
                    current = new StringBuilder();
                    hex.put(method.group(1).replaceAll(".*\\.", "") + "." + method.group(2), current);
                }
            } else if (line.startsWith("[MachCode]")) {
                inCode = true;
            } else if (line.startsWith("[/MachCode]") || line.startsWith("[Stub Code]") || line.startsWith("[Exception Handler]")) {
                inCode = false;
            } else if (inCode && current != null) {
                Matcher code = CODE.matcher(line);
                if (code.matches()) {
                    current.append(code.group(2).replaceAll("[ |]", ""));
                }
            }
        }
        Map<String, List<Instruction>> methods = new TreeMap<>();
        for (Map.Entry<String, StringBuilder> entry : hex.entrySet()) {
            Path binary = work.resolve(entry.getKey() + ".bin");
            Files.write(binary, java.util.HexFormat.of().parseHex(entry.getValue()));
            String listing = run(List.of(OBJDUMP, "-D", "-b", "binary", "-m", "aarch64", binary.toString()));
            methods.put(entry.getKey(), parse(listing.lines()));
        }
        return methods;
    }

    private static Map<String, List<Instruction>> functions(Path object) throws IOException {
        Map<String, List<Instruction>> functions = new TreeMap<>();
        String name = null;
        List<String> lines = new ArrayList<>();
        for (String line : run(List.of(OBJDUMP, "-d", object.toString())).lines().toList()) {
            Matcher header = Pattern.compile("[0-9a-f]+ <(\\w+)>:").matcher(line);
            if (header.matches()) {
                if (name != null) {
                    functions.put(name, parse(lines.stream()));
                }
                name = header.group(1);
                lines.clear();
            } else {
                lines.add(line);
            }
        }
        functions.put(name, parse(lines.stream()));
        return functions;
    }

    /** Cycles an iteration in the steady state. */
    private double cycles(Loop loop, String processor) {
        StringBuilder assembly = new StringBuilder("loop:\n");
        for (Instruction instruction : loop.body) {
            Matcher branch = BRANCH.matcher(instruction.text);
            assembly.append(branch.matches()
                    ? branch.group(1) + " " + (branch.group(2) == null ? "" : branch.group(2)) + "loop"
                    : UNKNOWN_LOAD.matcher(instruction.text).replaceFirst("ldur$1 $2[$3]")).append('\n');
        }
        try {
            Path file = Files.writeString(work.resolve("loop.s"), assembly);
            String report = run(List.of(MCA, "-mtriple=aarch64", "-mcpu=" + processor, "-iterations=" + ITERATIONS,
                    "-dispatch=" + DISPATCH.get(processor), "-instruction-info=false", "-skip-unsupported-instructions=lack-sched",
                    "-resource-pressure=false", file.toString()));
            Matcher total = Pattern.compile("Total Cycles: +(\\d+)").matcher(report);
            if (!total.find()) {
                throw new IOException("no cycles in " + report);
            }
            return Double.parseDouble(total.group(1)) / ITERATIONS;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void line(String format, Object... values) {
        System.out.println(String.format(Locale.ROOT, format, values));
    }

    /** A loop, or a method without one, and what an iteration costs on each processor. */
    private record Costed(Loop loop, boolean wholeMethod, List<Double> cycles) {
    }

    /**
     * The loop in which a method does its work: of those with most of it for an instruction, the shortest; of loops that scale,
     * the one that C2 has unrolled least, so that an iteration is one block. Without a loop it is the code up to the return.
     */
    private Costed costed(List<Instruction> code) {
        Loop best = null;
        for (Loop loop : loops(code)) {
            if (loop.sums() + loop.floats() > 0 && (best == null || loop.isBetterThan(best))) {
                best = loop;
            }
        }
        boolean whole = best == null;
        if (whole) {
            int end = 0;
            while (end < code.size() - 1 && !code.get(end).text.equals("ret")) {
                end++;
            }
            best = new Loop(List.copyOf(code.subList(0, end)));
        }
        return costed(best, whole);
    }

    private Costed costed(Loop loop, boolean whole) {
        return new Costed(loop, whole, PROCESSORS.stream().map(processor -> cycles(loop, processor)).toList());
    }

    private void write() throws IOException {
        Map<String, Costed> ours = new TreeMap<>();
        for (Map.Entry<String, List<Instruction>> method : javaMethods(work.resolve("machine-code.log")).entrySet()) {
            if (method.getKey().matches("(.*Kernels|(Word|Nested)(Sums|Scales)|TritOffsets)\\..*")) {
                Costed costed = costed(method.getValue());
                if (costed.loop.vectors() > 0) {
                    ours.put(method.getKey(), costed);
                }
                loops(method.getValue()).stream().filter(loop -> loop.subBlocks() > 0 && loop.floats() == 0)
                        .max(Comparator.comparingDouble(loop -> (double) loop.subBlocks() / loop.body.size()))
                        .ifPresent(loop -> ours.put(method.getKey() + SUB_BLOCKS, costed(loop, false)));
            }
        }
        line("| our loop | instructions | NEON | shuffles | moves | spills | cycles apple-m2 | cycles oryon-1 |");
        line("| --- | --- | --- | --- | --- | --- | --- | --- |");
        ours.forEach((name, costed) -> line("| %s%s | %d | %d | %d | %d | %d | %.1f | %.1f |", name,
                costed.wholeMethod ? " (no loop: all of it)" : "", costed.loop.body.size(), costed.loop.vectors(),
                costed.loop.shuffles(), costed.loop.moves(), costed.loop.spills(), costed.cycles.get(0), costed.cycles.get(1)));
        List<Map<String, List<Instruction>>> theirs = new ArrayList<>();
        for (String processor : PROCESSORS) {
            Map<String, List<Instruction>> functions = functions(work.resolve("quants-" + processor + ".o"));
            functions.putAll(functions(work.resolve("repack-" + processor + ".o")));
            theirs.add(functions);
        }
        line("%n| decode, cycles for 256 weights | apple-m2: llama.cpp | tmac sums | tmac | ratio | oryon-1: llama.cpp | tmac sums "
                + "| tmac | ratio |");
        line("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
        for (Kernels type : TYPES) {
            StringBuilder row = new StringBuilder("| " + type.name);
            for (int p = 0; p < PROCESSORS.size(); p++) {
                double llama = llama(theirs.get(p), type.theirDecode, p, false);
                double sums = sums(type.sums, ours, p);
                double all = sums + scales(type, ours, p);
                row.append(" | %s | %s | %s | %s".formatted(number(llama), number(sums), number(all), ratio(llama / all)));
            }
            line("%s |", row);
        }
        line("%n| prefill, weights times columns a cycle | apple-m2: llama.cpp by column | by matrix | tmac sums | ratio "
                + "| oryon-1: llama.cpp by column | by matrix | tmac sums | ratio |");
        line("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
        for (Kernels type : TYPES) {
            StringBuilder row = new StringBuilder("| " + type.name);
            for (int p = 0; p < PROCESSORS.size(); p++) {
                double single = WEIGHTS / llama(theirs.get(p), type.theirDecode, p, false);
                double matrix = WEIGHTS / llama(theirs.get(p), type.theirPrefill, p, true);
                double sums = type.prefill(ours, p);
                row.append(" | %s | %s | %s | %s".formatted(number(single), number(matrix), number(sums),
                        ratio(sums / (Double.isNaN(matrix) ? single : Math.max(single, matrix)))));
            }
            line("%s |", row);
        }
    }

    private static String number(double value) {
        return Double.isNaN(value) ? "-" : String.format(Locale.ROOT, "%.1f", value);
    }

    private static String ratio(double value) {
        return Double.isNaN(value) ? "-" : String.format(Locale.ROOT, "%.2fx", value);
    }

    /** Cycles that llama.cpp needs for 256 weights of one row and one column, NaN if there is no such loop. */
    private double llama(Map<String, List<Instruction>> functions, List<String> names, int processor, boolean matrix) {
        double best = Double.NaN;
        for (String name : names) {
            for (Loop loop : loops(functions.getOrDefault(name, List.of()))) {
                long weights = matrix ? loop.matrixProducts() * WEIGHTS_A_MATRIX_PRODUCT : loop.dots() * WEIGHTS_A_DOT;
                if (weights > 0) {
                    double cycles = cycles(loop, PROCESSORS.get(processor)) * WEIGHTS / weights;
                    best = Double.isNaN(best) ? cycles : Math.min(best, cycles);
                }
            }
        }
        return best;
    }

    /** Cycles of our loops that sum for 256 weights of one row and one column, NaN if one of them is not there. */
    private static double sums(Map<String, Double> works, Map<String, Costed> ours, int processor) {
        return works.entrySet().stream().mapToDouble(entry -> ours.containsKey(entry.getKey())
                ? ours.get(entry.getKey()).cycles.get(processor) * entry.getValue() / ours.get(entry.getKey()).loop.sums()
                : Double.NaN).sum();
    }

    /** The same of our loops that scale. */
    private static double scales(Kernels type, Map<String, Costed> ours, int processor) {
        return type.scales.entrySet().stream().mapToDouble(entry -> {
            Costed costed = ours.get(entry.getKey());
            if (costed == null) {
                return Double.NaN;
            }
            long together = entry.getKey().endsWith(SUB_BLOCKS) ? costed.loop.subBlocks() : 1;
            return costed.cycles.get(processor) * entry.getValue() / together;
        }).sum();
    }

    private static final String SUB_BLOCKS = ", sub-blocks";
    private static final int WEIGHTS = 256;
    /** 16-bit lanes of a vector. */
    private static final int COLUMNS = 8;

    /**
     * What a type's kernels do. To be changed with the kernels.
     *
     * @param name         the type
     * @param theirDecode  llama.cpp's functions for one column, of which the faster one counts
     * @param theirPrefill llama.cpp's functions that multiply matrices
     * @param sums         our loops that sum, and how many lookups or multiplications 256 weights of one row take there
     * @param scales       our loops that make numbers of the sums, and how often they run, or how many sub-blocks they have, for
     *                     256 weights of one row
     * @param ourPrefill   our loop that sums for many columns
     * @param weightsASum  weights of a row that one lookup or multiplication of it stands for, in all columns of a vector
     */
    private record Kernels(String name, List<String> theirDecode, List<String> theirPrefill, Map<String, Double> sums,
            Map<String, Double> scales, String ourPrefill, double weightsASum) {

        Kernels(String name, String theirs, Map<String, Double> sums, Map<String, Double> scales, String ourPrefill,
                double weightsASum) {
            this(name, List.of(theirs), List.of(theirs), sums, scales, ourPrefill, weightsASum);
        }

        /** Weights times columns a cycle. */
        double prefill(Map<String, Costed> ours, int processor) {
            Costed costed = ours.get(ourPrefill);
            return costed == null ? Double.NaN : costed.loop.sums() * weightsASum * COLUMNS / costed.cycles.get(processor);
        }
    }

    /** Rows of a vector that lookups fill, and of one of words. */
    private static final double LOOKUP_ROWS = 16;
    private static final double WORD_ROWS = 4;

    /** Rows of the four tiles of words whose scales one iteration takes. */
    private static final double FOUR_TILES = 4 * WORD_ROWS;

    /** Multiplications for 256 weights of a row: a vector has two fields of each of four rows. */
    private static final double PRODUCTS = WEIGHTS / (2 * WORD_ROWS);

    /** The same for the 8 mins of a block, by low and by high parts of the sums of activations. */
    private static final double EIGHT_MINS = 2 * 8 / (2 * WORD_ROWS);

    /** Lookups of 256 weights in pairs; their 16 scales, and as many mins, multiply vectors of the even and of the odd rows. */
    private static final Map<String, Double> TWO_BITS = Map.of("NestedSums.twoBits", WEIGHTS / 2 / LOOKUP_ROWS,
            "NestedScales.scaleNibbles", 2 * 16 / LOOKUP_ROWS, "NestedScales.scaleMins", 2 * 16 / LOOKUP_ROWS);

    /** Blocks of three bits have words of two sums, in two steps, and words of one; each word has a field that is one bit. */
    private static final Map<String, Double> THREE_BITS = Map.of("WordSums.threeBitStarts", 8 * 4 / WORD_ROWS,
            "WordSums.threeBitShares", 8 * 3 / WORD_ROWS, "WordSums.threeBits", 16 * 6 / WORD_ROWS);

    private static final List<Kernels> TYPES = List.of(
            new Kernels("Q1_0", "ggml_vec_dot_q1_0_q8_0", Map.of("LookupKernels.sums", WEIGHTS / 4 / LOOKUP_ROWS),
                    Map.of("ScaleKernels.flat", 2 / LOOKUP_ROWS), "GemmKernels.tableSums", 4),
            new Kernels("Q2_0", "ggml_vec_dot_q2_0_q8_0", Map.of("LookupKernels.sums", WEIGHTS / 2 / LOOKUP_ROWS),
                    Map.of("ScaleKernels.flat", 4 / LOOKUP_ROWS), "GemmKernels.tableSums", 2),
            new Kernels("TQ1_0", "ggml_vec_dot_tq1_0_q8_K", Map.of("LookupKernels.sums", WEIGHTS / 2 / LOOKUP_ROWS),
                    Map.of("ScaleKernels.flat", 1 / LOOKUP_ROWS), "GemmKernels.tritSums", 64 / 22.0),
            new Kernels("TQ2_0", "ggml_vec_dot_tq2_0_q8_K", Map.of("LookupKernels.sums", WEIGHTS / 2 / LOOKUP_ROWS),
                    Map.of("ScaleKernels.flat", 1 / LOOKUP_ROWS), "GemmKernels.tritSums", 64 / 22.0),
            new Kernels("Q2_K", "ggml_vec_dot_q2_K_q8_K", TWO_BITS, Map.of("NestedScales.finishNibbles", 2 / LOOKUP_ROWS),
                    "GemmKernels.tableSums", 2),
            new Kernels("Q3_K", "ggml_vec_dot_q3_K_q8_K", THREE_BITS,
                    Map.of("WordScales.signedBytes" + SUB_BLOCKS, 16 / WORD_ROWS, "WordScales.nested", 1 / WORD_ROWS),
                    "GemmKernels.productSumsOfTwo", 1),
            new Kernels("Q4_0", List.of("ggml_vec_dot_q4_0_q8_0", "ggml_gemv_q4_0_4x8_q8_0"),
                    List.of("ggml_vec_dot_q4_0_q8_0", "ggml_gemm_q4_0_4x8_q8_0"), Map.of("WordSums.fourBits", PRODUCTS),
                    Map.of("WordScales.flat", 8 / FOUR_TILES), "GemmKernels.productSumsOfTwo", 1),
            new Kernels("Q4_1", "ggml_vec_dot_q4_1_q8_1", Map.of("WordSums.fourBits", PRODUCTS),
                    Map.of("WordScales.flatMin", 8 / FOUR_TILES), "GemmKernels.productSumsOfTwo", 1),
            new Kernels("Q4_K", List.of("ggml_vec_dot_q4_K_q8_K", "ggml_gemv_q4_K_8x8_q8_K"),
                    List.of("ggml_vec_dot_q4_K_q8_K", "ggml_gemm_q4_K_8x8_q8_K"),
                    Map.of("WordSums.fourBits", PRODUCTS, "WordSums.eightBits", EIGHT_MINS),
                    Map.of("WordScales.bytes" + SUB_BLOCKS, 8 / WORD_ROWS, "WordScales.nestedMin", 1 / FOUR_TILES), "GemmKernels.productSumsOfTwo", 1));
}
