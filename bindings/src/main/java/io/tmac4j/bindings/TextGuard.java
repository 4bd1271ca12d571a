package io.tmac4j.bindings;

import io.tmac4j.bindings.generated.LlamaCpp;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.BitSet;
import java.util.HashSet;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.Supplier;

/**
 * Keeps texts away from llama.cpp's tokenizers that would end the VM. They throw C++ exceptions on numbers beyond Unicode's last
 * character, and on characters that a SentencePiece vocabulary has neither as a token nor as bytes. And byte-pair tokenizers
 * split texts with {@code std::regex}, which calls itself for every character of a piece: 358 bytes of stack each were measured
 * with GCC's library, so that a run of 2,900 letters ends a thread with Java's usual stack.
 */
final class TextGuard {

    /** Runs that fit into what is left of any thread's stack. */
    private static final int SHORT_RUN = 500;
    /** A longer run would need more stack than a thread can have. */
    private static final int LONGEST_RUN = 1 << 20;
    private static final long STACK_PER_BYTE = 1024;
    private static final long STACK = 1 << 20;

    /** SentencePiece writes a space so. */
    private static final String SPACE = "\u2581";

    private final boolean splits;
    private final boolean takesAnyBytes;
    /** Bytes without a token of their own. */
    private final BitSet missing;
    /** Tokens of one character, if bytes are missing. */
    private final Set<String> characters;

    private TextGuard(boolean splits, boolean takesAnyBytes, BitSet missing, Set<String> characters) {
        this.splits = splits;
        this.takesAnyBytes = takesAnyBytes;
        this.missing = missing;
        this.characters = characters;
    }

    static TextGuard of(MemorySegment vocabulary) {
        int type = LlamaCpp.llama_vocab_type(vocabulary);
        if (type != LlamaCpp.LLAMA_VOCAB_TYPE_SPM()) {
            return new TextGuard(type == LlamaCpp.LLAMA_VOCAB_TYPE_BPE(), type == LlamaCpp.LLAMA_VOCAB_TYPE_UGM(), new BitSet(),
                    Set.of());
        }
        BitSet missing = new BitSet();
        missing.set(0, 256);
        Set<String> characters = new HashSet<>();
        int tokens = LlamaCpp.llama_vocab_n_tokens(vocabulary);
        for (int token = 0; token < tokens; token++) {
            String text = LlamaCpp.llama_vocab_get_text(vocabulary, token).getString(0);
            if (text.length() == 6 && text.matches("<0x[0-9A-F]{2}>")) {
                missing.clear(Integer.parseInt(text.substring(3, 5), 16));
            } else if (text.codePointCount(0, text.length()) == 1) {
                characters.add(text);
                if (text.charAt(0) < 128) {
                    missing.clear(text.charAt(0));
                }
            }
        }
        return new TextGuard(false, true, missing, missing.isEmpty() ? Set.of() : characters);
    }

    /**
     * Lets a text pass.
     *
     * @throws LlamaException if llama.cpp would not survive it
     */
    void check(byte[] text) {
        if (!takesAnyBytes) {
            beyondUnicode(text).ifPresent(at -> {
                throw new LlamaException(String.format("the text is no UTF-8: its bytes %02X %02X %02X %02X at offset %d stand "
                        + "for no character", text[at], text[at + 1], text[at + 2], text[at + 3], at));
            });
        }
        if (!missing.isEmpty() && text.length > 0) {
            String spaced = SPACE + new String(text, StandardCharsets.UTF_8).replace(" ", SPACE);
            spaced.codePoints().mapToObj(Character::toString).filter(character -> !isKnown(character)).findFirst()
                    .ifPresent(unknown -> {
                        throw new LlamaException("this model's vocabulary has neither a token nor bytes for the character "
                                + describe(unknown));
                    });
        }
    }

    /**
     * Calls {@code tokenize} on a thread whose stack is large enough for the text.
     *
     * @throws LlamaException if there can be no such thread
     */
    int[] withStackFor(byte[] text, Supplier<int[]> tokenize) {
        int run = splits ? longestRun(text) : 0;
        if (run <= SHORT_RUN) {
            return tokenize.get();
        }
        if (run > LONGEST_RUN) {
            throw new LlamaException("the text has " + run + " bytes without a change between white space and other characters; "
                    + "llama.cpp's tokenizer would run out of stack, it takes " + LONGEST_RUN);
        }
        FutureTask<int[]> task = new FutureTask<>(tokenize::get);
        try {
            new Thread(null, task, "tokenizer", STACK + run * STACK_PER_BYTE).start();
        } catch (OutOfMemoryError noThread) {
            throw new LlamaException("there is no memory for the stack that tokenising a run of " + run + " bytes needs",
                    noThread);
        }
        return join(task);
    }

    private static int[] join(FutureTask<int[]> task) {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return task.get();
                } catch (InterruptedException later) {
                    interrupted = true;
                } catch (ExecutionException failed) {
                    throw failed.getCause() instanceof RuntimeException e ? e : new IllegalStateException(failed.getCause());
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /**
     * Bytes of the longest run of white space, or of anything else. No splitting pattern goes on from one to the other for more
     * than a character or a line's end.
     */
    static int longestRun(byte[] text) {
        int longest = 0;
        int run = 0;
        boolean before = false;
        for (byte b : text) {
            boolean space = b == ' ' || b >= '\t' && b <= '\r';
            run = space == before ? run + 1 : 1;
            before = space;
            longest = Math.max(longest, run);
        }
        return longest;
    }

    private boolean isKnown(String character) {
        if (characters.contains(character)) {
            return true;
        }
        for (byte b : character.getBytes(StandardCharsets.UTF_8)) {
            if (missing.get(b & 0xFF)) {
                return false;
            }
        }
        return true;
    }

    private static String describe(String character) {
        int codePoint = character.codePointAt(0);
        return character.equals(SPACE) ? "\" \"" : String.format("U+%04X", codePoint)
                + (Character.isISOControl(codePoint) ? "" : " \"" + character + "\"");
    }

    /** Where four bytes look like UTF-8 but stand for a number above 0x10FFFF. */
    static OptionalInt beyondUnicode(byte[] text) {
        for (int i = 0; i + 3 < text.length; i++) {
            int lead = text[i] & 0xFF;
            boolean beyond = lead > 0xF4 && lead < 0xF8 || lead == 0xF4 && (text[i + 1] & 0xFF) > 0x8F;
            if (beyond && continues(text[i + 1]) && continues(text[i + 2]) && continues(text[i + 3])) {
                return OptionalInt.of(i);
            }
        }
        return OptionalInt.empty();
    }

    private static boolean continues(byte b) {
        return (b & 0xC0) == 0x80;
    }
}
