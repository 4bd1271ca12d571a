package io.tmac4j.bindings;

import io.tmac4j.bindings.generated.LlamaCpp;
import io.tmac4j.bindings.generated.llama_chat_message;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Writes a conversation as the text that a model was trained on, by one of the templates that llama.cpp knows. */
final class ChatTemplate {

    private final String template;

    /**
     * A template.
     *
     * @param template llama.cpp's name of it, e.g. {@code chatml}, or the Jinja text from a model, which llama.cpp recognises
     * @throws LlamaException if it does not
     */
    ChatTemplate(String template) {
        this.template = template;
        render(List.of(ChatMessage.user("?")));
    }

    /** The text of all messages and of the beginning of the model's answer. */
    String render(List<ChatMessage> messages) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment chat = llama_chat_message.allocateArray(messages.size(), arena);
            for (int i = 0; i < messages.size(); i++) {
                MemorySegment message = llama_chat_message.asSlice(chat, i);
                llama_chat_message.role(message, arena.allocateFrom(messages.get(i).role()));
                llama_chat_message.content(message, arena.allocateFrom(messages.get(i).content()));
            }
            MemorySegment name = arena.allocateFrom(template);
            int capacity = 4096;
            while (true) {
                MemorySegment text = arena.allocate(capacity);
                int length = LlamaCpp.llama_chat_apply_template(name, chat, messages.size(), true, text, capacity);
                if (length < 0) {
                    throw new LlamaException("llama.cpp does not know this chat template; name one of its own, e.g. "
                            + "SessionOptions.withTemplate(\"chatml\"), or an empty one for none: " + shortened());
                }
                if (length <= capacity) {
                    return new String(text.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
                }
                capacity = length;
            }
        }
    }

    private String shortened() {
        return template.length() <= 80 ? template : template.substring(0, 80) + "...";
    }
}
