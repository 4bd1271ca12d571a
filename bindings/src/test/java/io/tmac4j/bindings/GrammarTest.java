package io.tmac4j.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GrammarTest {

    private static final ContextOptions SMALL = ContextOptions.defaults().withContextSize(256).withThreads(1).withBatchThreads(1);

    private static LlamaModel model;

    @BeforeAll
    static void load() {
        model = LlamaModel.load(Models.demo());
    }

    @AfterAll
    static void close() {
        if (model != null) {
            model.close();
        }
    }

    private static SessionOptions following(String grammar, SamplerOptions sampler) {
        return SessionOptions.defaults().withContext(SMALL).withSampler(sampler.withGrammar(Grammar.of(grammar)))
                .withMaxTokens(60);
    }

    /** Most of these end the VM or never return if llama.cpp sees them. */
    @ParameterizedTest
    @CsvSource(delimiter = '~', ignoreLeadingAndTrailingWhitespace = false, value = {
            "root ::= (\"a\"*)*~may be empty",
            "root ::= (\"a\"?){2,}~may be empty",
            "root ::= root \"a\" | \"b\"~left-recursive",
            "root ::= empty root \"x\" | \"y\"\\nempty ::= nothing\\nnothing ::= \"\"~left-recursive",
            "root ::= <[999999]>~tokens by name or number",
            "root ::= !<[5]>~tokens by name or number",
            "root ::= \"a\" <think>~tokens by name or number",
            "root ::= \"a\"{5,2}~at least 5 and at most 2",
            "root ::= \"a\"{99999999999999999999}~below 2000",
            "root ::= (\"a\"{0,50}){50}~less than 2000",
            "root ::= \"a\"{50}{50}~less than 2000",
            "root ::= nowhere~does not define",
            "start ::= \"a\"~no rule \"root\"",
            "root ::= \"a~no closing quote",
            "root ::= [a-z~no closing bracket",
            "root ::= [z-a]~ends before it begins",
            "root ::= []~without characters",
            "root ::= (\"a\"~expected )",
            "root ::= \"a\")~expected the end of the line",
            "root ::= *~nothing before this repetition",
            "root ::= \"\\q\"~unknown escape",
            "root ::= \"\\u12\"~4 hexadecimal digits",
            "root = \"a\"~expected ::=",
            "root ::= \"a\"\\nroot ::= \"b\"~defined twice",
            "~no rule \"root\""})
    void whatLlamaCppWouldNotSurviveIsRefusedWithTheReason(String grammar, String reason) {
        assertThatThrownBy(() -> Grammar.of(grammar == null ? "" : grammar.replace("\\n", "\n")))
                .isInstanceOf(GrammarException.class).hasMessageContaining(reason);
    }

    @Test
    void theMessageSaysWhere() {
        assertThatThrownBy(() -> Grammar.of("# yes or no\nroot ::= \"yes\" |\n  no ?\nno := \"no\"\n"))
                .hasMessageContaining("line 4, column 4").hasMessageContaining("::=");
    }

    @Test
    void grammarsMadeToGrowAreRefusedQuickly() {
        StringBuilder doubling = new StringBuilder("root ::= r0\n");
        for (int i = 0; i < 40; i++) {
            doubling.append("r").append(i).append(" ::= r").append(i + 1).append(" \"x\" | r").append(i + 1).append(" \"y\"\n");
        }
        doubling.append("r40 ::= \"z\"\n");
        assertThatThrownBy(() -> Grammar.of(doubling.toString())).isInstanceOf(GrammarException.class)
                .hasMessageContaining("too many ways");
        StringBuilder chain = new StringBuilder("root ::= r0\n");
        for (int i = 0; i < 5000; i++) {
            chain.append("r").append(i).append(" ::= r").append(i + 1).append("\n");
        }
        chain.append("r5000 ::= \"z\"\n");
        assertThatThrownBy(() -> Grammar.of(chain.toString())).hasMessageContaining("chain of more than");
        assertThatThrownBy(() -> Grammar.of("root ::= " + "(".repeat(50_000))).hasMessageContaining("nested more than");
        assertThatThrownBy(() -> Grammar.of("root ::= \"" + "a".repeat(1000) + "\"{1500}")).hasMessageContaining("larger than");
        assertThatThrownBy(() -> Grammar.of("root ::= \"a\0\"")).hasMessageContaining("U+0000");
    }

    /** Random pieces of notation: whatever passes the check must be taken by llama.cpp, and answers must follow it. */
    @Test
    void whatPassesTheCheckLlamaCppSurvives() {
        String[] pieces = {"\"a\"", "\"th\"", "[a-z]", "[^\\n]", ".", "x", "y", "(", ")", "*", "+", "?", "{2}", "{0,3}", "|", " ",
                "\"\"", "root", "\\"};
        Random random = new Random(7);
        int taken = 0;
        try (LlamaContext context = model.newContext(SMALL)) {
            for (int i = 0; i < 3000; i++) {
                StringBuilder grammar = new StringBuilder();
                for (String rule : new String[] {"root", "x", "y"}) {
                    grammar.append(rule).append(" ::=");
                    for (int part = random.nextInt(6); part >= 0; part--) {
                        grammar.append(' ').append(pieces[random.nextInt(pieces.length)]);
                    }
                    grammar.append('\n');
                }
                Grammar valid;
                try {
                    valid = Grammar.of(grammar.toString());
                } catch (GrammarException refused) {
                    continue;
                }
                taken++;
                context.clear();
                context.decode(1 + random.nextInt(50));
                try (Sampler sampler = Sampler.of(SamplerOptions.defaults().withSeed(i).withGrammar(valid))) {
                    for (int token = 0; token < 4; token++) {
                        int chosen = sampler.sample(context, -1);
                        if (model.isEndOfGeneration(chosen)) {
                            break;
                        }
                        context.decode(chosen);
                    }
                }
            }
        }
        assertThat(taken).isGreaterThan(50);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5})
    void answersFollowTheGrammarWhateverTheSeed(int seed) {
        try (Session session = Session.of(model, following("root ::= [a-z]{2,5} (\", \" [a-z]{2,5}){0,3} [.!]",
                SamplerOptions.defaults().withSeed(seed)))) {
            for (int i = 0; i < 2; i++) {
                assertThat(session.ask("ROMEO:\n")).matches("[a-z]{2,5}(, [a-z]{2,5}){0,3}[.!]");
            }
        }
    }

    @Test
    void anAnswerOfNothingIsPossible() {
        try (Session session = Session.of(model, following("root ::= ", SamplerOptions.greedy()))) {
            assertThat(session.ask("ROMEO:\n")).isEmpty();
            assertThat(session.ask("JULIET:\n")).isEmpty();
        }
    }

    @Test
    void charactersOfManyBytesAreSpelledWhole() {
        String grammar = "root ::= [\u00E4\u20AC\uD83D\uDE00] \"\u00DF\"";
        try (Session session = Session.of(model, following(grammar, SamplerOptions.greedy()))) {
            assertThat(session.ask("ROMEO:\n")).matches("(\u00E4|\u20AC|\uD83D\uDE00)\u00DF");
        } catch (GrammarException e) {
            // a vocabulary without bytes cannot spell them, and has to say so
            assertThat(e).hasMessageContaining("vocabulary");
        }
    }

    @Test
    void theEngineMayChangeWithinAGrammar() {
        SessionOptions options = following("root ::= [a-z ]{30,40} \".\"", SamplerOptions.greedy());
        try (Session stays = Session.of(model, options); Session moves = Session.of(model, options)) {
            String whole = stays.ask("ROMEO:\n");
            try (TokenStream answer = moves.stream("ROMEO:\n")) {
                StringBuilder text = new StringBuilder(answer.next());
                moves.switchEngine(new Engine("naive"));
                answer.forEachRemaining(text::append);
                assertThat(text.toString()).isEqualTo(whole).matches("[a-z ]{30,40}\\.");
            }
        }
    }

    @Test
    void aGrammarOutlivesItsModelAndKnowsItsVocabulary() {
        try (Sampler sampler = Sampler.of(SamplerOptions.greedy().withGrammar(Grammar.of("root ::= [0-9]+")))) {
            LlamaContext context;
            try (LlamaModel own = LlamaModel.load(Models.demo())) {
                context = own.newContext(SMALL);
            }
            try (context) {
                context.decode(1, 2, 3);
                assertThat(new String(model.tokenBytes(sampler.sample(context, -1)))).matches("[0-9]+");
            }
            try (LlamaContext other = model.newContext(SMALL)) {
                other.decode(1, 2, 3);
                assertThatCode(() -> sampler.sample(other, -1)).doesNotThrowAnyException();
            }
        }
    }
}
