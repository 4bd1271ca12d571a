package io.tmac4j.bindings;

import java.util.Objects;

/**
 * One turn of a conversation.
 *
 * @param role    who speaks, as chat templates name it: {@code system}, {@code user} or {@code assistant}
 * @param content what is said
 */
public record ChatMessage(String role, String content) {

    public ChatMessage {
        Objects.requireNonNull(role, "role");
        Objects.requireNonNull(content, "content");
        // the strings of C end there
        if (role.indexOf('\0') >= 0 || content.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("a message cannot hold the character U+0000");
        }
    }

    /** What the model is told before the conversation. */
    public static ChatMessage system(String content) {
        return new ChatMessage("system", content);
    }

    public static ChatMessage user(String content) {
        return new ChatMessage("user", content);
    }

    public static ChatMessage assistant(String content) {
        return new ChatMessage("assistant", content);
    }
}
