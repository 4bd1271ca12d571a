package io.tmac4j.bindings;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reads a grammar as llama.cpp's parser does ({@code llama-grammar.cpp}) and refuses what llama.cpp would not survive: left
 * recursion that it does not find because an empty part stands before it grows its stacks without end; deep nesting ends
 * its stack; large repetitions fill its memory; many ways to begin make its own check take for ever. Tokens by name or number
 * are refused too: one that a rule for characters has begun to read passes llama.cpp's filter and then ends the VM.
 */
final class GbnfCheck {

    private static final String ROOT = "root";

    /** llama.cpp's own {@code MAX_REPETITION_THRESHOLD}. */
    private static final int MOST_REPETITIONS = 2000;
    private static final int LONGEST = 1 << 20;
    private static final int DEEPEST = 200;
    private static final int LONGEST_CHAIN = 1000;
    private static final int MOST_ELEMENTS = 200_000;
    private static final int MOST_RULES = 20_000;
    /** Ways to begin, of one rule and of all. */
    private static final long MOST_BEGINNINGS = 10_000;
    private static final long MOST_BEGINNINGS_TOGETHER = 1_000_000;

    private final String text;
    private final Map<String, Integer> numbers = new HashMap<>();
    /** What a rule is called in a message. */
    private final List<String> names = new ArrayList<>();
    /** The alternatives of each rule; null if it is not defined. Symbols are rules, or the negative length of a terminal. */
    private final List<List<int[]>> rules = new ArrayList<>();
    private int at;
    private int depth;
    private long elements;

    private GbnfCheck(String text) {
        this.text = text;
    }

    /** @throws GrammarException if llama.cpp would refuse the grammar or not survive it */
    static void check(String text) {
        if (text.length() > LONGEST) {
            throw new GrammarException("the grammar has " + text.length() + " characters; there may be " + LONGEST);
        }
        int zero = text.indexOf('\0');
        GbnfCheck check = new GbnfCheck(text);
        if (zero >= 0) {
            check.at = zero;
            throw check.bad("the character U+0000 ends the grammar for llama.cpp");
        }
        check.parse();
        check.defined();
        new LeftEdges(check).check();
    }

    private void parse() {
        space(true);
        while (at < text.length()) {
            rule();
        }
    }

    private void rule() {
        int start = at;
        String name = name();
        space(false);
        if (!text.startsWith("::=", at)) {
            throw bad("expected ::= after the name of a rule");
        }
        at += 3;
        space(true);
        int number = number(name);
        if (rules.get(number) != null) {
            at = start;
            throw bad("the rule \"" + name + "\" is defined twice");
        }
        alternatives(name, number, false);
        if (at < text.length() && peek() != '\n' && peek() != '\r') {
            throw bad("expected the end of the line or another part of the rule");
        }
        space(true);
    }

    private int number(String name) {
        return numbers.computeIfAbsent(name, _ -> newRule("the rule \"" + name + "\""));
    }

    private int newRule(String description) {
        if (rules.size() == MOST_RULES) {
            throw bad("the grammar has more than " + MOST_RULES + " rules, repetitions included");
        }
        names.add(description);
        rules.add(null);
        return rules.size() - 1;
    }

    private void alternatives(String name, int number, boolean nested) {
        if (++depth > DEEPEST) {
            throw bad("parentheses are nested more than " + DEEPEST + " deep");
        }
        List<int[]> found = new ArrayList<>();
        found.add(sequence(name, nested));
        while (peek() == '|') {
            at++;
            space(true);
            found.add(sequence(name, nested));
        }
        rules.set(number, found);
        depth--;
    }

    private int[] sequence(String name, boolean nested) {
        List<Integer> symbols = new ArrayList<>();
        int last = 0;
        long repeated = 1;
        while (at < text.length()) {
            char c = peek();
            int start = symbols.size();
            if (c == '"') {
                literal(symbols);
            } else if (c == '[') {
                symbols.add(-characterClass());
            } else if (c == '.') {
                at++;
                symbols.add(-1);
            } else if (isWord(c)) {
                symbols.add(number(name()));
            } else if (c == '(') {
                int before = rules.size();
                symbols.add(group(name));
                repeated = rules.size() - before;
            } else if (c == '*' || c == '+' || c == '?' || c == '{') {
                long[] bounds = bounds(nested);
                if (last == symbols.size()) {
                    throw bad("there is nothing before this repetition that could be repeated");
                }
                repeated *= Math.max(1, bounds[1] > 0 ? bounds[1] : bounds[0]);
                if (repeated >= MOST_REPETITIONS) {
                    throw bad("repetitions within one another come to " + repeated + "; llama.cpp takes less than "
                            + MOST_REPETITIONS);
                }
                repeat(symbols, last, bounds[0], bounds[1], name);
                space(nested);
                continue;
            } else if (c == '<' || c == '!') {
                throw bad("tokens by name or number are not offered; write their text in quotes");
            } else {
                break;
            }
            if (c != '(') {
                repeated = 1;
            }
            last = start;
            count(symbols.subList(start, symbols.size()));
            space(nested);
        }
        return symbols.stream().mapToInt(Integer::intValue).toArray();
    }

