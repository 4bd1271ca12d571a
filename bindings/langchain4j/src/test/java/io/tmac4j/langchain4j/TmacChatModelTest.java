package io.tmac4j.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.output.FinishReason;
import io.tmac4j.bindings.ContextOptions;
import io.tmac4j.bindings.ModelOptions;
import io.tmac4j.bindings.SamplerOptions;
import io.tmac4j.bindings.SessionOptions;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class TmacChatModelTest {

    private static final Path FILE = Path.of("..", "src", "test", "resources", "io", "tmac4j", "bindings",
            "shakespeare-3.7m-tq2_0.gguf");
    private static final int LENGTH = 12;

    private static TmacChatModel model;

    @BeforeAll
    static void open() {
        model = TmacChatModel.open(FILE, ModelOptions.defaults(), SessionOptions.defaults().withTemplate("chatml")
                .withContext(ContextOptions.defaults().withContextSize(256)).withSampler(SamplerOptions.greedy())
                .withMaxTokens(LENGTH));
    }

    @AfterAll
    static void close() {
        model.close();
    }

    /** Keeps what a streamed answer is told. */
    private static final class Listener implements StreamingChatResponseHandler {

        private final StringBuilder text = new StringBuilder();
        private int pieces;
        private int cancelAfter = Integer.MAX_VALUE;
        private ChatResponse response;
        private Throwable error;

        @Override
        public void onPartialResponse(PartialResponse piece, PartialResponseContext context) {
            text.append(piece.text());
            if (++pieces == cancelAfter) {
                context.streamingHandle().cancel();
            }
        }

        @Override
        public void onCompleteResponse(ChatResponse complete) {
            response = complete;
        }

        @Override
        public void onError(Throwable failure) {
            error = failure;
        }
    }

    private static Listener stream(ChatRequest request, Listener listener) {
        StreamingChatModel streaming = model;
        streaming.chat(request, listener);
        return listener;
    }

    private static ChatRequest request(String question) {
        return ChatRequest.builder().messages(UserMessage.from(question)).build();
    }

    @Test
    void streamsWhatItAnswersAtOnce() {
        ChatResponse whole = ((ChatModel) model).chat(request("Speak, Romeo."));
        assertThat(whole.aiMessage().text()).isNotBlank();
        assertThat(whole.finishReason()).isEqualTo(FinishReason.LENGTH);
        assertThat(whole.tokenUsage().outputTokenCount()).isEqualTo(LENGTH);
        Listener listener = stream(request("Speak, Romeo."), new Listener());
        assertThat(listener.error).isNull();
        assertThat(listener.pieces).isGreaterThan(1);
        assertThat(listener.text).hasToString(whole.aiMessage().text());
        assertThat(listener.response.aiMessage()).isEqualTo(whole.aiMessage());
    }

    @Test
    void aConversationAnswersAsIfItWereReadAnew() {
        ChatResponse first = model.chat(SystemMessage.from("A play."), UserMessage.from("Who is there?"));
        List<dev.langchain4j.data.message.ChatMessage> messages = List.of(SystemMessage.from("A play."),
                UserMessage.from("Who is there?"), AiMessage.from(first.aiMessage().text()), UserMessage.from("Speak on."));
        ChatResponse continued = model.chat(messages);
        model.chat("Something else altogether");
        ChatResponse anew = model.chat(messages);
        assertThat(continued.aiMessage().text()).isNotBlank().isEqualTo(anew.aiMessage().text());
        assertThat(continued.tokenUsage().inputTokenCount()).isGreaterThan(first.tokenUsage().inputTokenCount() + LENGTH);
    }

    @Test
    void parametersOfARequestCount() {
        ChatResponse whole = model.chat(request("Speak, Romeo."));
        ChatResponse shorter = model.chat(ChatRequest.builder().messages(UserMessage.from("Speak, Romeo."))
                .maxOutputTokens(3).build());
        assertThat(shorter.tokenUsage().outputTokenCount()).isEqualTo(3);
        assertThat(whole.aiMessage().text()).startsWith(shorter.aiMessage().text());
        String stop = whole.aiMessage().text().substring(4, 6);
        ChatResponse stopped = model.chat(ChatRequest.builder().messages(UserMessage.from("Speak, Romeo."))
                .stopSequences(List.of(stop)).build());
        assertThat(stopped.finishReason()).isEqualTo(FinishReason.STOP);
        assertThat(whole.aiMessage().text()).startsWith(stopped.aiMessage().text() + stop);
    }

    @Test
    void whatItCannotDoIsRefusedAndTheNextRequestIsAnswered() {
        ChatRequest tools = ChatRequest.builder().messages(UserMessage.from("2 + 2?"))
                .toolSpecifications(ToolSpecification.builder().name("add").build()).build();
        assertThatThrownBy(() -> model.chat(tools)).isInstanceOf(UnsupportedFeatureException.class).hasMessageContaining("tools");
        assertThat(stream(tools, new Listener()).error).isInstanceOf(UnsupportedFeatureException.class);
        assertThatThrownBy(() -> model.chat(UserMessage.from("a"), AiMessage.from("b")))
                .isInstanceOf(UnsupportedFeatureException.class).hasMessageContaining("must be the user's");
        assertThat(model.chat("Speak.")).isNotBlank();
    }

    @Test
    void aStreamedAnswerCanBeCancelled() {
        Listener listener = new Listener();
        listener.cancelAfter = 2;
        stream(request("Speak, Romeo."), listener);
        assertThat(listener.response.finishReason()).isEqualTo(FinishReason.OTHER);
        assertThat(listener.response.tokenUsage().outputTokenCount()).isLessThan(LENGTH);
    }

    @Test
    void threadsTakeTurns() throws Exception {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Callable<String> question = () -> model.chat("Speak, Romeo.");
            List<Future<String>> answers = threads.invokeAll(Stream.generate(() -> question).limit(4).toList());
            Set<String> texts = answers.stream().map(Future::resultNow).collect(Collectors.toSet());
            assertThat(texts).hasSize(1);
        }
    }
}
