package io.tmac4j.bindings;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/** Turns the bytes of token after token into text; a character whose bytes span several tokens comes out with its last byte. */
public final class Utf8Stream {

    private static final byte[] NONE = new byte[0];

    private final CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder()
            .onMalformedInput(CodingErrorAction.REPLACE)
            .onUnmappableCharacter(CodingErrorAction.REPLACE);
    /** Bytes of an unfinished character, at most three. */
    private byte[] pending = NONE;

    /** An empty text. */
    public Utf8Stream() {
    }

    /** Adds bytes and gives the text that is complete now. */
    public String add(byte[] bytes) {
        return pending.length == 0 && isAscii(bytes) ? new String(bytes, StandardCharsets.US_ASCII) : decode(bytes, false);
    }

    private static boolean isAscii(byte[] bytes) {
        int all = 0;
        for (byte b : bytes) {
            all |= b;
        }
        return all >= 0;
    }

    /** Ends the text; bytes of an unfinished character become U+FFFD. */
    public String end() {
        return decode(NONE, true);
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
        pending = in.hasRemaining() ? new byte[in.remaining()] : NONE;
        in.get(pending);
        return out.flip().toString();
    }
}