    private int group(String name) {
        at++;
        space(true);
        int number = newRule("a group in the rule \"" + name + "\"");
        alternatives(name, number, true);
        if (peek() != ')') {
            throw bad("expected )");
        }
        at++;
        return number;
    }

    /** The least and the greatest number of times; the latter is -1 for no bound. */
    private long[] bounds(boolean nested) {
        char c = text.charAt(at++);
        if (c != '{') {
            return new long[] {c == '+' ? 1 : 0, c == '?' ? 1 : -1};
        }
        space(nested);
        long least = integer();
        long most = least;
        space(nested);
        if (peek() == ',') {
            at++;
            space(nested);
            most = peek() == '}' ? -1 : integer();
            space(nested);
        }
        if (peek() != '}') {
            throw bad("expected } after the bounds of a repetition");
        }
        if (most >= 0 && most < least) {
            throw bad("a repetition cannot be at least " + least + " and at most " + most + " long");
        }
        at++;
        return new long[] {least, most};
    }

    private long integer() {
        int start = at;
        while (at < text.length() && peek() >= '0' && peek() <= '9') {
            at++;
        }
        if (start == at) {
            throw bad("expected a number");
        }
        if (at - start > 6 || Integer.parseInt(text.substring(start, at)) >= MOST_REPETITIONS) {
            throw bad("llama.cpp takes bounds of repetitions below " + MOST_REPETITIONS);
        }
        return Integer.parseInt(text.substring(start, at));
    }

    /** Rewrites the symbols from {@code from} on as llama.cpp does: as often as needed, then a chain of rules that may end. */
    private void repeat(List<Integer> symbols, int from, long least, long most, String name) {
        List<Integer> once = List.copyOf(symbols.subList(from, symbols.size()));
        if (least == 0) {
            symbols.subList(from, symbols.size()).clear();
        }
        for (long i = 1; i < least; i++) {
            symbols.addAll(once);
            count(once);
        }
        int chained = -1;
        for (long i = 0; i < (most < 0 ? 1 : most - least); i++) {
            int number = newRule("a repetition in the rule \"" + name + "\", of something that may be empty,");
            List<Integer> again = new ArrayList<>(once);
            if (i > 0 || most < 0) {
                again.add(most < 0 ? number : chained);
            }
            rules.set(number, List.of(again.stream().mapToInt(Integer::intValue).toArray(), new int[0]));
            count(again);
            chained = number;
        }
        if (chained >= 0) {
            symbols.add(chained);
        }
    }

    private void count(List<Integer> symbols) {
        for (int symbol : symbols) {
            elements += Math.max(1, -symbol);
        }
        if (elements > MOST_ELEMENTS) {
            throw bad("the grammar becomes larger than " + MOST_ELEMENTS + " characters and references, repetitions included");
        }
    }

    private void literal(List<Integer> symbols) {
        int start = at++;
        while (peek() != '"') {
            if (at >= text.length()) {
                at = start;
                throw bad("the text that begins here has no closing quote");
            }
            character();
            symbols.add(-1);
        }
        at++;
    }

    /** Reads a class and gives how many elements it is for llama.cpp. */
    private int characterClass() {
        int start = at++;
        if (peek() == '^') {
            at++;
        }
        int count = 0;
        while (peek() != ']') {
            if (at >= text.length()) {
                at = start;
                throw bad("the characters that begin here have no closing bracket");
            }
            int first = character();
            count++;
            if (peek() == '-' && at + 1 < text.length() && text.charAt(at + 1) != ']') {
                at++;
                if (character() < first) {
                    throw bad("the range of characters ends before it begins");
                }
                count++;
            }
        }
        at++;
        if (count == 0) {
            at = start;
            throw bad("a class without characters");
        }
        return count;
    }

    private int character() {
        int c = text.codePointAt(at);
        at += Character.charCount(c);
        if (c != '\\') {
            return c;
        }
        char escape = peek();
        at++;
        return switch (escape) {
            case 't' -> '\t';
            case 'r' -> '\r';
            case 'n' -> '\n';
            case '\\', '"', '[', ']', '-' -> escape;
            case 'x' -> hexadecimal(2);
            case 'u' -> hexadecimal(4);
            case 'U' -> hexadecimal(8);
            default -> {
                at -= 2;
                throw bad("unknown escape; there are \\t \\r \\n \\\\ \\\" \\[ \\] \\- \\xHH \\uHHHH and \\UHHHHHHHH");
            }
        };
    }

