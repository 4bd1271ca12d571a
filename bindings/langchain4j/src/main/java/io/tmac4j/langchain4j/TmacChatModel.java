package io.tmac4j.langchain4j;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.ModelProvider;
import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.DefaultChatRequestParameters;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.chat.response.StreamingHandle;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.TokenUsage;
import io.tmac4j.bindings.ChatMessage;
import io.tmac4j.bindings.LlamaModel;
import io.tmac4j.bindings.ModelOptions;
import io.tmac4j.bindings.SamplerOptions;
import io.tmac4j.bindings.Session;
import io.tmac4j.bindings.SessionOptions;
import io.tmac4j.bindings.TokenStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * A GGUF model as LangChain4j's chat model, streaming or not.
 *
 * <p>Requests carry whole conversations; of the one before, what a request repeats is not read again. Temperature, top-k, top-p,
 * the number of tokens and stop sequences of a request count; a request with other sampling than the one before begins with an
 * empty memory. Tools, JSON formats and anything but text are refused with an {@link UnsupportedFeatureException}.
 *
 * <p>Threads may share it: they take turns. A streamed answer is generated on the caller's thread.
 */
public final class TmacChatModel implements ChatModel, StreamingChatModel, AutoCloseable {

    private final ReentrantLock turn = new ReentrantLock();
    private final LlamaModel model;
    private final SessionOptions defaults;
    private SessionOptions options;
    private Session session;

    private TmacChatModel(LlamaModel model, SessionOptions defaults) {
        this.model = model;
        this.defaults = defaults;
        options = defaults;
        session = Session.of(model, defaults);
    }

    /**
     * Loads a model, which is closed with this.
     *
     * @throws io.tmac4j.bindings.ModelLoadException if the model cannot be loaded
     * @throws io.tmac4j.bindings.LlamaException     if llama.cpp does not know the chat template
     */
    public static TmacChatModel open(Path file, ModelOptions modelOptions, SessionOptions defaults) {
        LlamaModel model = LlamaModel.load(file, modelOptions);
        try {
            return new TmacChatModel(model, defaults);
        } catch (RuntimeException | Error e) {
            model.close();
            throw e;
        }
    }

    @Override
    public ChatResponse doChat(ChatRequest request) {
        return answer(request, answer -> answer.forEachRemaining(piece -> { }));
    }

    @Override
    public void doChat(ChatRequest request, StreamingChatResponseHandler handler) {
        ChatResponse response;
        try {
            response = answer(request, answer -> {
                PartialResponseContext context = new PartialResponseContext(new Handle(answer));
                answer.forEachRemaining(piece -> handler.onPartialResponse(new PartialResponse(piece), context));
            });
        } catch (RuntimeException e) {
            handler.onError(e);
            return;
        }
        handler.onCompleteResponse(response);
    }

    private ChatResponse answer(ChatRequest request, Consumer<TokenStream> reader) {
        List<ChatMessage> messages = messages(request);
        SessionOptions wanted = options(request);
        turn.lock();
        try {
            if (!wanted.equals(options)) {
                Session other = Session.of(model, wanted);
                session.close();
                session = other;
                options = wanted;
            }
            session.replaceHistory(messages.subList(0, messages.size() - 1));
            try (TokenStream answer = session.stream(messages.getLast().content())) {
                reader.accept(answer);
                return response(answer);
            }
        } finally {
            turn.unlock();
        }
    }

    private ChatResponse response(TokenStream answer) {
        int generated = answer.metrics().generatedTokens();
        int read = answer.metrics().promptTokens() + answer.metrics().reusedTokens();
        return ChatResponse.builder().aiMessage(AiMessage.from(answer.text())).modelName(model.file().getFileName().toString())
                .tokenUsage(new TokenUsage(read, generated))
                .finishReason(switch (answer.end().orElseThrow()) {
                    case END_OF_TEXT, STOP -> FinishReason.STOP;
                    case LENGTH, CONTEXT_FULL -> FinishReason.LENGTH;
                    case CANCELLED -> FinishReason.OTHER;
                }).build();
    }

    private List<ChatMessage> messages(ChatRequest request) {
        List<ChatMessage> messages = new ArrayList<>();
        defaults.system().filter(system -> !(request.messages().getFirst() instanceof SystemMessage))
                .ifPresent(system -> messages.add(ChatMessage.system(system)));
        for (var message : request.messages()) {
            messages.add(switch (message) {
                case SystemMessage system -> ChatMessage.system(system.text());
                case UserMessage user when user.hasSingleText() -> ChatMessage.user(user.singleText());
                case AiMessage answer when !answer.hasToolExecutionRequests() -> ChatMessage.assistant(answer.text());
                default -> throw new UnsupportedFeatureException("tmac4j reads messages of one text each, not " + message);
            });
        }
        if (!(request.messages().getLast() instanceof UserMessage)) {
            throw new UnsupportedFeatureException("the last message of a request must be the user's, not "
                    + request.messages().getLast().type());
        }
        return messages;
    }

    private SessionOptions options(ChatRequest request) {
        refuse(!request.toolSpecifications().isEmpty(), "tools");
        refuse(request.responseFormat() != null && request.responseFormat().type() != ResponseFormatType.TEXT,
                "a response format other than text");
        refuse(request.frequencyPenalty() != null, "a frequency penalty");
        refuse(request.presencePenalty() != null, "a presence penalty");
        SamplerOptions sampler = defaults.sampler();
        if (request.temperature() != null) {
            sampler = sampler.withTemperature(request.temperature().floatValue());
        }
        if (request.topK() != null) {
            sampler = sampler.withTopK(request.topK());
        }
        if (request.topP() != null) {
            sampler = sampler.withTopP(request.topP().floatValue());
        }
        SessionOptions wanted = defaults.withSampler(sampler);
        if (request.maxOutputTokens() != null) {
            wanted = wanted.withMaxTokens(request.maxOutputTokens());
        }
        return request.stopSequences().isEmpty() ? wanted : wanted.withStops(request.stopSequences().toArray(String[]::new));
    }

    private static void refuse(boolean asked, String what) {
        if (asked) {
            throw new UnsupportedFeatureException("tmac4j does not offer " + what + " here; leave it out of the request");
        }
    }

    /** None: what a request leaves out is as it was when this was opened. */
    @Override
    public ChatRequestParameters defaultRequestParameters() {
        return DefaultChatRequestParameters.EMPTY;
    }

    @Override
    public List<ChatModelListener> listeners() {
        return List.of();
    }

    @Override
    public ModelProvider provider() {
        return ModelProvider.OTHER;
    }

    @Override
    public Set<Capability> supportedCapabilities() {
        return Set.of();
    }

    /** Waits for an answer under way, then frees the model. */
    @Override
    public void close() {
        turn.lock();
        try {
            session.close();
            model.close();
        } finally {
            turn.unlock();
        }
    }

    @Override
    public String toString() {
        return Objects.toString(model);
    }

    private record Handle(TokenStream answer) implements StreamingHandle {

        @Override
        public void cancel() {
            answer.cancel();
        }

        @Override
        public boolean isCancelled() {
            return answer.end().filter(TokenStream.End.CANCELLED::equals).isPresent();
        }
    }
}
