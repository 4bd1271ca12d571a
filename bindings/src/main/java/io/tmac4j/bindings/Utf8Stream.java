package io.tmac4j.bindings;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/** Turns the bytes of token after token into text; a character whose bytes span several tokens comes out with its last byte. */
public final class Utf8Stream {

    private final CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder()
            .onMalformedInput(CodingErrorAction.REPLACE)
            .onUnmappableCharacter(CodingErrorAction.REPLACE);
    /** Bytes of an unfinished character, at most three. */
    private byte[] pending = new byte[0];

    /** An empty text. */
    public Utf8Stream() {
    }

    /** Adds bytes and gives the text that is complete now. */
    public String add(byte[] bytes) {
        return decode(bytes, false);
    }

    /** Ends the text; bytes of an unfinished character become U+FFFD. */
    public String end() {
        return decode(new byte[0], true);
    }

    private String decode(byte[] bytes, boolean last) {
        ByteBuffer in = ByteBuffer.allocate(pending.length + bytes.length).put(pending).put(bytes).flip();
        // UTF-8 gives at most one char a byte; a replacement may be left over from the bytes before.
        CharBuffer out = CharBuffer.allocate(in.remaining() + 1);
        decoder.decode(in, out, last);
        if (last) {
            decoder.flush(out);
            decoder.reset();
        }
        pending = new byte[in.remaining()];
        in.get(pending);
        return out.flip().toString();
    }
}
