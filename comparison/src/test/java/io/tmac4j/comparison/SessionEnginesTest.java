package io.tmac4j.comparison;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import io.tmac4j.bindings.ContextOptions;
import io.tmac4j.bindings.Engine;
import io.tmac4j.bindings.EngineReport;
import io.tmac4j.bindings.FileType;
import io.tmac4j.bindings.Grammar;
import io.tmac4j.bindings.LlamaContext;
import io.tmac4j.bindings.LlamaModel;
import io.tmac4j.bindings.ModelLoadException;
import io.tmac4j.bindings.ModelOptions;
import io.tmac4j.bindings.QuantizeOptions;
import io.tmac4j.bindings.Quantizer;
import io.tmac4j.bindings.SamplerOptions;
import io.tmac4j.bindings.Session;
import io.tmac4j.bindings.SessionOptions;
import io.tmac4j.bindings.TokenStream;
import io.tmac4j.comparison.synth.DemoModel;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** The library as an application uses it, with the tmac engine. */
class SessionEnginesTest {

    private static final SessionOptions GREEDY = SessionOptions.defaults()
            .withContext(ContextOptions.defaults().withContextSize(256).withThreads(2).withBatchThreads(2))
            .withSampler(SamplerOptions.greedy()).withMaxTokens(24);
    private static final String PROMPT = "ROMEO:\nBut soft, what light";

    @TempDir
    private static Path folder;

    @Test
    void aConversationGoesOnOnTmacInTheMiddleOfAnAnswerWithoutReadingAgain() throws Exception {
        try (LlamaModel model = LlamaModel.load(DemoModel.file());
                Session stays = Session.of(model, GREEDY);
                Session moves = Session.of(model, GREEDY)) {
            String whole = stays.ask(PROMPT);
            StringBuilder text = new StringBuilder();
            try (TokenStream answer = moves.stream(PROMPT)) {
                for (int i = 0; i < 8; i++) {
                    text.append(answer.next());
                }
                int held = moves.tokenCount();
                moves.switchEngine(Engine.TMAC);
                assertThat(moves.engine()).isEqualTo(Engine.TMAC);
                assertThat(moves.model().engineReport().by(EngineReport.Way.ENGINE)).isNotEmpty();
                assertThat(moves.tokenCount()).as("nothing is lost").isEqualTo(held);
                answer.forEachRemaining(text::append);
                assertThat(answer.metrics().promptTokens()).isEqualTo(model.tokenize(PROMPT, true, false).length);
            }
            assertThat(text.toString()).isEqualTo(whole);
            int before = moves.tokenCount();
            try (TokenStream second = moves.stream("\n\nJULIET:\n")) {
                assertThat(second.metrics().reusedTokens()).as("nothing is read again").isEqualTo(before - 1);
                second.forEachRemaining(piece -> { });
            }
            moves.switchEngine(Engine.LLAMA_CPP);
            assertThat(moves.ask("\n\nROMEO:\n")).isNotEmpty();
        }
    }

    @Test
    void tmacRefusesAModelWithoutLowBitWeightsAndTheConversationGoesOn() throws Exception {
        Path wide = folder.resolve("q8_0.gguf");
        Quantizer.quantize(DemoModel.file(), wide, QuantizeOptions.to(FileType.Q8_0).withPure(true).withRequantize(true));
        try (Session session = Session.open(wide, ModelOptions.defaults(), GREEDY)) {
            session.ask(PROMPT);
            assertThatThrownBy(() -> session.switchEngine(Engine.TMAC)).isInstanceOf(ModelLoadException.class)
                    .hasMessageContaining("the engine tmac takes none of the").hasMessageContaining("it says: ");
            assertThat(session.engine()).isEqualTo(Engine.LLAMA_CPP);
            assertThat(session.ask("\n\nJULIET:\n")).isNotEmpty();
        }
    }

    @Test
    void answersUnderAJsonSchemaAreValid() throws Exception {
        String schema = """
                {"type": "object", "additionalProperties": false, "required": ["name", "age", "tags", "born", "place"],
                 "properties": {
                   "name": {"type": "string", "minLength": 1, "maxLength": 8},
                   "age": {"type": "integer", "minimum": 0, "maximum": 120},
                   "mood": {"enum": ["merry", "sad", 3, null, {"a \\"b\\"": [true]}]},
                   "tags": {"type": "array", "items": {"type": ["boolean", "null"]}, "minItems": 1, "maxItems": 3},
                   "pair": {"type": "array", "prefixItems": [{"const": 1}, {"type": "boolean"}], "minItems": 2, "items": false},
                   "born": {"type": "string", "format": "date"},
                   "place": {"anyOf": [{"$ref": "#/$defs/place"}, {"type": "null"}]}},
                 "$defs": {"place": {"type": "object", "additionalProperties": false, "required": ["in"],
                   "properties": {"in": {"anyOf": [{"$ref": "#/$defs/place"}, {"const": "world"}]}}}}}
                """;
        var validator = JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012).getSchema(schema);
        List<String> whole = new ArrayList<>();
        try (LlamaModel model = LlamaModel.load(DemoModel.file(), ModelOptions.defaults().withEngine(Engine.TMAC))) {
            for (int seed = 0; seed < 8 && whole.size() < 3; seed++) {
                SessionOptions options = GREEDY.withMaxTokens(600)
                        .withContext(GREEDY.context().withContextSize(1024)).withSampler(SamplerOptions.defaults().withSeed(seed)
                        .withTemperature(0.5f + seed / 4f).withGrammar(Grammar.ofJsonSchema(schema)));
                try (Session session = Session.of(model, options); TokenStream answer = session.stream("{")) {
                    answer.forEachRemaining(piece -> { });
                    if (answer.end().orElseThrow() == TokenStream.End.END_OF_TEXT) {
                        whole.add(answer.text());
                    }
                }
            }
        }
        assertThat(whole).as("some end in time").isNotEmpty().allSatisfy(answer ->
                assertThat(validator.validate(new ObjectMapper().readTree(answer))).as(answer).isEmpty());
    }

    @Test
    void whatIsNeverClosedIsReportedInDebugModeWithThePlaceWhereItWasOpened() throws Exception {
        Logger logger = (Logger) LoggerFactory.getLogger("io.tmac4j.bindings.Leak");
        ListAppender<ILoggingEvent> seen = new ListAppender<>();
        seen.start();
        logger.addAppender(seen);
        // commands run before in this VM may have made the log quieter
        logger.setLevel(Level.WARN);
        System.setProperty("tmac.leaks", "true");
        try (LlamaModel model = LlamaModel.load(DemoModel.file())) {
            try (LlamaContext closed = model.newContext(GREEDY.context().withContextSize(256))) {
                assertThat(closed.isClosed()).isFalse();
            }
            forget(model);
            Instant end = Instant.now().plus(Duration.ofSeconds(30));
            while (seen.list.isEmpty() && Instant.now().isBefore(end)) {
                System.gc();
                Thread.sleep(20);
            }
            assertThat(seen.list).hasSize(1).first().satisfies(event -> {
                assertThat(event.getFormattedMessage()).contains("context of 512 tokens", "was never closed");
                assertThat(event.getThrowableProxy().getStackTraceElementProxyArray())
                        .anySatisfy(element -> assertThat(element.toString()).contains("SessionEnginesTest.forget"));
            });
        } finally {
            System.clearProperty("tmac.leaks");
            logger.setLevel(null);
            logger.detachAppender(seen);
        }
    }

    private static void forget(LlamaModel model) {
        assertThat(model.newContext(GREEDY.context().withContextSize(512)).isClosed()).isFalse();
    }
}