    private int hexadecimal(int digits) {
        int end = at + digits;
        if (end > text.length() || !text.substring(at, end).matches("[0-9a-fA-F]+")) {
            throw bad("expected " + digits + " hexadecimal digits");
        }
        long value = Long.parseLong(text.substring(at, end), 16);
        if (value == 0 || value > Character.MAX_CODE_POINT) {
            throw bad("no character has this number");
        }
        at = end;
        return (int) value;
    }

    private String name() {
        int start = at;
        while (at < text.length() && isWord(peek())) {
            at++;
        }
        if (start == at) {
            throw bad("expected the name of a rule, of letters, digits and hyphens");
        }
        return text.substring(start, at);
    }

    private static boolean isWord(char c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-';
    }

    private void space(boolean lines) {
        while (at < text.length()) {
            char c = peek();
            if (c == '#') {
                while (at < text.length() && peek() != '\n' && peek() != '\r') {
                    at++;
                }
            } else if (c == ' ' || c == '\t' || lines && (c == '\n' || c == '\r')) {
                at++;
            } else {
                return;
            }
        }
    }

    /** The character at the place of reading; U+0000 at the end. */
    private char peek() {
        return at < text.length() ? text.charAt(at) : 0;
    }

    private void defined() {
        if (!numbers.containsKey(ROOT)) {
            throw new GrammarException("the grammar has no rule \"" + ROOT + "\", with which an answer begins");
        }
        for (int i = 0; i < rules.size(); i++) {
            if (rules.get(i) == null) {
                throw new GrammarException("the grammar uses " + names.get(i) + ", which it does not define");
            }
        }
    }

    private GrammarException bad(String what) {
        int end = Math.min(at, text.length());
        int line = (int) text.substring(0, end).chars().filter(c -> c == '\n').count() + 1;
        int column = end - text.lastIndexOf('\n', Math.max(0, end - 1));
        if (end == 0) {
            column = 1;
        }
        return new GrammarException("the grammar is not valid at line " + line + ", column " + column + ": " + what);
    }

    /** Which rules a rule may begin with. Rules that may begin with themselves are refused, so there are no cycles. */
    private static final class LeftEdges {

        private final GbnfCheck grammar;
        private final boolean[] empty;
        private final long[] beginnings;
        private final Set<Integer> open = new HashSet<>();

        LeftEdges(GbnfCheck grammar) {
            this.grammar = grammar;
            this.empty = new boolean[grammar.rules.size()];
            this.beginnings = new long[grammar.rules.size()];
            boolean changed = true;
            while (changed) {
                changed = false;
                for (int i = 0; i < empty.length; i++) {
                    if (!empty[i] && grammar.rules.get(i).stream().anyMatch(this::mayBeEmpty)) {
                        empty[i] = true;
                        changed = true;
                    }
                }
            }
        }

        private boolean mayBeEmpty(int[] alternative) {
            return Arrays.stream(alternative).allMatch(symbol -> symbol >= 0 && empty[symbol]);
        }

        void check() {
            long all = 0;
            for (int i = 0; i < empty.length; i++) {
                all += beginnings(i);
                if (beginnings[i] > MOST_BEGINNINGS || all > MOST_BEGINNINGS_TOGETHER) {
                    throw new GrammarException("the grammar can begin in too many ways, among them those of "
                            + grammar.names.get(i) + "; let fewer alternatives begin with the same rules");
                }
            }
        }

        private long beginnings(int rule) {
            if (beginnings[rule] > 0) {
                return beginnings[rule];
            }
            if (!open.add(rule)) {
                throw new GrammarException("the grammar is left-recursive: " + grammar.names.get(rule)
                        + " may begin with itself, which has no end; let it begin with something else");
            }
            if (open.size() > LONGEST_CHAIN) {
                throw new GrammarException("the grammar has a chain of more than " + LONGEST_CHAIN
                        + " rules that begin with one another");
            }
            long sum = 1;
            for (int[] alternative : grammar.rules.get(rule)) {
                for (int symbol : alternative) {
                    if (symbol < 0) {
                        break;
                    }
                    sum = Math.min(MOST_BEGINNINGS + 1, sum + beginnings(symbol));
                    if (!empty[symbol]) {
                        break;
                    }
                }
            }
            open.remove(rule);
            beginnings[rule] = sum;
            return sum;
        }
    }
}
