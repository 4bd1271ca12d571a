package io.tmac4j.bindings;

import io.tmac4j.bindings.DecodeException.Reason;
import io.tmac4j.bindings.TokenStream.End;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.concurrent.Flow;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * A conversation with a model, which may change its engine on the way.
 *
 * <p>Each message is read after what is in memory already; nothing is read twice unless the chat template asks for it. An
 * exception leaves the conversation as it was before the call, ready for the next one.
 *
 * <p>Not for use by several threads at once: a call while another thread is inside throws a {@link ConcurrentUseException}.
 * {@link #cancel()} and {@link #close()} may be called from anywhere. Threads may be virtual.
 */
public final class Session implements AutoCloseable {

    private static final int NONE = -1;

    private final SessionOptions options;
    private final Sampler sampler;
    private final Optional<ChatTemplate> template;
    private final List<ChatMessage> history = new ArrayList<>();
    /** The models this session can switch to without loading. */
    private final Map<Engine, LlamaModel> models = new HashMap<>();
    /** Those of them that are closed with it. */
    private final List<LlamaModel> owned = new ArrayList<>();
    private final OneUser user = new OneUser("session");
    private final Leak leak;

    private volatile LlamaContext context;
    private volatile TokenStream current;
    /** The answer that ended last. */
    private volatile TokenStream last;
    private volatile boolean closed;

    /** The tokens in the context. */
    private int[] read = new int[64];
    private int readCount;
    /** The last token of an answer, which is not in the context yet. */
    private int pending = NONE;
    /** The text of the tokens in the context and the pending one; null if it is not known. */
    private String text = "";

    private Session(LlamaModel model, SessionOptions options) {
        this.options = options;
        template = options.template().or(model::chatTemplate).filter(name -> !name.isEmpty()).map(ChatTemplate::new);
        models.put(model.engine(), model);
        options.system().ifPresent(system -> history.add(ChatMessage.system(system)));
        context = model.newContext(options.context());
        sampler = Sampler.of(options.sampler());
        boolean done = false;
        try {
            sampler.prepareGrammar(model);
            done = true;
        } finally {
            if (!done) {
                sampler.close();
                context.close();
            }
        }
        leak = Leak.watch(this, "a session on " + model);
    }

    /**
     * A conversation with a model that stays the caller's.
     *
     * @throws LlamaException if llama.cpp does not know the chat template, does not take the grammar, or cannot make the context
     */
    public static Session of(LlamaModel model, SessionOptions options) {
        return new Session(model, options);
    }

    /**
     * Loads a model and begins a conversation; the model is closed with the session.
     *
     * @throws ModelLoadException if the model cannot be loaded
     * @throws LlamaException     as {@link #of}
     */
    public static Session open(Path file, ModelOptions modelOptions, SessionOptions options) {
        LlamaModel model = LlamaModel.load(file, modelOptions);
        try {
            Session session = new Session(model, options);
            session.owned.add(model);
            return session;
        } catch (RuntimeException | Error e) {
            model.close();
            throw e;
        }
    }

    /**
     * Says something and gives the whole answer.
     *
     * @throws DecodeException with {@link Reason#CONTEXT_FULL} if the conversation gets longer than the context,
     *                         with {@link Reason#CANCELLED} if it was cancelled before the answer began
     */
    public String ask(String message) {
        return ask(message, piece -> { });
    }

    /** As {@link #ask(String)}; tells {@code listener} the pieces of the answer as they come. */
    public String ask(String message, Consumer<String> listener) {
        try (TokenStream answer = stream(message)) {
            answer.forEachRemaining(listener);
            return answer.text();
        }
    }

    /**
     * Says something and gives the answer, which is generated while it is read. It must be read to its end or closed before the
     * next message. The prompt has been read when this returns.
     *
     * @throws DecodeException as {@link #ask(String)}
     */
    public TokenStream stream(String message) {
        return alone(() -> {
            if (current != null) {
                throw new IllegalStateException("the session is still answering; read the answer to its end or close it");
            }
            history.add(ChatMessage.user(message));
            try {
                long start = System.nanoTime();
                String whole = template.map(t -> t.render(history)).orElseGet(() -> joined(history));
                int[] prompt = prompt(whole);
                int reused = readCount;
                sampler.restartGrammar();
                append(prompt);
                pending = NONE;
                text = whole;
                current = new TokenStream(this, options, prompt.length, reused, System.nanoTime() - start);
                return current;
            } catch (RuntimeException | Error e) {
                history.removeLast();
                throw e;
            }
        });
    }

    /**
     * The answer to a message for reactive use: the message is said when somebody subscribes, on a virtual thread of its own.
     * There may be one subscriber; its cancelling ends the answer.
     */
    public Flow.Publisher<String> publisher(String message) {
        return new AnswerPublisher(this, message);
    }

    private static String joined(List<ChatMessage> messages) {
        StringBuilder joined = new StringBuilder();
        messages.forEach(message -> joined.append(message.content()));
        return joined.toString();
    }

    /** The tokens to append for the context to hold {@code whole}; forgets what differs. */
    private int[] prompt(String whole) {
        LlamaModel model = context.model();
        if (text != null && readCount > 0 && whole.startsWith(text)) {
            int[] rest = model.tokenize(whole.substring(text.length()), false, template.isPresent());
            if (pending != NONE) {
                int[] all = new int[rest.length + 1];
                all[0] = pending;
                System.arraycopy(rest, 0, all, 1, rest.length);
                rest = all;
            }
            if (rest.length == 0) {
                throw new IllegalArgumentException("there is nothing to say: the message is empty");
            }
            checkRoom(readCount, rest.length);
            return rest;
        }
        int[] all = model.tokenize(whole, true, template.isPresent());
        if (all.length == 0) {
            throw new IllegalArgumentException("there is nothing to say: the message is empty");
        }
        checkRoom(0, all.length);
        int same = Arrays.mismatch(all, 0, all.length, read, 0, readCount);
        // the last token is read again in any case, for its logits
        int keep = Math.min(same < 0 ? all.length : same, all.length - 1);
        if (keep < readCount) {
            keep = forget(keep);
        }
        return Arrays.copyOfRange(all, keep, all.length);
    }

    private void checkRoom(int held, int more) {
        if (held + more > context.sequenceSize()) {
            throw new DecodeException(Reason.CONTEXT_FULL, "the conversation would have " + (held + more)
                    + " tokens and the context holds " + context.sequenceSize()
                    + "; say less, reset the session, or ask for a larger context");
        }
    }

    /** Forgets the tokens from a position on, or all where the model cannot forget a part; gives how many are left. */
    private int forget(int from) {
        text = null;
        pending = NONE;
        try {
            context.truncate(0, from);
            readCount = from;
        } catch (LlamaException e) {
            context.clear();
            readCount = 0;
        }
        return readCount;
    }

    private void append(int... tokens) {
        boolean done = false;
        try {
            context.decode(tokens);
            done = true;
        } finally {
            // a part may have got in
            if (!done && !context.isClosed() && context.position(0) > readCount) {
                int last = pending;
                String before = text;
                int held = readCount;
                if (forget(held) == held) {
                    pending = last;
                    text = before;
                }
            }
        }
        if (readCount + tokens.length > read.length) {
            read = Arrays.copyOf(read, Math.max(2 * read.length, readCount + tokens.length));
        }
        System.arraycopy(tokens, 0, read, readCount, tokens.length);
        readCount += tokens.length;
    }

    /** Reads the answer's last token; says why the answer ends if it cannot go on. */
    End decodePending() {
        if (pending == NONE) {
            return null;
        }
        if (readCount >= context.sequenceSize()) {
            return End.CONTEXT_FULL;
        }
        try {
            append(pending);
            pending = NONE;
            return null;
        } catch (DecodeException e) {
            if (e.reason() == Reason.CANCELLED) {
                return End.CANCELLED;
            }
            throw e;
        }
    }

    int sample() {
        return sampler.sample(context, -1);
    }

    /** How likely a token is to follow what is in the context, and the most likely ones. */
    TokenProbability probability(int token, int alternatives) {
        float[] logs = context.logProbabilities(-1);
        PriorityQueue<Integer> best = new PriorityQueue<>(Comparator.comparingDouble(i -> logs[i]));
        for (int i = 0; i < logs.length && alternatives > 0; i++) {
            if (best.size() < alternatives) {
                best.add(i);
            } else if (logs[i] > logs[best.element()]) {
                best.remove();
                best.add(i);
            }
        }
        return probability(token, logs, best.stream().sorted(best.comparator().reversed())
                .map(i -> probability(i, logs, List.of())).toList());
    }

    private TokenProbability probability(int token, float[] logs, List<TokenProbability> alternatives) {
        return new TokenProbability(token, new String(bytes(token), StandardCharsets.UTF_8), logs[token], alternatives);
    }

    boolean isEnd(int token) {
        return context.model().isEndOfGeneration(token);
    }

    byte[] bytes(int token) {
        return context.model().tokenBytes(token);
    }

    void pend(int token) {
        pending = token;
    }

    /** Whether that answer is the one under way: one from before {@link #reset()} is not. */
    boolean isAnswering(TokenStream stream) {
        return stream == current;
    }

    /** Called by an answer that has ended. */
    void answered(TokenStream stream, String generated, String answer) {
        last = stream;
        history.add(ChatMessage.assistant(answer));
        text = text == null ? null : text + generated;
        current = null;
    }

    /** Gives up a token under way, if it is of that answer. */
    void interrupt(TokenStream stream) {
        if (isAnswering(stream)) {
            context.cancel();
        }
    }

    /**
     * Goes on with the same model file on another engine, also in the middle of an answer: the next token follows without
     * reading the conversation again. The model is loaded if this session has not had it yet, and kept until the session
     * is closed.
     *
     * @throws ModelLoadException if the engine cannot run here, or takes none of the model's matrices; the session goes on as
     *                            before
     * @throws LlamaException     if the state cannot be carried over; the session goes on as before
     */
    public void switchEngine(Engine engine) {
        Objects.requireNonNull(engine, "engine");
        alone(() -> {
            LlamaModel model = models.get(engine);
            if (model != null) {
                move(model);
                return null;
            }
            checkWilling(engine);
            model = LlamaModel.load(context.model().file(), context.model().options().withEngine(engine));
            boolean moved = false;
            try {
                move(model);
                moved = true;
            } finally {
                if (!moved) {
                    model.close();
                }
            }
            models.put(engine, model);
            owned.add(model);
            return null;
        });
    }

    /**
     * As {@link #switchEngine(Engine)}, to a model that is loaded already and stays the caller's. It must be of the same file.
     *
     * @throws LlamaException if the model is another one or has other adapters; the session goes on as before
     */
    public void switchEngine(LlamaModel model) {
        alone(() -> {
            move(model);
            models.putIfAbsent(model.engine(), model);
            return null;
        });
    }

    /** An engine that takes none of the matrices would leave all to llama.cpp under its own name. */
    private void checkWilling(Engine engine) {
        if (engine.isLlamaCpp()) {
            return;
        }
        EngineReport plan = EngineReport.plan(context.model().file(), engine);
        if (plan.by(EngineReport.Way.ENGINE).isEmpty()) {
            throw new ModelLoadException("the engine " + engine + " takes none of the " + plan.tensors().size() + " matrices of "
                    + context.model().file() + plan.tensors().stream().max(Comparator.comparingLong(t -> t.k() * t.rows()))
                    .map(t -> ", of the largest, " + t.tensor() + ", it says: " + t.reason()).orElse(""));
        }
    }

    private void move(LlamaModel model) {
        if (model == context.model()) {
            return;
        }
        if (!model.loras().equals(context.model().loras())) {
            throw new LoraException("the conversation cannot go on with a model that has other LoRA adapters: it has "
                    + context.model().loras() + " and the other " + model.loras());
        }
        LlamaContext other = model.newContext(options.context());
        boolean moved = false;
        try {
            context.copyStateTo(other);
            moved = true;
        } finally {
            if (!moved) {
                other.close();
            }
        }
        LlamaContext before = context;
        context = other;
        before.close();
    }

    /** The engine that answers now. */
    public Engine engine() {
        return context.model().engine();
    }

    /** The model that answers now. */
    public LlamaModel model() {
        return context.model();
    }

    /** All messages so far, that of the system first. */
    public List<ChatMessage> history() {
        return alone(() -> List.copyOf(history));
    }

    /**
     * Replaces all messages so far, that of the system too, say by a conversation that the caller keeps. As much of it as is in
     * memory already is not read again.
     *
     * @throws IllegalStateException if the session is still answering
     */
    public void replaceHistory(List<ChatMessage> messages) {
        List<ChatMessage> copy = List.copyOf(messages);
        alone(() -> {
            if (current != null) {
                throw new IllegalStateException("the session is still answering; read the answer to its end or close it");
            }
            history.clear();
            history.addAll(copy);
            return null;
        });
    }

    /** Tokens of the conversation that are in memory. */
    public int tokenCount() {
        return alone(() -> readCount + (pending == NONE ? 0 : 1));
    }

    /** What the answer that ended last cost. */
    public Optional<AnswerMetrics> lastMetrics() {
        return Optional.ofNullable(last).map(TokenStream::metrics);
    }

    /** Begins anew, as after opening; an answer under way ends. */
    public void reset() {
        alone(() -> {
            current = null;
            history.clear();
            options.system().ifPresent(system -> history.add(ChatMessage.system(system)));
            context.clear();
            sampler.reset();
            readCount = 0;
            pending = NONE;
            text = "";
            return null;
        });
    }

    /** Ends the answer under way, from any thread; what was generated of it stays in the conversation. */
    public void cancel() {
        TokenStream answer = current;
        if (answer != null) {
            answer.cancel();
        } else {
            context.cancel();
        }
    }

    /** Lets the current thread in, alone. */
    <T> T alone(Supplier<T> action) {
        if (!user.tryEnter()) {
            checkOpen();
            user.enter();
        }
        try {
            checkOpen();
            return action.get();
        } finally {
            user.exit();
        }
    }

    private void checkOpen() {
        if (closed) {
            throw new IllegalStateException("the session is closed");
        }
    }

    public boolean isClosed() {
        return closed;
    }

    /** Ends the conversation and frees its memory; a token under way in another thread is given up. */
    @Override
    public void close() {
        if (user.isMine()) {
            throw new IllegalStateException("the session cannot be closed from inside of one of its own calls");
        }
        while (!closed) {
            cancel();
            if (user.tryEnter()) {
                try {
                    closed = true;
                    context.close();
                    sampler.close();
                    owned.forEach(LlamaModel::close);
                    leak.closed();
                } finally {
                    user.exit();
                }
            } else {
                LockSupport.parkNanos(100_000);
            }
        }
    }

    @Override
    public String toString() {
        return "session on " + context.model() + (closed ? " (closed)" : "");
    }
}
