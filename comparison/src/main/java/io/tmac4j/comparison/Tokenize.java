package io.tmac4j.comparison;

import io.tmac4j.bindings.LlamaModel;
import io.tmac4j.bindings.ModelOptions;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(name = "tokenize", header = "Print the tokens of a text.",
        description = {
            "Prints the tokens that a model makes of a text, byte for byte: nothing is trimmed, escaped or converted. A model "
                    + "that holds a vocabulary only is enough.",
            "",
            "Examples:",
            "  tmac tokenize -m model.gguf \"Now is the winter\"",
            "  tmac tokenize -m model.gguf -f book.txt -o json",
            "  printf 'Grüße' | tmac tokenize -m model.gguf -f - --no-bos"})
final class Tokenize implements Callable<Integer> {

    /** How the tokens are printed. */
    enum Form { TEXT, IDS, JSON }

    @Spec
    private CommandSpec spec;

    @Option(names = {"-m", "--model"}, required = true, paramLabel = "FILE", description = "The GGUF model.")
    private Path model;

    @Option(names = {"-f", "--file"}, paramLabel = "FILE",
            description = "The text as a file, - for standard input (the default if there is no TEXT).")
    private String file;

    @Option(names = "--no-bos", description = "Put no special tokens around the text, even if the model wants them.")
    private boolean noBos;

    @Option(names = "--no-parse-special", description = "Take the names of special tokens in the text for plain text.")
    private boolean noParseSpecial;

    @Option(names = {"-o", "--output"}, paramLabel = "FORM",
            description = "text: a token and its bytes a line; ids: the numbers in brackets; json: {\"tokens\":[..]} "
                    + "(default: text).")
    private Form form = Form.TEXT;

    @Parameters(index = "0", arity = "0..1", paramLabel = "TEXT", description = "The text.")
    private String text;

    @Override
    public Integer call() throws IOException {
        if (text != null && file != null) {
            throw new ParameterException(spec.commandLine(), "a TEXT and -f " + file + " are both given; give one of them");
        }
        byte[] bytes = bytes();
        PrintWriter out = spec.commandLine().getOut();
        try (LlamaModel vocabulary = LlamaModel.load(model, ModelOptions.defaults().withVocabularyOnly(true))) {
            int[] tokens = vocabulary.tokenize(bytes, !noBos, !noParseSpecial);
            out.print(switch (form) {
                case IDS -> list(tokens, ", ") + System.lineSeparator();
                case JSON -> "{\"tokens\":" + list(tokens, ",") + "}" + System.lineSeparator();
                case TEXT -> lines(vocabulary, tokens);
            });
        }
        out.flush();
        return 0;
    }

    private static String lines(LlamaModel vocabulary, int[] tokens) {
        StringBuilder lines = new StringBuilder();
        for (int token : tokens) {
            lines.append(String.format("%6d -> '%s'%n", token, printable(vocabulary.tokenBytes(token))));
        }
        return lines.toString();
    }

    private byte[] bytes() throws IOException {
        if (text != null) {
            return exact(text, System.getProperty("sun.jnu.encoding"));
        }
        if (file == null || file.equals("-")) {
            InputStream in = System.in;
            return in.readAllBytes();
        }
        Path path = Path.of(file);
        if (Files.isDirectory(path)) {
            throw new Failure(file + " is a folder; name a text file");
        }
        if (Files.size(path) > Integer.MAX_VALUE - 16) {
            throw new Failure(file + " has " + Files.size(path) + " bytes; llama.cpp tokenises texts below 2 GB");
        }
        return Files.readAllBytes(path);
    }

    /** An argument's bytes; the VM replaces characters that the locale's encoding does not know, so these cannot be had back. */
    static byte[] exact(String argument, String encoding) {
        if (argument.indexOf('\uFFFD') >= 0 && !"UTF-8".equalsIgnoreCase(encoding)) {
            throw new Failure("the text has characters that the encoding " + encoding + " of this locale cannot carry; give it "
                    + "with '-f -' or as a file, or set a UTF-8 locale");
        }
        return argument.getBytes(StandardCharsets.UTF_8);
    }

    private static String list(int[] tokens, String separator) {
        return Arrays.stream(tokens).mapToObj(Integer::toString).collect(Collectors.joining(separator, "[", "]"));
    }

    /** The characters of a token, control characters and parts of characters as {@code \xHH}. */
    static String printable(byte[] bytes) {
        try {
            StringBuilder shown = new StringBuilder();
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString().codePoints().forEach(character -> {
                if (Character.isISOControl(character)) {
                    shown.append(escape(character));
                } else {
                    shown.appendCodePoint(character);
                }
            });
            return shown.toString();
        } catch (CharacterCodingException partOfACharacter) {
            StringBuilder shown = new StringBuilder();
            for (byte b : bytes) {
                shown.append(b >= ' ' && b < 127 ? String.valueOf((char) b) : String.format("\\x%02X", b));
            }
            return shown.toString();
        }
    }

    private static String escape(int character) {
        return switch (character) {
            case '\n' -> "\\n";
            case '\r' -> "\\r";
            case '\t' -> "\\t";
            default -> String.format("\\x%02X", character);
        };
    }
}
